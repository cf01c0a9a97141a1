//! Workers that die, and what must not be asked of them.

use std::sync::Arc;

use fusee_engine::{Host, Stop, Syscall};
use fusee_lifecycle::{AsyncHost, CallRequest, Error, Instance};

use crate::support::{
    GAS, LONG, PLAIN, Quick, SHORT, Shared, WAITS, call, instance, poll_once, sandbox, sandboxes,
    spin, until,
};

/// Panics when it is dropped. It suspends its guest when the time of the call is over, so that the
/// worker drops it.
struct Fragile;

impl Host for Fragile {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        std::thread::sleep(3 * SHORT);
        Err(Stop::Suspend)
    }
}

impl AsyncHost for Fragile {}

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

#[test]
fn a_worker_that_dies_is_replaced_and_its_call_ends_with_an_error() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(2)) {
        for deaths in 1..=3 {
            let mut fragile = instance(&sandbox, WAITS, Fragile);
            let request = CallRequest {
                time: Some(SHORT),
                ..CallRequest::new("ask", &[1], GAS)
            };
            let error = fragile.call_blocking(request).unwrap_err();
            let Error::Other(source) = &error else {
                panic!("{lane}: {error:?}");
            };
            assert_eq!(source.to_string(), "the worker that ran the guest died");
            assert!(!fragile.is_alive(), "{lane}");
            until("another takes its place", || {
                sandbox.health().replaced == deaths
            });
            let health = sandbox.health();
            assert_eq!((health.workers, health.busy), (2, 0), "{lane}");
            assert!(health.is_healthy(), "{lane}");
        }
        // Both serve.
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut slow = Box::pin(slow.call(spin(LONG)));
        poll_once(slow.as_mut());
        until("one is busy", || sandbox.health().busy == 1);
        let mut other = instance(&sandbox, PLAIN, Quick);
        assert_eq!(call(&mut other, "count", &[]), [1], "{lane}");
    }
}

#[test]
fn a_worker_that_dies_while_nobody_waits_is_replaced_too() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut fragile = instance(&sandbox, PLAIN, Fragile);
        let mut running = Box::pin(fragile.call(spin(LONG)));
        poll_once(running.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        drop(running);
        // The guest was interrupted, and its host dropped inside the run.
        until("it is over", || sandbox.health().busy == 0);
        let mut other = instance(&sandbox, PLAIN, Quick);
        assert_eq!(call(&mut other, "count", &[]), [1], "{lane}");
        assert!(sandbox.health().is_healthy(), "{lane}");
    }
}

/// Calls another instance from within a host function.
struct Calls(
    Arc<std::sync::Mutex<Instance<Quick>>>,
    Shared<Option<String>>,
);

impl Host for Calls {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        let mut other = self.0.lock().unwrap();
        let end = other.call_blocking(CallRequest::new("count", &[], GAS));
        *self.1.lock() = end.err().map(|error| format!("{error:?}"));
        Ok(0)
    }
}

impl AsyncHost for Calls {}

#[test]
fn a_host_function_cannot_block_its_worker_on_a_call() {
    let sandbox = sandbox(|builder| builder.workers(1));
    let other = Arc::new(std::sync::Mutex::new(instance(&sandbox, PLAIN, Quick)));
    let seen = Shared::default();
    let host = Calls(Arc::clone(&other), seen.clone());
    let mut caller = instance(&sandbox, PLAIN, host);
    call(&mut caller, "finish", &[]);
    let error = seen.lock().take().unwrap();
    assert!(error.contains("cannot block on a call"), "{error}");
    assert_eq!(call(&mut other.lock().unwrap(), "count", &[]), [1]);
}

#[test]
fn many_callers_and_few_workers_all_come_to_an_end() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(2).queue(64)) {
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..8 {
                        let mut instance = instance(&sandbox, PLAIN, Quick);
                        assert_eq!(call(&mut instance, "count", &[]), [1]);
                        assert_eq!(call(&mut instance, "count", &[]), [2]);
                    }
                });
            }
        });
        let health = sandbox.health();
        assert_eq!((health.busy, health.queued), (0, 0), "{lane}");
        assert_eq!((health.refused, health.cancelled), (0, 0), "{lane}");
    }
}
