//! Guests on the thread of their caller, and steps that go to a worker together.

use std::{
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
};

use fusee_engine::{Host, Stop, Syscall};
use fusee_lifecycle::{
    AllocRequest, AsyncHost, CallRequest, Error, Instance, InstanceRequest, RunOn, WhenFull,
};

use crate::support::{
    ENDLESS, GAS, Gate, Gated, LONG, Later, PLAIN, Quick, SHORT, Shared, WAITS, call, instance,
    module, now, poll_once, sandbox, sandboxes, spin, until, wasm,
};

/// A call on the thread of the caller.
fn here<'a>(export: &'a str, args: &'a [i64]) -> CallRequest<'a> {
    CallRequest {
        run_on: RunOn::Caller,
        ..CallRequest::new(export, args, GAS)
    }
}

fn spin_here() -> CallRequest<'static> {
    CallRequest {
        run_on: RunOn::Caller,
        ..spin(LONG)
    }
}

/// Notes the threads on which the guest calls it.
#[derive(Clone, Debug, Default)]
struct Threads(Shared<Vec<ThreadId>>);

impl Host for Threads {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        self.0.lock().push(thread::current().id());
        Ok(0)
    }
}

impl AsyncHost for Threads {}

/// A guest that calls its host when it is made and when it is called.
const CALLS: &str = r#"(module
  (import "env" "nap" (func $nap))
  (memory 1)
  (func (export "set_id") (param i64) (call $nap))
  (func (export "alloc") (param i32) (result i32) (call $nap) (i32.const 8))
  (func (export "nap") (call $nap)))"#;

#[test]
fn a_guest_can_run_on_the_thread_of_its_caller() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).queue(0)) {
        // The only worker is busy for all this time, and nothing can wait for it.
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut slow = Box::pin(slow.call(spin(LONG)));
        poll_once(slow.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        let host = Threads::default();
        let request = InstanceRequest {
            run_on: RunOn::Caller,
            ..InstanceRequest::new(1, GAS)
        };
        let made = module(&sandbox, CALLS).instantiate_blocking(request, host.clone());
        let mut instance = made.unwrap().into_result().unwrap();
        let alloc = AllocRequest {
            run_on: RunOn::Caller,
            ..AllocRequest::new(8, GAS)
        };
        let address = instance.alloc_blocking(alloc).unwrap();
        assert_eq!(address.into_result().unwrap(), 8, "{lane}");
        let outcome = instance.call_blocking(here("nap", &[])).unwrap();
        assert_eq!(outcome.into_result().unwrap(), [], "{lane}");
        assert_eq!(*host.0.lock(), [thread::current().id(); 3], "{lane}");
        assert_eq!(sandbox.health().refused, 0, "{lane}");
    }
}

#[test]
fn no_outcome_depends_on_the_thread() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let outcomes = [RunOn::Worker, RunOn::Caller].map(|run_on| {
            let request = InstanceRequest {
                run_on,
                ..InstanceRequest::new(1, GAS)
            };
            let made = module(&sandbox, PLAIN).instantiate_blocking(request, Quick);
            let mut instance = made.unwrap().into_result().unwrap();
            let gas = instance.instantiation_gas();
            let calls: [(_, &[_]); 4] = [
                ("count", &[]),
                ("both", &[3, 4]),
                ("tree", &[5]),
                ("deep", &[]),
            ];
            let outcomes = calls.map(|(export, args)| {
                let request = CallRequest {
                    run_on,
                    ..CallRequest::new(export, args, GAS)
                };
                instance.call_blocking(request).unwrap()
            });
            (gas, outcomes)
        });
        assert_eq!(outcomes[0], outcomes[1], "{lane}");
        let waited = [RunOn::Worker, RunOn::Caller].map(|run_on| {
            let request = CallRequest {
                run_on,
                ..CallRequest::new("sum", &[], GAS)
            };
            let outcome = instance(&sandbox, WAITS, Later(3)).call_blocking(request);
            outcome.unwrap()
        });
        assert_eq!(waited[0].values(), [100], "{lane}");
        assert_eq!(waited[0], waited[1], "{lane}");
    }
}

