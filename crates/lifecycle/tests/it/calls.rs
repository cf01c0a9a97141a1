//! Calls by name, and the errors that they end with.

use std::{error::Error as _, sync::Arc};

use fusee_conformance::lanes;
use fusee_engine::{Gas, Trap};
use fusee_instrument::{Limits, Rules};
use fusee_lifecycle::{
    AllocRequest, CallOutcome, CallRequest, Error, ExportFault, GuestFault, Sandbox,
};

use crate::support::{
    GAS, Later, PLAIN, Quick, WAITS, call, instance, rules, sandbox, sandboxes, try_call,
};

#[test]
fn an_export_is_called_by_its_name_with_integers() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        assert_eq!(call(&mut instance, "both", &[-5, 7]), [2, -1], "{lane}");
        let narrow = [i64::from(i32::MIN), i64::from(i32::MAX)];
        assert_eq!(
            call(&mut instance, "both", &[narrow[0], 0]),
            [narrow[0], -1],
            "{lane}"
        );
        assert_eq!(
            call(&mut instance, "both", &[narrow[1], i64::MIN]),
            [i64::MIN + narrow[1], -1],
            "{lane}"
        );
    }
}

#[test]
fn an_instance_keeps_what_a_call_left() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        for count in 1..5 {
            assert_eq!(call(&mut instance, "count", &[]), [count], "{lane}");
        }
    }
}

#[test]
fn calls_that_do_not_fit_are_export_errors_and_change_nothing() {
    let floats = r#"(module
      (func (export "takes") (param f32))
      (func (export "returns") (result f64) (f64.const 1))
      (func (export "count") (result i64) (i64.const 1)))"#;
    let sandbox = sandbox(|builder| builder);
    let mut plain = instance(&sandbox, PLAIN, Quick);
    let mut floating = instance(&sandbox, floats, Quick);
    let mut check = |is_plain: bool, export: &str, args: &[i64], expected: &str| {
        let instance = if is_plain { &mut plain } else { &mut floating };
        let error = try_call(instance, export, args).unwrap_err();
        assert!(matches!(error, Error::Export { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("`{export}` cannot be called"));
        assert_eq!(error.source().unwrap().to_string(), expected);
        assert!(instance.is_alive());
    };
    check(true, "nothing", &[], "the program exports no such function");
    check(true, "both", &[1], "it takes 2 arguments, but was given 1");
    let wide = i64::from(i32::MAX) + 1;
    let expected = "argument 0 is 2147483648, which is no i32";
    check(true, "both", &[wide, 0], expected);
    check(
        true,
        "both",
        &[i64::from(i32::MIN) - 1, 0],
        "argument 0 is -2147483649, which is no i32",
    );
    check(
        false,
        "takes",
        &[1],
        "it takes or returns f32, which is no integer",
    );
    check(
        false,
        "returns",
        &[],
        "it takes or returns f64, which is no integer",
    );
    assert_eq!(call(&mut plain, "count", &[]), [1]);
    assert_eq!(call(&mut floating, "count", &[]), [1]);
}

#[test]
fn a_buffer_export_that_was_not_named_is_an_export_error() {
    let sandbox =
        fusee_lifecycle::Sandbox::builder(crate::support::interpreter(), crate::support::rules())
            .build()
            .unwrap();
    let error = instance(&sandbox, PLAIN, Quick)
        .alloc_blocking(AllocRequest::new(1, GAS))
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Export {
            fault: ExportFault::Unnamed,
            ..
        }
    ));
}

type End = Result<CallOutcome<Vec<i64>>, Error>;

/// How a call ends, and that its instance is gone, for the reason that this returns.
fn check_end(export: &str, reason: impl Fn(&End) -> String) {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        let end = try_call(&mut instance, export, &[]);
        let reason = reason(&end);
        // It is gone, and says why.
        for _ in 0..2 {
            let gone = try_call(&mut instance, "count", &[]).unwrap_err();
            let Error::Gone { because } = &gone else {
                panic!("{lane}: {gone:?}");
            };
            assert_eq!(*because, reason, "{lane}");
        }
        assert!(!instance.is_alive());
        assert!(matches!(instance.memory_bytes(), Err(Error::Gone { .. })));
        assert!(matches!(instance.read(0, 1), Err(Error::Gone { .. })));
        assert!(matches!(instance.write(0, &[1]), Err(Error::Gone { .. })));
        assert!(matches!(instance.host(), Err(Error::Gone { .. })));
        let buffer = instance.alloc_blocking(AllocRequest::new(1, GAS));
        assert!(matches!(buffer, Err(Error::Gone { .. })));
        assert!(sandbox.health().is_healthy(), "{lane}");
    }
}

