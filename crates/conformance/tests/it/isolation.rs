//! Isolation: a run does not observe the data of an earlier one, however that ended.

use std::sync::Arc;

use fusee_conformance::{Ending, Lane, Verdict, lanes};
use fusee_engine::{Gas, Value};
use fusee_executor::{Outcome, PreparedProgram};

use crate::guest::{TestHost, host, rules, wasm};

/// Enough gas for a reader. A writer that is to run out of gas uses all of it.
const GAS: u64 = 20_000_000;

/// So often is each slot of a pool used again, and more.
const ROUNDS: usize = 6;

/// How a writer ends, by the number that it is given.
const WAYS: i32 = 4;

/// Writes into every byte that it can reach, and ends as requested: it returns, traps, waits, or
/// runs until its gas ends. And reads every byte that it can reach: it returns 0 if all of them are
/// as they are in a fresh instance. `GROW` stands for code that grows the memory; without it, the
/// program runs where memory is guarded by the processor.
const PROGRAM: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 2)
  (data (i32.const 65528) "initial.")
  (data $passive "passive.")
  (global $small (mut i32) (i32.const 7))
  (global $large (mut i64) (i64.const 9))
  (table $functions 1100 funcref)
  (elem (table $functions) (i32.const 3) func $one)
  (elem $segment func $two)
  (func $one) (func $two)

  (func (export "write") (param $way i32)
    GROW
    (memory.fill (i32.const 0) (i32.const 0xa5) (i32.mul (memory.size) (i32.const 65536)))
    (global.set $small (i32.const 0xa5))
    (global.set $large (i64.const 0xa5))
    (table.fill $functions (i32.const 0) (ref.func $two) (i32.const 1100))
    (data.drop $passive)
    (elem.drop $segment)
    (if (i32.eq (local.get $way) (i32.const 1)) (then unreachable))
    (if (i32.eq (local.get $way) (i32.const 2)) (then (drop (call $wait (i64.const 0)))))
    (if (i32.eq (local.get $way) (i32.const 3)) (then (loop $for_ever (br $for_ever)))))

  (func $dirt (result i64) (local $at i32) (local $found i64)
    (loop $next
      (local.set $found (i64.or (local.get $found) (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
    (local.get $found))

  (func $functions (result i32) (local $at i32) (local $found i32)
    (loop $next
      (local.set $found (i32.add (local.get $found)
        (i32.eqz (ref.is_null (table.get $functions (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1100))))
    (local.get $found))

  (func (export "read") (result i64)
    (if (i64.ne (i64.load (i32.const 65528)) (i64.const 0x2e6c616974696e69))
      (then (return (i64.const 1))))
    (if (i32.ne (global.get $small) (i32.const 7)) (then (return (i64.const 2))))
    (if (i64.ne (global.get $large) (i64.const 9)) (then (return (i64.const 3))))
    (if (i32.ne (call $functions) (i32.const 1)) (then (return (i64.const 4))))
    (if (ref.is_null (table.get $functions (i32.const 3))) (then (return (i64.const 5))))
    (table.init $functions $segment (i32.const 0) (i32.const 0) (i32.const 1))
    (memory.init $passive (i32.const 65528) (i32.const 0) (i32.const 8))
    (i64.store (i32.const 65528) (i64.const 0))
    (if (i32.ne (memory.size) (i32.const 2)) (then (return (i64.const 6))))
    (if (i64.ne (call $dirt) (i64.const 0)) (then (return (i64.const 7))))
    GROW
    (if (i64.ne (call $dirt) (i64.const 0)) (then (return (i64.const 8))))
    (i64.const 0))
)"#;

/// Another program, with more memory and nothing in it.
const OTHER: &str = r#"(module
  (memory 5)
  (func (export "read") (result i64) (local $at i32) (local $found i64)
    (loop $next
      (local.set $found (i64.or (local.get $found) (i64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
    GROW
    (local.get $found))
)"#;

const GROW: &str = "(if (i32.lt_s (memory.grow (i32.const 3)) (i32.const 0)) (then unreachable))";

fn prepare(lane: &Lane, program: &str, grow: &str) -> std::sync::Arc<PreparedProgram> {
    let program = wasm(&program.replace("GROW", grow));
    lane.executor.prepare(&program, &rules()).unwrap()
}

fn run(
    lane: &Lane,
    prepared: &Arc<PreparedProgram>,
    entry: &str,
    args: &[Value],
) -> Outcome<TestHost> {
    let request = lane.request(entry, args, Gas::new(GAS));
    lane.executor.run(prepared, request, host()).unwrap()
}

/// What a reader found.
fn found(lane: &Lane, prepared: &Arc<PreparedProgram>) -> Ending {
    Verdict::of(run(lane, prepared, "read", &[])).ending
}

#[test]
fn nothing_that_a_run_wrote_is_found_by_another() {
    let clean = Ending::Finished(vec![Value::I64(0)]);
    for lane in &lanes() {
        for grow in ["", GROW] {
            let program = prepare(lane, PROGRAM, grow);
            let other = prepare(lane, OTHER, grow);
            for round in 0..ROUNDS {
                for way in 0..WAYS {
                    let writers = [0; 2].map(|_| run(lane, &program, "write", &[Value::I32(way)]));
                    drop(writers);
                    let at = format!("{}, way {way}, round {round}", lane.name);
                    assert_eq!(found(lane, &program), clean, "the same program: {at}");
                    assert_eq!(found(lane, &other), clean, "another program: {at}");
                }
            }
        }
    }
}

/// The test above would detect leaked data: an instance that is entered again still has its own.
#[test]
fn a_reader_finds_what_was_written_in_its_own_instance() {
    for lane in &lanes() {
        for grow in ["", GROW] {
            let program = prepare(lane, PROGRAM, grow);
            let Outcome::Finished(finished) = run(lane, &program, "write", &[Value::I32(0)]) else {
                panic!("it returns");
            };
            let (live, _) = finished.into_instance();
            let request = lane.request("read", &[], Gas::new(GAS));
            let outcome = live.unwrap().run(request, host()).unwrap();
            let dirty = Ending::Finished(vec![Value::I64(1)]);
            assert_eq!(Verdict::of(outcome).ending, dirty, "{}", lane.name);
        }
    }
}
