//! Suspended runs, at a syscall and out of gas.

use fusee_conformance::{Ending, Lane, Verdict, agreed, lanes};
use fusee_engine::{Gas, Interrupt, OutOfGasPolicy, Trap, Value};
use fusee_executor::{GasSuspended, Outcome, RunError, RunRequest, Suspended, Suspension};

use crate::guest::{TestHost, WAIT, host, rules, wasm};

const GAS: u64 = 1_000_000;

/// `wait` doubles what it is answered, and `chain` waits again for what came of it.
const WAITS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (import "env" "gas" (func $gas (result i64)))
  (memory 1)
  (func $twice (param i64) (result i64)
    (i64.mul (call $wait (local.get 0)) (i64.const 2)))
  (func (export "wait") (param i64) (result i64) (call $twice (local.get 0)))
  (func (export "chain") (param i64) (result i64)
    (call $twice (call $twice (call $twice (local.get 0)))))
  (func (export "memory") (result i64)
    (i64.store (i32.const 8) (i64.const 0x0102030405060708))
    (drop (call $wait (i64.const 0)))
    (i64.load (i32.const 16)))
  (func (export "gas") (result i64) (drop (call $wait (i64.const 0))) (call $gas))
  (export "bare" (func $wait))
)"#;

/// Runs an entry of `WAITS`, and answers each wait.
fn run(
    lane: &Lane,
    entry: &str,
    args: &[Value],
    mut answer: impl FnMut(Suspended<TestHost>) -> Outcome<TestHost>,
) -> Verdict {
    let prepared = lane.executor.prepare(&wasm(WAITS), &rules()).unwrap();
    let request = lane.request(entry, args, Gas::new(GAS));
    let mut outcome = lane.executor.run(&prepared, request, host()).unwrap();
    while let Outcome::Syscall(suspended) = outcome {
        outcome = answer(suspended);
    }
    Verdict::of(outcome)
}

fn check(
    entry: &str,
    args: &[Value],
    answer: fn(Suspended<TestHost>) -> Outcome<TestHost>,
) -> Verdict {
    agreed(&lanes(), |lane| run(lane, entry, args, answer))
}

fn add_one(suspended: Suspended<TestHost>) -> Outcome<TestHost> {
    assert_eq!(suspended.request().number, WAIT);
    let asked = suspended.request().args[0];
    suspended.resume(asked + 1).unwrap()
}

#[test]
fn a_guest_goes_on_with_the_answer() {
    let once = Verdict {
        ending: Ending::Finished(vec![Value::I64(12)]),
        gas_used: 3_000 + 5 + 1 + 4 + 1 + 2,
    };
    assert_eq!(check("wait", &[Value::I64(5)], add_one), once);
    let thrice = Verdict {
        ending: Ending::Finished(vec![Value::I64(54)]),
        gas_used: 3_000 + 1 + 3 * (4 + 1 + 4 + 1 + 2),
    };
    assert_eq!(check("chain", &[Value::I64(5)], add_one), thrice);
    let bare = Verdict {
        ending: Ending::Finished(vec![Value::I64(6)]),
        gas_used: 3_000,
    };
    assert_eq!(check("bare", &[Value::I64(5)], add_one), bare);
}

#[test]
fn memory_is_read_and_written_while_a_guest_is_parked() {
    let verdict = check("memory", &[], |mut suspended| {
        let mut memory = suspended.memory();
        let mut bytes: [u8; 8] = memory.read_array(8).unwrap();
        bytes[0] = 0xff;
        memory.write(16, &bytes).unwrap();
        assert_eq!(memory.bytes(), 65_536);
        suspended.resume(0).unwrap()
    });
    let ending = Ending::Finished(vec![Value::I64(0x0102_0304_0506_07ff)]);
    assert_eq!(verdict.ending, ending);
}

