//! Many programs in a small cache do not leak memory. The test takes some ten minutes, so it is
//! ignored by default:
//!
//!     cargo test --release -p fusee-conformance --test it -- --ignored --nocapture churn

use std::{fmt::Write, fs, sync::Arc};

use fusee_conformance::{Ending, Verdict};
use fusee_engine::{Gas, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Compilation, Executor, RunRequest};
use fusee_instrument::Rules;
use tempfile::TempDir;

use crate::guest::wasm;

const PROGRAMS: u32 = 10_000;
/// Every program is called three times.
const CALLS: u32 = 3 * PROGRAMS;
/// After this many programs all caches are full.
const WARM: u32 = PROGRAMS / 2;
const CACHE_BYTES: u64 = 8 << 20;
const ARTIFACT_BYTES: u64 = 32 << 20;

/// A program with some functions, which returns `number`.
fn program(number: u32) -> Vec<u8> {
    let mut text = format!(
        r#"(module (memory 2) (data (i32.const 64) "{}")
            (func (export "f") (result i32) (call $f0 (i32.const {number})))"#,
        "x".repeat(2_000)
    );
    for function in 0..20 {
        write!(
            text,
            "(func $f{function} (param i32) (result i32)
                (i32.store (i32.const {}) (local.get 0))
                (call $f{} (i32.load (i32.const {}))))",
            function * 4,
            function + 1,
            function * 4
        )
        .unwrap();
    }
    text.push_str("(func $f20 (param i32) (result i32) (local.get 0)))");
    wasm(&text)
}

/// Bytes that the process has in memory.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes some ten minutes"]
fn programs_that_come_and_go_leave_no_memory_behind() {
    let folder = TempDir::new().unwrap();
    let executor = Executor::tiered(
        Arc::new(WasmiEngine::new()),
        Arc::new(WasmtimeEngine::builder().instances(64).build().unwrap()),
    )
    .cache_bytes(CACHE_BYTES)
    .artifacts(folder.path(), ARTIFACT_BYTES)
    .unwrap()
    .build();
    let rules = Rules::v1(Vec::new());
    let (mut warm, mut most) = (None, 0);
    for calls in 1..=CALLS {
        let number = calls % PROGRAMS;
        let prepared = executor.prepare(&program(number), &rules).unwrap();
        for turn in 0..2 {
            // Half of them are compiled while they are called, half are waited for.
            if turn == 1 && number.is_multiple_of(2) {
                executor.compile(&prepared).unwrap();
            }
            let request = RunRequest::new("f", &[], Gas::new(10_000_000));
            let outcome = executor.run(&prepared, request, ()).unwrap();
            let expected = Ending::Finished(vec![Value::I32(number.cast_signed())]);
            assert_eq!(Verdict::of(outcome).ending, expected);
        }
        let is_given_up = matches!(prepared.compilation(), Compilation::GivenUp { .. });
        assert!(!is_given_up, "program {number}");
        assert!(executor.cached_bytes() <= CACHE_BYTES);
        if calls.is_multiple_of(500) {
            let now = resident();
            println!(
                "{calls:>7} programs: {:>4} MiB resident, {} KiB in the cache",
                now >> 20,
                executor.cached_bytes() >> 10
            );
            if calls >= WARM {
                let first = *warm.get_or_insert(now);
                most = most.max(now);
                assert!(most <= first + first / 10, "{first} bytes, then {most}");
            }
        }
    }
    assert!(warm.is_some());
}
