//! The effort of the compiler: how much it optimises a program.
//!
//! Optimisation moves computations and keeps values for longer, which takes quadratic time in some
//! programs. Programs that could take long are therefore compiled without it. The effort affects
//! speed only: gas and outcomes are those of the metered program. One runtime loads the code of
//! both efforts, so an artifact does not have to tell which one it has.

use fusee_engine::Program;
use wasmtime::OptLevel;

/// Programs that take more work to optimise are not optimised. Real programs just below take a
/// third of a second.
const MOST_OPTIMIZED_WORK: u64 = 38_000_000;

/// How much the compiler optimises a program. It depends on the program only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// With all optimisations.
    Full,
    /// Without moving and merging computations.
    Reduced,
}

impl Effort {
    /// The effort for a program.
    #[must_use]
    pub const fn of(program: &Program) -> Self {
        if program.compile_work.optimized <= MOST_OPTIMIZED_WORK {
            Self::Full
        } else {
            Self::Reduced
        }
    }

    /// What compiling a program with this effort may take, in the units of
    /// [`CompileWork`](fusee_engine::CompileWork).
    pub(crate) const fn work(self, program: &Program) -> u64 {
        match self {
            Self::Full => program.compile_work.optimized,
            Self::Reduced => program.compile_work.plain,
        }
    }

    pub(crate) const fn level(self) -> OptLevel {
        match self {
            Self::Full => OptLevel::Speed,
            Self::Reduced => OptLevel::None,
        }
    }
}
