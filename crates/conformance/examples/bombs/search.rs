//! A search for programs that are dearer to compile than any shape.
//!
//! A program is written by a [`Genome`], whose genes are repeated as often in one function as the
//! limits admit. The search changes the dearest lists that it knows, at random. Dear is what the
//! whole program would take that repeats the function as often as the limits admit, and as an
//! executor compiles in a thread. The search prints each program that is dearer than all before it.

use std::{fs, path::Path};

use fusee_conformance::{
    Random,
    bombs::{Gene, Genome, LOCALS, Phase, gene},
};
use fusee_executor::MOST_WORK_IN_A_THREAD;
use fusee_instrument::{Inspection, Limits, Refusal, inspect, prepare};

use crate::{
    measure::{PLAIN, measure, rules},
    most,
};

/// How many of the dearest lists are kept.
const POPULATION: usize = 40;

/// What takes less cannot be told from what an empty program takes.
const LEAST_MS: u64 = 40;

/// The most that the genes of a function are repeated.
const MOST_TURNS: u32 = 1 << 17;

/// Begins a list that has one phase with these genes.
const SEEDS: &[&[Gene]] = &[
    &[[17, 1, 1]],
    &[[8, 0, 0], [1, 1, 1], [10, 0, 0]],
    &[[6, 0, 0], [11, 0, 0], [10, 0, 0]],
    &[[1, 1, 1], [11, 9, 0]],
    &[[12, 3, 1], [1, 1, 1]],
    &[[7, 0, 0], [1, 2, 1], [11, 0, 0], [10, 0, 0]],
    &[[4, 0, 1]],
    &[[0, 1, 1], [0, 2, 1], [2, 2, 0], [20, 3, 1]],
    &[[13, 0, 0], [0, 1, 1], [5, 0, 0]],
    &[[15, 0, 0]],
];

/// A list of genes, and what it came to.
#[derive(Clone, Debug)]
struct Found {
    genome: Genome,
    /// Milliseconds that the whole program would take.
    whole_ms: u64,
}

/// Searches for so many minutes. A measurement is ended after so many seconds.
#[allow(clippy::print_stdout, reason = "a program for people")]
pub(crate) fn search(minutes: u64, directory: &str, seconds: u64) {
    fs::create_dir_all(directory).expect("the directory can be made");
    let begin = now();
    let mut random = Random::new(begin);
    let mut found: Vec<Found> = Vec::new();
    let mut tried = 0_u64;
    while now().saturating_sub(begin) < minutes.saturating_mul(60) {
        let genome = match SEEDS.get(usize::try_from(tried).unwrap_or(usize::MAX)) {
            Some(seed) => of(seed),
            None => next(&found, &mut random),
        };
        tried += 1;
        let Some((whole_ms, told, wasm)) = evaluate(&genome, seconds) else {
            continue;
        };
        if found.first().is_none_or(|worst| whole_ms > worst.whole_ms) {
            println!("{tried}: {told} {genome:?}");
            let path = Path::new(directory).join(format!("{whole_ms}.wasm"));
            fs::write(path, wasm).expect("the directory takes files");
        }
        found.push(Found { genome, whole_ms });
        found.sort_by_key(|found| std::cmp::Reverse(found.whole_ms));
        found.truncate(POPULATION);
    }
    println!("{tried} programs");
}

