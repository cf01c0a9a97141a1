//! The effort of the compiler: how much it optimises a program.
//!
//! Optimisation moves computations and keeps values for longer, which takes quadratic time in some
//! programs. Programs that could take long are therefore compiled without it. One runtime loads the
//! code of both efforts, so an artifact does not have to tell which one it has.

use fusee_engine::{Effort, Program};
use wasmtime::OptLevel;

/// Programs that take more work to optimise are not optimised. Real programs just below take a
/// third of a second.
const MOST_OPTIMIZED_WORK: u64 = 38_000_000;

/// The effort for a program, of those that the caller admits. It depends on the program and on
/// `most` only.
#[must_use]
pub fn effort(program: &Program, most: Effort) -> Effort {
    if program.compile_work.optimized <= MOST_OPTIMIZED_WORK {
        most
    } else {
        Effort::Reduced
    }
}

/// What compiling a program with this effort may take, in the units of
/// [`CompileWork`](fusee_engine::CompileWork).
pub(crate) const fn work(program: &Program, effort: Effort) -> u64 {
    match effort {
        Effort::Full => program.compile_work.optimized,
        Effort::Reduced => program.compile_work.plain,
    }
}

pub(crate) const fn level(effort: Effort) -> OptLevel {
    match effort {
        Effort::Full => OptLevel::Speed,
        Effort::Reduced => OptLevel::None,
    }
}
