//! Errors: faults of the host, never of a guest.

use thiserror::Error;

use crate::Format;

/// The source of an error.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A fault of this machine or its host. It is not deterministic and must not become an outcome.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Compiling a program that the rules admitted failed, or its compiled code could exceed the
    /// native stack.
    #[error("{engine} failed to compile the program")]
    Compile {
        /// The engine.
        engine: &'static str,
        /// The engine's error.
        source: Source,
    },
    /// The executor has no engine for this format.
    #[error("no engine is configured for {format} programs")]
    NoEngine {
        /// The format.
        format: Format,
    },
    /// Instantiation failed.
    #[error("{engine} failed to create an instance")]
    Instantiate {
        /// The engine.
        engine: &'static str,
        /// The engine's error.
        source: Source,
    },
    /// The engine has reached a limit of instances. Dropping an instance resolves it.
    #[error("{engine} cannot create another instance: {resource}")]
    Exhausted {
        /// The engine.
        engine: &'static str,
        /// The exhausted resource.
        resource: Resource,
    },
    /// The engine failed during a run. No guest should be able to cause this.
    #[error("{engine} failed while the guest ran")]
    Engine {
        /// The engine.
        engine: &'static str,
        /// The engine's error.
        source: Source,
    },
    /// The guest exceeded the native stack of the engine.
    #[error("the guest exceeded the native stack of {engine}")]
    NativeStack {
        /// The engine.
        engine: &'static str,
    },
    /// The host suspended a guest whose run cannot be suspended.
    #[error("syscall {number} suspends, but this run cannot be suspended")]
    CannotSuspend {
        /// The syscall's number.
        number: u32,
    },
    /// The run was interrupted by [`Interrupt`](crate::Interrupt).
    #[error("the run was interrupted")]
    Interrupted,
    /// The host panicked in a syscall. The run is lost; the engine and other runs are not affected.
    #[error("the host panicked at syscall {number}: {message}")]
    HostPanicked {
        /// The syscall's number.
        number: u32,
        /// The panic message.
        message: String,
    },
    /// The host failed to answer a syscall.
    #[error("the host failed to answer a syscall")]
    Host(#[source] Source),
}

/// A limited resource of an engine.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// The configured limit of live instances.
    #[error(
        "{0} instances are live, including suspended ones, which is the limit; drop some, or \
         configure the engine for more"
    )]
    Instances(u32),
    /// The system's memory, or its limit of memory mappings.
    #[error(
        "the system failed to map memory; drop instances, or raise the system's limits \
         (`vm.max_map_count`)"
    )]
    Mappings,
}
