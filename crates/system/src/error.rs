//! Errors: what the embedder or the host got wrong. How a program ends is a [`Step`](crate::Step).

use fusee_engine::CodeHash;
use fusee_executor::{PrepareError, RunError};
use thiserror::Error;

/// Why a system program cannot be registered, or a call could not go on. The call and what waited for it in the same
/// instance are gone; the pool and other transactions are not.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SystemError {
    /// The program cannot be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The engine or the host failed, or the run was interrupted.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No program of this hash and billing is registered.
    #[error("no system program {0} is registered with this billing")]
    Unregistered(CodeHash),
    /// It lacks the entries of a system program.
    #[error(
        "the program exports neither `main(i32, i32) -> i32` nor `deploy() -> i32`: a system program needs one of them"
    )]
    NoEntry,
    /// Somebody goes on with a call while another waits that began later in the same instance.
    #[error(
        "a call that began later waits in the same instance: go on with that one first (this one is lost, and so are the others)"
    )]
    OutOfOrder,
    /// The interruption is of another transaction.
    #[error("the interruption is of another transaction")]
    Foreign,
    /// Whoever was asked for code found other code.
    #[error("the code that was found under {0} has another hash")]
    WrongCode(CodeHash),
    /// A run gave back another host than it was given, or stopped where it cannot.
    #[error("a run of a system program came back without its context")]
    LostContext,
}
