//! What is signed: the body of a transaction, and the id that follows from it.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;
use fusee_crypto::{DIGEST_BYTES, sha256};
use fusee_engine::Gas;

use crate::{Field, Invalid, LedgerRules, Operation, TRANSACTION_VERSION, encoding::Reader};

/// The domain of ids.
const ID_TAG: &[u8] = b"fusee transaction";

/// The id of a transaction: SHA-256 of a tag and the encoded body. It covers the chain, and no
/// signature. Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct TransactionId([u8; DIGEST_BYTES]);

impl TransactionId {
    /// Creates an id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, which are what every scheme signs.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What the sender and the fee payer sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionBody {
    /// The name of the chain: 1 to [`chain_id_bytes`](crate::LedgerLimits::chain_id_bytes) visible
    /// ASCII characters.
    pub chain_id: String,
    /// The account that sends the operations, and pays their values.
    pub sender: Address,
    /// The number of transactions that the sender has sent before.
    pub nonce: u64,
    /// The last height whose block may include the transaction.
    pub expiry: u64,
    /// The gas limit of signatures, bytes and all operations together.
    pub gas_limit: Gas,
    /// The price of a unit of gas, in the smallest unit of balances.
    pub gas_price: u128,
    /// The account that pays for the gas. `None`: the sender. It is not the sender's address.
    pub fee_payer: Option<Address>,
    /// The operations, at least one, in the order of their execution. All of them take effect, or
    /// none does.
    pub operations: Vec<Operation>,
}

impl TransactionBody {
    /// The canonical encoding, as `docs/book/src/transactions.md` documents it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            chain_id,
            sender,
            nonce,
            expiry,
            gas_limit,
            gas_price,
            fee_payer,
            operations,
        } = self;
        borsh::to_vec(&(
            TRANSACTION_VERSION,
            chain_id,
            sender,
            nonce,
            expiry,
            gas_limit.units(),
            gas_price,
            fee_payer,
            operations,
        ))
        .expect("a vector takes any bytes, and no length here exceeds a u32")
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> TransactionId {
        id_of(&self.encode())
    }

    /// The price of all gas up to the limit. `None` if it exceeds a `u128`.
    #[must_use]
    pub fn maximum_fee(&self) -> Option<u128> {
        self.gas_price.checked_mul(self.gas_limit.units().into())
    }

    /// The values of all operations together. `None` if they exceed a `u128`.
    #[must_use]
    pub fn total_value(&self) -> Option<u128> {
        self.operations
            .iter()
            .try_fold(0_u128, |sum, operation| sum.checked_add(operation.value()))
    }

    /// Reads a body, and checks its shape.
    pub(crate) fn read(reader: &mut Reader<'_>, rules: &LedgerRules) -> Result<Self, Invalid> {
        let found: u8 = reader.read(Field::Version)?;
        if found != TRANSACTION_VERSION {
            return Err(Invalid::UnknownVersion {
                found,
                expected: TRANSACTION_VERSION,
            });
        }
        let mut body = Self {
            chain_id: reader.read(Field::ChainId)?,
            sender: reader.read(Field::Sender)?,
            nonce: reader.read(Field::Nonce)?,
            expiry: reader.read(Field::Expiry)?,
            gas_limit: {
                let at = reader.position();
                let units = reader.read(Field::GasLimit)?;
                // `Gas` has no greater amount, so this one would be encoded as another.
                if units > Gas::MAX.units() {
                    let field = Field::GasLimit;
                    return Err(Invalid::Malformed { field, at });
                }
                Gas::new(units)
            },
            gas_price: reader.read(Field::GasPrice)?,
            fee_payer: reader.read(Field::FeePayer)?,
            operations: Vec::new(),
        };
        let count: u32 = reader.read(Field::OperationCount)?;
        // Before they are read, so that they take no memory.
        check_count(count, rules)?;
        for index in 0..count {
            body.operations.push(reader.read(Field::Operation(index))?);
        }
        body.check_shape(rules)?;
        Ok(body)
    }

    /// Checks what no state decides.
    pub(crate) fn check_shape(&self, rules: &LedgerRules) -> Result<(), Invalid> {
        let limit = rules.limits.chain_id_bytes;
        let is_visible = self.chain_id.bytes().all(|byte| byte.is_ascii_graphic());
        let bytes = u32::try_from(self.chain_id.len()).unwrap_or(u32::MAX);
        if bytes == 0 || bytes > limit || !is_visible {
            return Err(Invalid::ChainIdShape { limit });
        }
        if self.fee_payer == Some(self.sender) {
            return Err(Invalid::FeePayerIsSender);
        }
        let count = u32::try_from(self.operations.len()).unwrap_or(u32::MAX);
        check_count(count, rules)?;
        match self.operations.iter().position(Operation::is_redundant) {
            Some(index) => Err(Invalid::EmptyMethod { index }),
            None => Ok(()),
        }
    }
}

/// The id of an encoded body.
pub(crate) fn id_of(body: &[u8]) -> TransactionId {
    TransactionId(sha256(&[ID_TAG, body].concat()))
}

const fn check_count(count: u32, rules: &LedgerRules) -> Result<(), Invalid> {
    let limit = rules.limits.operations;
    match count {
        0 => Err(Invalid::NoOperations),
        count if count > limit => Err(Invalid::TooManyOperations { count, limit }),
        _ => Ok(()),
    }
}
