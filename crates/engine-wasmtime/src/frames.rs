//! Native stack frames, read from compiled code.
//!
//! The rules limit the height of the stack by frames that they count ([`Frames`]). A compiler's
//! frames may be larger by any factor, since its register allocator decides what goes to the stack.
//! So the size of every frame is read from the prologue of its function, and a program that could
//! exceed the native stack before its counted height is not admitted. It stays on the interpreter.
//!
//! The size is in the prologue up to three times: where the stack is checked, where its pages are
//! probed, and where it is taken. All of them have to agree. A prologue in any other form is not
//! admitted either. On processors without a decoder every program is admitted, and Wasmtime's own
//! check ends a run that exceeds the stack ([`EngineError::NativeStack`]).

mod aarch64;
mod x86_64;

use fusee_engine::{EngineError, Frames, Program, reserved};
use wasmtime::{Error, Module};

use crate::error::compile_failed;

/// Reads the size of a function's frame, with its return address, from the function's code.
type Decoder = fn(&[u8], Check) -> Option<u32>;

/// Where a function checks the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// In its prologue, before it takes its frame.
    Prologue,
    /// In its body. Wasmtime does so where the compiled code must not raise signals.
    Body,
}

/// The decoder for this processor.
const DECODER: Option<Decoder> = if cfg!(target_arch = "x86_64") {
    Some(x86_64::frame)
} else if cfg!(target_arch = "aarch64") {
    Some(aarch64::frame)
} else {
    None
};

/// The frames of the meter's functions that a chain of calls has beside the guest's: the wrapper of
/// an export; the wrapper of an import, or a function that charges by length or works in chunks;
/// and the function that calls the host for gas.
const ADDED_FRAMES: u64 = 3;

/// The stack between the point from which Wasmtime limits it and the first function of the module:
/// frames of Wasmtime, and of the trampoline without its values.
const ENTRY_BYTES: u64 = 8 << 10;

/// The stack that the entry trampoline takes for each parameter and result: once to pass it, and
/// once to keep it.
const VALUE_BYTES: u64 = 32;

/// The most that a parameter takes on the stack, and what a call takes there beside its parameters:
/// the context of the program, the gas, and the address of results.
const PARAM_BYTES: u64 = 8;
const HIDDEN_PARAMS: u64 = 4;

/// The native stack that a compiled program needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NativeStackNeed {
    /// The most that a run can take within the metered stack height, in bytes.
    pub bytes: u64,
    /// The guest's function that contributes most to it.
    pub function: u32,
    /// The native frame of that function, in bytes.
    pub native: u32,
    /// The frame that the rules count for that function, in bytes. Zero if it calls nothing.
    pub counted: u32,
}

/// Refuses a program that could exceed a native stack of this many bytes.
pub(crate) fn check(
    module: &Module,
    program: &Program,
    at: Check,
    stack_bytes: usize,
) -> Result<(), EngineError> {
    let Some(need) = need(module, program, at)? else {
        return Ok(());
    };
    if usize::try_from(need.bytes).is_ok_and(|bytes| bytes <= stack_bytes) {
        return Ok(());
    }
    let NativeStackNeed {
        bytes,
        function,
        native,
        counted,
    } = need;
    Err(refused(format!(
        "the program can take {bytes} bytes of native stack, of which there are {stack_bytes}: \
         the frame of function {function} has {native} bytes, and is counted as {counted}"
    )))
}

/// The native stack that a program needs. `None` if there is no decoder for this processor.
pub(crate) fn need(
    module: &Module,
    program: &Program,
    at: Check,
) -> Result<Option<NativeStackNeed>, EngineError> {
    let Some(decoder) = DECODER else {
        return Ok(None);
    };
    let native = native(module, decoder, at).map_err(|position| {
        refused(format!(
            "the frame size of function {position} of the metered program is not known: its \
             prologue has an unknown form"
        ))
    })?;
    let mut need = of(&native, &program.frames)
        .ok_or_else(|| refused("the compiled program lacks functions of the program".into()))?;
    let values = program
        .exports
        .iter()
        .map(|export| export.params.len().saturating_add(export.results.len()))
        .max()
        .and_then(|values| u64::try_from(values).ok())
        .unwrap_or(0);
    need.bytes = need
        .bytes
        .saturating_add(VALUE_BYTES.saturating_mul(values))
        .saturating_add(ENTRY_BYTES);
    Ok(Some(need))
}

fn refused(why: String) -> EngineError {
    compile_failed(Error::msg(why))
}

/// The native frame of each function, in bytes. The error is the position of a function whose
/// prologue is in an unknown form.
fn native(module: &Module, decoder: Decoder, at: Check) -> Result<Vec<u32>, usize> {
    let text = module.text();
    // The last function, which resets globals, is for other engines. Nothing here calls it.
    let unused = usize::from(module.get_export(reserved::RESET).is_some());
    let functions = module.functions().len().saturating_sub(unused);
    module
        .functions()
        .enumerate()
        .take(functions)
        .map(|(position, function)| {
            let end = function.offset.saturating_add(function.len);
            let code = text.get(function.offset..end);
            code.and_then(|code| decoder(code, at)).ok_or(position)
        })
        .collect()
}

/// The need of the module's functions.
///
/// Each frame of the guest but the last is of a function that calls, and all of these are within
/// the counted height together. So they take at most the height times the greatest ratio of native
/// to counted bytes. The last frame may be of a function that calls nothing, or be the one that
/// exceeds the height, which is found after it is taken.
///
/// A function that is called in place of its caller has its arguments where those of the caller
/// were, which may be fewer. They are part of no frame, and are added to each.
fn of(native: &[u32], frames: &Frames) -> Option<NativeStackNeed> {
    let before = usize::try_from(frames.added_before).ok()?;
    let (added_before, rest) = native.split_at_checked(before)?;
    let (guest, added_behind) = rest.split_at_checked(frames.counted.len())?;
    let tail_args = match frames.tail_params {
        0 => 0,
        params => u64::from(params)
            .saturating_add(HIDDEN_PARAMS)
            .saturating_mul(PARAM_BYTES),
    };
    let added = added_before.iter().chain(added_behind).max();
    let added = u64::from(added.copied().unwrap_or(0)).saturating_mul(ADDED_FRAMES);
    let last = u64::from(guest.iter().max().copied().unwrap_or(0)).saturating_add(tail_args);
    let mut worst = NativeStackNeed::default();
    let mut within_height = 0;
    let functions = (frames.added_before..).zip(guest.iter().zip(&frames.counted));
    for (function, (&native, &counted)) in functions {
        let with_args = u64::from(native).saturating_add(tail_args);
        let whole_height = u64::from(frames.limit).saturating_mul(with_args);
        let bytes = match counted {
            0 => with_args,
            _ => whole_height.div_ceil(u64::from(counted)),
        };
        if counted > 0 {
            within_height = bytes.max(within_height);
        }
        if bytes > worst.bytes {
            worst = NativeStackNeed {
                bytes,
                function,
                native,
                counted,
            };
        }
    }
    let bytes = within_height.saturating_add(last).saturating_add(added);
    Some(NativeStackNeed { bytes, ..worst })
}

#[cfg(test)]
mod tests;
