//! Results of blocks: of each transaction, and of each scheduled call.
//!
//! Their encodings are the leaves of the receipts root, so they contain no text for people. An
//! encoding is the version, the kind of result (0: transaction, 1: scheduled call) and the fields,
//! by borsh.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::{Receipt, Status};
use fusee_engine::Gas;

use crate::{DecodeError, Phase, versioned};

const TRANSACTION: u8 = 0;
const CALL: u8 = 1;

/// The result of a transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TransactionResult {
    /// 0 if the transaction was included, otherwise the number of the reason why it is invalid
    /// ([`Invalid::code`](crate::Invalid::code)).
    pub code: u32,
    /// The gas that it used. 0 if it is invalid.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas_used: Gas,
    /// Its gas limit. 0 if it is invalid.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas_limit: Gas,
    /// The fee that it paid, in the smallest unit. 0 if it is invalid.
    pub fee: u128,
    /// The receipts of the operations that began, in order. Only the last can be of a failure.
    #[borsh(serialize_with = "write_receipts", deserialize_with = "read_receipts")]
    pub receipts: Vec<Receipt>,
}

/// The result of a scheduled call.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CallResult {
    /// The index of the call in the parameters of the block.
    pub index: u32,
    /// Its place in the block.
    pub phase: Phase,
    /// The receipt. If it is of a failure, the call changed nothing.
    #[borsh(serialize_with = "write_receipt", deserialize_with = "read_receipt")]
    pub receipt: Receipt,
    /// What it did to the parameters of the chain.
    pub update: ParameterUpdate,
}

/// What a scheduled call did to the parameters of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum ParameterUpdate {
    /// Nothing.
    None = 0,
    /// Its output is the parameters from the next block on.
    Applied = 1,
    /// Its output is not parameters that the chain can have next. The call changed nothing.
    Refused = 2,
}

impl TransactionResult {
    /// The result of an invalid transaction.
    #[must_use]
    pub const fn invalid(code: u32) -> Self {
        Self {
            code,
            gas_used: Gas::ZERO,
            gas_limit: Gas::ZERO,
            fee: 0,
            receipts: Vec::new(),
        }
    }

    /// How the transaction ended: as its last operation. `None` if it is invalid, or if no
    /// operation began.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.receipts.last().map(|receipt| receipt.status)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(&(TRANSACTION, self))
    }

    /// Decodes a result from its canonical encoding.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are malformed or have another version of the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(TRANSACTION, bytes)
    }
}

impl CallResult {
    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(&(CALL, self))
    }

    /// Decodes a result from its canonical encoding.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are malformed or have another version of the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(CALL, bytes)
    }
}

fn decode<T: BorshDeserialize>(expected: u8, bytes: &[u8]) -> Result<T, DecodeError> {
    match versioned::decode::<(u8, T)>(bytes)? {
        (kind, result) if kind == expected => Ok(result),
        (kind, _) => Err(versioned::malformed(&format!(
            "the result is of kind {kind}, and not {expected}"
        ))
        .into()),
    }
}

fn write_receipt<W: io::Write>(receipt: &Receipt, writer: &mut W) -> io::Result<()> {
    receipt.encode().serialize(writer)
}

fn read_receipt<R: io::Read>(reader: &mut R) -> io::Result<Receipt> {
    let bytes: Vec<u8> = BorshDeserialize::deserialize_reader(reader)?;
    Receipt::decode(&bytes).map_err(io::Error::other)
}

fn write_receipts<W: io::Write>(receipts: &[Receipt], writer: &mut W) -> io::Result<()> {
    let count = u32::try_from(receipts.len()).map_err(io::Error::other)?;
    count.serialize(writer)?;
    receipts
        .iter()
        .try_for_each(|receipt| write_receipt(receipt, writer))
}

fn read_receipts<R: io::Read>(reader: &mut R) -> io::Result<Vec<Receipt>> {
    // The count is untrusted: no receipt is allocated before its bytes are read.
    let count = u32::deserialize_reader(reader)?;
    (0..count).map(|_| read_receipt(reader)).collect()
}
