//! Profiles: the parts add up to the gas used, on every lane and for every outcome. Profiling does
//! not affect the run.

use std::collections::BTreeMap;

use fusee_conformance::{Ending, Lane, Verdict, agreed, lanes, round, smith};
use fusee_engine::{
    Gas, Host, OutOfGasPolicy, Profiler, Trap, Value, ValueType,
    profile::{Path, ProfileSpan},
};
use fusee_executor::{Outcome, RunRequest};
use fusee_instrument::{Limits, Rules};

use crate::guest::{Call, TICK_PRICE, WAIT, host, rules, wasm};

use ProfileSpan::{Forfeited, Function, Instance, Syscall};

const GAS: u64 = 1_000_000;

/// The number of `tick`.
const TICK: u32 = 3;
/// The number of `charge`.
const CHARGE: u32 = 5;
/// The number of `finish`.
const FINISH: u32 = 7;

/// What each path cost.
type Paths = BTreeMap<Path, Gas>;

fn call<'a>(entry: &'a str, args: &'a [Value]) -> Call<'a> {
    Call {
        entry,
        args,
        gas: GAS,
    }
}

/// Answers each wait with a charge, and gives `more` wherever gas ends.
fn go_on<H: Host>(mut outcome: Outcome<H>, more: u64) -> Outcome<H> {
    loop {
        outcome = match outcome {
            Outcome::Syscall(mut suspended) => match suspended.charge(Gas::new(500)) {
                Ok(()) => suspended.resume(7).unwrap(),
                Err(_) => suspended.out_of_gas(),
            },
            Outcome::GasEnd(parked) => parked.resume_with(Gas::new(more)).unwrap(),
            ended => return ended,
        };
    }
}

/// A run with a profile: how it ended, and where the gas went.
fn profiled(lane: &Lane, wasm: &[u8], call: Call<'_>, more: u64) -> (Verdict, Paths) {
    let prepared = lane.executor.prepare(wasm, &rules().profiled()).unwrap();
    let profiler = Profiler::new();
    let request = RunRequest {
        profiler: Some(profiler.clone()),
        ..request(lane, call, more)
    };
    let outcome = lane.executor.run(&prepared, request, host()).unwrap();
    let verdict = Verdict::of(go_on(outcome, more));
    assert_eq!(profiler.total().units(), verdict.gas_used, "{verdict:?}");
    (verdict, profiler.paths())
}

fn plain(lane: &Lane, wasm: &[u8], call: Call<'_>, more: u64) -> Verdict {
    let prepared = lane.executor.prepare(wasm, &rules()).unwrap();
    let request = request(lane, call, more);
    let outcome = lane.executor.run(&prepared, request, host()).unwrap();
    Verdict::of(go_on(outcome, more))
}

fn request<'a>(lane: &Lane, call: Call<'a>, more: u64) -> RunRequest<'a> {
    RunRequest {
        out_of_gas_policy: match more {
            0 => OutOfGasPolicy::Stop,
            _ => OutOfGasPolicy::Suspend,
        },
        ..lane.request(call.entry, call.args, Gas::new(call.gas))
    }
}

/// What all lanes agree on, and runs without a profile too.
fn check(lanes: &[Lane], wasm: &[u8], call: Call<'_>, more: u64) -> (Verdict, Paths) {
    let found = agreed(lanes, |lane| profiled(lane, wasm, call, more));
    assert_eq!(
        plain(&lanes[0], wasm, call, more),
        found.0,
        "{}",
        call.entry
    );
    found
}

fn paths<const N: usize>(parts: [(&[ProfileSpan], u64); N]) -> Paths {
    let part = |(path, gas): (&[ProfileSpan], u64)| (path.to_vec(), Gas::new(gas));
    parts.map(part).into()
}

/// Every kind of part that there is.
const PARTS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (import "env" "tick" (func $tick))
  (import "env" "charge" (func $charge (param i64)))
  (import "env" "finish" (func $finish))
  (type $plain (func))
  (table funcref (elem $two $tick $trap))
  (memory 1)
  (func $init (call $two))
  (start $init)
  (func (export "_initialize") (call $two) (call $two))
  (func $two (drop (i32.add (i32.const 1) (i32.const 2))))
  (func $trap (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func $early (param i32) (result i32 i32)
    (if (local.get 0) (then (call $two) (return (i32.const 1) (i32.const 2))))
    (br_if 0 (i32.const 3) (i32.const 4) (i32.eqz (local.get 0)))
    (unreachable))
  (func $down (export "down") (param i32)
    (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "calls") (param i32)
    (call $two)
    (call $down (i32.const 2))
    (drop (drop (call $early (i32.const 0))))
    (drop (drop (call $early (i32.const 1))))
    (call_indirect (type $plain) (local.get 0))
    (call_indirect (type $plain) (i32.const 1))
    (call $charge (i64.const 1000))
    (drop (call $wait (i64.const 0)))
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 640)))
  (func (export "spin") (loop (call $two) (br 0)))
  (func (export "end") (call $two) (call $finish))
  (func (export "stop") (call $two) (unreachable))
  (func (export "far") (call $two) (drop (i32.load (i32.const -1))) (call $two))
  (export "bare" (func $tick))
)"#;

