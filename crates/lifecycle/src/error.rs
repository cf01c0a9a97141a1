//! Errors: one type for whatever can go wrong, in categories that a node can act on.

use std::time::Duration;

use fusee_engine::{EngineError, Gas, Trap, ValueType};
use fusee_executor::PrepareError;
use thiserror::Error;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no module, no instance or no result.
///
/// Only [`Runtime`](Error::Runtime) and [`OutOfGas`](Error::OutOfGas) are answers of the guest's, the same on every machine. All
/// others are of this host, or of whoever calls.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is refused by the rules, or could not be compiled.
    #[error("the program was not compiled")]
    Compile(#[source] PrepareError),
    /// There is no such function, or it does not take what it was given. Nothing has run.
    #[error("`{name}` cannot be called")]
    Export {
        /// The export.
        name: String,
        /// Why not.
        #[source]
        fault: ExportFault,
    },
    /// No instance could be made: the host lacks room or memory.
    #[error("no instance could be made")]
    Instantiation(#[source] EngineError),
    /// Memory that is not there was named, or cannot be had.
    #[error("memory that is not there")]
    Memory(#[source] MemoryFault),
    /// The guest failed, a stack overflow included.
    #[error("the guest failed: {trap}")]
    Runtime {
        /// How.
        trap: Trap,
        /// The gas that it used.
        gas_used: Gas,
    },
    /// The guest used all its gas.
    #[error("the guest used all its gas, {gas_used}")]
    OutOfGas {
        /// The gas that it was given.
        gas_used: Gas,
    },
    /// The guest ran longer than it may. Time in the queue, and while a host function waits, is not counted.
    #[error("the guest ran longer than {limit:?}")]
    Timeout {
        /// The time that it had.
        limit: Duration,
    },
    /// Somebody ended the call: the sandbox was closed, or a host function said so.
    #[error("the call was cancelled")]
    Cancelled,
    /// The queue is full. The call never ran, and its instance is as it was.
    #[error("{queued} calls wait already")]
    Overloaded {
        /// The calls that wait.
        queued: usize,
    },
    /// The watchdog is dead, so that no guest is run. The sandbox has to be made anew.
    #[error(
        "the watchdog has been silent for {silent:?}: no guest runs unwatched, make another sandbox"
    )]
    Unwatched {
        /// How long ago it showed that it lived.
        silent: Duration,
    },
    /// The sandbox was closed. The call never ran, or did not go on.
    #[error("the sandbox is closed")]
    Closed,
    /// An earlier call on this instance did not end well.
    #[error("the instance is gone: {because}")]
    Gone {
        /// What that call ended with.
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

/// Which memory is not there.
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
