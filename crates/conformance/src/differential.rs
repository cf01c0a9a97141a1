//! Differential testing: runs one program in every way and compares.
//!
//! [`check`] calls the exports of a program one after the other, in one instance until a call
//! fails. All lanes and the counting interpreter must agree on each ending, the gas used, the
//! syscalls and the resulting memory. Wasmtime with the original program must agree too, except
//! where metering ends the call. It canonicalises NaNs itself, and must produce the same ones.
//!
//! The calls are made three times: with plenty of gas, with less gas than they used, and with
//! little gas and a little more whenever it is used up.

mod mixer;
mod plain;
mod profiles;

use std::{borrow::Cow, ops::AddAssign, sync::Arc};

use fusee_engine::{
    CodeHash, Gas, GuestMemory, OutOfGasPolicy, Profiler, Program, Trap, Value, ValueType,
};
use fusee_executor::{LiveInstance, Outcome, PreparedProgram, RunRequest};
use fusee_instrument::Rules;

use crate::{
    Ending, Lane, Random, Verdict,
    counting::{self, Entry, Prices, slots},
};

use mixer::Mixer;
use plain::{Plain, PlainEnding};

pub use profiles::check_profiles;

/// Gas limit of a call, without the price of the instance. Most calls that end at all need less.
const GAS: Gas = Gas::new(200_000);

/// Maximum number of calls of one program.
const MAX_CALLS: usize = 12;

/// Number of times that the calls are made with little gas and topped up.
const TOP_UP_ROUNDS: u32 = 3;

/// Number of small top-ups of a call. Many small ones reveal how much gas is owed at a suspension.
const SMALL_TOP_UPS: u32 = 40;

/// Maximum number of top-ups of a call. Those after the small ones are large.
const MAX_TOP_UPS: u32 = 43;

/// Statistics of checks.
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
    /// Calls that ran out of gas with less gas than they had used.
    pub starved: u64,
    /// Suspensions because the gas was used up.
    pub parked: u64,
}

/// The observations of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Observed {
    verdict: Verdict,
    /// Number of suspensions because the gas was used up.
    parks: u32,
    /// Digest of the begin of the memory at each suspension.
    snapshots: u64,
    /// Digest of all syscalls.
    asked: u64,
    /// Digest of the memory, if the call finished.
    memory: Option<CodeHash>,
}

/// One call of an export.
#[derive(Clone, Debug)]
struct Call {
    entry: String,
    args: Vec<Value>,
    gas: Gas,
    out_of_gas_policy: OutOfGasPolicy,
    /// The size of a small top-up.
    more: Gas,
    /// Records the profile, on a lane.
    profiler: Option<Profiler>,
}

impl Call {
    /// The size of the top-up after this number of suspensions.
    fn more_after(&self, parks: u32) -> Gas {
        if parks <= SMALL_TOP_UPS {
            self.more
        } else {
            GAS
        }
    }
}

/// One way to run a program.
enum Runner<'a> {
    Lane(&'a Lane, Arc<PreparedProgram>),
    Counting(Arc<counting::Program>),
}

/// Checks a program. The seed determines the arguments of the calls.
///
/// # Errors
///
/// Describes the difference if two ways to run the program give different results.
pub fn check(lanes: &[Lane], wasm: &[u8], rules: &Rules, seed: u64) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let Ok(program) = fusee_instrument::prepare(wasm, rules) else {
        tally.refused = 1;
        return Ok(tally);
    };
    tally.admitted = 1;
    let mut random = Random::new(!seed);
    let runners = runners(lanes, wasm, rules)?;
    let calls = calls(&program, &mut random);
    let mixer = Mixer::new(rules);
    let observed = agree(&runners, &calls, &mixer)?;
    for call in &observed {
        match call.verdict.ending {
            Ending::Finished(_) => tally.finished += 1,
            Ending::Trapped(_) => tally.trapped += 1,
            Ending::OutOfGas => tally.out_of_gas += 1,
            Ending::Parked => {}
        }
    }
    let plain = Plain::new(wasm, rules)?;
    if plain.shows_memory(program.memory.is_some()) {
        tally.compared = compare(plain, &calls, &observed)?;
    }
    let starved = starved(&calls, &observed, &mut random);
    for call in agree(&runners, &starved, &mixer)? {
        tally.starved += u64::from(call.verdict.ending == Ending::OutOfGas);
    }
    for _ in 0..TOP_UP_ROUNDS {
        let topped_up = topped_up(&calls, &observed, &mut random);
        for call in agree(&runners, &topped_up, &mixer)? {
            tally.parked += u64::from(call.parks);
        }
    }
    Ok(tally)
}

