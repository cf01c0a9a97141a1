//! Reused wasm instances: a guest does not observe what the one before it left in memory, globals,
//! tables and segments. `pool` tests the limits of the instances that are kept.

use std::sync::Arc;

use fusee_conformance::{agreed, lanes};
use fusee_engine::{Gas, Interpreter, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{Executor, Outcome, RunRequest};

use crate::guest::{host, rules, wasm};

const GAS: Gas = Gas::new(200_000_000);

/// Returns a digest of its memory and globals, then changes all of both.
const OVERWRITES: &str = r#"(module
  (memory 3)
  (data (i32.const 100) "first")
  (data (i32.const 70000) "second")
  (global $number (mut i32) (i32.const 7))
  (global $wide (mut i64) (i64.const -8))
  (global $again (mut i32) (i32.const 9))
  (global $fixed i32 (i32.const 10))
  (global $function (mut funcref) (ref.func $run))
  (global $empty (mut funcref) (ref.null func))
  (func $run (export "run") (result i64)
    (local $at i32) (local $digest i64)
    (local.set $digest (i64.add (global.get $wide)
      (i64.extend_i32_u (i32.add (global.get $number) (i32.mul (global.get $again) (i32.const 1000))))))
    (local.set $digest (i64.add (local.get $digest) (i64.extend_i32_u (i32.add
      (i32.shl (ref.is_null (global.get $function)) (i32.const 20))
      (i32.shl (ref.is_null (global.get $empty)) (i32.const 21))))))
    (loop $next
      (local.set $digest (i64.add (i64.rotl (local.get $digest) (i64.const 5))
        (i64.load (local.get $at))))
      (i64.store (local.get $at) (i64.const -1))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))
        (i32.const 196608))))
    (global.set $number (i32.const 1))
    (global.set $wide (i64.const 2))
    (global.set $again (i32.const 3))
    (global.set $function (ref.null func))
    (global.set $empty (ref.func $run))
    (local.get $digest)))"#;

/// Reads a table and segments, then changes them. Between them they contain all
/// operators that do so.
const CHANGES_TABLES: &[&str] = &[
    r#"(module (memory 1) (data $bytes "abcd")
      (func (export "run") (result i64)
        (memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 4))
        (data.drop $bytes)
        (i64.load (i32.const 0))))"#,
    r#"(module (table 4 funcref) (elem $functions func $one)
      (func $one)
      (func (export "run") (result i64)
        (local $before i32)
        (local.set $before (ref.is_null (table.get (i32.const 2))))
        (table.init $functions (i32.const 2) (i32.const 0) (i32.const 1))
        (elem.drop $functions)
        (i64.extend_i32_u (local.get $before))))"#,
    r#"(module (table 4 funcref) (elem declare func $one)
      (func $one)
      (func (export "run") (result i64)
        (local $before i32)
        (local.set $before (ref.is_null (table.get (i32.const 2))))
        (table.set (i32.const 2) (ref.func $one))
        (i64.extend_i32_u (local.get $before))))"#,
    r#"(module (table 4 funcref) (elem declare func $one)
      (func $one)
      (func (export "run") (result i64)
        (local $before i32)
        (local.set $before (ref.is_null (table.get (i32.const 2))))
        (table.fill (i32.const 2) (ref.func $one) (i32.const 1))
        (i64.extend_i32_u (local.get $before))))"#,
    r#"(module (table 4 funcref) (elem (i32.const 0) $one)
      (func $one)
      (func (export "run") (result i64)
        (local $before i32)
        (local.set $before (ref.is_null (table.get (i32.const 2))))
        (table.copy (i32.const 2) (i32.const 0) (i32.const 1))
        (i64.extend_i32_u (local.get $before))))"#,
];

/// Grows its memory, and returns what its size was.
const GROWS: &str = r#"(module (memory 1 9)
  (func (export "run") (result i64)
    (i64.extend_i32_u (memory.grow (i32.const 2)))))"#;

/// The result of a run, and the gas that it used.
fn run(executor: &Executor, request: RunRequest<'_>, code: &[u8]) -> (Vec<Value>, Gas) {
    let prepared = executor.prepare(code, &rules()).unwrap();
    let outcome = executor.run(&prepared, request, host()).unwrap();
    let Outcome::Finished(finished) = outcome else {
        panic!("{outcome:?}");
    };
    (finished.values().to_vec(), finished.gas_used())
}

fn each_run_is_the_first(source: &str) {
    let code = wasm(source);
    agreed(&lanes(), |lane| {
        let next = || run(&lane.executor, lane.request("run", &[], GAS), &code);
        let first = next();
        for _ in 0..3 {
            assert_eq!(next(), first, "{}: {source}", lane.name);
        }
        first
    });
}

#[test]
fn memory_and_globals_are_those_of_a_fresh_instance() {
    each_run_is_the_first(OVERWRITES);
}

#[test]
fn tables_and_segments_are_those_of_a_fresh_instance() {
    CHANGES_TABLES
        .iter()
        .copied()
        .for_each(each_run_is_the_first);
}

#[test]
fn memory_has_the_size_of_a_fresh_instance() {
    each_run_is_the_first(GROWS);
}

/// The number of instances that wasmi keeps after this many runs at once, within a limit in bytes.
fn kept(source: &str, runs: usize, limit: u64) -> usize {
    let engine = Arc::new(WasmiEngine::new().with_idle_bytes(limit));
    let interpreter: Arc<dyn Interpreter> = Arc::<WasmiEngine>::clone(&engine);
    let executor = Executor::interpreted(interpreter).build();
    let prepared = executor.prepare(&wasm(source), &rules()).unwrap();
    let run = |_| {
        let request = RunRequest::new("run", &[], GAS);
        executor.run(&prepared, request, host()).unwrap()
    };
    let outcomes: Vec<_> = (0..runs).map(run).collect();
    assert_eq!(engine.idle_instances(), 0);
    drop(outcomes);
    let kept = engine.idle_instances();
    drop(prepared);
    drop(executor);
    assert_eq!(engine.idle_instances(), 0, "a module takes its own with it");
    kept
}

#[test]
fn wasmi_keeps_what_it_can_reset() {
    assert_eq!(kept(OVERWRITES, 3, u64::MAX), 3);
    for changes in CHANGES_TABLES {
        assert_eq!(kept(changes, 1, u64::MAX), 0, "{changes}");
    }
    assert_eq!(kept(GROWS, 1, u64::MAX), 0);
    for stops in [
        "unreachable",
        "(loop $for (br $for))",
        "(drop (call $wait (i64.const 1)))",
    ] {
        let source = format!(
            r#"(module (import "env" "wait" (func $wait (param i64) (result i64)))
              (func (export "run") {stops}))"#
        );
        assert_eq!(kept(&source, 1, u64::MAX), 0, "{stops}");
    }
}

#[test]
fn wasmi_keeps_no_more_than_its_limit() {
    assert_eq!(kept(OVERWRITES, 3, 0), 0);
    // Each has 192 KiB of memory.
    assert_eq!(kept(OVERWRITES, 3, 450 << 10), 2);
}
