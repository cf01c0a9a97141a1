//! Errors of the node as errors of methods.

use fusee_chain::ChainError;
use fusee_contract::ContractError;
use fusee_ledger::{Invalid, LedgerError};
use fusee_node::{IndexError, NodeError, NotIncluded, Rejected};
use fusee_state::StateError;
use fusee_store::chain::ChainStoreError;

use crate::error::{ErrorKind, RpcError};

/// An error with what caused it, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// A fault of the host.
pub(super) fn internal(error: &dyn std::error::Error) -> RpcError {
    RpcError::new(
        ErrorKind::Internal,
        causes(error),
        "this is a fault of the node: tell its operator",
    )
}

/// There is no such thing.
pub(super) fn not_found(message: impl std::fmt::Display) -> RpcError {
    RpcError::new(
        ErrorKind::NotFound,
        message,
        "check what was asked for, and the height",
    )
}

/// The node is shutting down.
pub(super) fn shutting_down() -> RpcError {
    RpcError::new(
        ErrorKind::ShuttingDown,
        "the node is shutting down",
        "ask again when it is back",
    )
}

/// The parameters are not those of the method.
pub(super) fn invalid_params(message: impl std::fmt::Display) -> RpcError {
    RpcError::new(
        ErrorKind::InvalidParams,
        message,
        "see the method in openrpc.json",
    )
}

/// A height that is not served.
fn height(height: u64, first: u64, last: u64) -> RpcError {
    match height < first {
        true => RpcError::new(
            ErrorKind::Pruned,
            format!("height {height} is not kept any more: {first} to {last} are"),
            "ask for a later height, or a node that keeps more",
        )
        .with("first_height", first),
        false => RpcError::new(
            ErrorKind::NotFound,
            format!("there is no height {height} yet: the last one is {last}"),
            "ask again later, or for an earlier height",
        )
        .with("height", last),
    }
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Chain(error) => error.into(),
            NodeError::Ledger(error) => error.into(),
            NodeError::Contract(error) => error.into(),
            NodeError::State(error) => error.into(),
            NodeError::Index(error) => error.into(),
            NodeError::ProducedElsewhere => Self::new(
                ErrorKind::NotSupported,
                error,
                "send transactions to the consensus engine, which makes the blocks",
            ),
            NodeError::ShuttingDown => {
                Self::new(ErrorKind::ShuttingDown, error, "ask again when it is back")
            }
            NodeError::Failed(_) => Self::new(
                ErrorKind::NodeFailed,
                causes(&error),
                "ask another node, and tell the operator of this one",
            ),
            NodeError::QueryGas { found, limit } => Self::new(
                ErrorKind::LimitExceeded,
                &error,
                "ask for less gas, or a node that gives more",
            )
            .with("found", found.units())
            .with("limit", limit.units()),
            NodeError::TooManyWatches { limit } | NodeError::TooManySubscriptions { limit } => {
                Self::new(ErrorKind::Busy, &error, "ask again later").with("limit", limit)
            }
            error => internal(&error),
        }
    }
}

impl From<ChainError> for RpcError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Store(error) => error.into(),
            ChainError::Ledger(error) => error.into(),
            ChainError::State(error) => error.into(),
            ChainError::NoBlock {
                height: found,
                first,
                last,
            } => height(found, first, last),
            error => internal(&error),
        }
    }
}

impl From<ChainStoreError> for RpcError {
    fn from(error: ChainStoreError) -> Self {
        match error {
            ChainStoreError::NotServed {
                height: found,
                oldest,
                head,
            } => height(found, oldest, head),
            error => internal(&error),
        }
    }
}

/// A call took too long.
pub(super) fn timeout() -> RpcError {
    RpcError::new(
        ErrorKind::Timeout,
        "the call took too long and was ended",
        "ask for less gas or fewer entries, or ask again when the node has less to do",
    )
}

impl From<LedgerError> for RpcError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Contract(error) => error.into(),
            error => internal(&error),
        }
    }
}

impl From<ContractError> for RpcError {
    fn from(error: ContractError) -> Self {
        internal(&error)
    }
}

impl From<StateError> for RpcError {
    fn from(error: StateError) -> Self {
        internal(&error)
    }
}

impl From<IndexError> for RpcError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Chain(error) => (*error).into(),
            error => internal(&error),
        }
    }
}

impl From<Invalid> for RpcError {
    fn from(invalid: Invalid) -> Self {
        let next = match &invalid {
            Invalid::Expired { .. } => "sign it anew with a later expiry",
            Invalid::PastNonce { .. } | Invalid::FutureNonce { .. } => {
                "sign it anew with the next nonce, which getAccount has"
            }
            Invalid::PriceBelowMinimum { .. } => {
                "sign it anew with a higher price, see getFeeStatistics"
            }
            Invalid::GasLimitTooLow { .. } => {
                "sign it anew with a higher gas limit, see simulateTransaction"
            }
            Invalid::OtherChain { .. } => "sign it for the chain id that getChain has",
            _ => "correct it and sign it anew",
        };
        Self::new(ErrorKind::InvalidTransaction, &invalid, next)
            .with("reason", invalid.name())
            .with("reason_code", invalid.code())
    }
}

impl From<Rejected> for RpcError {
    fn from(rejected: Rejected) -> Self {
        match &rejected {
            Rejected::AlreadyKnown { id } => {
                Self::new(ErrorKind::AlreadyKnown, &rejected, "wait for its block")
                    .with("id", id.to_string())
            }
            Rejected::AlreadyIncluded { id, height } => Self::new(
                ErrorKind::AlreadyIncluded,
                &rejected,
                "look it up with getTransaction",
            )
            .with("id", id.to_string())
            .with("height", *height),
            Rejected::ReplacementTooCheap {
                id,
                price,
                required,
            } => Self::new(
                ErrorKind::ReplacementTooCheap,
                &rejected,
                "wait for the other one, or offer the required price",
            )
            .with("id", id.to_string())
            .with("price", price.to_string())
            .with("required", required.to_string()),
            Rejected::SenderFull {
                transactions,
                bytes,
                ..
            } => Self::new(
                ErrorKind::SenderFull,
                &rejected,
                "wait for the next block, and send it again",
            )
            .with("transactions", *transactions)
            .with("bytes", *bytes),
            Rejected::PayerFull {
                payer,
                cost,
                balance,
            } => Self::new(
                ErrorKind::SenderFull,
                &rejected,
                "wait for the next block, let another account pay, or give this one more",
            )
            .with("payer", payer.to_string())
            .with("cost", cost.to_string())
            .with("balance", balance.to_string()),
            Rejected::Full { price } => Self::new(
                ErrorKind::MempoolFull,
                &rejected,
                "offer a higher price, see getFeeStatistics, or send it again later",
            )
            .with("price", price.to_string()),
            Rejected::Invalid(invalid) => invalid.clone().into(),
            _ => Self::new(ErrorKind::InvalidTransaction, &rejected, "send another one"),
        }
    }
}

impl From<NotIncluded> for RpcError {
    fn from(reason: NotIncluded) -> Self {
        match &reason {
            NotIncluded::Rejected(rejected) => rejected.clone().into(),
            NotIncluded::Dropped(_) => Self::new(
                ErrorKind::Dropped,
                &reason,
                "look it up with getTransaction, and send it again if no block has it",
            ),
            NotIncluded::Timeout => Self::new(
                ErrorKind::NotIncludedInTime,
                &reason,
                "send the same transaction again to wait longer, or look it up later",
            ),
            _ => Self::new(
                ErrorKind::ShuttingDown,
                &reason,
                "ask again when it is back",
            ),
        }
    }
}
