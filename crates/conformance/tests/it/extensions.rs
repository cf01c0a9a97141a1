//! Features that rules admit beside those of all rules: tail calls and extended constants.

use fusee_conformance::{Ending, agreed, lanes};
use fusee_engine::{Compiler, Effort, Trap, Value};
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_instrument::{Extensions, Rules, inspect, inspection::Placement, prepare};

use crate::guest::{Call, check_by, rules, wasm};

const GAS: u64 = 1 << 40;

fn extended() -> Rules {
    rules().with_extensions(Extensions::ALL)
}

fn check(module: &[u8], entry: &str, args: &[Value], gas: u64) -> fusee_conformance::Verdict {
    check_by(&extended(), module, Call { entry, args, gas })
}

/// Functions that call each other in place of a return: with more and fewer arguments, through a
/// table, and to the host.
const TAILS: &str = r#"(module
  (import "env" "add" (func $add (param i32 i64) (result i64)))
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (type $step (func (param i64 i64) (result i64)))
  (table 3 funcref) (elem (i32.const 0) $even $odd)
  (func $even (export "even") (type $step)
    (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $odd (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 3))))
  (func $odd (type $step)
    (if (i64.eqz (local.get 0)) (then (return (i64.const -1))))
    (return_call_indirect (type $step)
      (i64.sub (local.get 0) (i64.const 1)) (local.get 1) (i32.const 0)))
  ;; More than registers take.
  (func $many (export "many") (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (local.get 9))))
    (return_call $few (local.get 0) (i64.add (local.get 9) (local.get 3))))
  (func $few (export "few") (param i64 i64) (result i64)
    (return_call $many (i64.sub (local.get 0) (i64.const 1)) (i64.const 2) (i64.const 3)
      (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9)
      (local.get 1)))
  ;; A frame around each call of it, whose tail is not part of the frame.
  (func $deep (export "deep") (param i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return_call $even (i64.const 1000) (i64.const 0))))
    (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1)))))
  (func (export "host") (param i64) (result i64)
    (if (i64.eqz (local.get 0)) (then (return (i64.const 7))))
    (return_call $add (i32.const 10) (local.get 0)))
  (func (export "element") (param i32) (result i64)
    (return_call_indirect (type $step) (i64.const 4) (i64.const 1) (local.get 0)))
  (func (export "signature") (result i64)
    (return_call_indirect (result i64) (i32.const 0)))
  (func $forever (export "forever") (return_call $forever))
  (func (export "waits") (param i64) (result i64)
    (return_call $wait (i64.add (local.get 0) (i64.const 1)))))"#;

