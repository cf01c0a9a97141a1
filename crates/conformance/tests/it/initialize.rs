//! Instances that are created without calling an entry, and memory that the host grows.

use fusee_conformance::{Ending, Lane, Verdict, agreed, lanes};
use fusee_engine::{Gas, PAGE_BYTES, Trap, Value};
use fusee_executor::{LiveInstance, Outcome, RunRequest};

use crate::guest::{TestHost, host, rules, wasm};

/// What runs before any entry leaves its mark, and waits.
const MARKS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 1 3)
  (global $order (mut i64) (i64.const 0))
  (func $mark (param i64)
    (global.set $order (i64.add (i64.mul (global.get $order) (i64.const 10)) (local.get 0))))
  (func $start (call $mark (call $wait (i64.const 1))))
  (start $start)
  (func (export "_initialize") (call $mark (call $wait (i64.const 2))))
  (func (export "order") (result i64) (global.get $order))
  (func (export "pages") (result i32) (memory.size))
  (func (export "last") (result i32)
    (i32.load8_u (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)))))"#;

const GAS: Gas = Gas::new(1_000_000);

fn fresh(lane: &Lane, text: &str, gas: Gas) -> Outcome<TestHost> {
    let prepared = lane.executor.prepare(&wasm(text), &rules()).unwrap();
    let request = lane.request("", &[], gas);
    let instance = lane.executor.instance(&prepared, &request).unwrap();
    instance.initialize(request, host()).unwrap()
}

fn answer(mut outcome: Outcome<TestHost>) -> Outcome<TestHost> {
    while let Outcome::Syscall(suspended) = outcome {
        let asked = suspended.request().args[0];
        outcome = suspended.resume(asked).unwrap();
    }
    outcome
}

fn live(outcome: Outcome<TestHost>) -> LiveInstance {
    let Outcome::Finished(finished) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(finished.values(), []);
    finished.into_instance().0.unwrap()
}

