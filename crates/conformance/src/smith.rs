//! Programs that nobody wrote: made from a seed, run on every lane and without any metering.
//!
//! [`check`] makes a program and enters each of its exports, one after the other, in an instance
//! that is kept as long as it ends well. All lanes must agree on each ending, the gas, what the host
//! was asked and the memory left behind; and so must Wasmtime running the program as it was, wherever
//! it comes to an end that metering does not bring about. One program in three may compute with
//! floating-point numbers, and half of those do nothing else; the NaNs that Wasmtime makes canonical by
//! itself must be ours.

mod floats;
mod plain;
mod program;
mod random;

use std::{any::Any, fmt};

use fusee_engine::{CodeHash, Gas, Host, Stop, Syscall, Trap, Value, ValueType};
use fusee_executor::{LiveInstance, Outcome, Prepared};
use fusee_instrument::{Refusal, Rules, SyscallSignature};

use crate::{Ending, Lane, Verdict};

use plain::{Plain, PlainEnding};
pub use random::Random;

/// Gas for each call: enough for most that end at all.
const GAS: Gas = Gas::new(200_000);

/// Calls of one program.
const MOST_CALLS: usize = 12;

/// How the checks of some programs went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Programs that the rules refused.
    pub refused: u64,
    /// Programs that were run.
    pub admitted: u64,
    /// Calls that finished.
    pub finished: u64,
    /// Calls that trapped.
    pub trapped: u64,
    /// Calls that ran out of gas.
    pub out_of_gas: u64,
    /// Calls that were compared with a run without metering.
    pub compared: u64,
}

/// A program on which somebody disagreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// What it is made from.
    pub seed: u64,
    /// What happened.
    pub what: String,
}

/// What is observed of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Observed {
    verdict: Verdict,
    /// What the host was asked, mixed together.
    asked: u64,
    /// The memory that is left, where the call finished.
    memory: Option<CodeHash>,
}

/// One call of an export.
#[derive(Clone, Debug)]
struct Call {
    entry: String,
    args: Vec<Value>,
}

/// A host that answers everything from what it was asked before.
struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, number: u32, args: &[u64]) -> u64 {
        for asked in args.iter().chain([&u64::from(number)]) {
            self.0 = Random::new(self.0 ^ asked).number();
        }
        self.0
    }
}

impl Host for Mixer {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        if call.request.number == program::WAIT {
            return Err(Stop::Suspend);
        }
        if call.request.number == program::NOTE {
            call.charge(Gas::new(7))?;
        }
        Ok(self.mix(call.request.number, &call.request.args))
    }
}

/// Makes the program of a seed and checks it.
///
/// # Errors
///
/// [`Divergence`] if two ways to run it come to different ends.
pub fn check(lanes: &[Lane], seed: u64) -> Result<Tally, Divergence> {
    let mut tally = Tally::default();
    let rules = rules().with_floats(program::floats(seed));
    let Some(wasm) = program::make(seed) else {
        return Ok(tally);
    };
    let program = match fusee_instrument::prepare(&wasm, &rules) {
        Ok(program) => program,
        Err(Refusal { .. }) => {
            tally.refused = 1;
            return Ok(tally);
        }
    };
    tally.admitted = 1;
    let calls = calls(&program.exports, seed);
    let diverged = |what| Divergence { seed, what };
    let mut first: Option<(&str, Vec<Observed>)> = None;
    for lane in lanes {
        let prepared = lane
            .executor
            .prepare(&wasm, &rules)
            .map_err(|error| diverged(format!("{}: {error:?}", lane.name)))?;
        let observed = observe(lane, &prepared, &calls)
            .map_err(|what| diverged(format!("{}: {what}", lane.name)))?;
        match &first {
            None => first = Some((lane.name, observed)),
            Some((name, expected)) if observed != *expected => {
                let what = format!("{} against {name}: {observed:#?} {expected:#?}", lane.name);
                return Err(diverged(what));
            }
            Some(_) => {}
        }
    }
    let observed = first.map(|(_, observed)| observed).unwrap_or_default();
    for call in &observed {
        match call.verdict.ending {
            Ending::Finished(_) => tally.finished += 1,
            Ending::Trapped(_) => tally.trapped += 1,
            Ending::OutOfGas => tally.out_of_gas += 1,
            Ending::Parked => {}
        }
    }
    tally.compared = compare(&wasm, &calls, &observed).map_err(diverged)?;
    Ok(tally)
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

/// Every export once, with numbers at which things go wrong.
fn calls(exports: &[fusee_engine::Export], seed: u64) -> Vec<Call> {
    let mut random = Random::new(!seed);
    let mut number = || {
        let number = random.number();
        match random.below(4) {
            0 => number % 4,
            1 => (number % 4).wrapping_neg(),
            2 => number % 100_000,
            _ => number,
        }
    };
    let mut arg = |value_type: &ValueType| match value_type {
        ValueType::I32 => Value::I32(low(number()).cast_signed()),
        ValueType::I64 => Value::I64(number().cast_signed()),
        ValueType::F32 => Value::F32(f32_bits(number())),
        ValueType::F64 => Value::F64(f64_bits(number())),
    };
    exports
        .iter()
        .take(MOST_CALLS)
        .map(|export| Call {
            entry: export.name.clone(),
            args: export.params.iter().map(&mut arg).collect(),
        })
        .collect()
}

/// A small number, or one that has these bits; some of these are NaNs.
fn f32_bits(number: u64) -> u32 {
    match u8::try_from(number) {
        Ok(small) => f32::from(small).to_bits(),
        Err(_) if number & 1 == 0 => low(number >> 1),
        Err(_) => low(number) | 0x7f80_0000,
    }
}

/// The same for the other type.
fn f64_bits(number: u64) -> u64 {
    match u8::try_from(number) {
        Ok(small) => f64::from(small).to_bits(),
        Err(_) if number & 1 == 0 => number,
        Err(_) => number | 0x7ff0_0000_0000_0000,
    }
}

/// The low half of a number.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0)
}

