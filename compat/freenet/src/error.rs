//! Why a contract or a delegate has no result, in the categories of Freenet's own engine.

use fusee::lifecycle;
use fusee::lifecycle::GuestFault;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is no wasm, or uses what is not admitted.
    #[error("compile")]
    Compile(#[source] lifecycle::Error),
    /// The program lacks an export, or has it with other parameters.
    #[error("export")]
    Export(#[source] lifecycle::Error),
    /// The host has no room for an instance.
    #[error("instantiation")]
    Instantiation(#[source] lifecycle::Error),
    /// More memory than there may be, or a range outside it.
    #[error("memory")]
    Memory(#[source] lifecycle::Error),
    /// The guest trapped: it panicked, or its stack overflowed.
    #[error("runtime")]
    Runtime(#[source] GuestFault),
    /// The guest used all its gas.
    #[error("out of gas")]
    OutOfGas,
    /// The guest ran longer than its time limit.
    #[error("execution timeout")]
    Timeout,
    /// The guest returned a descriptor or a result that is none.
    #[error("the guest returned {0}, which cannot be read")]
    Malformed(&'static str),
    /// The call was cancelled, refused, or failed on this host.
    #[error("host")]
    Other(#[source] lifecycle::Error),
}

impl From<lifecycle::Error> for Error {
    fn from(error: lifecycle::Error) -> Self {
        match error {
            lifecycle::Error::Compile(_) => Error::Compile(error),
            lifecycle::Error::Export { .. } => Error::Export(error),
            lifecycle::Error::Instantiation(_) => Error::Instantiation(error),
            lifecycle::Error::Memory(_) => Error::Memory(error),
            lifecycle::Error::Timeout { .. } => Error::Timeout,
            error => Error::Other(error),
        }
    }
}

impl From<GuestFault> for Error {
    fn from(fault: GuestFault) -> Self {
        match fault {
            GuestFault::OutOfGas => Error::OutOfGas,
            fault => Error::Runtime(fault),
        }
    }
}
