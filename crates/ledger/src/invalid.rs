//! Invalid transactions, which pay nothing and change nothing.

use std::fmt;

use fusee_contract::{Address, InvalidBatch, InvalidTransaction};
use fusee_engine::Gas;
use thiserror::Error;

use crate::{Field, KeyError, Scheme};

/// Who authorizes a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The account that sends it.
    Sender,
    /// The account that pays for its gas.
    FeePayer,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Role::Sender => "sender",
            Role::FeePayer => "fee payer",
        })
    }
}

/// What of a WebAuthn assertion is not as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebAuthnFault {
    /// The authenticator data is too short, or longer than its flags say, or shorter.
    #[error("the authenticator data has {bytes} bytes, which its flags do not admit")]
    AuthenticatorDataSize {
        /// Its size in bytes.
        bytes: usize,
    },
    /// The authenticator does not say that a user was present.
    #[error("the authenticator data does not have the flag that a user was present")]
    UserNotPresent,
    /// A flag is reserved, or not one of an assertion, or contradicts another one.
    #[error("the authenticator data has the flags {flags:#04x}, which no assertion has")]
    Flags {
        /// The flags.
        flags: u8,
    },
    /// The client data does not begin with the type `webauthn.get` and a challenge.
    #[error("the client data does not begin with the type `webauthn.get` and a challenge")]
    Type,
    /// The challenge is not the id of the transaction, in base64url without padding.
    #[error("the challenge of the client data is not the id of the transaction")]
    Challenge,
    /// The client data is not text that ends with a brace.
    #[error("the client data is not the JSON object that a browser writes")]
    ClientData,
}

