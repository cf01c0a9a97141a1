//! Compiling a program takes no more than its estimated work.
//!
//! The generated programs are such that a thread compiles, and they are compiled as there. Each
//! higher ratio of time to work, and of time to bytes, is reached by code of its own, so that
//! libFuzzer looks for higher ones.
#![no_main]

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use fusee_conformance::{Random, bombs::Genome};
use fusee_engine::{Compiler, Effort};
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::MOST_WORK_IN_A_THREAD;
use fusee_instrument::{Rules, prepare};
use libfuzzer_sys::fuzz_target;
use rustix::time::{ClockId, clock_gettime};

static ENGINE: LazyLock<WasmtimeEngine> =
    LazyLock::new(|| WasmtimeEngine::new().expect("Wasmtime works on this machine"));

/// The greatest ratios so far, in nanoseconds.
static OF_WORK: AtomicU64 = AtomicU64::new(0);
static OF_BYTES: AtomicU64 = AtomicU64::new(0);

/// What any program takes, in units.
const LEAST_WORK: u64 = 100_000;

/// A unit is 250 nanoseconds. The compiler is slowed down here by what libFuzzer counts.
const MOST_OF_WORK: u64 = 3_000;

fuzz_target!(|bytes: &[u8]| {
    let mut random = Random::choosing(bytes);
    let genome = Genome::choose(&mut random);
    let turns = u32::try_from(1 + random.below(1 << 13)).expect("it is small");
    let wasm = genome.program(turns);
    let Ok(program) = prepare(&wasm, &Rules::v1(Vec::new())) else {
        return;
    };
    if program.compile_work.plain > MOST_WORK_IN_A_THREAD {
        return;
    }
    let work = ENGINE.work(&program, Effort::Reduced);
    let begin = nanoseconds();
    // It is refused for the native stack that it needs after it was compiled.
    let _ = ENGINE.precompile(&program, Effort::Reduced);
    let taken = nanoseconds().saturating_sub(begin);

    let of_work = taken / work.max(LEAST_WORK);
    let length = u64::try_from(wasm.len()).expect("it is small");
    let of_bytes = taken / length.max(1_000);
    fusee_fuzz::climb(of_work);
    fusee_fuzz::climb_more(of_bytes / 100);
    let is_worse = OF_WORK.fetch_max(of_work, Ordering::Relaxed) < of_work;
    if OF_BYTES.fetch_max(of_bytes, Ordering::Relaxed) < of_bytes || is_worse {
        eprintln!(
            "{} ms: {of_work} ns a unit of {work}, {of_bytes} ns a byte of {length}; {turns} turns, \
             {genome:?}",
            taken / 1_000_000
        );
    }
    assert!(
        of_work <= MOST_OF_WORK,
        "{of_work} ns a unit of {work}; {turns} turns, {genome:?}"
    );
});

/// The processor time of this thread.
fn nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    u64::try_from(nanoseconds).expect("it is positive")
}
