//! Host functions that wait: guests are parked meanwhile, and workers go on.

use std::{future::ready, thread};

use fusee_engine::{Gas, Host, Stop, Syscall, Trap};
use fusee_lifecycle::{AsyncHost, CallRequest, Error, Guest, GuestFault, Waiting};

use crate::support::{
    GAS, Gate, Gated, LONG, Later, PLAIN, Quick, WAITS, call, end, instance, poll_once, sandbox,
    sandboxes, spin, try_call, until,
};

#[test]
fn a_host_function_that_waits_answers_the_guest() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, WAITS, Later(3));
        assert_eq!(call(&mut instance, "sum", &[]), [100], "{lane}");
        assert_eq!(call(&mut instance, "ask", &[4]), [40], "{lane}");
    }
}

#[test]
fn a_worker_serves_others_while_a_host_function_waits() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let gate = Gate::default();
        let mut waiting: Vec<_> = (0..5)
            .map(|_| instance(&sandbox, WAITS, Gated(gate.clone())))
            .collect();
        let mut other = instance(&sandbox, PLAIN, Quick);
        thread::scope(|scope| {
            let calls: Vec<_> = waiting
                .iter_mut()
                .map(|instance| scope.spawn(|| call(instance, "sum", &[])))
                .collect();
            until("all wait", || sandbox.health().waiting == 5);
            assert_eq!(sandbox.health().busy, 0, "{lane}");
            for count in 1..10 {
                assert_eq!(call(&mut other, "count", &[]), [count], "{lane}");
            }
            gate.open();
            for call in calls {
                assert_eq!(call.join().unwrap(), [4], "{lane}");
            }
        });
    }
}

#[test]
fn a_call_goes_on_after_a_wait_though_the_queue_is_full() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).queue(0)) {
        let gate = Gate::default();
        let mut waits = instance(&sandbox, WAITS, Gated(gate.clone()));
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut waiting = Box::pin(waits.call(CallRequest::new("ask", &[1], GAS)));
        until("the host is asked", || {
            poll_once(waiting.as_mut());
            sandbox.health().waiting == 1
        });
        // Its answer is there before the worker is free.
        let mut spinning = Box::pin(slow.call(spin(LONG)));
        poll_once(spinning.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        gate.open();
        poll_once(waiting.as_mut());
        assert_eq!(sandbox.health().queued, 1, "{lane}");
        drop(spinning);
        assert_eq!(end(waiting).unwrap().values(), [1], "{lane}");
        assert_eq!(sandbox.health().refused, 0, "{lane}");
    }
}

/// Reads what the guest wrote, writes what it reads, and takes gas, with a wait in between.
#[derive(Debug)]
struct Copies;

impl Host for Copies {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        // What is in memory already needs no waiting.
        match call.memory.read_array(100) {
            Ok([9]) => Ok(99),
            _ => Err(Stop::Suspend),
        }
    }
}

impl AsyncHost for Copies {
    fn wait<'a>(&'a mut self, mut guest: Guest<'a>) -> Waiting<'a> {
        Box::pin(async move {
            let at = guest.request().args[0];
            let asked = guest.read(at, 3)?.into_owned();
            crate::support::Yields(2).await;
            guest.write(at + 3, &asked)?;
            assert_eq!(guest.memory().bytes(), 65_536);
            let before = guest.gas_left();
            guest.charge(Gas::new(1_000))?;
            assert_eq!(guest.gas_left(), before.saturating_sub(Gas::new(1_000)));
            Ok(3)
        })
    }
}

#[test]
fn a_host_function_that_waits_reads_and_writes_memory_before_and_after() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, WAITS, Copies);
        instance.write(40, &[1, 2, 3]).unwrap();
        let returned = try_call(&mut instance, "ask", &[40]).unwrap();
        assert_eq!(returned.values(), [3], "{lane}");
        assert!(returned.gas_used() > Gas::new(1_000), "{lane}");
        assert_eq!(*instance.read(40, 6).unwrap(), [1, 2, 3, 1, 2, 3], "{lane}");
        // The same syscall is answered at once where the host can.
        instance.write(100, &[9]).unwrap();
        assert_eq!(call(&mut instance, "ask", &[40]), [99], "{lane}");
        instance.write(100, &[0]).unwrap();
        let outcome = try_call(&mut instance, "ask", &[65_534]).unwrap();
        assert_eq!(outcome.trap(), Some(Trap::MemoryOutOfBounds), "{lane}");
    }
}

/// Ends the run as it was told.
struct Ends(fn() -> Stop);

impl Host for Ends {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        Quick.syscall(call)
    }
}