/// A call in which the guest traps.
fn check_trap(export: &str, trap: Trap) {
    check_end(export, |end| {
        let Ok(outcome) = end else {
            panic!("{end:?}");
        };
        assert_eq!(outcome.trap(), Some(trap));
        assert_eq!(outcome.fault(), Some(&GuestFault::Trapped(trap)));
        assert_eq!(outcome.value(), None);
        assert_eq!(outcome.values(), []);
        trap.to_string()
    });
}

#[test]
fn a_trap_is_an_outcome_and_the_instance_is_gone() {
    check_trap("trap", Trap::Unreachable);
    check_trap("beyond", Trap::MemoryOutOfBounds);
    check_trap("deep", Trap::StackOverflow);
}

#[test]
fn a_trap_has_the_gas_that_was_used() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        let outcome = try_call(&mut instance, "trap", &[]).unwrap();
        let gas_used = outcome.gas_used();
        assert!(gas_used > Gas::ZERO && gas_used < GAS, "{lane}");
    }
}

#[test]
fn the_end_of_gas_is_an_outcome_and_the_instance_is_gone() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        let gas = Gas::new(500_000);
        let outcome = instance
            .call_blocking(CallRequest::new("spin", &[], gas))
            .unwrap();
        assert_eq!(outcome.fault(), Some(&GuestFault::OutOfGas), "{lane}");
        assert_eq!((outcome.trap(), outcome.gas_used()), (None, gas), "{lane}");
        let gone = try_call(&mut instance, "count", &[]).unwrap_err();
        assert!(matches!(gone, Error::Gone { .. }), "{lane}: {gone:?}");
    }
}

#[test]
fn a_host_function_that_panics_is_an_other_error_and_the_instance_is_gone() {
    check_end("panic", |end| {
        let Err(error @ Error::Other(source)) = end else {
            panic!("{end:?}");
        };
        assert!(format!("{source:?}").contains("as asked"), "{source:?}");
        error.to_string()
    });
}

#[test]
fn a_host_function_that_fails_is_an_other_error_and_the_instance_is_gone() {
    check_end("fail", |end| {
        let Err(error @ Error::Other(source)) = end else {
            panic!("{end:?}");
        };
        assert_eq!(source.to_string(), "as asked");
        error.to_string()
    });
}

#[test]
fn a_host_function_that_ends_the_run_ends_the_instance_too() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        assert_eq!(call(&mut instance, "finish", &[]), [0; 0], "{lane}");
        let gone = try_call(&mut instance, "count", &[]).unwrap_err();
        assert!(matches!(gone, Error::Gone { .. }), "{lane}: {gone:?}");
    }
}

#[test]
fn gas_is_the_same_on_all_lanes() {
    let mut first = None;
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let mut plain = instance(&sandbox, PLAIN, Quick);
        let mut waits = instance(&sandbox, WAITS, Later(1));
        let used = [
            plain.instantiation_gas(),
            try_call(&mut plain, "tree", &[10]).unwrap().gas_used(),
            waits.instantiation_gas(),
            try_call(&mut waits, "sum", &[]).unwrap().gas_used(),
        ];
        assert_eq!(*first.get_or_insert(used), used, "{lane}");
    }
}

#[test]
fn the_stack_is_as_high_as_the_rules_say_on_every_engine() {
    let text = r#"(module
      (func $dig (export "dig") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
          (then (i32.const 0))
          (else (i32.add (i32.const 1)
            (call $dig (i32.sub (local.get 0) (i32.const 1))))))))"#;
    // The default, and the most that the counter of metered programs has room for.
    for (stack_bytes, depth) in [(262_144, 2_000), (524_280, 4_000)] {
        let base = rules();
        let limits = Limits {
            stack_bytes,
            ..*base.limits()
        };
        let schedule = base.schedule().clone();
        let rules = Rules::named("high", schedule, limits, base.syscalls().to_vec());
        let mut used = Vec::new();
        for lane in lanes() {
            let builder = Sandbox::builder(Arc::new(lane.executor), rules.clone());
            let sandbox = builder.suspension(lane.suspension).build().unwrap();
            let mut instance = instance(&sandbox, text, Quick);
            let outcome = try_call(&mut instance, "dig", &[depth]).unwrap();
            assert_eq!(outcome.values(), [depth], "{}, {stack_bytes}", lane.name);
            let deep = try_call(&mut instance, "dig", &[depth * 3 / 2]).unwrap();
            assert_eq!(deep.trap(), Some(Trap::StackOverflow), "{}", lane.name);
            used.push([outcome.gas_used(), deep.gas_used()]);
        }
        assert!(used.iter().all(|gas| *gas == used[0]), "{used:?}");
    }
}
