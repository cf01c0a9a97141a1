//! The queue: bounded, and what it refuses never ran.

use std::thread;

use fusee_lifecycle::{CallRequest, Error, InstanceRequest, WhenFull};

use crate::support::{
    GAS, LONG, PLAIN, Quick, call, instance, module, poll_once, sandbox, sandboxes, spin, until,
};

#[test]
fn a_call_that_finds_no_room_is_refused_at_once_and_never_ran() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(2).queue(1)) {
        let mut instances: Vec<_> = (0..4).map(|_| instance(&sandbox, PLAIN, Quick)).collect();
        let [first, second, queued, refused] = instances.as_mut_slice() else {
            unreachable!("four were made");
        };
        let mut first = Box::pin(first.call(spin(LONG)));
        let mut second = Box::pin(second.call(spin(LONG)));
        poll_once(first.as_mut());
        poll_once(second.as_mut());
        until("both workers are busy", || sandbox.health().busy == 2);
        let request = CallRequest::new("count", &[], GAS);
        let mut waits = Box::pin(queued.call(request.clone()));
        poll_once(waits.as_mut());
        assert_eq!(sandbox.health().queued, 1, "{lane}");
        let error = refused.call_blocking(request).unwrap_err();
        assert!(
            matches!(error, Error::Overloaded { queued: 1 }),
            "{lane}: {error:?}"
        );
        // Another instance is refused likewise.
        let made = module(&sandbox, PLAIN)
            .instantiate_blocking(InstanceRequest::new(1, GAS), Quick)
            .unwrap_err();
        assert!(matches!(made, Error::Overloaded { .. }), "{lane}");
        assert_eq!(sandbox.health().refused, 2, "{lane}");
        // A slow guest less, and the one in the queue runs; the one that was refused is as it was.
        drop(first);
        let returned = crate::support::end(waits).unwrap();
        assert_eq!(returned.values(), [1], "{lane}");
        drop(second);
        assert!(refused.is_alive(), "{lane}");
        assert_eq!(call(refused, "count", &[]), [1], "{lane}");
    }
}

#[test]
fn a_call_can_wait_for_room_and_keeps_its_turn() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).queue(0)) {
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut patient: Vec<_> = (0..3).map(|_| instance(&sandbox, PLAIN, Quick)).collect();
        let mut slow = Box::pin(slow.call(spin(LONG)));
        poll_once(slow.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        let request = CallRequest {
            when_full: WhenFull::Wait,
            ..CallRequest::new("count", &[], GAS)
        };
        let mut calls: Vec<_> = patient
            .iter_mut()
            .map(|instance| Box::pin(instance.call(request.clone())))
            .collect();
        for call in &mut calls {
            poll_once(call.as_mut());
        }
        assert_eq!(sandbox.health().queued, 3, "{lane}");
        assert_eq!(sandbox.health().refused, 0, "{lane}");
        drop(slow);
        for call in calls {
            let returned = crate::support::end(call).unwrap();
            assert_eq!(returned.values(), [1], "{lane}");
        }
    }
}

#[test]
fn without_a_queue_a_call_runs_where_a_worker_is_free() {
    let sandbox = sandbox(|builder| builder.workers(1).queue(0));
    let mut instance = instance(&sandbox, PLAIN, Quick);
    for count in 1..100 {
        assert_eq!(call(&mut instance, "count", &[]), [count]);
    }
    assert_eq!(sandbox.health().refused, 0);
}

#[test]
fn a_pool_drained_by_slow_guests_serves_again_when_they_are_timed_out() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(2).queue(2)) {
        let mut slow: Vec<_> = (0..6).map(|_| instance(&sandbox, PLAIN, Quick)).collect();
        let ends: Vec<_> = thread::scope(|scope| {
            let calls: Vec<_> = slow
                .iter_mut()
                .map(|instance| scope.spawn(|| instance.call_blocking(spin(crate::support::SHORT))))
                .collect();
            calls
                .into_iter()
                .map(|call| call.join().unwrap().unwrap_err())
                .collect()
        });
        let timed_out = ends
            .iter()
            .filter(|error| matches!(error, Error::Timeout { .. }))
            .count();
        let refused = ends
            .iter()
            .filter(|error| matches!(error, Error::Overloaded { .. }))
            .count();
        assert_eq!(timed_out + refused, 6, "{lane}: {ends:?}");
        assert!(timed_out >= 4, "{lane}: {ends:?}");
        let health = sandbox.health();
        assert_eq!((health.busy, health.queued), (0, 0), "{lane}");
        let mut next = instance(&sandbox, PLAIN, Quick);
        assert_eq!(call(&mut next, "count", &[]), [1], "{lane}");
    }
}

#[test]
fn a_closed_sandbox_ends_what_runs_and_what_waits() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut running = instance(&sandbox, PLAIN, Quick);
        let mut queued = instance(&sandbox, PLAIN, Quick);
        let mut running_call = Box::pin(running.call(spin(LONG)));
        poll_once(running_call.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        let mut queued_call = Box::pin(queued.call(spin(LONG)));
        poll_once(queued_call.as_mut());
        sandbox.close();
        let end = crate::support::end(running_call);
        assert!(matches!(end, Err(Error::Cancelled)), "{lane}: {end:?}");
        let end = crate::support::end(queued_call);
        assert!(matches!(end, Err(Error::Closed)), "{lane}: {end:?}");
        // It can be read, and not called.
        assert_eq!(queued.memory_bytes().unwrap(), 65_536, "{lane}");
        let end = queued.call_blocking(spin(LONG));
        assert!(matches!(end, Err(Error::Closed)), "{lane}: {end:?}");
        until("the worker has ended", || sandbox.health().workers == 0);
    }
}
