//! Conversion of Wasmtime's traps.

use fusee_engine::{EngineError, Trap};

use crate::{NAME, error::failed};

/// The guest's trap, or the host's fault that Wasmtime reports as a trap.
pub(crate) fn trap(code: wasmtime::Trap) -> Result<Trap, EngineError> {
    match code {
        wasmtime::Trap::UnreachableCodeReached => Ok(Trap::Unreachable),
        wasmtime::Trap::MemoryOutOfBounds => Ok(Trap::MemoryOutOfBounds),
        wasmtime::Trap::TableOutOfBounds => Ok(Trap::TableOutOfBounds),
        wasmtime::Trap::IndirectCallToNull => Ok(Trap::IndirectCallToNull),
        wasmtime::Trap::IntegerDivisionByZero => Ok(Trap::IntegerDivisionByZero),
        wasmtime::Trap::IntegerOverflow => Ok(Trap::IntegerOverflow),
        wasmtime::Trap::BadConversionToInteger => Ok(Trap::BadConversion),
        wasmtime::Trap::BadSignature => Ok(Trap::BadSignature),
        wasmtime::Trap::StackOverflow => Err(EngineError::NativeStack { engine: NAME }),
        other => Err(failed(other.into())),
    }
}
