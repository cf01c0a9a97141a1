//! Errors: faults of the host. Faults of nested VMs and of their owners are replies with numbers:
//! see [`wire`](crate::wire).

use fusee_engine::{EngineError, Source};
use fusee_executor::{PrepareError, RunError};
use thiserror::Error;

/// A fault of the host. The instance concerned is destroyed, and other instances are not affected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VirtualizationError {
    /// The engine cannot compile a program that the rules admit.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The engine or the host failed, or the run was interrupted.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The code of a program cannot be read.
    #[error("the code under a storage key cannot be read")]
    Code(#[source] Source),
    /// A program made a syscall that it does not import.
    #[error("a nested VM made syscall {number}, which it does not import")]
    UnknownSyscall {
        /// The number.
        number: u32,
    },
    /// An owner that pays calls a function without a price in its rules.
    #[error("the rules have no price for syscall {0}")]
    NoPrice(u32),
}

impl VirtualizationError {
    /// Creates the error that an owner received the result of a nested VM for which it is not
    /// suspended.
    pub(crate) fn not_running() -> Self {
        let why = "internal error: received the result of a nested VM, but none runs";
        RunError::from(EngineError::Host(why.into())).into()
    }
}