fn runners<'a>(lanes: &'a [Lane], wasm: &[u8], rules: &Rules) -> Result<Vec<Runner<'a>>, String> {
    let counted = counting::read(wasm, &Prices::of(rules.schedule()), rules)?;
    let mut runners = vec![Runner::Counting(Arc::new(counted))];
    for lane in lanes {
        let prepared = lane
            .executor
            .prepare(wasm, rules)
            .map_err(|error| format!("{}: {error:?}", lane.name))?;
        runners.push(Runner::Lane(lane, prepared));
    }
    Ok(runners)
}

/// One call of each export, with arguments that tend to be edge cases.
fn calls(program: &Program, random: &mut Random) -> Vec<Call> {
    let gas = GAS.saturating_add(program.instantiation_gas);
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
    program
        .exports
        .iter()
        .take(MAX_CALLS)
        .map(|export| Call {
            entry: export.name.clone(),
            args: export.params.iter().map(&mut arg).collect(),
            gas,
            out_of_gas_policy: OutOfGasPolicy::Stop,
            more: Gas::ZERO,
            profiler: None,
        })
        .collect()
}

/// The bits of a small `f32`, or arbitrary bits. Some of these are NaNs.
fn f32_bits(number: u64) -> u32 {
    match u8::try_from(number) {
        Ok(small) => f32::from(small).to_bits(),
        Err(_) if number & 1 == 0 => low(number >> 1),
        Err(_) => low(number) | 0x7f80_0000,
    }
}

/// The bits of a small `f64`, or arbitrary bits. Some of these are NaNs.
fn f64_bits(number: u64) -> u64 {
    match u8::try_from(number) {
        Ok(small) => f64::from(small).to_bits(),
        Err(_) if number & 1 == 0 => number,
        Err(_) => number | 0x7ff0_0000_0000_0000,
    }
}

/// The same calls, each with less gas than it used.
fn starved(calls: &[Call], observed: &[Observed], random: &mut Random) -> Vec<Call> {
    let starve = |(call, observed): (&Call, &Observed)| Call {
        gas: Gas::new(random.below(observed.verdict.gas_used.max(1))),
        ..call.clone()
    };
    calls.iter().zip(observed).map(starve).collect()
}

/// The same calls, each suspended and topped up many times.
fn topped_up(calls: &[Call], observed: &[Observed], random: &mut Random) -> Vec<Call> {
    let top_up = |(call, observed): (&Call, &Observed)| {
        let used = observed.verdict.gas_used.max(1);
        let max = 1 << random.below(10);
        Call {
            gas: Gas::new(random.below(used)),
            out_of_gas_policy: OutOfGasPolicy::Suspend,
            more: Gas::new(random.below(max).saturating_add(1)),
            ..call.clone()
        }
    };
    calls.iter().zip(observed).map(top_up).collect()
}

/// The low 32 bits of a number.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0)
}

/// Makes the calls in every way. Returns the observations if all are equal.
fn agree(runners: &[Runner<'_>], calls: &[Call], mixer: &Mixer) -> Result<Vec<Observed>, String> {
    let mut first: Option<(&str, Vec<Observed>)> = None;
    for runner in runners {
        let name = runner.name();
        let found = runner
            .observe(calls, mixer)
            .map_err(|what| format!("{name}: {what}"))?;
        match &first {
            None => first = Some((name, found)),
            Some((other, expected)) => {
                for ((call, found), expected) in calls.iter().zip(&found).zip(expected) {
                    if found != expected {
                        return Err(format!(
                            "{call:?}\n{name}: {found:?}\n{other}: {expected:?}"
                        ));
                    }
                }
            }
        }
    }
    Ok(first.map(|(_, observed)| observed).unwrap_or_default())
}

impl Runner<'_> {
    fn name(&self) -> &str {
        match self {
            Runner::Lane(lane, _) => lane.name,
            Runner::Counting(_) => "counting",
        }
    }

    fn observe(&self, calls: &[Call], mixer: &Mixer) -> Result<Vec<Observed>, String> {
        match self {
            Runner::Lane(lane, prepared) => observe_lane(lane, prepared, calls, mixer),
            Runner::Counting(program) => observe_counting(program, calls, mixer),
        }
    }
}

