//! Asynchronous runs: dropping the future at any await point does not affect the outcome.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fusee_conformance::{Ending, Lane, Verdict, agreed, lanes};
use fusee_engine::{Engine, Gas, Trap, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Answer, AsyncRun, Executor, Outcome, RunError, RunRequest, Suspended};

use crate::guest::{TestHost, host, rules, wasm};

/// Adds up what it is answered, four times, with memory in between.
const SUMS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 1)
  (func (export "sum") (result i64) (local $left i64)
    (local.set $left (i64.const 4))
    (loop $again
      (i64.store (i32.const 8)
        (i64.add (i64.load (i32.const 8)) (call $wait (local.get $left))))
      (br_if $again (i64.ne (i64.const 0)
        (local.tee $left (i64.sub (local.get $left) (i64.const 1))))))
    (i64.load (i32.const 8))))"#;

const GAS: Gas = Gas::new(1_000_000);

/// Waits so often before it is ready.
struct Waits(u32);

impl Future for Waits {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.0.checked_sub(1) {
            None => Poll::Ready(()),
            Some(left) => {
                self.0 = left;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

fn start(executor: &Executor, request: RunRequest<'_>) -> Result<Outcome<TestHost>, RunError> {
    let prepared = executor.prepare(&wasm(SUMS), &rules()).unwrap();
    executor.run(&prepared, request, host())
}

fn started(lane: &Lane) -> AsyncRun<TestHost> {
    AsyncRun::new(start(&lane.executor, lane.request("sum", &[], GAS)).unwrap())
}

/// What it is asked for, times ten, after a while.
async fn tenfold(suspended: &mut Suspended<TestHost>) -> Answer {
    let asked = suspended.request().args[0];
    Waits(3).await;
    suspended.charge(Gas::new(100)).unwrap();
    Answer::Reply(asked * 10)
}

/// Polls a future so often; what it is ready with.
fn poll<T>(future: impl Future<Output = T>, most: u32) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..most).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

fn is_send<T: Send>(it: T) -> T {
    it
}

#[test]
fn a_future_answers_what_a_guest_waits_for() {
    let verdict = agreed(&lanes(), |lane| {
        let mut run = started(lane);
        // A runtime with many threads takes it.
        let outcome = poll(is_send(run.end(tenfold)), 100).unwrap().unwrap();
        Verdict::of(outcome)
    });
    assert_eq!(verdict.ending, Ending::Finished(vec![Value::I64(100)]));
}

#[test]
fn a_future_can_be_dropped_wherever_it_waits() {
    let whole = agreed(&lanes(), |lane| {
        Verdict::of(poll(started(lane).end(tenfold), 100).unwrap().unwrap())
    });
    // Three waits an answer: a future that is polled four times has been through one.
    for most in 4..16 {
        let pieces = agreed(&lanes(), |lane| {
            let mut run = started(lane);
            loop {
                if let Some(outcome) = poll(run.end(tenfold), most) {
                    return Verdict::of(outcome.unwrap());
                }
                assert_eq!(lane.executor.suspended_runs(), 1);
            }
        });
        assert_eq!(pieces, whole, "dropped after {most} polls");
    }
}

#[test]
fn a_run_that_is_dropped_while_it_waits_is_gone() {
    for lane in lanes() {
        let mut run = started(&lane);
        assert!(poll(run.end(tenfold), 2).is_none());
        assert_eq!(lane.executor.suspended_runs(), 1, "{}", lane.name);
        drop(run);
        assert_eq!(lane.executor.suspended_runs(), 0, "{}", lane.name);
    }
}

#[test]
fn an_answer_can_end_the_run() {
    for (answer, ending) in [
        (
            Answer::Trap(Trap::SyscallRefused),
            Ending::Trapped(Trap::SyscallRefused),
        ),
        (Answer::OutOfGas, Ending::OutOfGas),
    ] {
        let verdict = agreed(&lanes(), |lane| {
            let mut run = started(lane);
            Verdict::of(poll(run.end(async |_| answer), 1).unwrap().unwrap())
        });
        assert_eq!(verdict.ending, ending);
    }
}

#[test]
fn more_than_may_be_parked_is_an_error_until_one_is_dropped() {
    let engines: [Arc<dyn Engine>; 2] = [
        Arc::new(WasmiEngine::new()),
        Arc::new(WasmtimeEngine::new().unwrap()),
    ];
    for engine in engines {
        let executor = Executor::builder(engine).suspended_runs(3).build();
        let request = || RunRequest::new("sum", &[], GAS);
        let mut parked: Vec<_> = (0..3)
            .map(|_| start(&executor, request()).unwrap())
            .collect();
        let error = start(&executor, request()).unwrap_err();
        assert!(matches!(error, RunError::TooManySuspended { limit: 3 }));
        parked.pop();
        parked.push(start(&executor, request()).unwrap());
        // One that goes on, and waits again, keeps its place.
        let Some(Outcome::Syscall(suspended)) = parked.pop() else {
            panic!("it is parked");
        };
        parked.push(suspended.resume(0).unwrap());
        assert_eq!(executor.suspended_runs(), 3);
    }
}
