//! Programs that nobody wrote, made from a seed. One in three may compute with floating-point numbers, and
//! half of those do nothing else.

mod floats;
mod program;

use std::fmt;

use fusee_engine::ValueType;
use fusee_instrument::{Rules, SyscallSignature};

use crate::{
    Lane,
    differential::{self, Tally},
};

/// A program on which somebody disagreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What it is made from.
    pub seed: u64,
    /// What happened.
    pub what: String,
}

/// Makes the program of a seed and checks it.
///
/// # Errors
///
/// [`Divergence`] if two ways to run it come to different ends.
pub fn check(lanes: &[Lane], seed: u64) -> Result<Tally, Divergence> {
    let rules = rules().with_floats(program::floats(seed));
    match program::make(seed) {
        Some(wasm) => differential::check(lanes, &wasm, &rules, seed)
            .map_err(|what| Divergence { seed, what }),
        None => Ok(Tally::default()),
    }
}

/// Makes the program of a seed and checks its profiles; how many there were on each lane.
///
/// # Errors
///
/// [`Divergence`] if a profile changes how it ends, or is not all of the gas.
pub fn check_profiles(lanes: &[Lane], seed: u64) -> Result<u64, Divergence> {
    let rules = rules().with_floats(program::floats(seed));
    match program::make(seed) {
        Some(wasm) => differential::check_profiles(lanes, &wasm, &rules, seed)
            .map_err(|what| Divergence { seed, what }),
        None => Ok(0),
    }
}

fn rules() -> Rules {
    let signature =
        |(number, name, params, result): (u32, &str, &[ValueType], Option<ValueType>)| {
            SyscallSignature {
                module: program::MODULE.to_owned(),
                name: name.to_owned(),
                number,
                params: params.to_vec(),
                result,
                may_suspend: number == program::WAIT,
            }
        };
    Rules::v1(program::IMPORTS.iter().copied().map(signature).collect())
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.what)
    }
}
