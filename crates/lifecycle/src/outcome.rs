//! Outcomes: what a guest did with a call.

use fusee_engine::{Gas, Trap};
use fusee_executor::{End, EndReason};
use thiserror::Error;

use crate::MemoryFault;

/// How a call ended, and the gas that it used. It depends on the guest and its input alone: it is
/// the same on every machine.
///
/// What fails on this host is an [`Error`](crate::Error) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome<T> {
    result: Result<T, GuestFault>,
    gas_used: Gas,
}

/// Why a guest has no result.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuestFault {
    /// The guest trapped. A stack overflow is a trap.
    #[error("{0}")]
    Trapped(Trap),
    /// The guest used all its gas.
    #[error("the guest used all its gas")]
    OutOfGas,
    /// A host function finished the run ([`Stop::Finish`](fusee_engine::Stop)) before there was a
    /// result. A call that needs no result is successful then, without values.
    #[error("a host function finished the run before it had a result")]
    Finished,
    /// The buffer that the guest allocated is not within its memory.
    #[error("the guest allocated a buffer outside its memory")]
    Buffer(#[source] MemoryFault),
}

impl<T> CallOutcome<T> {
    pub(crate) const fn new(result: Result<T, GuestFault>, gas_used: Gas) -> Self {
        Self { result, gas_used }
    }

    /// The gas that the call used.
    #[must_use]
    pub const fn gas_used(&self) -> Gas {
        self.gas_used
    }

    /// What came of the call; `None` if the guest failed.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.result.as_ref().ok()
    }

    /// How the guest failed, if it did.
    #[must_use]
    pub fn fault(&self) -> Option<&GuestFault> {
        self.result.as_ref().err()
    }

    /// How the guest trapped, if it did.
    #[must_use]
    pub const fn trap(&self) -> Option<Trap> {
        match &self.result {
            Err(GuestFault::Trapped(trap)) => Some(*trap),
            _ => None,
        }
    }

    /// What came of the call.
    ///
    /// # Errors
    ///
    /// How the guest failed.
    pub fn into_result(self) -> Result<T, GuestFault> {
        self.result
    }

    pub(crate) fn and_then<U>(
        self,
        next: impl FnOnce(T) -> Result<U, GuestFault>,
    ) -> CallOutcome<U> {
        CallOutcome {
            result: self.result.and_then(next),
            gas_used: self.gas_used,
        }
    }
}

impl CallOutcome<Vec<i64>> {
    /// The results of the export, an `i32` sign-extended. Empty if it has none, if a host function
    /// finished the run, and if the guest failed.
    #[must_use]
    pub fn values(&self) -> &[i64] {
        self.value().map_or(&[], Vec::as_slice)
    }
}

/// How the guest failed, if its run did not finish.
pub(crate) const fn fault<H>(end: &End<H>) -> Option<GuestFault> {
    match end.reason {
        EndReason::Finished => None,
        EndReason::Trapped(trap) => Some(GuestFault::Trapped(trap)),
        EndReason::OutOfGas => Some(GuestFault::OutOfGas),
    }
}
