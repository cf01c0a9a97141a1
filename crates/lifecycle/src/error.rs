//! Errors: what fails on this host, in categories that a node can act on.

use std::time::Duration;

use fusee_engine::{EngineError, ValueType};
use fusee_executor::PrepareError;
use thiserror::Error;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no module, and why a call has no outcome: a fault of this host or of the caller.
///
/// What a guest does, a trap and the end of its gas included, is a
/// [`CallOutcome`](crate::CallOutcome).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is refused by the rules, or could not be compiled.
    #[error("the program was not compiled")]
    Compile(#[source] PrepareError),
    /// There is no such function, or it does not take these arguments. No code has run.
    #[error("`{name}` cannot be called")]
    Export {
        /// The export.
        name: String,
        /// Why not.
        #[source]
        fault: ExportFault,
    },
    /// No instance could be made: the host lacks instances or memory.
    #[error("no instance could be made")]
    Instantiation(#[source] EngineError),
    /// A range that is not within the memory, or more memory than the program can have.
    #[error("memory access out of range")]
    Memory(#[source] MemoryFault),
    /// The guest ran longer than its time limit. Time in the queue, and while a host function
    /// waits, does not count.
    #[error("the guest ran longer than {limit:?}")]
    Timeout {
        /// The time limit.
        limit: Duration,
    },
    /// The call was interrupted: the sandbox was closed, or a host function failed with
    /// [`EngineError::Interrupted`].
    #[error("the call was cancelled")]
    Cancelled,
    /// The queue is full. The call never ran, and its instance is unchanged.
    #[error("the queue is full: {queued} waiting")]
    Overloaded {
        /// The length of the queue.
        queued: usize,
    },
    /// The watchdog is dead, so no guest runs. The embedder builds another sandbox.
    #[error(
        "the watchdog has been silent for {silent:?}: no guest runs unwatched, make another sandbox"
    )]
    Unwatched {
        /// The age of its last heartbeat.
        silent: Duration,
    },
    /// The sandbox was closed. The call never ran, or did not continue.
    #[error("the sandbox is closed")]
    Closed,
    /// An earlier call destroyed the instance.
    #[error("the instance is gone: {because}")]
    Gone {
        /// How that call ended.
        because: String,
    },
    /// Something else failed: a host function, an engine, a worker.
    #[error("the host failed")]
    Other(#[source] Source),
}

/// Why an export cannot be called.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFault {
    /// The program exports no such function.
    #[error("the program exports no such function")]
    Unknown,
    /// No export was named for this when the sandbox was made.
    #[error("the sandbox was made without a name for such an export")]
    Unnamed,
    /// It takes another number of arguments.
    #[error("it takes {expected} arguments, but was given {given}")]
    Count {
        /// How many it takes.
        expected: usize,
        /// How many it was given.
        given: usize,
    },
    /// An argument does not fit an `i32`.
    #[error("argument {position} is {given}, which is no i32")]
    Range {
        /// Which argument, from 0.
        position: usize,
        /// What it is.
        given: i64,
    },
    /// It takes or returns something that is not an integer.
    #[error("it takes or returns {found}, which is no integer")]
    Float {
        /// What it takes or returns.
        found: ValueType,
    },
    /// It does not return one integer.
    #[error("it returns {results} values where one is needed")]
    Results {
        /// How many it returns.
        results: usize,
    },
}

/// Which memory is out of range.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryFault {
    /// A range that is not within the memory.
    #[error("{length} bytes at {offset} are not within {size}")]
    OutOfBounds {
        /// Where the range begins.
        offset: u64,
        /// Its bytes.
        length: u64,
        /// The bytes of the memory.
        size: u64,
    },
    /// More than the program and the rules admit.
    #[error("{asked} bytes are more than the {maximum} that this program can have")]
    Minimum {
        /// The bytes that were asked for.
        asked: u64,
        /// The most that it can have.
        maximum: u64,
    },
}

/// A host function panicked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("a host function panicked: {message}")]
pub struct HostPanic {
    /// What it said.
    pub message: String,
}

impl Error {
    pub(crate) fn other(source: impl Into<Source>) -> Self {
        Self::Other(source.into())
    }

    pub(crate) fn export(name: &str, fault: ExportFault) -> Self {
        Self::Export {
            name: name.to_owned(),
            fault,
        }
    }
}

impl From<MemoryFault> for Error {
    fn from(fault: MemoryFault) -> Self {
        Self::Memory(fault)
    }
}