#[test]
fn a_call_in_place_of_a_return_returns_for_its_caller() {
    let module = wasm(TAILS);
    let run = |entry, args: &[i64]| {
        let args: Vec<Value> = args.iter().copied().map(Value::I64).collect();
        check(&module, entry, &args, GAS).ending
    };
    let finished = |value| Ending::Finished(vec![Value::I64(value)]);
    assert_eq!(run("even", &[4, 1]), finished(7));
    assert_eq!(run("even", &[5, 1]), finished(-1));
    assert_eq!(
        run("many", &[100, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        finished(1 + 1 + 99 * 4)
    );
    assert_eq!(run("few", &[100, 1]), finished(1 + 99 * 4));
    assert_eq!(run("deep", &[50]), finished(50 + 3 * 500));
    assert_eq!(run("host", &[0]), finished(7));
    assert_eq!(run("host", &[2]), finished(12));
}

#[test]
fn a_chain_of_tail_calls_takes_the_stack_of_one_and_ends_with_its_gas() {
    let module = wasm(TAILS);
    // Far more than frames fit.
    let args = [Value::I64(1_000_000), Value::I64(0)];
    let long = check(&module, "even", &args, GAS);
    assert_eq!(long.ending, Ending::Finished(vec![Value::I64(1_500_000)]));
    for gas in [10_000, 10_001, 123_457] {
        let end = check(&module, "forever", &[], gas);
        assert_eq!((end.ending, end.gas_used), (Ending::OutOfGas, gas));
    }
}

/// If a tail call did not release the frame of its caller, or released it twice, the depth that is
/// left would differ.
#[test]
fn a_tail_call_leaves_the_stack_that_a_return_leaves() {
    let program = |end: &str| {
        wasm(&format!(
            r#"(module
              (func $deep (param i64) (result i64)
                (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
                (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1)))))
              (func $nothing (result i64) (call $deep (i64.const 0)))
              (func $through (result i64) (drop (call $nothing)) {end})
              (func (export "f") (param i64) (result i64)
                (loop $again
                  (drop (call $through))
                  (drop (call $through)))
                (call $deep (local.get 0))))"#
        ))
    };
    let returning = program("(i64.const 1)");
    let tail = program("(return_call $nothing)");
    let ends = |module: &[u8], depth| check(module, "f", &[Value::I64(depth)], GAS).ending;
    let overflow = Ending::Trapped(Trap::StackOverflow);
    let (mut fits, mut exceeds) = (0, 1 << 16);
    while exceeds - fits > 1 {
        let middle = (fits + exceeds) / 2;
        match ends(&returning, middle) == overflow {
            true => exceeds = middle,
            false => fits = middle,
        }
    }
    assert!(fits > 100, "{fits}");
    assert_eq!(ends(&tail, fits), Ending::Finished(vec![Value::I64(fits)]));
    assert_eq!(ends(&tail, exceeds), overflow);
}

#[test]
fn tail_calls_trap_as_other_calls() {
    let module = wasm(TAILS);
    let element = |index| check(&module, "element", &[Value::I32(index)], GAS).ending;
    assert_eq!(element(0), Ending::Finished(vec![Value::I64(7)]));
    assert_eq!(element(2), Ending::Trapped(Trap::IndirectCallToNull));
    assert_eq!(element(3), Ending::Trapped(Trap::TableOutOfBounds));
    let signature = check(&module, "signature", &[], GAS).ending;
    assert_eq!(signature, Ending::Trapped(Trap::BadSignature));
}

#[test]
fn a_tail_call_of_a_syscall_that_suspends_is_resumed_for_its_caller() {
    let module = wasm(TAILS);
    agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&module, &extended()).unwrap();
        let args = [Value::I64(4)];
        let call = Call {
            entry: "waits",
            args: &args,
            gas: GAS,
        };
        let fusee_executor::Outcome::Syscall(suspended) = call.on(lane, &prepared) else {
            panic!("{}: it waits", lane.name);
        };
        assert_eq!(suspended.request().args[0], 5);
        let outcome = suspended.resume(40).unwrap();
        assert_eq!(outcome.values(), [Value::I64(40)], "{}", lane.name);
        outcome.gas_used()
    });
}

/// A tail call costs what a call costs, and no return.
#[test]
fn a_tail_call_costs_a_call() {
    let price = |body: &str| {
        let module = wasm(&format!(
            "(module (func $leaf (result i64) (i64.const 1)) (func (export \"f\") (result i64) {body}))"
        ));
        check(&module, "f", &[], GAS).gas_used
    };
    let returned = price("(return (call $leaf))");
    let tail = price("(return_call $leaf)");
    let schedule = fusee_conformance::round::schedule();
    let (_, return_price) = schedule
        .operators()
        .find(|(name, _)| *name == "return")
        .unwrap();
    assert_eq!(returned - tail, u64::from(return_price));
}

