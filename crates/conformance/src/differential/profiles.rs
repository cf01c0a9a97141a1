//! Compares profiles: repeats the calls with profiling.

use std::{collections::BTreeMap, sync::Arc};

use fusee_engine::{Gas, Profiler, profile::Path};
use fusee_executor::PreparedProgram;
use fusee_instrument::Rules;

use super::{Call, Mixer, Observed, calls, observe_lane, starved, topped_up};
use crate::{Ending, Lane, Random};

/// The observations and the profile of one call.
type Profiled = (Observed, BTreeMap<Path, Gas>);

/// Checks that profiling does not change how a program's calls end, that all lanes give the same
/// profiles, and that the parts of each profile add up to the gas used. Returns the number of
/// profiles on each lane.
///
/// # Errors
///
/// Describes the difference.
pub fn check_profiles(
    lanes: &[Lane],
    wasm: &[u8],
    rules: &Rules,
    seed: u64,
) -> Result<u64, String> {
    let Ok(program) = fusee_instrument::prepare(wasm, rules) else {
        return Ok(0);
    };
    let mut random = Random::new(!seed);
    let mixer = Mixer::new(rules);
    let calls = calls(&program, &mut random);
    let observed = agree(lanes, wasm, rules, &calls, &mixer)?;
    let starved = starved(&calls, &observed, &mut random);
    let topped_up = topped_up(&calls, &observed, &mut random);
    let mut profiles = observed.len();
    for calls in [starved, topped_up] {
        profiles += agree(lanes, wasm, rules, &calls, &mixer)?.len();
    }
    Ok(u64::try_from(profiles).unwrap_or(u64::MAX))
}

/// Runs the calls with profiling on every lane, and without on the first lane.
fn agree(
    lanes: &[Lane],
    wasm: &[u8],
    rules: &Rules,
    calls: &[Call],
    mixer: &Mixer,
) -> Result<Vec<Observed>, String> {
    let prepare = |lane: &Lane, rules: &Rules| {
        let prepared = lane.executor.prepare(wasm, rules);
        prepared.map_err(|error| format!("{}: {error:?}", lane.name))
    };
    let lane = lanes.first().ok_or("there is no lane")?;
    let plain = observe_lane(lane, &prepare(lane, rules)?, calls, mixer)?;
    let mut first: Option<Vec<Profiled>> = None;
    for lane in lanes {
        let prepared = prepare(lane, &rules.clone().profiled())?;
        let found = profile(lane, &prepared, calls, mixer)?;
        let expected = first.get_or_insert_with(|| found.clone());
        for (((call, found), expected), plain) in calls.iter().zip(&found).zip(expected).zip(&plain)
        {
            if found != expected || found.0 != *plain {
                return Err(format!(
                    "{call:?}\n{}, profiled: {found:?}\nbefore: {expected:?}\nplain: {plain:?}",
                    lane.name
                ));
            }
        }
    }
    Ok(plain)
}

fn profile(
    lane: &Lane,
    prepared: &Arc<PreparedProgram>,
    calls: &[Call],
    mixer: &Mixer,
) -> Result<Vec<Profiled>, String> {
    let with_profiler = |call: &Call| Call {
        profiler: Some(Profiler::new()),
        ..call.clone()
    };
    let calls: Vec<_> = calls.iter().map(with_profiler).collect();
    let observed = observe_lane(lane, prepared, &calls, mixer)?;
    let mut found = Vec::new();
    for (call, observed) in calls.iter().zip(observed) {
        let profiler = call.profiler.clone().unwrap_or_default();
        let (total, used) = (profiler.total().units(), observed.verdict.gas_used);
        if observed.verdict.ending != Ending::Parked && total != used {
            return Err(format!("{call:?}: {total} gas in the profile, {used} used"));
        }
        found.push((observed, profiler.paths()));
    }
    Ok(found)
}
