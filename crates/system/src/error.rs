//! Errors: faults of the embedder or of the host. Faults of programs are part of a
//! [`Step`](crate::Step).

use fusee_engine::CodeHash;
use fusee_executor::{PrepareError, RunError};
use thiserror::Error;

/// A system program cannot be registered, or a call cannot continue. The call and all frames in its
/// instance are lost. The pool and other transactions are not affected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SystemError {
    /// The program cannot be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The engine or the host failed, or the run was interrupted.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No program with this hash and billing is registered.
    #[error("no system program {0} is registered with this billing")]
    Unregistered(CodeHash),
    /// The program lacks the entries of a system program.
    #[error(
        "the program exports neither `main(i32, i32) -> i32` nor `deploy() -> i32`: a system \
         program needs one of them"
    )]
    NoEntry,
    /// Rules list a syscall that is neither the interface's nor one of the embedder's own imports.
    #[error(
        "the rules list `{name}` as syscall {number}, which the interface does not have: add your \
         own imports with `SystemPrograms::imports`"
    )]
    UnknownSyscall {
        /// The name.
        name: String,
        /// The number.
        number: u32,
    },
    /// An import of the embedder's own cannot be added.
    #[error("the import `{module}`.`{name}` {reason}")]
    Import {
        /// The module.
        module: String,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A call was resumed while a later call waits in the same instance.
    #[error(
        "a call that began later waits in the same instance: go on with that one first (this one \
         is lost, and so are the others)"
    )]
    OutOfOrder,
    /// The interruption belongs to another transaction.
    #[error("the interruption belongs to another transaction")]
    Foreign,
    /// [`Transaction::code`](crate::Transaction::code) returned code with another hash.
    #[error("the code that was found for {0} has another hash")]
    WrongCode(CodeHash),
}
