//! Instantiations that wait for room in the engine.

use std::sync::Arc;

use fusee_conformance::Cramped;
use fusee_lifecycle::{CallRequest, Error, InstanceRequest, RunOn, Sandbox, WhenFull};

use crate::support::{
    GAS, PLAIN, Quick, SHORT, builder, call, end, instance, module, poll_once, spin,
};

/// Two sandboxes that share an engine with one slot.
fn sandboxes() -> [Sandbox; 2] {
    let executor = Arc::new(Cramped::in_instances().alone);
    [(), ()].map(|()| builder(Arc::clone(&executor)).build().unwrap())
}

fn waits(run_on: RunOn) -> InstanceRequest {
    InstanceRequest {
        when_full: WhenFull::Wait,
        run_on,
        ..InstanceRequest::new(7, GAS)
    }
}

#[test]
fn an_instantiation_can_wait_until_another_instance_ends() {
    for run_on in [RunOn::Worker, RunOn::Caller] {
        let [sandbox, _] = sandboxes();
        let module = module(&sandbox, PLAIN);
        let mut held = Some(instance(&sandbox, PLAIN, Quick));
        let refused = module.instantiate_blocking(InstanceRequest::new(7, GAS), Quick);
        assert!(
            matches!(refused, Err(Error::Instantiation(_))),
            "{refused:?}"
        );
        for _ in 0..3 {
            let mut made = Box::pin(module.instantiate(waits(run_on), Quick));
            for _ in 0..20 {
                poll_once(made.as_mut());
                std::thread::yield_now();
            }
            drop(held.take());
            let made = end(made).unwrap();
            let gas = made.gas_used();
            let mut made = made.into_result().unwrap();
            assert_eq!(gas, made.instantiation_gas());
            assert_eq!(call(&mut made, "count", &[]), [1]);
            held = Some(made);
        }
    }
}

#[test]
fn those_that_wait_are_served_in_turn_and_pass_on_what_they_do_not_take() {
    let [sandbox, _] = sandboxes();
    let module = module(&sandbox, PLAIN);
    let held = instance(&sandbox, PLAIN, Quick);
    let mut waiting: Vec<_> = (0..4)
        .map(|_| Box::pin(module.instantiate(waits(RunOn::Caller), Quick)))
        .collect();
    for made in &mut waiting {
        poll_once(made.as_mut());
    }
    let mut waiting = waiting.into_iter();
    let [first, second, third, fourth] = std::array::from_fn(|_| waiting.next().unwrap());
    // One is dropped before it is told, and one after.
    drop(first);
    drop(held);
    drop(second);
    let mut fourth = fourth;
    poll_once(fourth.as_mut());
    let third = end(third).unwrap().into_result().unwrap();
    poll_once(fourth.as_mut());
    drop(third);
    assert!(end(fourth).unwrap().value().is_some());
}

#[test]
fn a_guest_that_is_timed_out_makes_room() {
    let [sandbox, _] = sandboxes();
    let module = module(&sandbox, PLAIN);
    for run_on in [RunOn::Worker, RunOn::Caller] {
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut made = Box::pin(module.instantiate(waits(RunOn::Caller), Quick));
        poll_once(made.as_mut());
        let request = CallRequest {
            run_on,
            ..spin(SHORT)
        };
        slow.call_blocking(request).unwrap_err();
        // It is gone, though somebody still has its handle.
        assert!(end(made).unwrap().value().is_some());
        assert!(!slow.is_alive());
    }
}

#[test]
fn nobody_waits_for_what_ends_elsewhere() {
    let [sandbox, other] = sandboxes();
    let held = instance(&other, PLAIN, Quick);
    let module = module(&sandbox, PLAIN);
    let end = module.instantiate_blocking(waits(RunOn::Caller), Quick);
    assert!(matches!(end, Err(Error::Instantiation(_))), "{end:?}");
    drop(held);
    assert!(
        module
            .instantiate_blocking(waits(RunOn::Caller), Quick)
            .is_ok()
    );
}
