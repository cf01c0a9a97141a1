//! Invalid transactions and batches, which no block can include.

use std::fmt;

use fusee_engine::Gas;
use thiserror::Error;

/// Why no block can include a transaction or batch. An invalid transaction changes nothing, not
/// even the nonce, pays nothing and has no receipt.
///
/// Only [`ValueAboveBalance`](Self::ValueAboveBalance) and
/// [`FeeAboveBalance`](Self::FeeAboveBalance) depend on the state: on the balances of the sender
/// and of the payer. The other reasons are permanent under the same rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTransaction {
    /// The gas limit is below the intrinsic price of the transaction.
    #[error("the gas limit is {limit}, the transaction costs {intrinsic} gas before anything runs")]
    GasLimitTooLow {
        /// The gas limit of the transaction.
        limit: Gas,
        /// The price of the transaction with its input and code.
        intrinsic: Gas,
    },
    /// The value of the transaction, or of the first operation of a batch, exceeds the sender's
    /// balance. If the sender pays a fee, that is taken from the balance first.
    #[error("the value is {value}, the sender's balance is {balance}")]
    ValueAboveBalance {
        /// The value that the transaction sends.
        value: u128,
        /// The balance of the sender.
        balance: u128,
    },
    /// The price of the gas limit exceeds what the payer can spend.
    #[error("the gas limit costs {fee}, the payer can spend {balance}")]
    FeeAboveBalance {
        /// The price of the gas limit.
        fee: u128,
        /// The balance of the payer, without the deposit for its storage.
        balance: u128,
    },
    /// The price of the gas limit exceeds every balance.
    #[error("the price is {price}, {gas} gas at this price exceed every balance")]
    FeeTooLarge {
        /// The price of a unit of gas.
        price: u128,
        /// The gas limit.
        gas: Gas,
    },
    /// The batch has no operations.
    #[error("the batch has no operations")]
    NoOperations,
    /// The input exceeds the limit of the rules.
    #[error("the input has {bytes} bytes, the rules admit {limit}")]
    InputTooLarge {
        /// The size of the input in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The code exceeds the limit of the rules.
    #[error("the code has {bytes} bytes, the rules admit {limit}")]
    CodeTooLarge {
        /// The size of the code in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The transaction sends a value, and its action calls nobody who could take it.
    #[error("the value is {value}, and nobody is called who could take it")]
    ValueWithoutCall {
        /// The value that the transaction sends.
        value: u128,
    },
    /// The rules have no such action.
    #[error("the rules have no such action")]
    UnknownAction,
    /// The name of the method exceeds the limit of the rules.
    #[error("the method's name has {bytes} bytes, the rules admit {limit}")]
    MethodTooLong {
        /// The length of the name in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

/// Why no block can include a batch, and because of which of its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub struct InvalidBatch {
    /// The reason.
    pub reason: InvalidTransaction,
    /// The index of the operation that is the reason. `None`: the batch as a whole is.
    pub operation: Option<usize>,
}

impl fmt::Display for InvalidBatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, operation } = self;
        if let Some(index) = operation {
            write!(formatter, "operation {index}: ")?;
        }
        reason.fmt(formatter)
    }
}

/// The names of the reasons, in the order of their numbers, which begin with 1.
const NAMES: [&str; 10] = [
    "gas_limit_too_low",
    "value_above_balance",
    "input_too_large",
    "code_too_large",
    "value_without_call",
    "unknown_action",
    "method_too_long",
    "fee_above_balance",
    "fee_too_large",
    "no_operations",
];

impl InvalidTransaction {
    /// The name of the reason in machine-readable output.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::name_of(self.code()).expect("each number has a name")
    }

    /// The name of the reason with this number. `None` if this version of the program has none.
    #[must_use]
    pub fn name_of(code: u32) -> Option<&'static str> {
        let index = usize::try_from(code.checked_sub(1)?).ok()?;
        NAMES.get(index).copied()
    }

    /// The number of the reason, which is part of consensus. It is never used again for another
    /// reason.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            InvalidTransaction::GasLimitTooLow { .. } => 1,
            InvalidTransaction::ValueAboveBalance { .. } => 2,
            InvalidTransaction::InputTooLarge { .. } => 3,
            InvalidTransaction::CodeTooLarge { .. } => 4,
            InvalidTransaction::ValueWithoutCall { .. } => 5,
            InvalidTransaction::UnknownAction => 6,
            InvalidTransaction::MethodTooLong { .. } => 7,
            InvalidTransaction::FeeAboveBalance { .. } => 8,
            InvalidTransaction::FeeTooLarge { .. } => 9,
            InvalidTransaction::NoOperations => 10,
        }
    }

    /// Both numbers of the message: the actual one, and the required one. `None` if it has none.
    #[must_use]
    pub fn figures(self) -> Option<(u128, u128)> {
        Some(match self {
            InvalidTransaction::UnknownAction | InvalidTransaction::NoOperations => return None,
            InvalidTransaction::ValueWithoutCall { value } => (value, 0),
            InvalidTransaction::GasLimitTooLow { limit, intrinsic } => {
                (limit.units().into(), intrinsic.units().into())
            }
            InvalidTransaction::ValueAboveBalance { value, balance } => (value, balance),
            InvalidTransaction::FeeAboveBalance { fee, balance } => (fee, balance),
            InvalidTransaction::FeeTooLarge { price, gas } => (price, gas.units().into()),
            InvalidTransaction::InputTooLarge { bytes, limit }
            | InvalidTransaction::CodeTooLarge { bytes, limit }
            | InvalidTransaction::MethodTooLong { bytes, limit } => (bytes.into(), limit.into()),
        })
    }
}
