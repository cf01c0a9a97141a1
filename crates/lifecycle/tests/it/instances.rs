//! Making instances, and their memory.

use std::sync::Arc;

use fusee_conformance::Cramped;
use fusee_engine::{Gas, Trap};
use fusee_lifecycle::{
    AllocRequest, CallRequest, Error, ExportFault, GuestFault, InstanceRequest, MEMORY_PAGES,
    MemoryFault,
};

use crate::support::{
    GAS, Later, PLAIN, Quick, WAITS, builder, call, instance, module, sandbox, sandboxes, try_call,
    wasm,
};

const PAGE: u64 = 65_536;

fn with_memory(memory_bytes: u64) -> InstanceRequest {
    InstanceRequest {
        memory_bytes,
        ..InstanceRequest::new(7, GAS)
    }
}

#[test]
fn a_guest_is_told_its_id_once() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let module = module(&sandbox, PLAIN);
        for id in [0, 7, i64::MIN, i64::MAX] {
            let mut instance = module
                .instantiate_blocking(InstanceRequest::new(id, GAS), Quick)
                .unwrap()
                .into_result()
                .unwrap();
            assert_eq!(instance.id(), id);
            assert_eq!(call(&mut instance, "id", &[]), [id], "{lane}");
            assert_eq!(call(&mut instance, "told", &[]), [1], "{lane}");
        }
    }
}

#[test]
fn a_guest_that_does_not_want_its_id_is_not_told() {
    let sandbox = sandbox(|builder| builder);
    assert_eq!(instance(&sandbox, WAITS, Later(0)).id(), 7);
}

#[test]
fn an_id_that_the_guest_cannot_take_is_an_export_error() {
    let sandbox = sandbox(|builder| builder);
    let narrow = module(&sandbox, r#"(module (func (export "set_id") (param i32)))"#);
    let request = InstanceRequest::new(1 << 40, GAS);
    let error = narrow.instantiate_blocking(request, Quick).unwrap_err();
    assert!(matches!(
        error,
        Error::Export {
            fault: ExportFault::Range { position: 0, .. },
            ..
        }
    ));
}

#[test]
fn memory_is_grown_to_the_minimum_and_not_beyond() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let module = module(&sandbox, PLAIN);
        for (asked, had) in [
            (0, PAGE),
            (1, PAGE),
            (PAGE, PAGE),
            (PAGE + 1, 2 * PAGE),
            (8 * PAGE, 8 * PAGE),
        ] {
            let mut instance = module
                .instantiate_blocking(with_memory(asked), Quick)
                .unwrap()
                .into_result()
                .unwrap();
            assert_eq!(instance.memory_bytes().unwrap(), had, "{lane}, {asked}");
            // The guest sees it too, up to its last byte.
            instance.write(had - 1, &[42]).unwrap();
            let last = i64::try_from(had - 1).unwrap();
            assert_eq!(call(&mut instance, "sum", &[last, 1]), [42], "{lane}");
        }
    }
}

#[test]
fn a_minimum_that_cannot_be_had_is_a_memory_error() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let module = module(&sandbox, PLAIN);
        let error = module
            .instantiate_blocking(with_memory(8 * PAGE + 1), Quick)
            .unwrap_err();
        let Error::Memory(fault) = error else {
            panic!("{lane}: {error:?}");
        };
        let (asked, maximum) = (8 * PAGE + 1, 8 * PAGE);
        assert_eq!(fault, MemoryFault::Minimum { asked, maximum });
    }
    let sandbox = sandbox(|builder| builder);
    // Nothing has run that could have trapped.
    let traps = "(module (memory 1 8) (func $f unreachable) (start $f))";
    let error = module(&sandbox, traps).instantiate_blocking(with_memory(8 * PAGE + 1), Quick);
    assert!(matches!(error, Err(Error::Memory(_))));
    let none = module(&sandbox, "(module)");
    let error = none.instantiate_blocking(with_memory(1), Quick);
    assert!(matches!(error, Err(Error::Memory(_))));
}

#[test]
fn a_guest_can_have_256_mib_by_the_rules_and_no_more() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let module = module(&sandbox, "(module (memory 1))");
        let most = MEMORY_PAGES * PAGE;
        let mut instance = module
            .instantiate_blocking(with_memory(most), Quick)
            .unwrap()
            .into_result()
            .unwrap();
        assert_eq!(instance.memory_bytes().unwrap(), most, "{lane}");
        let error = module
            .instantiate_blocking(with_memory(most + 1), Quick)
            .unwrap_err();
        assert!(matches!(error, Error::Memory(_)), "{lane}: {error:?}");
    }
}