#[test]
fn extended_constants_are_computed_before() {
    let module = wasm(
        r#"(module
          (memory 1)
          (global $a i32 (i32.add (i32.const 7) (i32.mul (i32.const -1) (i32.const 3))))
          (global $b (mut i64) (i64.sub (i64.const 1) (i64.mul (i64.const 5) (i64.const 1000000007))))
          (global $wraps i32 (i32.add (i32.const 2147483647) (i32.const 1)))
          (table 8 funcref) (elem (i32.sub (i32.const 9) (i32.const 2)) $seven)
          (data (i32.mul (i32.const 16) (i32.add (i32.const 1) (i32.const 1))) "\2a")
          (func $seven (result i64) (i64.const 7))
          (func (export "f") (result i64)
            (i64.add (i64.add (i64.extend_i32_s (global.get $a)) (global.get $b))
              (i64.add (call_indirect (result i64) (i32.const 7))
                (i64.add (i64.load8_u (i32.const 32)) (i64.extend_i32_s (global.get $wraps)))))
            (global.set $b (i64.const 0))))"#,
    );
    let expected = 4 + (1 - 5 * 1_000_000_007) + 7 + 42 + i64::from(i32::MIN);
    let finished = Ending::Finished(vec![Value::I64(expected)]);
    // Twice: the second time, an engine may have reset the globals of the first instance.
    for _ in 0..2 {
        assert_eq!(check(&module, "f", &[], GAS).ending, finished);
    }
    agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&module, &extended()).unwrap();
        [(); 3].map(|()| {
            let call = Call {
                entry: "f",
                args: &[],
                gas: GAS,
            };
            let outcome = call.on(lane, &prepared);
            assert_eq!(outcome.values(), [Value::I64(expected)], "{}", lane.name);
            outcome.gas_used()
        })
    });
    // They cost nothing, and nobody else has to compute them.
    let plain = wasm("(module (global i32 (i32.const 7)))");
    let sum = wasm("(module (global i32 (i32.add (i32.const 3) (i32.const 4))))");
    let [plain, sum] = [plain, sum].map(|module| prepare(&module, &extended()).unwrap());
    assert_eq!(
        (plain.instantiation_gas, &plain.code),
        (sum.instantiation_gas, &sum.code)
    );
    let found = inspect(&module, &extended()).unwrap();
    assert_eq!(found.globals[0].initial, Some(4));
    let Placement::Active { offset, .. } = found.data_segments[0].placement else {
        panic!("it is active");
    };
    assert_eq!(offset, 32);
}

#[test]
fn an_active_segment_at_a_computed_offset_has_to_fit() {
    let outside =
        wasm(r#"(module (memory 1) (data (i32.add (i32.const 65530) (i32.const 6)) "1"))"#);
    let refusal = prepare(&outside, &extended()).unwrap_err().to_string();
    assert!(refusal.contains("from 65536 to 65537"), "{refusal}");
}

/// One feature does not admit the other, and programs that use none do not depend on the rules.
#[test]
fn each_feature_is_admitted_by_itself() {
    let tail = wasm("(module (func $f (return_call $f)))");
    let sum = wasm("(module (global i32 (i32.add (i32.const 3) (i32.const 4))))");
    for (tail_calls, extended_constants) in [(false, true), (true, false)] {
        let rules = rules().with_extensions(Extensions {
            tail_calls,
            extended_constants,
        });
        assert_eq!(prepare(&tail, &rules).is_ok(), tail_calls);
        assert_eq!(prepare(&sum, &rules).is_ok(), extended_constants);
    }
    let plain = wasm("(module (func $f (call $f)))");
    let [all, none] = [extended(), rules()].map(|rules| prepare(&plain, &rules).unwrap());
    assert_eq!(all.code, none.code);
}

/// Else they would stay on the interpreter, for frames whose size nobody can read.
#[test]
fn the_native_frames_of_tail_calls_are_known() {
    let engine = WasmtimeEngine::new().unwrap();
    let program = prepare(&wasm(TAILS), &extended()).unwrap();
    for effort in [Effort::Reduced, Effort::Full] {
        engine.precompile(&program, effort).unwrap();
    }
}