/// Why no block can include a transaction.
///
/// The number of each reason ([`code`](Self::code)) is part of consensus.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The encoding is larger than the rules admit.
    #[error("the transaction has {bytes} bytes, the rules admit {limit}")]
    TooLarge {
        /// The size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: u32,
    },
    /// The encoding has another version.
    #[error("the transaction has version {found} of the encoding, these rules have {expected}")]
    UnknownVersion {
        /// The version that it has.
        found: u8,
        /// The version that it has to have.
        expected: u8,
    },
    /// The encoding ends within a field.
    #[error("the transaction is cut: it ends in the field `{field}`, which begins at byte {at}")]
    Cut {
        /// The field.
        field: Field,
        /// Where it begins.
        at: usize,
    },
    /// A field has no such value, or not in this encoding.
    #[error("the field `{field}` at byte {at} of the transaction is malformed")]
    Malformed {
        /// The field.
        field: Field,
        /// Where it begins.
        at: usize,
    },
    /// There are bytes after the transaction.
    #[error("{bytes} bytes follow the transaction")]
    TrailingBytes {
        /// Their number.
        bytes: usize,
    },
    /// The chain id is empty, too long or not visible ASCII.
    #[error("the chain id is not 1 to {limit} visible ASCII characters")]
    ChainIdShape {
        /// The maximum length in bytes.
        limit: u32,
    },
    /// The fee payer is the sender, who pays without being named.
    #[error("the fee payer is the sender: leave the fee payer out")]
    FeePayerIsSender,
    /// The transaction has no operation.
    #[error("the transaction has no operation")]
    NoOperations,
    /// The transaction has too many operations.
    #[error("the transaction has {count} operations, the rules admit {limit}")]
    TooManyOperations {
        /// Their number.
        count: u32,
        /// The limit.
        limit: u32,
    },
    /// An operation calls the empty method.
    #[error("operation {index} calls a method without a name: use a transfer")]
    EmptyMethod {
        /// The index of the operation.
        index: usize,
    },
    /// A fee payer is named and has not signed, or has signed and is not named.
    #[error("a fee payer has to be named and to sign, or neither")]
    FeePayerSignature,
    /// The rules do not admit the scheme.
    #[error("the {role} signs by the scheme `{}`, which the rules do not admit", scheme.name())]
    SchemeNotAdmitted {
        /// Who signs.
        role: Role,
        /// The scheme.
        scheme: Scheme,
    },
    /// A part of the authorization is larger than the rules admit.
    #[error("the signature of the {role} has a part of {bytes} bytes, the rules admit {limit}")]
    AuthorizationTooLarge {
        /// Who signs.
        role: Role,
        /// The size of the part in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: u32,
    },
    /// The public key is not the one of the account.
    #[error("the {role} is {expected}, and the key is the one of {found}")]
    OtherAccount {
        /// Who signs.
        role: Role,
        /// The account in the transaction.
        expected: Address,
        /// The account of the key.
        found: Address,
    },
    /// The key must not be the key of an account.
    #[error("the key of the {role} is refused")]
    WeakKey {
        /// Who signs.
        role: Role,
        /// Why.
        source: KeyError,
    },
    /// The assertion is not one of this transaction.
    #[error("the passkey signature of the {role} is malformed")]
    WebAuthn {
        /// Who signs.
        role: Role,
        /// What is wrong.
        #[source]
        fault: WebAuthnFault,
    },
    /// The signature is not one of this transaction by this key.
    #[error("the {} signature of the {role} is wrong", scheme.name())]
    WrongSignature {
        /// Who signs.
        role: Role,
        /// The scheme.
        scheme: Scheme,
    },
    /// The transaction is for another chain.
    #[error("the transaction is for the chain `{found}`, this one is `{expected}`")]
    OtherChain {
        /// The chain in the transaction.
        found: String,
        /// This chain.
        expected: String,
    },
    /// The transaction has expired.
    #[error("the transaction has expired at height {expiry}, the block has height {height}")]
    Expired {
        /// The last height that could include it.
        expiry: u64,
        /// The height of the block.
        height: u64,
    },
    /// The sender has sent a transaction with this nonce, or given the number up.
    #[error("the nonce {nonce} is past, the sender's next one is {next}")]
    PastNonce {
        /// The nonce of the transaction.
        nonce: u64,
        /// The next nonce of the sender.
        next: u64,
    },
    /// Transactions with earlier nonces are missing.
    #[error(
        "the nonce {nonce} is in the future: the sender's next one is {next}, and {window} \
             more are admitted"
    )]
    FutureNonce {
        /// The nonce of the transaction.
        nonce: u64,
        /// The next nonce of the sender.
        next: u64,
        /// How many more are admitted.
        window: u64,
    },
    /// The sender has no further nonce.
    #[error("the sender has used every nonce")]
    NoncesExhausted,
    /// The price is below the minimum.
    #[error("the gas price is {price}, the minimum is {minimum}")]
    PriceBelowMinimum {
        /// The price of the transaction.
        price: u128,
        /// The minimum.
        minimum: u128,
    },
    /// The gas limit does not cover signatures and bytes.
    #[error("the gas limit is {limit}, signatures and bytes cost {intrinsic}")]
    GasLimitTooLow {
        /// The gas limit of the transaction.
        limit: Gas,
        /// What signatures and bytes cost.
        intrinsic: Gas,
    },
    /// The gas limit exceeds the one of a block.
    #[error("the gas limit is {limit}, a block has {block}")]
    GasLimitAboveBlock {
        /// The gas limit of the transaction.
        limit: Gas,
        /// The limit of the block.
        block: Gas,
    },
    /// An account cannot pay the values, or the gas at its price.
    #[error("the {role} has to pay up to {cost}, its balance is {balance}")]
    CannotPay {
        /// Who has to pay.
        role: Role,
        /// The values, and the gas limit at the price.
        cost: u128,
        /// The balance.
        balance: u128,
    },
    /// Values, or gas and price, exceed the largest amount.
    #[error("the {role} would have to pay more than 2^128 - 1 units")]
    CostTooLarge {
        /// Who would have to pay.
        role: Role,
    },
    /// The chain has quotas instead of fees, so no gas has a price.
    #[error("the gas price is {price}, this chain has no fees: set it to 0")]
    PriceWithoutFees {
        /// The price of the transaction.
        price: u128,
    },
    /// The account that pays for the gas has not enough left in this window.
    #[error("the gas limit is {limit}, the quota of the {role} has {left} left until height {end}")]
    QuotaExceeded {
        /// Who pays for the gas.
        role: Role,
        /// The gas limit of the transaction.
        limit: Gas,
        /// What is left of the quota.
        left: Gas,
        /// The height at which the next window begins.
        end: u64,
    },
    /// The transactions before it leave it no room in the block.
    #[error("the block is full: its limit of {limit} does not admit this transaction")]
    BlockFull {
        /// The name of the limit.
        limit: &'static str,
    },
    /// The contract rules do not admit an operation.
    #[error("the operations are not valid: {0}")]
    Operations(InvalidBatch),
}

