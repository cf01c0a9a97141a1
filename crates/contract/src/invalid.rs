//! Invalid transactions: those that no block can hold.

use fusee_engine::Gas;
use thiserror::Error;

/// Why a transaction cannot be in a block. It changes nothing, not even the nonce, pays nothing and
/// has no receipt.
///
/// Only [`ValueAboveBalance`](Self::ValueAboveBalance) depends on the state: on the sender's
/// balance. What else is wrong stays wrong under the same rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTransaction {
    /// The gas limit does not pay for the transaction itself, before anything runs.
    #[error("the gas limit is {limit}, the transaction costs {intrinsic} gas before anything runs")]
    GasLimitTooLow {
        /// The gas limit of the transaction.
        limit: Gas,
        /// The price of the transaction with its input and code.
        intrinsic: Gas,
    },
    /// The sender has less than the transaction sends.
    #[error("the value is {value}, the sender's balance is {balance}")]
    ValueAboveBalance {
        /// The value that the transaction sends.
        value: u128,
        /// The balance of the sender.
        balance: u128,
    },
    /// The input is larger than the rules admit.
    #[error("the input has {bytes} bytes, the rules admit {limit}")]
    InputTooLarge {
        /// The bytes of the input.
        bytes: u64,
        /// The most bytes that the rules admit.
        limit: u64,
    },
    /// The code is larger than the rules admit.
    #[error("the code has {bytes} bytes, the rules admit {limit}")]
    CodeTooLarge {
        /// The bytes of the code.
        bytes: u64,
        /// The most bytes that the rules admit.
        limit: u64,
    },
    /// The name of the method is longer than the rules admit.
    #[error("the method's name has {bytes} bytes, the rules admit {limit}")]
    MethodTooLong {
        /// The bytes of the name.
        bytes: u64,
        /// The most bytes that the rules admit.
        limit: u64,
    },
}

impl InvalidTransaction {
    /// The name that tools use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            InvalidTransaction::GasLimitTooLow { .. } => "gas_limit_too_low",
            InvalidTransaction::ValueAboveBalance { .. } => "value_above_balance",
            InvalidTransaction::InputTooLarge { .. } => "input_too_large",
            InvalidTransaction::CodeTooLarge { .. } => "code_too_large",
            InvalidTransaction::MethodTooLong { .. } => "method_too_long",
        }
    }

    /// What the transaction has, and what it would have to have: both figures of the message.
    #[must_use]
    pub fn figures(self) -> (u128, u128) {
        match self {
            InvalidTransaction::GasLimitTooLow { limit, intrinsic } => {
                (limit.units().into(), intrinsic.units().into())
            }
            InvalidTransaction::ValueAboveBalance { value, balance } => (value, balance),
            InvalidTransaction::InputTooLarge { bytes, limit }
            | InvalidTransaction::CodeTooLarge { bytes, limit }
            | InvalidTransaction::MethodTooLong { bytes, limit } => (bytes.into(), limit.into()),
        }
    }
}