impl AsyncHost for Ends {
    fn wait<'a>(&'a mut self, _: Guest<'a>) -> Waiting<'a> {
        Box::pin(ready(Err((self.0)())))
    }
}

#[test]
fn a_host_function_that_waits_can_end_the_run() {
    let check = |stop: fn() -> Stop, expected: Option<Result<Vec<i64>, GuestFault>>| {
        for (lane, sandbox) in sandboxes(|builder| builder) {
            let mut instance = instance(&sandbox, WAITS, Ends(stop));
            let outcome = try_call(&mut instance, "ask", &[1]);
            match (outcome, &expected) {
                (Ok(outcome), Some(expected)) => {
                    assert_eq!(outcome.into_result(), *expected, "{lane}");
                }
                (Err(Error::Other(_)), None) => {}
                (outcome, _) => panic!("{lane}: {outcome:?}"),
            }
            assert!(!instance.is_alive(), "{lane}");
        }
    };
    check(|| Stop::Finish, Some(Ok(Vec::new())));
    check(|| Stop::OutOfGas, Some(Err(GuestFault::OutOfGas)));
    let trap = Trap::SyscallRefused;
    check(
        || Stop::Trap(Trap::SyscallRefused),
        Some(Err(GuestFault::Trapped(trap))),
    );
    // What ends nothing is a fault of the host.
    check(|| Stop::Suspend, None);
}

#[test]
fn a_host_that_parks_the_guest_and_does_not_answer_is_an_other_error() {
    let sandbox = sandbox(|builder| builder);
    let mut instance = instance(&sandbox, WAITS, Quick);
    let error = try_call(&mut instance, "ask", &[1]).unwrap_err();
    assert!(matches!(error, Error::Other(_)), "{error:?}");
}

/// Panics where it is asked, or where it is polled.
struct Panics(bool);

impl Host for Panics {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        Quick.syscall(call)
    }
}

impl AsyncHost for Panics {
    fn wait<'a>(&'a mut self, _: Guest<'a>) -> Waiting<'a> {
        assert!(self.0, "asked");
        Box::pin(async {
            crate::support::Yields(1).await;
            panic!("polled")
        })
    }
}

#[test]
fn a_host_function_that_panics_while_it_waits_is_an_other_error() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        for (is_later, message) in [(false, "asked"), (true, "polled")] {
            let mut instance = instance(&sandbox, WAITS, Panics(is_later));
            let error = try_call(&mut instance, "ask", &[1]).unwrap_err();
            let Error::Other(source) = &error else {
                panic!("{lane}: {error:?}");
            };
            assert!(source.to_string().contains(message), "{lane}: {source}");
            assert!(!instance.is_alive(), "{lane}");
            assert!(sandbox.health().is_healthy(), "{lane}");
        }
    }
}

#[test]
fn calls_run_on_a_runtime_with_many_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let mut instance = instance(&sandbox, WAITS, Later(2));
                // Futures go from thread to thread.
                runtime.spawn(async move { instance.call(CallRequest::new("sum", &[], GAS)).await })
            })
            .collect();
        for task in tasks {
            let returned = runtime.block_on(task).unwrap().unwrap();
            assert_eq!(returned.values(), [100], "{lane}");
        }
        // A runtime that drops a call by its own clock.
        let gate = Gate::default();
        let mut instance = instance(&sandbox, WAITS, Gated(gate));
        let late = runtime.block_on(async {
            let request = CallRequest::new("ask", &[1], GAS);
            tokio::time::timeout(crate::support::SHORT, instance.call(request)).await
        });
        assert!(late.is_err(), "{lane}");
        assert!(!instance.is_alive(), "{lane}");
    }
}

/// Answers a number whose digits are all arguments.
struct Digits;

impl Host for Digits {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Suspend)
    }
}

impl AsyncHost for Digits {
    fn wait<'a>(&'a mut self, guest: Guest<'a>) -> Waiting<'a> {
        Box::pin(async move { Ok((0..8).fold(0, |number, index| number * 10 + guest.arg(index))) })
    }
}

#[test]
fn a_host_function_that_waits_can_have_eight_parameters() {
    let text = r#"(module
      (import "env" "wide" (func $wide (param i64 i32 i64 i32 i64 i32 i64 i32) (result i32)))
      (func (export "f") (result i32)
        (call $wide (i64.const 1) (i32.const 2) (i64.const 3) (i32.const 4)
          (i64.const 5) (i32.const 6) (i64.const 7) (i32.const 8))))"#;
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, text, Digits);
        assert_eq!(call(&mut instance, "f", &[]), [12_345_678], "{lane}");
    }
}