#[test]
fn what_is_charged_while_a_guest_is_parked_is_gone() {
    let verdict = check("gas", &[], |mut suspended| {
        let left = suspended.gas_left();
        suspended.charge(Gas::new(1_000)).unwrap();
        assert_eq!(suspended.gas_left().units(), left.units() - 1_000);
        suspended.resume(0).unwrap()
    });
    let left = GAS - 3_000 - (1 + 4 + 4) - 1_000;
    let ending = Ending::Finished(vec![Value::I64(left.cast_signed())]);
    assert_eq!(verdict.ending, ending);

    let broke = check("gas", &[], |mut suspended| {
        assert!(suspended.charge(Gas::new(GAS)).is_err());
        suspended.out_of_gas()
    });
    let given_up = check("gas", &[], Suspended::out_of_gas);
    let regardless = check("gas", &[], |mut suspended| {
        assert!(suspended.charge(Gas::new(GAS)).is_err());
        suspended.resume(0).unwrap()
    });
    let out_of_gas = Verdict {
        ending: Ending::OutOfGas,
        gas_used: GAS,
    };
    assert_eq!(broke, out_of_gas);
    assert_eq!(given_up, out_of_gas);
    assert_eq!(regardless, out_of_gas);
}

#[test]
fn a_parked_guest_can_be_ended_by_a_trap() {
    let refused = check("wait", &[Value::I64(5)], |suspended| {
        suspended.trap(Trap::SyscallRefused)
    });
    let expected = Verdict {
        ending: Ending::Trapped(Trap::SyscallRefused),
        gas_used: 3_000 + 5 + 1 + 4 + 1 + 2,
    };
    assert_eq!(refused, expected);
}

#[test]
fn a_parked_guest_can_be_dropped_while_others_go_on() {
    let endings = agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&wasm(WAITS), &rules()).unwrap();
        let start = |asked| {
            let args = [Value::I64(asked)];
            let request = lane.request("chain", &args, Gas::new(GAS));
            match lane.executor.run(&prepared, request, host()).unwrap() {
                Outcome::Syscall(suspended) => suspended,
                other => panic!("{}: {other:?}", lane.name),
            }
        };
        let mut parked: Vec<_> = (0..10).map(start).collect();
        parked.drain(3..7);
        let finish = |suspended| {
            let mut outcome = add_one(suspended);
            while let Outcome::Syscall(suspended) = outcome {
                outcome = add_one(suspended);
            }
            Verdict::of(outcome).ending
        };
        parked.into_iter().rev().map(finish).collect::<Vec<_>>()
    });
    let chain = |asked: i64| Ending::Finished(vec![Value::I64(asked * 8 + 14)]);
    assert_eq!(endings, [9, 8, 7, 2, 1, 0].map(chain));
}

#[test]
fn a_guest_parked_on_one_thread_goes_on_on_another() {
    agreed(&lanes(), |lane| {
        run(lane, "chain", &[Value::I64(5)], |suspended| {
            std::thread::scope(|scope| scope.spawn(|| add_one(suspended)).join().unwrap())
        })
    });
}