/// Measures the largest function of these genes: the time of the whole program, a text that tells
/// more, and the program of the one function.
fn evaluate(genome: &Genome, seconds: u64) -> Option<(u64, String, Vec<u8>)> {
    let limits = Limits::v1();
    let part = u64::from(genome.part);
    let turns = most(MOST_TURNS, |turns| {
        let wasm = genome.program(turns);
        let rules = rules(&wasm);
        let is_small =
            u64::try_from(wasm.len()).unwrap_or(u64::MAX) <= limits.function_bytes >> part;
        is_small
            && prepare(&wasm, &rules).is_ok_and(|program| {
                program.compile_work.plain <= MOST_WORK_IN_A_THREAD >> part
                    && is_within(&inspect(&wasm, &rules), limits.function_work >> part)
            })
    });
    if turns == 0 {
        return None;
    }
    let wasm = genome.program(turns);
    let bytes = u64::try_from(wasm.len()).ok()?;
    let (compile_ms, work, plain, metered) = match measure(PLAIN, &wasm, seconds) {
        Ok(found) => (
            found.compile_ms,
            found.work,
            found.plain,
            found.metered_bytes,
        ),
        // It is not admitted, for its native stack.
        Err(why) if !why.starts_with("over") => return None,
        Err(_) => (seconds.saturating_mul(1_000), 1, 1, 1),
    };
    // What an empty program takes.
    let compile_ms = compile_ms.saturating_sub(20);
    if compile_ms < LEAST_MS {
        return None;
    }
    let functions = (limits.program_work / work.max(1))
        .min(MOST_WORK_IN_A_THREAD / plain.max(1))
        .min(limits.code_bytes / bytes)
        .min(limits.output_bytes / metered.max(1))
        .max(1);
    let whole_ms = compile_ms.saturating_mul(functions);
    let told = format!(
        "{whole_ms} ms in {functions} functions, {} ns/u, {plain} units, {bytes} bytes, {turns} turns,",
        compile_ms.saturating_mul(1_000_000) / plain.max(1)
    );
    Some((whole_ms, told, wasm))
}

fn of(genes: &[Gene]) -> Genome {
    Genome {
        locals: 10,
        part: 1,
        phases: vec![Phase {
            turns: 16,
            genes: genes.to_vec(),
        }],
    }
}

/// A list like the dearest ones.
fn next(found: &[Found], random: &mut Random) -> Genome {
    let pick = |random: &mut Random| {
        let length = u64::try_from(found.len()).unwrap_or(1).max(1);
        // The dearest ones more often than the others.
        let position = random.below(length).min(random.below(length));
        let position = usize::try_from(position).unwrap_or(0);
        found.get(position).map(|found| found.genome.clone())
    };
    let Some(mut genome) = pick(random) else {
        return of(&[[0, 0, 0]]);
    };
    for _ in 0..=random.below(4) {
        mutate(&mut genome, random);
    }
    if let (0, Some(other)) = (random.below(4), pick(random)) {
        genome.phases.extend(other.phases);
        genome.phases.truncate(4);
    }
    genome
}

fn mutate(genome: &mut Genome, random: &mut Random) {
    let below = |random: &mut Random, end: usize| {
        let end = u64::try_from(end).unwrap_or(1).max(1);
        usize::try_from(random.below(end)).unwrap_or(0)
    };
    let turns = |random: &mut Random| u8::try_from(1 + random.below(16)).unwrap_or(1);
    let phases = genome.phases.len();
    let phase = below(random, phases);
    match random.below(10) {
        0 => {
            let size = below(random, LOCALS.len());
            genome.locals = LOCALS.get(size).copied().unwrap_or(0);
        }
        1 => genome.part = u8::try_from(random.below(6)).unwrap_or(0),
        2 if phases > 1 => {
            genome.phases.remove(phase);
        }
        3 if phases < 4 => {
            let genes = (0..=random.below(4)).map(|_| gene(random)).collect();
            let turns = turns(random);
            let phase = below(random, phases + 1);
            genome.phases.insert(phase, Phase { turns, genes });
        }
        other => {
            let Some(phase) = genome.phases.get_mut(phase) else {
                return;
            };
            let genes = phase.genes.len();
            let position = below(random, genes);
            match other {
                4 => phase.turns = turns(random),
                5 if genes > 1 => {
                    phase.genes.remove(position);
                }
                6 | 7 if genes < 24 => phase.genes.insert(position, gene(random)),
                8 if genes < 24 => {
                    let copied = phase.genes.get(position).copied();
                    phase.genes.extend(copied);
                }
                _ => {
                    if let Some(old) = phase.genes.get_mut(position) {
                        *old = gene(random);
                    }
                }
            }
        }
    }
}

/// Whether each function has at most so much work.
fn is_within(found: &Result<Inspection, Refusal>, most: u64) -> bool {
    found
        .as_ref()
        .is_ok_and(|found| found.functions.iter().all(|function| function.work <= most))
}

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is what it is for")]
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