#[test]
fn a_guest_on_the_thread_of_its_caller_has_a_time_limit() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        for (export, args) in [("spin", [].as_slice()), ("tree", &[64]), ("naps", &[])] {
            let mut instance = instance(&sandbox, PLAIN, Quick);
            let request = CallRequest {
                time: Some(SHORT),
                gas: ENDLESS,
                ..here(export, args)
            };
            let began = now();
            let error = instance.call_blocking(request).unwrap_err();
            assert!(
                matches!(error, Error::Timeout { limit } if limit == SHORT),
                "{lane}: {error:?}"
            );
            assert!((SHORT..LONG).contains(&began.elapsed()), "{lane}");
            assert!(!instance.is_alive(), "{lane}");
        }
        assert_eq!(sandbox.health().timed_out, 3, "{lane}");
    }
}

#[test]
fn a_guest_on_the_thread_of_its_caller_ends_with_the_sandbox() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut running = instance(&sandbox, PLAIN, Quick);
        let mut late = instance(&sandbox, PLAIN, Quick);
        thread::scope(|scope| {
            let call = scope.spawn(|| running.call_blocking(spin_here()));
            until("it runs", || sandbox.health().with_callers == 1);
            assert_eq!(sandbox.health().busy, 0, "{lane}");
            sandbox.close();
            let end = call.join().unwrap();
            assert!(matches!(end, Err(Error::Cancelled)), "{lane}: {end:?}");
        });
        assert_eq!(sandbox.health().with_callers, 0, "{lane}");
        let end = late.call_blocking(here("count", &[]));
        assert!(matches!(end, Err(Error::Closed)), "{lane}: {end:?}");
        assert!(late.is_alive(), "{lane}");
    }
}

#[test]
fn no_guest_runs_unwatched_on_the_thread_of_its_caller() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        sandbox.kill_watchdog();
        until("it is dead", || !sandbox.health().is_watched);
        let end = instance.call_blocking(here("count", &[]));
        assert!(
            matches!(end, Err(Error::Unwatched { .. })),
            "{lane}: {end:?}"
        );
        assert!(instance.is_alive(), "{lane}");
        assert_eq!(sandbox.health().refused, 1, "{lane}");
    }
}

#[test]
fn a_call_on_the_thread_of_its_caller_can_be_dropped_while_its_host_waits() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let gate = Gate::default();
        let mut waits = instance(&sandbox, WAITS, Gated(gate.clone()));
        let mut running = Box::pin(waits.call(here("ask", &[1])));
        poll_once(running.as_mut());
        assert_eq!(sandbox.health().waiting, 1, "{lane}");
        drop(running);
        assert_eq!(sandbox.health().waiting, 0, "{lane}");
        assert_eq!(sandbox.health().cancelled, 1, "{lane}");
        assert!(!waits.is_alive(), "{lane}");
        let mut waits = instance(&sandbox, WAITS, Gated(gate.clone()));
        thread::scope(|scope| {
            let call = scope.spawn(|| waits.call_blocking(here("ask", &[1])));
            until("it waits", || sandbox.health().waiting == 1);
            gate.open();
            assert_eq!(call.join().unwrap().unwrap().values(), [1], "{lane}");
        });
    }
}

/// Calls another instance from within a host function, on the same thread.
struct Nests(Arc<Mutex<Instance<Quick>>>, Shared<Option<String>>);

impl Host for Nests {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        let end = self.0.lock().unwrap().call_blocking(here("count", &[]));
        *self.1.lock() = end.err().map(|error| format!("{error:?}"));
        Ok(0)
    }
}

impl AsyncHost for Nests {}

#[test]
fn a_host_function_cannot_run_a_guest_within_its_own() {
    for run_on in [RunOn::Worker, RunOn::Caller] {
        let sandbox = sandbox(|builder| builder.workers(1));
        let other = Arc::new(Mutex::new(instance(&sandbox, PLAIN, Quick)));
        let seen = Shared::default();
        let mut caller = instance(&sandbox, PLAIN, Nests(Arc::clone(&other), seen.clone()));
        let request = CallRequest {
            run_on,
            ..CallRequest::new("finish", &[], GAS)
        };
        caller.call_blocking(request).unwrap();
        let error = seen.lock().take().expect("it was refused");
        assert!(error.contains("a host function cannot"), "{error}");
        assert_eq!(call(&mut other.lock().unwrap(), "count", &[]), [1]);
    }
}

