//! The watchdog: seen by health, and no guest runs without it.

use fusee_lifecycle::{CallRequest, Error, HEARTBEAT, InstanceRequest, SILENCE};

use crate::support::{
    GAS, LONG, Later, PLAIN, Quick, WAITS, call, instance, module, now, poll_once, sandbox,
    sandboxes, spin, try_call, until,
};

#[test]
fn health_shows_the_heartbeat() {
    let sandbox = sandbox(|builder| builder);
    let began = now();
    while began.elapsed() < 3 * HEARTBEAT {
        let health = sandbox.health();
        assert!(health.is_watched && health.is_healthy(), "{health:?}");
        assert!(health.heartbeat_age < SILENCE, "{health:?}");
        std::thread::yield_now();
    }
    // A heart that beat once would be older by now.
    until("it beats", || {
        sandbox.health().heartbeat_age < 2 * HEARTBEAT
    });
}

#[test]
fn without_a_watchdog_health_says_so_in_time_and_nothing_runs() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut running = instance(&sandbox, PLAIN, Quick);
        let mut resting = instance(&sandbox, PLAIN, Quick);
        let mut waits = instance(&sandbox, WAITS, Later(1));
        let mut running_call = Box::pin(running.call(spin(LONG)));
        poll_once(running_call.as_mut());
        until("a worker is busy", || sandbox.health().busy == 1);
        let began = now();
        sandbox.kill_watchdog();
        until("health says so", || !sandbox.health().is_watched);
        assert!(began.elapsed() < SILENCE, "{lane}");
        assert!(!sandbox.health().is_healthy(), "{lane}");
        // What ran is interrupted.
        let end = crate::support::end(running_call);
        assert!(
            matches!(end, Err(Error::Unwatched { .. })),
            "{lane}: {end:?}"
        );
        // What comes is refused, says why, and has not run.
        for error in [
            try_call(&mut resting, "count", &[]).unwrap_err(),
            try_call(&mut waits, "sum", &[]).unwrap_err(),
        ] {
            assert!(
                error.to_string().contains("the watchdog has been silent"),
                "{lane}: {error}"
            );
        }
        assert!(resting.is_alive() && waits.is_alive(), "{lane}");
        let made = module(&sandbox, PLAIN)
            .instantiate_blocking(InstanceRequest::new(1, GAS), Quick)
            .unwrap_err();
        assert!(matches!(made, Error::Unwatched { .. }), "{lane}: {made:?}");
        assert_eq!(sandbox.health().refused, 3, "{lane}");
    }
}

#[test]
fn a_call_in_the_queue_does_not_run_without_a_watchdog() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut running = instance(&sandbox, PLAIN, Quick);
        let mut queued = instance(&sandbox, PLAIN, Quick);
        let mut running_call = Box::pin(running.call(spin(LONG)));
        poll_once(running_call.as_mut());
        until("the worker is busy", || sandbox.health().busy == 1);
        let mut queued_call = Box::pin(queued.call(CallRequest::new("count", &[], GAS)));
        poll_once(queued_call.as_mut());
        sandbox.kill_watchdog();
        let end = crate::support::end(queued_call);
        assert!(
            matches!(end, Err(Error::Unwatched { .. })),
            "{lane}: {end:?}"
        );
        assert!(queued.is_alive(), "{lane}: it never ran");
        drop(running_call);
    }
}

#[test]
fn a_sandbox_beside_it_has_its_own_watchdog() {
    let executor = crate::support::interpreter();
    let one = crate::support::builder(executor.clone()).build().unwrap();
    let other = crate::support::builder(executor).build().unwrap();
    let mut lost = instance(&one, PLAIN, Quick);
    let mut kept = instance(&other, PLAIN, Quick);
    one.kill_watchdog();
    try_call(&mut lost, "count", &[]).unwrap_err();
    assert_eq!(call(&mut kept, "count", &[]), [1]);
}
