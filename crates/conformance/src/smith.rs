//! Generates programs from a seed, and checks them.
//!
//! One program in three may use floating point, and half of these use little else. Another one in
//! three is mostly control flow.

mod floats;
mod flow;
mod program;

use std::fmt;

use fusee_engine::ValueType;
use fusee_instrument::{Extensions, Limits, Rules, Schedule, SyscallPrice, SyscallRule};

use crate::{
    Lane,
    differential::{self, Tally},
};

use program::Choices;

/// A program with different results on two lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The seed of the program.
    pub seed: u64,
    /// Description of the difference.
    pub what: String,
}

/// Generates the program of a seed and checks it.
///
/// # Errors
///
/// [`Divergence`] if two ways to run it give different results.
pub fn check(lanes: &[Lane], seed: u64) -> Result<Tally, Divergence> {
    check_program(lanes, Choices::of_seed(seed), seed).map_err(|what| Divergence { seed, what })
}

/// Generates a program from a fuzzer's bytes and checks it. The first byte selects its kind.
///
/// # Errors
///
/// Describes the difference if two ways to run it give different results.
pub fn check_bytes(lanes: &[Lane], bytes: &[u8]) -> Result<Tally, String> {
    let (kind, rest) = bytes.split_first().unwrap_or((&0, &[]));
    check_program(lanes, Choices::of_bytes(*kind, rest), u64::from(*kind))
}

/// The program that [`check_bytes`] generates. `None` if the bytes give no program.
#[must_use]
pub fn program(bytes: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = bytes.split_first().unwrap_or((&0, &[]));
    program::make(Choices::of_bytes(*kind, rest))
}

fn check_program(lanes: &[Lane], choices: Choices<'_>, seed: u64) -> Result<Tally, String> {
    let rules = rules(seed, choices.extensions()).with_floats(choices.floats());
    match program::make(choices) {
        Some(wasm) => differential::check(lanes, &wasm, &rules, seed),
        None => Ok(Tally::default()),
    }
}

/// Generates the program of a seed and checks its profiles. Returns the number of profiles on each
/// lane.
///
/// # Errors
///
/// [`Divergence`] if profiling changes a result, or if a profile does not add up to the gas used.
pub fn check_profiles(lanes: &[Lane], seed: u64) -> Result<u64, Divergence> {
    let choices = Choices::of_seed(seed);
    let rules = rules(seed, choices.extensions()).with_floats(choices.floats());
    match program::make(choices) {
        Some(wasm) => differential::check_profiles(lanes, &wasm, &rules, seed)
            .map_err(|what| Divergence { seed, what }),
        None => Ok(0),
    }
}

/// Rules with round or measured prices, alternating. Both are used in one executor.
fn rules(seed: u64, extensions: Extensions) -> Rules {
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
    let rules = if seed.is_multiple_of(2) {
        crate::round::rules(syscalls)
    } else if extensions == Extensions::NONE {
        Rules::v1(syscalls)
    } else {
        Rules::named("program-1-extended", Schedule::v2(), Limits::v1(), syscalls)
    };
    rules.with_extensions(extensions)
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.what)
    }
}