#[test]
fn steps_run_on_one_worker_in_one_go() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).queue(0)) {
        let host = Threads::default();
        let module = module(&sandbox, CALLS);
        let steps = {
            let host = host.clone();
            move || {
                let made = module.instantiate_blocking(InstanceRequest::new(1, GAS), host);
                let mut instance = made.unwrap().into_result().unwrap();
                let request = AllocRequest::new(8, GAS);
                let address = instance.alloc_blocking(request).unwrap();
                instance
                    .write(address.into_result().unwrap(), &[7])
                    .unwrap();
                call(&mut instance, "nap", &[]);
                (thread::current().id(), instance)
            }
        };
        let (worker, mut instance) = sandbox.on_worker_blocking(WhenFull::Refuse, steps).unwrap();
        assert_ne!(worker, thread::current().id());
        assert_eq!(*host.0.lock(), [worker; 3], "{lane}");
        // The instance is as good as any.
        assert_eq!(*instance.read(8, 1).unwrap(), [7], "{lane}");
        call(&mut instance, "nap", &[]);
        assert_eq!(sandbox.health().busy, 0, "{lane}");
    }
}

#[test]
fn dropped_steps_are_cancelled_in_the_middle() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let [mut first, mut second] = [(), ()].map(|()| instance(&sandbox, PLAIN, Quick));
        let ends = Shared::<Vec<String>>::default();
        let seen = ends.clone();
        let steps = move || {
            let first = first.call_blocking(spin(LONG));
            let second = second.call_blocking(CallRequest::new("count", &[], GAS));
            let ends = [first, second].map(|end| format!("{:?}", end.err()));
            seen.lock().extend(ends);
        };
        let mut running = Box::pin(sandbox.on_worker(WhenFull::Refuse, steps));
        poll_once(running.as_mut());
        until("the steps run", || sandbox.health().busy == 1);
        drop(running);
        until("they are over", || sandbox.health().busy == 0);
        assert_eq!(*ends.lock(), ["Some(Cancelled)"; 2], "{lane}");
    }
}

#[test]
fn a_call_that_is_timed_out_ends_no_other_step() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).call_time(LONG)) {
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut quick = instance(&sandbox, PLAIN, Quick);
        let steps = move || {
            let slow = slow.call_blocking(spin(SHORT)).map(drop);
            (slow, call(&mut quick, "count", &[]))
        };
        let (slow, quick) = sandbox.on_worker_blocking(WhenFull::Refuse, steps).unwrap();
        assert!(
            matches!(slow, Err(Error::Timeout { .. })),
            "{lane}: {slow:?}"
        );
        assert_eq!(quick, [1], "{lane}");
    }
}

#[test]
fn steps_that_panic_or_find_no_room_are_an_error_and_cost_no_worker() {
    let sandbox = sandbox(|builder| builder.workers(1).queue(0));
    let end = sandbox.on_worker_blocking(WhenFull::Refuse, || panic!("as asked"));
    let Err(Error::Other(source)) = end else {
        panic!("{end:?}");
    };
    assert!(source.to_string().contains("as asked"), "{source}");
    assert_eq!(sandbox.health().replaced, 0);
    let mut slow = instance(&sandbox, PLAIN, Quick);
    let mut slow = Box::pin(slow.call(spin(LONG)));
    poll_once(slow.as_mut());
    until("the worker is busy", || sandbox.health().busy == 1);
    let end = sandbox.on_worker_blocking(WhenFull::Refuse, || ());
    assert!(matches!(end, Err(Error::Overloaded { .. })), "{end:?}");
    drop(slow);
    until("the worker is free", || sandbox.health().busy == 0);
    let inner = sandbox.clone();
    let nested = sandbox.on_worker_blocking(WhenFull::Refuse, move || {
        inner.on_worker_blocking(WhenFull::Wait, || ())
    });
    let nested = nested.unwrap().unwrap_err();
    assert!(format!("{nested:?}").contains("cannot wait"), "{nested:?}");
    sandbox.close();
    let end = sandbox.on_worker_blocking(WhenFull::Refuse, || ());
    assert!(matches!(end, Err(Error::Closed)), "{end:?}");
}

#[test]
fn a_program_can_be_compiled_on_a_worker() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut slow = Box::pin(slow.call(spin(LONG)));
        poll_once(slow.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        // So it has not been compiled on this thread, which is free to go on.
        let mut compiled = Box::pin(sandbox.compile_on_worker(wasm(CALLS), WhenFull::Refuse));
        poll_once(compiled.as_mut());
        drop(slow);
        let module = crate::support::end(compiled).unwrap();
        assert!(module.export("nap").is_some(), "{lane}");
        let refused = sandbox.compile_on_worker(b"no wasm".to_vec(), WhenFull::Refuse);
        let error = crate::support::end(refused).unwrap_err();
        assert!(matches!(error, Error::Compile(_)), "{lane}: {error:?}");
    }
}
