//! Errors of the caller, the host and the engines. Faults of a guest are outcomes instead.

use fusee_engine::{EngineError, ValueType};
use fusee_instrument::Refusal;
use thiserror::Error;

/// Why a program could not be prepared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The rules refuse the program. This is the same on every machine.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine failed on this machine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Why a run failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The program does not export the function.
    #[error("the program exports no function `{name}`")]
    UnknownEntry {
        /// The requested name.
        name: String,
    },
    /// The arguments do not match the function's parameters.
    #[error("`{name}` takes ({}), but was given ({})", list(.expected), list(.given))]
    Arguments {
        /// The name of the function.
        name: String,
        /// The types of its parameters.
        expected: Vec<ValueType>,
        /// The types of the arguments.
        given: Vec<ValueType>,
    },
    /// The run can be suspended, but the instance was created for runs that cannot.
    #[error("this instance was made for runs that cannot be suspended")]
    NotSuspendable,
    /// The executor has reached its limit of suspended runs. The run is dropped.
    #[error(
        "{limit} runs are suspended already: resume or drop some, or build the executor with a \
         higher limit"
    )]
    TooManySuspended {
        /// The maximum number of suspended runs.
        limit: u32,
    },
    /// The engine or the host failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl RunError {
    /// Whether the engine failed for want of native stack, instances or address space. An
    /// interpreter does not need these: running the call again from its beginning on
    /// [`Tier::Interpreter`](crate::Tier) gives its outcome.
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