/// The names of the reasons, in the order of their numbers, which begin with 1.
const NAMES: [&str; 30] = [
    "too_large",
    "unknown_version",
    "cut",
    "malformed",
    "trailing_bytes",
    "chain_id_shape",
    "fee_payer_is_sender",
    "no_operations",
    "too_many_operations",
    "empty_method",
    "fee_payer_signature",
    "scheme_not_admitted",
    "authorization_too_large",
    "other_account",
    "weak_key",
    "webauthn",
    "wrong_signature",
    "other_chain",
    "expired",
    "past_nonce",
    "future_nonce",
    "nonces_exhausted",
    "price_below_minimum",
    "gas_limit_too_low",
    "gas_limit_above_block",
    "cannot_pay",
    "cost_too_large",
    "price_without_fees",
    "quota_exceeded",
    "block_full",
];

/// What the numbers of reasons of operations begin after.
const OPERATIONS: u32 = 100;

impl Invalid {
    /// The number of the reason in the results of a block. 0 stands for an included transaction. A
    /// number is never used again for another reason.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Invalid::TooLarge { .. } => 1,
            Invalid::UnknownVersion { .. } => 2,
            Invalid::Cut { .. } => 3,
            Invalid::Malformed { .. } => 4,
            Invalid::TrailingBytes { .. } => 5,
            Invalid::ChainIdShape { .. } => 6,
            Invalid::FeePayerIsSender => 7,
            Invalid::NoOperations => 8,
            Invalid::TooManyOperations { .. } => 9,
            Invalid::EmptyMethod { .. } => 10,
            Invalid::FeePayerSignature => 11,
            Invalid::SchemeNotAdmitted { .. } => 12,
            Invalid::AuthorizationTooLarge { .. } => 13,
            Invalid::OtherAccount { .. } => 14,
            Invalid::WeakKey { .. } => 15,
            Invalid::WebAuthn { .. } => 16,
            Invalid::WrongSignature { .. } => 17,
            Invalid::OtherChain { .. } => 18,
            Invalid::Expired { .. } => 19,
            Invalid::PastNonce { .. } => 20,
            Invalid::FutureNonce { .. } => 21,
            Invalid::NoncesExhausted => 22,
            Invalid::PriceBelowMinimum { .. } => 23,
            Invalid::GasLimitTooLow { .. } => 24,
            Invalid::GasLimitAboveBlock { .. } => 25,
            Invalid::CannotPay { .. } => 26,
            Invalid::CostTooLarge { .. } => 27,
            Invalid::PriceWithoutFees { .. } => 28,
            Invalid::QuotaExceeded { .. } => 29,
            Invalid::BlockFull { .. } => 30,
            Invalid::Operations(invalid) => OPERATIONS.saturating_add(invalid.reason.code()),
        }
    }

    /// The name of the reason in machine-readable output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Invalid::Operations(_) => "invalid_operations",
            other => Self::name_of(other.code()).expect("each number has a name"),
        }
    }

    /// The name of the reason with this number, as results have it. Of operations, it is that of
    /// the [reason](InvalidTransaction) itself. `None` if this version of the program has none.
    #[must_use]
    pub fn name_of(code: u32) -> Option<&'static str> {
        if let Some(code) = code.checked_sub(OPERATIONS) {
            return InvalidTransaction::name_of(code);
        }
        let index = usize::try_from(code.checked_sub(1)?).ok()?;
        NAMES.get(index).copied()
    }
}