/// Uses gas in every way that the meter knows.
const SPENDS: &str = r#"(module
  (import "env" "charge" (func $charge (param i64)))
  (import "env" "tick" (func $tick))
  (import "env" "ticks" (func $ticks (result i64)))
  (memory 1 4)
  (table 1 100 funcref)
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "all") (result i32 i32 i64 i32) (local i32)
    (call $fib (i32.const 8))
    (memory.fill (i32.const 10) (i32.const 1) (i32.const 10000))
    (drop (memory.grow (i32.const 1)))
    (table.fill (i32.const 0) (ref.null func) (i32.const 1))
    (loop
      (call $tick)
      (br_if 0 (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 10))))
    (call $charge (i64.const 1234))
    (i32.add (memory.size) (table.size))
    (call $ticks)
    (if (result i32) (i32.const 1)
      (then (i32.load (i32.const 9998)))
      (else (unreachable))))
  (func (export "loop") (loop (i32.store8 (i32.const 7) (i32.const 9)) (br 0)))
  (func $deep (export "deep") (param i32)
    (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
)"#;

/// Starts an entry of `SPENDS` with `gas`, to be suspended when it is out of gas.
fn start(
    lane: &Lane,
    entry: &str,
    args: &[Value],
    gas: u64,
    interrupt: Interrupt,
) -> Outcome<TestHost> {
    let prepared = lane.executor.prepare(&wasm(SPENDS), &rules()).unwrap();
    let request = RunRequest {
        out_of_gas_policy: OutOfGasPolicy::Suspend,
        interrupt: Some(&interrupt),
        ..lane.request(entry, args, Gas::new(gas))
    };
    lane.executor.run(&prepared, request, host()).unwrap()
}

fn gas_ended(outcome: Outcome<TestHost>) -> GasSuspended<TestHost> {
    match outcome {
        Outcome::GasEnd(ended) => ended,
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_little_gas_limits_come_to_the_same_as_a_large_one() {
    for (entry, args) in [("all", &[][..]), ("deep", &[Value::I32(2_000)])] {
        let with = |first: u64, more: u64| {
            agreed(&lanes(), |lane| {
                let mut outcome = start(lane, entry, args, first, Interrupt::new());
                while let Outcome::GasEnd(ended) = outcome {
                    outcome = ended.resume_with(Gas::new(more)).unwrap();
                }
                Verdict::of(outcome)
            })
        };
        let large = with(GAS, 0);
        assert!(matches!(large.ending, Ending::Finished(_)), "{large:?}");
        for (first, more) in [(0, 1_000_000), (3_000, 1), (2_500, 7), (3_100, 113)] {
            assert_eq!(
                with(first, more),
                large,
                "{entry}: {first}, then {more} each"
            );
        }
    }
}

#[test]
fn too_little_gas_parks_a_guest_again() {
    for lane in lanes() {
        let mut ended = gas_ended(start(&lane, "all", &[], 100, Interrupt::new()));
        for _ in 0..10 {
            ended = gas_ended(ended.resume_with(Gas::ZERO).unwrap());
        }
        let outcome = ended.resume_with(Gas::new(GAS)).unwrap();
        assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    }
}

#[test]
fn a_guest_parked_for_gas_can_overflow_its_stack_later() {
    let verdict = agreed(&lanes(), |lane| {
        let args = [Value::I32(1_000_000)];
        let ended = gas_ended(start(lane, "deep", &args, 10_000, Interrupt::new()));
        Verdict::of(ended.resume_with(Gas::new(GAS)).unwrap())
    });
    assert_eq!(verdict.ending, Ending::Trapped(Trap::StackOverflow));
}

#[test]
fn a_guest_parked_for_gas_can_be_looked_at_and_ended() {
    for lane in lanes() {
        let mut ended = gas_ended(start(&lane, "loop", &[], 10_000, Interrupt::new()));
        assert_eq!(ended.memory().read_array(7), Ok([9]));
        let expected = Verdict {
            ending: Ending::OutOfGas,
            gas_used: 10_000,
        };
        assert_eq!(Verdict::of(ended.out_of_gas()), expected, "{}", lane.name);

        let dropped = gas_ended(start(&lane, "loop", &[], 10_000, Interrupt::new()));
        drop(dropped);
    }
}

#[test]
fn an_interrupt_reaches_a_guest_that_is_parked_for_gas() {
    for lane in lanes() {
        let interrupt = Interrupt::new();
        let ended = gas_ended(start(&lane, "loop", &[], 10_000, interrupt.clone()));
        interrupt.trigger();
        let error = ended.resume_with(Gas::new(GAS)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the run was interrupted",
            "{}",
            lane.name
        );
    }
}

/// The mode of an instance decides whether its runs can be suspended.
#[test]
fn an_instance_that_was_made_for_plain_runs_cannot_be_parked() {
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm(SPENDS), &rules()).unwrap();
        let args = [Value::I32(1)];
        let recycled = |request| match lane.executor.run(&prepared, request, host()).unwrap() {
            Outcome::Finished(finished) => finished.into_instance(),
            other => panic!("{}: {other:?}", lane.name),
        };
        let plain = lane.request("deep", &args, Gas::new(GAS));
        let parkable = RunRequest {
            out_of_gas_policy: OutOfGasPolicy::Suspend,
            ..lane.request("loop", &[], Gas::new(10_000))
        };
        let (live, host) = recycled(plain.clone());
        let again = live.unwrap().run(parkable.clone(), host);
        match (lane.suspension, again) {
            (Suspension::AsNeeded, Err(RunError::NotSuspendable))
            | (Suspension::Always, Ok(Outcome::GasEnd(_))) => {}
            (_, other) => panic!("{}: {other:?}", lane.name),
        }

        let (live, host) = recycled(RunRequest {
            out_of_gas_policy: OutOfGasPolicy::Suspend,
            ..plain
        });
        let mut ended = gas_ended(live.unwrap().run(parkable, host).unwrap());
        assert_eq!(ended.memory().read_array(7), Ok([9]), "{}", lane.name);
    }
}

#[test]
fn a_parked_guest_can_be_left_more_gas_or_less_and_has_used_the_same() {
    let given = |left: u64| {
        agreed(&lanes(), |lane| {
            let (mut had, mut used) = (GAS, 0);
            let verdict = run(lane, "chain", &[Value::I64(5)], |mut suspended| {
                used += had - suspended.gas_left().units();
                had = left;
                suspended.set_gas(Gas::new(left));
                assert_eq!(suspended.gas_left(), Gas::new(left));
                add_one(suspended)
            });
            (verdict.ending, verdict.gas_used, used)
        })
    };
    let used = check("chain", &[Value::I64(5)], add_one).gas_used;
    let ended = Ending::Finished(vec![Value::I64(54)]);
    for left in [100, 1 << 20, 1 << 50] {
        let (ending, gas_used, _) = given(left);
        assert_eq!((ending, gas_used), (ended.clone(), used), "{left}");
    }
    // Gas that was left before does not help. A run that is out of gas has used its whole limit.
    let (ending, gas_used, until_wait) = given(1);
    assert_eq!((ending, gas_used), (Ending::OutOfGas, until_wait + 1));
    assert!(gas_used < used);
    // All that was ever given is at most all gas there is.
    let (ending, gas_used, _) = given(i64::MAX.unsigned_abs());
    assert_eq!(ending, ended);
    assert!(gas_used < used, "{gas_used}");
}

/// Writes its number at a place of its own, and finds all of its memory as it was after a wait.
const REMEMBERS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 3)
  (data (i32.const 130000) "some data")
  (func (export "run") (param $number i64) (result i64)
    (local $at i32) (local $digest i64)
    (i64.store (i32.mul (i32.wrap_i64 (local.get $number)) (i32.const 651)) (local.get $number))
    (drop (call $wait (i64.const 1)))
    (loop $next
      (local.set $digest
        (i64.add (i64.rotl (local.get $digest) (i64.const 3)) (i64.load (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8)))
        (i32.const 196608))))
    (local.get $digest)))"#;

/// An engine may give back what many parked guests do not use, and no more.
#[test]
fn many_parked_guests_keep_their_memory() {
    const GUESTS: i64 = 300;
    agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&wasm(REMEMBERS), &rules()).unwrap();
        let start = |number| {
            let args = [Value::I64(number)];
            let request = lane.request("run", &args, Gas::new(100 * GAS));
            lane.executor.run(&prepared, request, host()).unwrap()
        };
        let parked: Vec<_> = (0..GUESTS).map(start).collect();
        parked
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Syscall(suspended) => Verdict::of(add_one(suspended)),
                other => panic!("{}: {other:?}", lane.name),
            })
            .collect::<Vec<_>>()
    });
}
