//! Programs that nobody wrote, made from a seed. One in three may compute with floating-point numbers, and
//! half of those do nothing else; another one in three is mostly flow of control.

mod floats;
mod flow;
mod program;

use std::fmt;

use fusee_engine::ValueType;
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};

use crate::{
    Lane,
    differential::{self, Tally},
};

use program::Choices;

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
    check_program(lanes, Choices::of_seed(seed), seed).map_err(|what| Divergence { seed, what })
}

/// Makes the program that somebody chooses by bytes, and checks it: the first tells of which kind it is.
///
/// # Errors
///
/// What differs, if two ways to run it come to different ends.
pub fn check_bytes(lanes: &[Lane], bytes: &[u8]) -> Result<Tally, String> {
    let (kind, rest) = bytes.split_first().unwrap_or((&0, &[]));
    check_program(lanes, Choices::of_bytes(*kind, rest), u64::from(*kind))
}

/// The program that somebody chooses by bytes, as [`check_bytes`] checks it; none if nothing comes of them.
#[must_use]
pub fn program(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = bytes.split_first().unwrap_or((&0, &[]));
    program::make(Choices::of_bytes(*kind, rest))
}

fn check_program(lanes: &[Lane], choices: Choices<'_>, seed: u64) -> Result<Tally, String> {
    let rules = rules(seed).with_floats(choices.floats());
    match program::make(choices) {
        Some(wasm) => differential::check(lanes, &wasm, &rules, seed),
        None => Ok(Tally::default()),
    }
}

/// Makes the program of a seed and checks its profiles; how many there were on each lane.
///
/// # Errors
///
/// [`Divergence`] if a profile changes how it ends, or is not all of the gas.
pub fn check_profiles(lanes: &[Lane], seed: u64) -> Result<u64, Divergence> {
    let choices = Choices::of_seed(seed);
    let rules = rules(seed).with_floats(choices.floats());
    match program::make(choices) {
        Some(wasm) => differential::check_profiles(lanes, &wasm, &rules, seed)
            .map_err(|what| Divergence { seed, what }),
        None => Ok(0),
    }
}

/// Both versions, by turns: they live side by side in one executor.
fn rules(seed: u64) -> Rules {
    let signature =
        |(number, name, params, result): (u32, &str, &[ValueType], Option<ValueType>)| {
            SyscallRule {
                module: program::MODULE.to_owned(),
                name: name.to_owned(),
                number,
                params: params.to_vec(),
                result,
                may_suspend: number == program::WAIT,
                price: SyscallPrice::FREE,
            }
        };
    let syscalls = program::IMPORTS.iter().copied().map(signature).collect();
    if seed.is_multiple_of(2) {
        Rules::v1(syscalls)
    } else {
        Rules::v2(syscalls)
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.what)
    }
}
