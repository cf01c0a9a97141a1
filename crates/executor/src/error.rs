//! Errors: what a caller or the host got wrong. What a guest does is an outcome.

use fusee_engine::{EngineError, ValueType};
use fusee_instrument::Refusal;
use thiserror::Error;

/// Why a program could not be prepared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The rules refuse the program, on every machine.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine failed, on this machine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why a run could not go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The program exports no such function.
    #[error("the program exports no function `{name}`")]
    UnknownEntry {
        /// The name that was asked for.
        name: String,
    },
    /// The function takes other arguments.
    #[error("`{name}` takes ({}), but was given ({})", list(.expected), list(.given))]
    Arguments {
        /// The function.
        name: String,
        /// What it takes.
        expected: Vec<ValueType>,
        /// What it was given.
        given: Vec<ValueType>,
    },
    /// The run may be suspended, but its instance was made for runs that may not.
    #[error("this instance was made for runs that cannot be suspended")]
    NotSuspendable,
    /// The run was to be suspended, and as many are suspended as may be. It is dropped.
    #[error(
        "{limit} runs are suspended already: resume or drop some, or build the executor with a \
         higher limit"
    )]
    TooManySuspended {
        /// The most runs that may be suspended.
        limit: u32,
    },
    /// The engine or the host failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl RunError {
    /// Whether the engine failed where an interpreter might not: for want of native stack, of instances, or of address space.
    /// Whoever can run the call again from its beginning, on [`Tier::Interpreter`](crate::Tier), has its answer.
    #[must_use]
    pub const fn is_of_the_engine(&self) -> bool {
        matches!(
            self,
            RunError::Engine(
                EngineError::NativeStack { .. }
                    | EngineError::Instantiate { .. }
                    | EngineError::Exhausted { .. }
                    | EngineError::Engine { .. }
            )
        )
    }
}

fn list(types: &[ValueType]) -> String {
    types
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