/// The functions' indices.
const INIT: ProfileSpan = Function(4);
const INITIALIZE: ProfileSpan = Function(5);
const TWO: ProfileSpan = Function(6);
const TRAP: ProfileSpan = Function(7);
const EARLY: ProfileSpan = Function(8);
const DOWN: ProfileSpan = Function(9);
const CALLS: ProfileSpan = Function(10);

#[test]
fn gas_is_told_apart_by_function_and_syscall() {
    let (lanes, wasm) = (lanes(), wasm(PARTS));
    let (verdict, found) = check(&lanes, &wasm, call("calls", &[Value::I32(0)]), 0);
    assert_eq!(verdict.ending, Ending::Finished(Vec::new()));
    let (two, down, leaf) = (3, 2 + 7, 2);
    let own = 4 + 5 + 5 + 5 + 9 + 9 + 5 + 5 + 3 + 100;
    let expected = paths([
        (&[Instance], 3_000 + 24),
        (&[INIT], 4),
        (&[INIT, TWO], two),
        (&[INITIALIZE], 8),
        (&[INITIALIZE, TWO], 2 * two),
        (&[CALLS], own),
        (&[CALLS, TWO], 2 * two),
        (&[CALLS, DOWN], down),
        (&[CALLS, DOWN, DOWN], down),
        (&[CALLS, DOWN, DOWN, DOWN], leaf),
        (&[CALLS, EARLY], 7 + 9),
        (&[CALLS, EARLY, TWO], two),
        (&[CALLS, Syscall(TICK)], TICK_PRICE),
        (&[CALLS, Syscall(CHARGE)], 1_000),
        (&[CALLS, Syscall(WAIT)], 500),
    ]);
    assert_eq!(found, expected);

    let (_, bare) = check(&lanes, &wasm, call("bare", &[]), 0);
    assert_eq!(bare[&[Syscall(TICK)][..]].units(), TICK_PRICE);
}

#[test]
fn a_trap_is_counted_where_it_struck() {
    let (lanes, wasm) = (lanes(), wasm(PARTS));
    let (verdict, found) = check(&lanes, &wasm, call("calls", &[Value::I32(2)]), 0);
    assert_eq!(verdict.ending, Ending::Trapped(Trap::IntegerDivisionByZero));
    let known = found.iter().filter(|(path, _)| !path.contains(&Forfeited));
    let known = known.fold(0, |sum, (_, gas)| sum + gas.units());
    let forfeited = found[&[CALLS, TRAP, Forfeited][..]].units();
    assert_eq!(known + forfeited, GAS);
    assert!(known < 10_000, "{found:?}");

    // The call that comes after the trap was charged with the region, and is forfeited.
    let (verdict, found) = check(&lanes, &wasm, call("far", &[]), 0);
    assert_eq!(verdict.ending, Ending::Trapped(Trap::MemoryOutOfBounds));
    let far = Function(14);
    assert!(found.contains_key(&[far, TWO][..]) && found.contains_key(&[far, Forfeited][..]));

    let (verdict, found) = check(&lanes, &wasm, call("stop", &[]), 0);
    assert_eq!(verdict.ending, Ending::Trapped(Trap::Unreachable));
    assert_eq!(found[&[Function(13)][..]].units(), 4 + 1);

    let (_, found) = check(&lanes, &wasm, call("end", &[]), 0);
    assert!(!found.contains_key(&[Function(12), Syscall(FINISH)][..]));
}

#[test]
fn a_run_out_of_gas_is_counted_at_any_limit() {
    let (lanes, wasm) = (lanes(), wasm(PARTS));
    let args = [Value::I32(0)];
    let (whole, all) = check(&lanes, &wasm, call("calls", &args), 0);
    let mut before = Paths::new();
    for gas in 0..=whole.gas_used {
        let limited = Call {
            gas,
            ..call("calls", &args)
        };
        // The instance and the syscalls have long stretches in which every limit is alike.
        let is_dull = !(3_000..3_250).contains(&gas) && !gas.is_multiple_of(25);
        if is_dull && gas + 130 < whole.gas_used {
            continue;
        }
        let (verdict, found) = check(&lanes, &wasm, limited, 0);
        assert_eq!(verdict.gas_used, gas);
        assert_eq!(
            verdict.ending == Ending::OutOfGas,
            gas < whole.gas_used,
            "{gas}"
        );
        // More gas is spent in the same places, and then in others.
        let shrunk = before.iter().find(|(path, part)| found[*path] < **part);
        assert_eq!(shrunk, None, "{gas}");
        before = found;
    }
    assert_eq!(before, all);
    let (verdict, found) = check(&lanes, &wasm, call("spin", &[]), 0);
    assert_eq!(verdict.ending, Ending::OutOfGas);
    assert!(found[&[Function(11), TWO][..]].units() > GAS / 3);
}