#[test]
fn a_guest_allocates_a_buffer_and_finds_the_input_in_it() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        let first = instance
            .alloc_blocking(AllocRequest::new(100, GAS))
            .unwrap()
            .into_result()
            .unwrap();
        let second = instance
            .alloc_blocking(AllocRequest::new(4, GAS))
            .unwrap()
            .into_result()
            .unwrap();
        assert_eq!((first, second), (1_024, 1_124), "{lane}");
        instance.write(second, &[1, 2, 3, 4]).unwrap();
        let at = i64::try_from(second).unwrap();
        assert_eq!(call(&mut instance, "sum", &[at, 4]), [10], "{lane}");
        assert_eq!(*instance.read(second, 4).unwrap(), [1, 2, 3, 4]);
    }
}

#[test]
fn a_buffer_may_be_allocated_at_a_wide_address() {
    let text = r#"(module (memory 1)
      (func (export "alloc") (param i32) (result i64) (i64.const 4096)))"#;
    let sandbox = sandbox(|builder| builder);
    let mut instance = instance(&sandbox, text, Quick);
    let outcome = instance.alloc_blocking(AllocRequest::new(16, GAS)).unwrap();
    assert_eq!(outcome.value(), Some(&4_096));
}

#[test]
fn a_buffer_can_be_described_instead_of_pointed_to() {
    // A descriptor at 16: the address of the buffer, and its size. The results are no addresses of
    // so many bytes, and are not taken for some.
    for (text, raw) in [
        ("(result i64) (i64.const 16)", 16),
        ("(result i32) (i32.const -2)", 0xffff_fffe),
        ("(result i64) (i64.const -2)", u64::MAX - 1),
    ] {
        let text = format!(
            r#"(module (memory 1) (data (i32.const 16) "\00\04\00\00\08\00\00\00")
              (func (export "describe") (param i32) {text}))"#
        );
        for (lane, sandbox) in sandboxes(|builder| builder.alloc_export_raw("describe")) {
            let mut instance = instance(&sandbox, &text, Quick);
            let request = AllocRequest::new(1 << 20, GAS);
            let described = instance.alloc_blocking(request).unwrap();
            assert_eq!(described.into_result().unwrap(), raw, "{lane}");
            assert_eq!(*instance.read(16, 2).unwrap(), [0, 4], "{lane}");
        }
    }
}

#[test]
fn a_buffer_out_of_range_is_a_guest_fault_and_no_export_is_an_export_error() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        for address in ["65530", "-1", "-2147483648"] {
            let text = format!(
                r#"(module (memory 1)
                  (func (export "alloc") (param i32) (result i32) (i32.const {address}))
                  (func (export "f") (result i64) (i64.const 1)))"#
            );
            let mut instance = instance(&sandbox, &text, Quick);
            let outcome = instance.alloc_blocking(AllocRequest::new(16, GAS)).unwrap();
            assert!(
                matches!(
                    outcome.fault(),
                    Some(GuestFault::Buffer(MemoryFault::OutOfBounds { .. }))
                ),
                "{lane}: {outcome:?}"
            );
            assert!(outcome.gas_used() > Gas::ZERO, "{lane}");
            assert_eq!(call(&mut instance, "f", &[]), [1], "{lane}");
        }
        let mut without = instance(&sandbox, WAITS, Later(0));
        let error = without
            .alloc_blocking(AllocRequest::new(16, GAS))
            .unwrap_err();
        assert!(matches!(
            error,
            Error::Export {
                fault: ExportFault::Unknown,
                ..
            }
        ));
    }
}

#[test]
fn memory_is_read_and_written_within_its_bounds_only() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        assert_eq!(instance.memory_bytes().unwrap(), PAGE);
        instance.write(PAGE - 2, &[5, 6]).unwrap();
        assert_eq!(*instance.read(PAGE - 2, 2).unwrap(), [5, 6], "{lane}");
        assert_eq!(*instance.read(PAGE, 0).unwrap(), [0; 0], "{lane}");
        for (offset, length) in [
            (PAGE - 1, 2),
            (PAGE, 1),
            (PAGE + 1, 0),
            (u64::MAX, 1),
            (1, u64::MAX),
        ] {
            let error = instance.read(offset, length).unwrap_err();
            assert!(matches!(error, Error::Memory(_)), "{lane}: {error:?}");
        }
        let error = instance.write(PAGE - 1, &[7, 8]).unwrap_err();
        assert!(matches!(error, Error::Memory(_)), "{lane}: {error:?}");
        // Nothing of it was written.
        assert_eq!(*instance.read(PAGE - 1, 1).unwrap(), [6], "{lane}");
    }
}

