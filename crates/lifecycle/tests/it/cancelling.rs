//! Dropping a call's future, wherever it is.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::{Host, Stop, Syscall};
use fusee_lifecycle::{
    AsyncHost, CallOutcome, CallRequest, Error, Guest, InstanceRequest, Sandbox, Waiting,
};

use crate::support::{
    GAS, LONG, PLAIN, Quick, Shared, WAITS, Yields, builder, call, end, end_unless, instance,
    module, poll_once, sandboxes, spin, try_call, until,
};

/// Waits some polls a syscall, and notes how far it came: syscalls answered, polls of the one that
/// waits.
struct Noting {
    far: Shared<(u32, u32)>,
    _dropped: Dropped,
}

/// Says when a host is gone.
struct Dropped(Shared<u32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.0.lock() += 1;
    }
}

const POLLS: u32 = 2;

impl Host for Noting {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        Quick.syscall(call)
    }
}

impl AsyncHost for Noting {
    fn wait<'a>(&'a mut self, _: Guest<'a>) -> Waiting<'a> {
        Box::pin(async {
            for _ in 0..POLLS {
                self.far.lock().1 += 1;
                Yields(1).await;
            }
            let mut far = self.far.lock();
            *far = (far.0 + 1, 0);
            Ok(25)
        })
    }
}

/// A sandbox on every lane with its executor.
fn all() -> Vec<(String, Arc<fusee_executor::Executor>, Sandbox)> {
    let made = lanes().into_iter().map(|lane| {
        let executor = Arc::new(lane.executor);
        let sandbox = builder(Arc::clone(&executor))
            .suspension(lane.suspension)
            .build()
            .unwrap();
        (lane.name.to_owned(), executor, sandbox)
    });
    made.collect()
}

/// Every place at which a call with so many syscalls waits: for a worker, or at a poll of the
/// host's.
fn places(syscalls: u32) -> impl Iterator<Item = (u32, u32)> {
    let waiting =
        (0..syscalls).flat_map(|answered| (0..=POLLS).map(move |polls| (answered, polls)));
    waiting.chain([(syscalls, 0)])
}

/// Drops what `start` starts where it waits at a place, which takes a few attempts: a worker may be
/// so fast that nobody waits for it.
fn drop_at(
    place: (u32, u32),
    executor: &fusee_executor::Executor,
    sandbox: &Sandbox,
    mut start: impl FnMut(Noting, &mut dyn FnMut() -> bool) -> bool,
) {
    until("it waits there", || {
        let far = Shared::default();
        let dropped = Shared::default();
        let host = Noting {
            far: far.clone(),
            _dropped: Dropped(dropped.clone()),
        };
        let before = sandbox.health().cancelled;
        let has_ended = start(host, &mut || *far.lock() == place);
        // The guest and its host are gone, at once or as soon as the worker is back.
        until("its instance is destroyed", || *dropped.lock() == 1);
        until("nothing is parked", || executor.suspended_runs() == 0);
        until("no worker runs it", || sandbox.health().busy == 0);
        let health = sandbox.health();
        assert_eq!((health.queued, health.waiting), (0, 0), "{place:?}");
        assert_eq!(
            health.cancelled,
            before + u64::from(!has_ended),
            "{place:?}"
        );
        !has_ended
    });
}

#[test]
fn a_call_can_be_dropped_at_every_await() {
    for (lane, executor, sandbox) in all() {
        for place in places(4) {
            drop_at(place, &executor, &sandbox, |host, is_there| {
                let mut instance = instance(&sandbox, WAITS, host);
                let request = CallRequest::new("sum", &[], GAS);
                if let Some(returned) = end_unless(instance.call(request), is_there) {
                    assert_eq!(returned.unwrap().values(), [100], "{lane}");
                    return true;
                }
                let error = try_call(&mut instance, "sum", &[]).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    "the instance is gone: a call on it was dropped",
                    "{lane}"
                );
                false
            });
        }
    }
}

#[test]
fn making_an_instance_can_be_dropped_at_every_await() {
    let text = r#"(module
      (import "env" "wait" (func $wait (param i64) (result i64)))
      (func $f (drop (call $wait (i64.const 1))))
      (start $f)
      (func (export "_initialize") (call $f))
      (func (export "set_id") (param i64) (call $f)))"#;
    for (_, executor, sandbox) in all() {
        let module = module(&sandbox, text);
        for place in places(3) {
            drop_at(place, &executor, &sandbox, |host, is_there| {
                let making = module.instantiate(InstanceRequest::new(1, GAS), host);
                let made = end_unless(making, is_there).map(Result::unwrap);
                made.map(CallOutcome::into_result)
                    .map(Result::unwrap)
                    .is_some()
            });
        }
    }
}

#[test]
fn a_call_that_is_dropped_in_the_queue_never_runs_and_leaves_its_place() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).queue(1)) {
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut dropped = instance(&sandbox, PLAIN, Quick);
        let mut next = instance(&sandbox, PLAIN, Quick);
        let mut slow = Box::pin(slow.call(spin(LONG)));
        poll_once(slow.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        let request = CallRequest::new("count", &[], GAS);
        let mut queued = Box::pin(dropped.call(request.clone()));
        poll_once(queued.as_mut());
        assert_eq!(sandbox.health().queued, 1, "{lane}");
        drop(queued);
        assert_eq!(sandbox.health().queued, 0, "{lane}");
        assert!(!dropped.is_alive(), "{lane}");
        // Its place in the queue is free.
        let mut queued = Box::pin(next.call(request));
        poll_once(queued.as_mut());
        drop(slow);
        let returned = end(queued).unwrap();
        assert_eq!(returned.values(), [1], "{lane}");
    }
}

#[test]
fn a_guest_whose_call_is_dropped_stops_and_frees_its_worker() {
    for export in ["spin", "tree", "naps"] {
        for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
            let mut running = instance(&sandbox, PLAIN, Quick);
            let args: &[i64] = if export == "tree" { &[64] } else { &[] };
            let request = CallRequest {
                export,
                args,
                ..spin(LONG)
            };
            let mut running_call = Box::pin(running.call(request));
            poll_once(running_call.as_mut());
            until("the worker is busy", || sandbox.health().busy == 1);
            drop(running_call);
            let began = crate::support::now();
            until("the worker is free", || sandbox.health().busy == 0);
            assert!(began.elapsed() < LONG / 2, "{lane}");
            let gone = try_call(&mut running, "count", &[]).unwrap_err();
            assert!(matches!(gone, Error::Gone { .. }), "{lane}: {gone:?}");
            let mut other = instance(&sandbox, PLAIN, Quick);
            assert_eq!(call(&mut other, "count", &[]), [1], "{lane}");
            assert_eq!(sandbox.health().timed_out, 0, "{lane}");
        }
    }
}

#[test]
fn a_call_that_is_never_polled_does_nothing() {
    let sandbox = crate::support::sandbox(|builder| builder);
    let mut instance = instance(&sandbox, PLAIN, Quick);
    drop(instance.call(spin(LONG)));
    assert_eq!(call(&mut instance, "count", &[]), [1]);
    assert_eq!(sandbox.health().cancelled, 0);
}