fn observe(lane: &Lane, prepared: &Prepared, calls: &[Call]) -> Result<Vec<Observed>, String> {
    let mut live: Option<LiveInstance> = None;
    let mut observed = Vec::new();
    for call in calls {
        let request = lane.request(&call.entry, &call.args, GAS);
        let mixer = Box::new(Mixer(0));
        let mut outcome = match live.take() {
            Some(live) => live.run(request, mixer),
            None => lane.executor.run(prepared, request, mixer),
        };
        while let Ok(Outcome::Syscall(mut suspended)) = outcome {
            let request = suspended.request();
            let reply = suspended.host().map_or(0, |mixer: &mut Mixer| {
                mixer.mix(request.number, &request.args)
            });
            outcome = suspended.resume(reply);
        }
        let outcome = outcome.map_err(|error| format!("{call:?}: {error:?}"))?;
        let verdict = Verdict::on(&outcome);
        let (host, memory): (Box<dyn Any>, _) = match outcome {
            Outcome::Finished(finished) => {
                let (left, host) = finished.recycle();
                live = left;
                let memory = live.as_mut().map(|live| CodeHash::of(live.memory()));
                (host, memory)
            }
            Outcome::Trapped(_, ended) | Outcome::OutOfGas(ended) => (ended.into_host(), None),
            Outcome::Syscall(_) | Outcome::GasEnd(_) => return Err("parked".to_owned()),
        };
        observed.push(Observed {
            verdict,
            asked: host.downcast_ref().map_or(0, |Mixer(asked)| *asked),
            memory,
        });
    }
    Ok(observed)
}

/// Holds what was observed against a run without metering; how many calls could be compared.
fn compare(wasm: &[u8], calls: &[Call], observed: &[Observed]) -> Result<u64, String> {
    let mut plain = Plain::new(wasm)?;
    let mut compared = 0;
    for (call, observed) in calls.iter().zip(observed) {
        let metered = &observed.verdict.ending;
        if matches!(
            metered,
            Ending::OutOfGas | Ending::Trapped(Trap::StackOverflow)
        ) {
            plain.discard();
            continue;
        }
        let ending = plain.call(&call.entry, &call.args)?;
        let alike = match (&ending, metered) {
            // The rest depends on a state that the run without metering did not come to.
            (PlainEnding::Unbounded, _) => return Ok(compared),
            (PlainEnding::Finished(values, asked, memory), Ending::Finished(expected)) => {
                values == expected && *asked == observed.asked && Some(*memory) == observed.memory
            }
            (PlainEnding::Trapped(trap), Ending::Trapped(expected)) => trap == expected,
            _ => false,
        };
        if !alike {
            return Err(format!("{call:?}: metered {observed:?}, plain {ending:?}"));
        }
        compared += 1;
    }
    Ok(compared)
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.refused += other.refused;
        self.admitted += other.admitted;
        self.finished += other.finished;
        self.trapped += other.trapped;
        self.out_of_gas += other.out_of_gas;
        self.compared += other.compared;
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.what)
    }
}
