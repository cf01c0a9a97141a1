//! Conversion of wasmi's traps.

use fusee_engine::{EngineError, Trap};
use wasmi::TrapCode;

use crate::{NAME, error::failed};

/// The guest's trap, or the host's fault that wasmi reports as a trap.
pub(crate) fn trap(code: TrapCode) -> Result<Trap, EngineError> {
    match code {
        TrapCode::UnreachableCodeReached => Ok(Trap::Unreachable),
        TrapCode::MemoryOutOfBounds => Ok(Trap::MemoryOutOfBounds),
        TrapCode::TableOutOfBounds => Ok(Trap::TableOutOfBounds),
        TrapCode::IndirectCallToNull => Ok(Trap::IndirectCallToNull),
        TrapCode::IntegerDivisionByZero => Ok(Trap::IntegerDivisionByZero),
        TrapCode::IntegerOverflow => Ok(Trap::IntegerOverflow),
        TrapCode::BadConversionToInteger => Ok(Trap::BadConversion),
        TrapCode::BadSignature => Ok(Trap::BadSignature),
        TrapCode::StackOverflow => Err(EngineError::NativeStack { engine: NAME }),
        other => Err(failed(other.to_string().into())),
    }
}