#[test]
fn start_function_and_initialize_run_before_the_first_call_and_once() {
    let text = r#"(module
      (import "env" "wait" (func $wait (param i64) (result i64)))
      (memory 1)
      (global $order (mut i64) (i64.const 0))
      (func $add (param i64)
        (global.set $order (i64.add (i64.mul (global.get $order) (i64.const 100)) (local.get 0))))
      (func $start (call $add (call $wait (i64.const 1))))
      (start $start)
      (func (export "_initialize") (call $add (call $wait (i64.const 2))))
      (func (export "set_id") (param i64) (call $add (call $wait (i64.const 3))))
      (func (export "order") (result i64) (global.get $order)))"#;
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, text, Later(2));
        for _ in 0..2 {
            assert_eq!(call(&mut instance, "order", &[]), [102_030], "{lane}");
        }
    }
}

#[test]
fn making_an_instance_is_paid_for_and_a_start_function_can_fail() {
    let spins = r#"(module (func $f (loop $l (br $l))) (start $f))"#;
    let traps = r#"(module (func $f unreachable) (start $f))"#;
    let finishes = r#"(module (import "env" "finish" (func $f)) (start $f))"#;
    let traps_later = r#"(module (start $f) (func $f (local i32)
        (loop $l (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
          (i32.const 10000)))))
      (func (export "set_id") (param i64) unreachable))"#;
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let gas = Gas::new(1_000_000);
        let make = |text, gas| {
            let request = InstanceRequest::new(1, gas);
            let outcome = module(&sandbox, text).instantiate_blocking(request, Quick);
            let outcome = outcome.unwrap();
            (outcome.fault().cloned(), outcome.gas_used())
        };
        let (fault, gas_used) = make(spins, gas);
        assert_eq!(
            (fault, gas_used),
            (Some(GuestFault::OutOfGas), gas),
            "{lane}"
        );
        let (fault, gas_used) = make(traps, gas);
        assert_eq!(
            fault,
            Some(GuestFault::Trapped(Trap::Unreachable)),
            "{lane}"
        );
        assert!(gas_used > Gas::ZERO && gas_used < gas, "{lane}");
        let (fault, _) = make(finishes, gas);
        assert_eq!(fault, Some(GuestFault::Finished), "{lane}");
        // The same where the guest is told its id, after the first part has used gas.
        let (fault, later) = make(traps_later, gas);
        assert_eq!(
            fault,
            Some(GuestFault::Trapped(Trap::Unreachable)),
            "{lane}"
        );
        assert!(later > Gas::new(40_000) && later < gas, "{lane}: {later}");
        let few = Gas::new(10);
        assert_eq!(
            make(PLAIN, few),
            (Some(GuestFault::OutOfGas), few),
            "{lane}"
        );
        let made = instance(&sandbox, PLAIN, Quick);
        assert!(made.instantiation_gas() > Gas::new(100), "{lane}");
    }
}

#[test]
fn a_dropped_instance_makes_room_for_another_at_once() {
    let executor = Arc::new(Cramped::in_instances().alone);
    let sandbox = builder(executor).build().unwrap();
    let module = sandbox.compile(&wasm(PLAIN)).unwrap();
    let make = || {
        let made = module.instantiate_blocking(InstanceRequest::new(1, GAS), Quick);
        made.map(|outcome| outcome.into_result().unwrap())
    };
    let mut kept = make().unwrap();
    let error = make().unwrap_err();
    assert!(matches!(error, Error::Instantiation(_)), "{error:?}");
    assert_eq!(call(&mut kept, "count", &[]), [1]);
    drop(kept);
    // Each has the room of the one before: none is kept.
    for _ in 0..1_000 {
        let mut next = make().unwrap();
        assert_eq!(call(&mut next, "count", &[]), [1]);
    }
    // What ended badly makes room too.
    let mut failed = make().unwrap();
    assert!(try_call(&mut failed, "trap", &[]).unwrap().trap().is_some());
    make().unwrap();
}

#[test]
fn a_host_can_be_looked_at_between_calls() {
    let sandbox = sandbox(|builder| builder);
    let mut instance = instance(&sandbox, WAITS, Later(0));
    instance.host().unwrap().0 = 5;
    assert_eq!(call(&mut instance, "sum", &[]), [100]);
    assert_eq!(instance.host().unwrap().0, 5);
    let request = CallRequest::new("nothing", &[], GAS);
    instance.call_blocking(request).unwrap_err();
}
