//! Errors: faults of the host, never of a guest.

use thiserror::Error;

use crate::Format;

/// What an error came from.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A fault of the host. It is never an answer to a guest and never agreed upon with other machines.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The engine could not compile a program that the rules admitted.
    #[error("{engine} could not compile the program")]
    Compile {
        /// The engine.
        engine: &'static str,
        /// What it said.
        source: Source,
    },
    /// No engine here runs programs of this format.
    #[error("there is no engine here for {format} programs")]
    NoEngine {
        /// The format.
        format: Format,
    },
    /// The engine could not make an instance.
    #[error("{engine} could not make an instance")]
    Instantiate {
        /// The engine.
        engine: &'static str,
        /// What it said.
        source: Source,
    },
    /// The engine has no room for another instance now. It has as soon as one of those that live is dropped.
    #[error("{engine} has no room for another instance: {resource}")]
    Exhausted {
        /// The engine.
        engine: &'static str,
        /// What there is no more of.
        resource: Resource,
    },
    /// The engine failed in a way that no guest should be able to cause.
    #[error("{engine} failed while the guest ran")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// What it said.
        source: Source,
    },
    /// The guest needs more native stack than the engine was given.
    #[error("the guest outgrew the native stack of {engine}")]
    NativeStack {
        /// The engine.
        engine: &'static str,
    },
    /// The host wanted to park a guest whose run cannot be parked.
    #[error("syscall {number} wants to suspend, but this run cannot be parked")]
    CannotSuspend {
        /// The syscall's number.
        number: u32,
    },
    /// Somebody interrupted the run.
    #[error("the run was interrupted")]
    Interrupted,
    /// The host panicked while it answered a syscall. Its run is gone; nothing else is.
    #[error("the host panicked at syscall {number}: {message}")]
    HostPanicked {
        /// The syscall's number.
        number: u32,
        /// What it panicked with.
        message: String,
    },
    /// The host could not answer a syscall.
    #[error("the host could not answer a syscall")]
    Host(#[source] Source),
}

/// What an engine can run out of.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// As many instances live as the engine was made for.
    #[error(
        "{0} live, suspended ones included, which is its limit; drop some, or make the engine for more"
    )]
    Instances(u32),
    /// The system refuses memory, or another mapping of it.
    #[error(
        "the system refuses to map its memory; drop instances, or raise the limits of the system (`vm.max_map_count`)"
    )]
    Mappings,
}
