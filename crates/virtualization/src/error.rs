//! Errors: what the host got wrong. What a child does, and what is wrong with a call, are answers with numbers: see [`wire`](crate::wire).

use fusee_engine::Source;
use fusee_executor::{PrepareError, RunError};
use thiserror::Error;

/// Why there is no answer. The child that was asked for is gone; the others are not.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VirtualizationError {
    /// The engine cannot compile a program that the rules admit.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The engine or the host failed, or somebody interrupted the run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The code of a program cannot be read.
    #[error("the code under a storage key cannot be read")]
    Code(#[source] Source),
    /// A program asked for something that it does not import.
    #[error("a child made syscall {number}, which it does not import")]
    UnknownSyscall {
        /// The number.
        number: u32,
    },
    /// A guest that pays for its children calls a function that its rules do not list.
    #[error("the rules have no price for syscall {0}")]
    NoPrice(u32),
    /// A guest that waits for a child came back without its children: a bug.
    #[error("a guest that waits for a child has lost its children")]
    LostParent,
}