fn observe_lane(
    lane: &Lane,
    prepared: &Arc<PreparedProgram>,
    calls: &[Call],
    mixer: &Mixer,
) -> Result<Vec<Observed>, String> {
    let mut live: Option<LiveInstance> = None;
    let mut observed = Vec::new();
    for call in calls {
        let request = RunRequest {
            out_of_gas_policy: call.out_of_gas_policy,
            profiler: call.profiler.clone(),
            ..lane.request(&call.entry, &call.args, call.gas)
        };
        let failed = |error| format!("{call:?}: {error:?}");
        let mixer = mixer.clone();
        let mut outcome = match live.take() {
            Some(live) => live.run(request, mixer),
            None => lane.executor.run(prepared, request, mixer),
        };
        let (mut parks, mut snapshots) = (0, 0);
        let outcome = loop {
            outcome = match outcome.map_err(failed)? {
                Outcome::Syscall(mut suspended) => {
                    let request = suspended.request();
                    let reply = suspended.host_mut().answer(&request, GuestMemory::none());
                    suspended.resume(reply)
                }
                Outcome::GasEnd(mut ended) if parks < MAX_TOP_UPS => {
                    parks += 1;
                    snapshots = snapshot(snapshots, &begin(ended.memory()));
                    ended.resume_with(call.more_after(parks))
                }
                ended => break ended,
            };
        };
        let verdict = Verdict::on(&outcome);
        let (host, memory) = match outcome {
            Outcome::Finished(finished) => {
                let (left, host) = finished.into_instance();
                live = left;
                let memory = live.as_mut().map(|live| digest(live.memory()));
                (Some(host), memory)
            }
            Outcome::Trapped(_, ended) | Outcome::OutOfGas(ended) => {
                (Some(ended.into_host()), None)
            }
            Outcome::Syscall(_) | Outcome::GasEnd(_) => (None, None),
        };
        observed.push(Observed {
            verdict,
            parks,
            snapshots,
            asked: host.map_or(0, |mixer| mixer.asked()),
            memory,
        });
    }
    Ok(observed)
}

fn observe_counting(
    program: &Arc<counting::Program>,
    calls: &[Call],
    mixer: &Mixer,
) -> Result<Vec<Observed>, String> {
    let mut live: Option<counting::Instance> = None;
    let mut observed = Vec::new();
    for call in calls {
        let entry = Entry {
            name: &call.entry,
            args: &slots(&call.args),
            gas: call.gas,
            out_of_gas_policy: call.out_of_gas_policy,
        };
        let instance = live
            .take()
            .unwrap_or_else(|| counting::Instance::new(program));
        let mut outcome = instance.run(entry, mixer.clone());
        let (mut parks, mut snapshots) = (0, 0);
        let outcome = loop {
            outcome = match outcome? {
                counting::Outcome::Syscall(request, mut parked) => {
                    let reply = parked.host().answer(&request, GuestMemory::none());
                    parked.resume(reply)
                }
                counting::Outcome::GasEnd(parked) if parks < MAX_TOP_UPS => {
                    parks += 1;
                    snapshots = snapshot(snapshots, parked.memory());
                    parked.resume_with(call.more_after(parks))
                }
                ended => break ended,
            };
        };
        let verdict = outcome.verdict();
        let host = match outcome {
            counting::Outcome::Ended(ended) => {
                live = ended.instance;
                Some(ended.host)
            }
            counting::Outcome::Syscall(..) | counting::Outcome::GasEnd(_) => None,
        };
        let memory = live.as_ref().map(|live| CodeHash::of(live.memory()));
        observed.push(Observed {
            verdict,
            parks,
            snapshots,
            asked: host.map_or(0, |mixer| mixer.asked()),
            memory,
        });
    }
    Ok(observed)
}

/// Digest of the readable memory.
fn digest(mut memory: GuestMemory<'_>) -> CodeHash {
    let mut bytes = Vec::new();
    for range in memory.ranges() {
        let length = range.end.saturating_sub(range.start);
        bytes.extend_from_slice(&memory.read(range.start, length).unwrap_or_default());
    }
    CodeHash::of(&bytes)
}

/// The first bytes of the memory.
fn begin(mut memory: GuestMemory<'_>) -> Vec<u8> {
    let first = memory.ranges().into_iter().next().unwrap_or_default();
    let length = first.end.saturating_sub(first.start).min(128);
    memory
        .read(first.start, length)
        .map(Cow::into_owned)
        .unwrap_or_default()
}

/// Adds the begin of the memory to a digest.
fn snapshot(before: u64, memory: &[u8]) -> u64 {
    let words = memory.chunks_exact(8).take(16);
    let number = |word: &[u8]| word.try_into().map_or(0, u64::from_le_bytes);
    words.fold(before, |mixed, word| {
        Random::new(mixed ^ number(word)).number()
    })
}

/// Compares the observations with a run without metering. Returns the number of compared calls.
fn compare(mut plain: Plain, calls: &[Call], observed: &[Observed]) -> Result<u64, String> {
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
            // The following calls depend on a state that the unmetered run did not reach.
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

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.refused += other.refused;
        self.admitted += other.admitted;
        self.finished += other.finished;
        self.trapped += other.trapped;
        self.out_of_gas += other.out_of_gas;
        self.compared += other.compared;
        self.starved += other.starved;
        self.parked += other.parked;
    }
}