#[test]
fn a_run_that_is_given_more_is_counted_too() {
    let (lanes, wasm) = (lanes(), wasm(PARTS));
    let args = [Value::I32(0)];
    let (whole, all) = check(&lanes, &wasm, call("calls", &args), 0);
    for more in [1, 7, 100] {
        let limited = Call {
            gas: 3_100,
            ..call("calls", &args)
        };
        let (verdict, found) = check(&lanes[..4], &wasm, limited, more);
        assert_eq!(verdict.ending, whole.ending);
        assert_eq!(verdict.gas_used, whole.gas_used);
        assert_eq!(found, all, "{more}");
    }
}

#[test]
fn deep_and_broad_calls_keep_each_function_s_gas() {
    let lanes = lanes();
    let down = [Value::I32(1_000)];
    let (_, found) = check(&lanes, &wasm(PARTS), call("down", &down), 0);
    let longest = found.keys().map(Vec::len).max();
    assert_eq!(longest, Some(128));
    let (verdict, _) = check(
        &lanes,
        &wasm(PARTS),
        call("down", &[Value::I32(1 << 20)]),
        0,
    );
    assert_eq!(verdict.ending, Ending::Trapped(Trap::StackOverflow));

    // Two functions that call both of them: each call has a path of its own, and there are 2^18.
    let broad = wasm(
        r#"(module
          (func $a (export "a") (param i32)
            (if (local.get 0) (then
              (call $a (i32.sub (local.get 0) (i32.const 1)))
              (call $b (i32.sub (local.get 0) (i32.const 1))))))
          (func $b (param i32)
            (if (local.get 0) (then
              (call $a (i32.sub (local.get 0) (i32.const 1)))
              (call $b (i32.sub (local.get 0) (i32.const 1)))))))"#,
    );
    let args = [Value::I32(17)];
    let call = Call {
        gas: 100 * GAS,
        ..call("a", &args)
    };
    let (verdict, found) = check(&lanes[..2], &broad, call, 0);
    assert_eq!(verdict.ending, Ending::Finished(Vec::new()));
    assert!(found.len() <= (1 << 16) + 2, "{}", found.len());
    let own = |place| {
        let parts = found.iter().filter(|(path, _)| path.last() == Some(&place));
        parts.fold(0, |sum, (_, gas)| sum + gas.units())
    };
    // Below the outermost call, which calls one more of the one than is called of the other, both
    // do the same work.
    let [a, b] = [0, 1].map(|index| own(Function(index)));
    let outermost = found[&[Function(0)][..]].units();
    assert!(a - outermost <= b && b <= a, "{a} {b} {outermost}");
}

#[test]
fn guests_come_to_the_same_end_with_a_profile() {
    let lanes = lanes();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/wasm");
    let mut runs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let wasm = std::fs::read(file.unwrap().path()).unwrap();
        // Those with other imports, and those that are hostile to the rules.
        let Ok(program) = fusee_instrument::prepare(&wasm, &rules()) else {
            continue;
        };
        for export in &program.exports {
            let args = export.params.iter().map(|param| match param {
                ValueType::I32 => Value::I32(9),
                _ => Value::I64(9),
            });
            let args: Vec<_> = args.collect();
            let limited = Call {
                gas: GAS / 10,
                ..call(&export.name, &args)
            };
            check(&lanes, &wasm, limited, 0);
            runs += 1;
        }
    }
    assert!(runs > 50, "{runs}");
}

#[test]
fn generated_programs_come_to_the_same_end_with_a_profile() {
    let lanes = lanes();
    let mut profiles = 0;
    for seed in 0..200 {
        profiles += smith::check_profiles(&lanes, seed).unwrap_or_else(|found| panic!("{found}"));
    }
    assert!(profiles > 400, "{profiles}");
}

#[test]
fn a_profile_changes_neither_the_rules_nor_the_run() {
    let wasm = wasm(PARTS);
    let limits = Limits {
        output_bytes: u64::MAX,
        ..Limits::v1()
    };
    let unlimited = Rules::named("unlimited", round::schedule(), limits, Vec::new());
    for rules in [rules(), unlimited] {
        let profiled = rules.clone().profiled();
        assert_eq!(profiled.limits(), rules.limits());
        assert_eq!(profiled.encode(), rules.encode());
        assert_eq!(profiled.id(), rules.id());
    }
    let lane = &lanes()[0];
    let profiler = Profiler::new();
    let prepared = lane.executor.prepare(&wasm, &rules()).unwrap();
    let request = RunRequest {
        profiler: Some(profiler.clone()),
        ..lane.request("end", &[], Gas::new(GAS))
    };
    let verdict = Verdict::of(lane.executor.run(&prepared, request, host()).unwrap());
    // A program that tells nothing is one part.
    assert_eq!(profiler.total().units(), verdict.gas_used);
    assert!(profiler.paths().contains_key(&[][..]));
    // A profiled program also runs without a profiler.
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm, &rules().profiled()).unwrap();
        assert_eq!(Verdict::of(call("end", &[]).on(&lane, &prepared)), verdict);
    }
}