fn finished_instance(outcome: Outcome<TestHost>) -> LiveInstance {
    match outcome {
        Outcome::Finished(finished) => finished.into_instance().0.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn enter(lane: &Lane, live: LiveInstance, entry: &str) -> (Vec<Value>, LiveInstance) {
    let request = lane.request(entry, &[], GAS);
    match live.run(request, host()).unwrap() {
        Outcome::Finished(finished) => (
            finished.values().to_vec(),
            finished.into_instance().0.unwrap(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_runs_before_an_entry_runs_without_one_and_once() {
    agreed(&lanes(), |lane| {
        let made = answer(fresh(lane, MARKS, GAS));
        let verdict = Verdict::on(&made);
        let (order, instance) = enter(lane, live(made), "order");
        assert_eq!(order, [Value::I64(12)], "{}", lane.name);
        // There is nothing left to initialize.
        let again = instance
            .initialize(lane.request("", &[], GAS), host())
            .unwrap();
        assert_eq!(Verdict::on(&again).gas_used, 0);
        let (order, _) = enter(lane, live(again), "order");
        assert_eq!(order, [Value::I64(12)], "{}", lane.name);
        verdict
    });
}

#[test]
fn an_instance_costs_the_same_with_an_entry_and_without() {
    let text = r#"(module (memory 1) (func (export "f")))"#;
    agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&wasm(text), &rules()).unwrap();
        let made = fresh(lane, text, GAS);
        let alone = Verdict::on(&made);
        let instance = live(made);
        let later = instance.run(lane.request("f", &[], GAS), host()).unwrap();
        let at_once = lane
            .executor
            .run(&prepared, lane.request("f", &[], GAS), host())
            .unwrap();
        let sum = alone.gas_used + Verdict::of(later).gas_used;
        assert_eq!(sum, Verdict::of(at_once).gas_used, "{}", lane.name);
        alone
    });
}

#[test]
fn an_instance_that_cannot_be_paid_for_is_out_of_gas() {
    let verdict = agreed(&lanes(), |lane| {
        let price = Verdict::of(fresh(lane, "(module)", GAS)).gas_used;
        let exact = Verdict::of(fresh(lane, "(module)", Gas::new(price)));
        assert_eq!(exact.ending, Ending::Finished(vec![]), "{}", lane.name);
        Verdict::of(fresh(lane, "(module)", Gas::new(price - 1)))
    });
    assert_eq!(verdict.ending, Ending::OutOfGas);
}

#[test]
fn a_start_function_traps_and_can_be_dropped_where_it_waits() {
    let traps = "(module (func $f unreachable) (start $f))";
    let verdict = agreed(&lanes(), |lane| {
        let parked = fresh(lane, MARKS, GAS);
        assert_eq!(lane.executor.suspended_runs(), 1);
        drop(parked);
        assert_eq!(lane.executor.suspended_runs(), 0);
        Verdict::of(fresh(lane, traps, GAS))
    });
    assert_eq!(verdict.ending, Ending::Trapped(Trap::Unreachable));
}

#[test]
fn the_host_grows_memory_as_far_as_the_program_says() {
    agreed(&lanes(), |lane| {
        let mut instance = live(answer(fresh(lane, MARKS, GAS)));
        assert_eq!(instance.grow_memory(0).unwrap(), Some(1));
        assert_eq!(instance.grow_memory(3).unwrap(), None);
        assert_eq!(instance.grow_memory(u32::MAX).unwrap(), None);
        assert_eq!(instance.grow_memory(2).unwrap(), Some(1));
        assert_eq!(instance.grow_memory(1).unwrap(), None);
        let bytes = 3 * PAGE_BYTES;
        assert_eq!(instance.memory().bytes(), bytes, "{}", lane.name);
        // The guest sees what the host has grown, and what it wrote there.
        instance.memory().write(bytes - 1, &[42]).unwrap();
        let (pages, instance) = enter(lane, instance, "pages");
        assert_eq!(pages, [Value::I32(3)], "{}", lane.name);
        let (last, _) = enter(lane, instance, "last");
        assert_eq!(last, [Value::I32(42)], "{}", lane.name);
    });
}

#[test]
fn what_has_no_memory_does_not_grow_and_what_declares_no_end_has_that_of_the_rules() {
    agreed(&lanes(), |lane| {
        let mut without = live(fresh(lane, "(module)", GAS));
        assert_eq!(without.grow_memory(1).unwrap(), None);
        assert_eq!(without.grow_memory(0).unwrap(), None);
        let mut open = live(fresh(lane, "(module (memory 1))", GAS));
        let most = u32::try_from(rules().limits().memory_pages).unwrap();
        assert_eq!(open.grow_memory(most).unwrap(), None);
        assert_eq!(
            open.grow_memory(most - 1).unwrap(),
            Some(1),
            "{}",
            lane.name
        );
        let request = RunRequest::new("", &[], GAS);
        let prepared = lane.executor.prepare(&wasm("(module)"), &rules()).unwrap();
        let mut unmade = lane.executor.instance(&prepared, &request).unwrap();
        assert_eq!(unmade.grow_memory(0).unwrap(), None);
    });
}

#[test]
fn a_parked_run_is_ended_as_a_host_function_would() {
    use fusee_engine::{EngineError, Stop};
    let end = |stop: fn() -> Stop| {
        agreed(&lanes(), |lane| {
            let Outcome::Syscall(suspended) = fresh(lane, MARKS, GAS) else {
                panic!("it waits");
            };
            let ended = suspended.stop(stop());
            assert_eq!(lane.executor.suspended_runs(), 0, "{}", lane.name);
            ended.map(Verdict::of).map_err(|error| error.to_string())
        })
    };
    assert_eq!(
        end(|| Stop::Finish).unwrap().ending,
        Ending::Finished(vec![])
    );
    assert_eq!(end(|| Stop::OutOfGas).unwrap().ending, Ending::OutOfGas);
    let trap = Trap::SyscallRefused;
    assert_eq!(
        end(|| Stop::Trap(Trap::SyscallRefused)).unwrap().ending,
        Ending::Trapped(trap)
    );
    let interrupted = end(|| Stop::Fail(EngineError::Interrupted)).unwrap_err();
    assert_eq!(interrupted, "the run was interrupted");
    end(|| Stop::Suspend).unwrap_err();
}

/// Returns in the middle of nested functions, before and after it waits.
const RETURNS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (import "env" "return" (func $return))
  (memory 1)
  (global $left (mut i64) (i64.const 0))
  (func $nested (param i64)
    (local $at i32)
    (global.set $left (i64.add (global.get $left) (local.get 0)))
    (i64.store (i32.const 8) (global.get $left))
    (call $return)
    (unreachable))
  (func $in_start (if (i64.eq (i64.load (i32.const 0)) (i64.const 1)) (then (call $return))))
  (start $in_start)
  (func (export "now") (result i64) (call $nested (i64.const 1)) (i64.const 9))
  (func (export "later") (result i64) (call $nested (call $wait (i64.const 10))) (i64.const 9))
  (func (export "left") (result i64) (i64.load (i32.const 8)))
  ;; As deep as the rules let it: the frames that were left are not counted any more.
  (func $deep (param i32) (result i64)
    (if (result i64) (local.get 0)
      (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
      (else (global.get $left))))
  (func (export "deep") (result i64) (call $deep (i32.const 2000))))"#;

#[test]
fn an_instance_whose_host_made_it_return_is_entered_again() {
    agreed(&lanes(), |lane| {
        let mut verdicts = Vec::new();
        let mut instance = live(fresh(lane, RETURNS, GAS));
        for entry in ["now", "later", "later", "now"] {
            let outcome = instance.run(lane.request(entry, &[], GAS), host());
            let returned = answer(outcome.unwrap());
            verdicts.push(Verdict::on(&returned));
            // Without results, whatever the entry has.
            instance = live(returned);
        }
        assert_eq!(lane.executor.suspended_runs(), 0, "{}", lane.name);
        let (left, instance) = enter(lane, instance, "left");
        assert_eq!(left, [Value::I64(22)], "{}", lane.name);
        let (deep, _) = enter(lane, instance, "deep");
        assert_eq!(deep, [Value::I64(22)], "{}", lane.name);
        verdicts
    });
}

#[test]
fn what_returns_before_its_entry_or_owes_gas_loses_its_instance() {
    let starts = r#"(module (import "env" "return" (func $return)) (start $return)
        (func (export "f")))"#;
    let owes = r#"(module (import "env" "return" (func $return))
        (func (export "f") (call $return)))"#;
    agreed(&lanes(), |lane| {
        let Outcome::Finished(started) = ({
            let prepared = lane.executor.prepare(&wasm(starts), &rules()).unwrap();
            lane.executor
                .run(&prepared, lane.request("f", &[], GAS), host())
                .unwrap()
        }) else {
            panic!("a syscall finishes it");
        };
        assert!(started.into_instance().0.is_none(), "{}", lane.name);
        let prepared = lane.executor.prepare(&wasm(owes), &rules()).unwrap();
        let run = |gas| {
            let request = lane.request("f", &[], Gas::new(gas));
            Verdict::of(lane.executor.run(&prepared, request, host()).unwrap())
        };
        let price = run(GAS.units()).gas_used;
        let short = run(price - 1);
        assert_eq!(short.ending, Ending::OutOfGas, "{}", lane.name);
        short
    });
}

#[test]
fn an_instance_that_is_made_beforehand_has_its_memory_and_is_not_paid_for_by_its_run() {
    // The data segments are applied and no code has run. The first run sees what the host writes.
    let text = r#"(module (memory 1) (data (i32.const 4) "\2a")
      (func $start (i32.store8 (i32.const 9) (i32.load8_u (i32.const 8))))
      (start $start)
      (func (export "sum") (result i32)
        (i32.add (i32.load8_u (i32.const 4)) (i32.load8_u (i32.const 9)))))"#;
    agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&wasm(text), &rules()).unwrap();
        let request = lane.request("sum", &[], GAS);
        let plain = lane.executor.run(&prepared, request.clone(), host());
        let plain = Verdict::of(plain.unwrap());
        assert_eq!(plain.ending, Ending::Finished(vec![Value::I32(42)]));

        let mut instance = lane.executor.instance(&prepared, &request).unwrap();
        assert_eq!(instance.memory().bytes(), 0);
        instance.make(&request).unwrap();
        assert_eq!(instance.memory().read_array(4).unwrap(), [42, 0, 0, 0]);
        instance.memory().write(8, &[1, 7]).unwrap();
        // What is made is not made again.
        instance.make(&request).unwrap();
        let outcome = instance.run(request.clone(), host()).unwrap();
        let verdict = Verdict::on(&outcome);
        assert_eq!(verdict.ending, Ending::Finished(vec![Value::I32(43)]));
        let making = prepared.program().instantiation_gas.units();
        assert_eq!(verdict.gas_used + making, plain.gas_used, "{}", lane.name);

        // And it is not entered a second time as if it were new.
        let again = finished_instance(outcome).run(request, host());
        let again = Verdict::of(again.unwrap());
        assert!(again.gas_used < verdict.gas_used, "{}", lane.name);
        (verdict, again)
    });
}
