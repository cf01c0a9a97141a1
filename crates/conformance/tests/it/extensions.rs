//! Features that rules admit beside those of all rules: tail calls, extended constants, growth of
//! tables, integers of 128 bits. And stacks that need more bits of the packed counter.

use std::sync::Arc;

use fusee_conformance::{Ending, Verdict, agreed, lanes};
use fusee_engine::{Compiler, Effort, Gas, Trap, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Executor, RunRequest, Suspension};
use fusee_instrument::{
    Extensions, Limits, Rules, Schedule, inspect, inspection::Placement, prepare,
};

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
    let grow =
        wasm("(module (table 0 funcref) (func (drop (table.grow (ref.null func) (i32.const 1)))))");
    let wide =
        wasm("(module (func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 2))))");
    for admitted in 0..4 {
        let extensions = Extensions {
            tail_calls: admitted == 0,
            extended_constants: admitted == 1,
            table_grow: admitted == 2,
            wide_arithmetic: admitted == 3,
        };
        let rules = rules().with_extensions(extensions);
        let found = [&tail, &sum, &grow, &wide].map(|module| prepare(module, &rules).is_ok());
        assert_eq!(found, std::array::from_fn(|position| position == admitted));
    }
    // A schedule without a price admits nothing.
    let first = Rules::v1(Vec::new()).with_extensions(Extensions::ALL);
    for module in [&grow, &wide] {
        let refusal = prepare(module, &first).unwrap_err().to_string();
        assert!(refusal.contains("is not admitted"), "{refusal}");
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

const WIDE: &str = r#"(module
  (func (export "add") (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "sub") (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "mul_s") (param i64 i64) (result i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func (export "mul_u") (param i64 i64) (result i64 i64)
    (i64.mul_wide_u (local.get 0) (local.get 1)))
  ;; The operands are constants and locals, and lie below and above others.
  (func (export "mixed") (param i64) (result i64 i64 i64)
    (i64.const 7)
    (i64.mul_wide_u (local.get 0) (i64.const -1))
    (i64.add128 (i64.const -1) (local.get 0))))"#;

/// The number with these halves, low one first.
fn number(low: i64, high: i64) -> i128 {
    i128::from(low.cast_unsigned()) | (i128::from(high) << 64)
}

#[test]
fn integers_of_128_bits_are_those_of_the_specification() {
    let module = wasm(WIDE);
    let compute = |entry, args: &[i64]| {
        let args: Vec<Value> = args.iter().copied().map(Value::I64).collect();
        match check(&module, entry, &args, GAS).ending {
            Ending::Finished(values) => match values.as_slice() {
                [Value::I64(low), Value::I64(high)] => number(*low, *high),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let edges = [0, 1, -1, 2, i64::MAX, i64::MIN, 0x1234_5678_9abc_def0];
    for a in edges {
        for b in edges {
            let product = |extend: fn(i64) -> i128| extend(a).wrapping_mul(extend(b));
            assert_eq!(compute("mul_s", &[a, b]), product(i128::from));
            let unsigned = product(|half| i128::from(half.cast_unsigned()));
            assert_eq!(compute("mul_u", &[a, b]), unsigned);
            let (left, right) = (number(a, b), number(b, 3));
            assert_eq!(compute("add", &[a, b, b, 3]), left.wrapping_add(right));
            assert_eq!(compute("sub", &[a, b, b, 3]), left.wrapping_sub(right));
        }
    }
    // (3, 4 * 2^64) + (-1, 5): the product of 5 and 2^64 - 1 is 2^64 * 4 + (2^64 - 5).
    let mixed = check(&module, "mixed", &[Value::I64(5)], GAS).ending;
    let expected = [7, -6, 10].map(Value::I64).to_vec();
    assert_eq!(mixed, Ending::Finished(expected));
}

/// `grow` returns the size before, and `call` calls an element.
const GROWING: &str = r#"(module
  (table $bounded 2 5 funcref) (table $free 1 funcref)
  (elem declare func $seven)
  (func $seven (result i32) (i32.const 7))
  (func (export "bounded") (param i32) (result i32)
    (table.grow $bounded (ref.func $seven) (local.get 0)))
  (func (export "free") (param i32) (result i32)
    (table.grow $free (ref.null func) (local.get 0)))
  (func (export "grown") (param i32 i32) (result i32 i32 i32)
    (table.grow $free (ref.func $seven) (local.get 0))
    (table.size $free)
    (call_indirect $free (result i32) (local.get 1)))
  (func (export "twice") (param i32 i32) (result i32 i32)
    (table.grow $bounded (ref.null func) (local.get 0))
    (table.grow $bounded (ref.null func) (local.get 1))))"#;

#[test]
fn a_table_grows_up_to_its_limit_or_that_of_the_rules() {
    let module = wasm(GROWING);
    let run = |entry, args: &[i32]| {
        let args: Vec<Value> = args.iter().copied().map(Value::I32).collect();
        check(&module, entry, &args, GAS).ending
    };
    let finished =
        |values: &[i32]| Ending::Finished(values.iter().copied().map(Value::I32).collect());
    // Twice: a reset of an instance does not undo it, so that none is reset.
    for _ in 0..2 {
        assert_eq!(run("bounded", &[0]), finished(&[2]));
        assert_eq!(run("bounded", &[3]), finished(&[2]));
        assert_eq!(run("bounded", &[4]), finished(&[-1]));
        assert_eq!(run("twice", &[2, 2]), finished(&[2, -1]));
        assert_eq!(run("twice", &[4, 1]), finished(&[-1, 2]));
        assert_eq!(run("free", &[16_383]), finished(&[1]));
        assert_eq!(run("free", &[16_384]), finished(&[-1]));
        assert_eq!(run("free", &[-1]), finished(&[-1]));
        assert_eq!(run("grown", &[9, 9]), finished(&[1, 10, 7]));
        let null = Ending::Trapped(Trap::IndirectCallToNull);
        assert_eq!(run("grown", &[9, 0]), null);
        let outside = Ending::Trapped(Trap::TableOutOfBounds);
        assert_eq!(run("grown", &[9, 10]), outside);
    }
}

/// An interpreter may take native stack for each, until the function returns.
#[test]
fn a_loop_may_grow_a_table_as_often_as_it_pays_for() {
    let module = wasm(
        r#"(module (table 0 100 funcref)
          (func (export "often") (param i32) (result i32) (local $sum i32)
            (loop
              (local.set $sum (i32.add (local.get $sum)
                (table.grow (ref.null func) (i32.eqz (i32.and (local.get 0) (i32.const 4095))))))
              (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $sum)))"#,
    );
    let rounds = 1_000_000;
    let verdict = check(&module, "often", &[Value::I32(rounds)], GAS);
    let mut size = 0;
    let sum = (1..=rounds).rev().fold(0_i32, |sum, round| {
        let before = match round % 4_096 == 0 {
            true if size == 100 => -1,
            _ => size,
        };
        size += i32::from(round % 4_096 == 0 && size < 100);
        sum.wrapping_add(before)
    });
    assert_eq!(verdict.ending, Ending::Finished(vec![Value::I32(sum)]));
}

/// Up to as many as a table can have.
#[test]
fn an_element_that_a_table_grows_by_has_a_price() {
    let module = wasm(GROWING);
    let gas = |elements| check(&module, "free", &[Value::I32(elements)], GAS).gas_used;
    let price = u64::from(fusee_conformance::round::schedule().dynamic.grow_element);
    let none = gas(0);
    assert_eq!(gas(1) - none, price);
    assert_eq!(gas(1_000) - none, price * 1_000);
    assert_eq!(gas(16_384) - none, price * 16_384);
    assert_eq!(gas(16_385) - none, price * 16_384);
    assert_eq!(gas(-1) - none, price * 16_384);
    let short = check(&module, "free", &[Value::I32(1_000)], none + 10);
    assert_eq!(short.ending, Ending::OutOfGas);
}

/// Where a table is as large as an engine has room for, it could not grow on that engine.
#[test]
fn rules_with_larger_tables_do_not_let_them_grow() {
    let limits = Limits {
        table_elements: 16_385,
        ..Limits::v1()
    };
    let rules = Rules::named("large", Schedule::v2(), limits, Vec::new());
    let module = wasm("(module)");
    prepare(&module, &rules).unwrap();
    let grows = rules.with_extensions(Extensions {
        table_grow: true,
        ..Extensions::NONE
    });
    let refusal = prepare(&module, &grows).unwrap_err().to_string();
    assert!(refusal.contains("table_elements"), "{refusal}");
}

/// The depth that a stack of this height admits, on engines with native stacks to match.
fn deepest(stack_bytes: u64) -> i64 {
    let limits = Limits {
        stack_bytes,
        ..Limits::v1()
    };
    let rules = Rules::named("deep", Schedule::v2(), limits, Vec::new());
    let module = wasm(
        r#"(module (func $deep (export "deep") (param i64) (result i64)
          (if (i64.eqz (local.get 0)) (then (return (i64.const 0))))
          (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1))))))"#,
    );
    let native = usize::try_from(stack_bytes).unwrap() + (64 << 10);
    // Few instances: other tests reserve addresses beside.
    let wasmtime = || {
        WasmtimeEngine::builder()
            .instances(8)
            .guest_stack_bytes(native)
    };
    let executors = [
        Executor::builder(Arc::new(WasmiEngine::new())).build(),
        Executor::builder(Arc::new(wasmtime().build().unwrap())).build(),
    ];
    let ends = |depth| {
        let mut found = executors.iter().flat_map(|executor| {
            let prepared = executor.prepare(&module, &rules).unwrap();
            [Suspension::AsNeeded, Suspension::Always].map(|suspension| {
                let args = [Value::I64(depth)];
                let request = RunRequest {
                    suspension,
                    ..RunRequest::new("deep", &args, Gas::new(GAS))
                };
                Verdict::of(executor.run(&prepared, request, ()).unwrap())
            })
        });
        let first = found.next().unwrap();
        found.for_each(|other| assert_eq!(other, first, "{depth}"));
        first
    };
    let frame = {
        let program = prepare(&module, &rules).unwrap();
        u64::from(program.frames.counted[0])
    };
    let depth = i64::try_from(stack_bytes / frame).unwrap() - 1;
    assert_eq!(
        ends(depth).ending,
        Ending::Finished(vec![Value::I64(depth)])
    );
    let overflow = Ending::Trapped(Trap::StackOverflow);
    assert_eq!(ends(depth + 1).ending, overflow);
    depth
}

#[test]
fn the_rules_decide_the_height_of_the_stack() {
    let most = 16_777_208;
    // The last height that the smaller packing has, the next one, what plain Wasmtime would give
    // 8 MiB to, and the last one.
    let found = [524_280, 524_288, 8 << 20, most].map(deepest);
    assert!(found.is_sorted());
    assert!(found[3] > 150_000, "{found:?}");
    let limits = Limits {
        stack_bytes: most + 1,
        ..Limits::v1()
    };
    let rules = Rules::named("too-deep", Schedule::v2(), limits, Vec::new());
    let refusal = prepare(&wasm("(module)"), &rules).unwrap_err().to_string();
    assert!(refusal.contains("stack_bytes"), "{refusal}");
}
