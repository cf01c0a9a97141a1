//! Panics of hosts: the run ends with an error, and other runs are not affected.

use std::{
    fmt::Debug,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fusee_conformance::{Answering, Lane, lanes};
use fusee_engine::{EngineError, Gas, Host, Stop, Syscall, Value};
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{
    Answer, AsyncRun, Executor, Outcome, PreparedProgram, RunError, RunRequest, Suspended,
    Suspension,
};

use crate::guest::{rules, wasm};

/// Ticks twice, waits where it can, and ticks again.
const TICKS: &str = r#"(module
  (import "env" "tick" (func $tick))
  WAIT
  (memory 1 2)
  (func (export "run") (result i32)
    (call $tick)
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (call $tick)
    (drop (call $wait (i64.const 1)))
    (call $tick)
    (i32.load (i32.const 8))))"#;

const TICK: u32 = 3;

/// The program, once without and once with a syscall that may suspend.
fn programs() -> [Vec<u8>; 2] {
    [
        r#"(func $wait (param i64) (result i64) (local.get 0))"#,
        r#"(import "env" "wait" (func $wait (param i64) (result i64)))"#,
    ]
    .map(|wait| wasm(&TICKS.replace("WAIT", wait)))
}

/// Waits where it is asked to, and panics at this syscall: the first is 1.
fn panics_at(syscall: u32, what: fn()) -> impl Host + Debug {
    let mut calls = 0;
    Answering(move |call: &mut Syscall<'_>| {
        calls += 1;
        call.memory.write(0, &[99])?;
        if calls == syscall {
            what();
        }
        if call.request.number == TICK {
            Ok(0)
        } else {
            Err(Stop::Suspend)
        }
    })
}

fn run<H: Host + Debug>(
    executor: &Executor,
    program: &Arc<PreparedProgram>,
    suspension: Suspension,
    host: H,
) -> Result<Outcome<H>, RunError> {
    let request = RunRequest {
        suspension,
        ..RunRequest::new("run", &[], Gas::new(1_000_000))
    };
    let mut outcome = executor.run(program, request, host)?;
    while let Outcome::Syscall(suspended) = outcome {
        outcome = suspended.resume(1)?;
    }
    Ok(outcome)
}

/// The error of a run whose host panics, and that the next run on the same executor finds nothing
/// of it.
fn error_of(
    executor: &Executor,
    program: &Arc<PreparedProgram>,
    suspension: Suspension,
    host: impl Host + Debug,
) -> RunError {
    let error = run(executor, program, suspension, host).unwrap_err();
    assert!(!error.is_of_the_engine(), "{error}");
    let next = run(executor, program, suspension, panics_at(0, || {})).unwrap();
    match next {
        Outcome::Finished(finished) => assert_eq!(finished.values(), [Value::I32(1)]),
        other => panic!("{other:?}"),
    }
    error
}

#[test]
fn a_host_that_panics_is_an_error_of_its_run_and_of_no_other() {
    for lane in lanes() {
        for (program, numbers) in programs().iter().zip([&[3, 3, 3][..], &[3, 3, 0, 3]]) {
            let program = lane.executor.prepare(program, &rules()).unwrap();
            for (syscall, expected) in (1..).zip(numbers) {
                let host = panics_at(syscall, || panic!("as asked"));
                let error = error_of(&lane.executor, &program, lane.suspension, host);
                match error {
                    RunError::Engine(EngineError::HostPanicked { number, message }) => {
                        assert_eq!(
                            (number, &*message),
                            (*expected, "as asked"),
                            "{}",
                            lane.name
                        );
                    }
                    other => panic!("{}: {other:?}", lane.name),
                }
            }
        }
    }
}

#[test]
fn whatever_a_host_panics_with_is_told() {
    /// Panics once more when it is dropped.
    struct Worse;
    impl Drop for Worse {
        fn drop(&mut self) {
            panic!("worse");
        }
    }
    let cases: [(fn(), &str); 3] = [
        (|| panic!("{}", 1 + 1), "the host panicked at syscall 3: 2"),
        (|| panic!("plain"), "the host panicked at syscall 3: plain"),
        (
            || panic::panic_any(Worse),
            "the host panicked at syscall 3: (a panic payload that is not text)",
        ),
    ];
    for lane in lanes() {
        let [program, _] = programs();
        let program = lane.executor.prepare(&program, &rules()).unwrap();
        for (what, expected) in cases {
            let host = panics_at(1, what);
            let error = error_of(&lane.executor, &program, lane.suspension, host);
            assert_eq!(error.to_string(), expected, "{}", lane.name);
        }
    }
}

/// The pool has one slot, so that the next run has the memory and the stack of the one before.
#[test]
fn the_slot_of_a_run_whose_host_panicked_is_as_new() {
    let engine = WasmtimeEngine::builder().instances(1).build().unwrap();
    let executor = Executor::builder(Arc::new(engine)).build();
    for program in programs() {
        let program = executor.prepare(&program, &rules()).unwrap();
        for suspension in [Suspension::AsNeeded, Suspension::Always] {
            for syscall in [1, 2, 3] {
                let host = panics_at(syscall, || panic!("as asked"));
                error_of(&executor, &program, suspension, host);
            }
        }
    }
}

#[test]
fn a_run_whose_asynchronous_answer_panics_stays_parked() {
    let [_, program] = programs();
    for lane in lanes() {
        let program = lane.executor.prepare(&program, &rules()).unwrap();
        let Lane {
            executor,
            suspension,
            ..
        } = &lane;
        let request = RunRequest {
            suspension: *suspension,
            ..RunRequest::new("run", &[], Gas::new(1_000_000))
        };
        let outcome = executor.run(&program, request, panics_at(0, || {}));
        let mut run = AsyncRun::new(outcome.unwrap());
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            poll(run.end(async |_: &mut Suspended<_>| panic!("as asked")))
        }));
        panicked.unwrap_err();
        let outcome = poll(run.end(async |_: &mut Suspended<_>| Answer::Reply(1))).unwrap();
        assert!(matches!(outcome, Outcome::Finished(_)), "{}", lane.name);
    }
}

/// The output of a future that does not wait.
fn poll<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
