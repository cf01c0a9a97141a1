//! The cache of prepared programs: found again by all that they depend on, and bounded in bytes.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::Executor;
use fusee_instrument::{Limits, Rules, Schedule};

fn program(constant: u32) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module (func (export "f") (result i32) i32.const {constant}))"#
    ))
    .unwrap()
}

#[test]
fn a_program_is_prepared_once_for_each_set_of_rules() {
    let stricter = Limits {
        stack_bytes: 1_024,
        ..Limits::v1()
    };
    let rules = [
        Rules::v1(Vec::new()),
        Rules::new(1, Schedule::v1(), stricter, Vec::new()),
    ];
    for lane in lanes() {
        let prepare = |constant, rules| lane.executor.prepare(&program(constant), rules).unwrap();
        let first = prepare(1, &rules[0]);
        assert!(Arc::ptr_eq(&first, &prepare(1, &rules[0])), "{}", lane.name);
        assert!(
            !Arc::ptr_eq(&first, &prepare(2, &rules[0])),
            "{}",
            lane.name
        );
        let under_others = prepare(1, &rules[1]);
        assert!(!Arc::ptr_eq(&first, &under_others), "{}", lane.name);
        assert_ne!(
            first.program().code,
            under_others.program().code,
            "{}",
            lane.name
        );
    }
}

#[test]
fn programs_leave_when_others_need_the_room() {
    let rules = Rules::v1(Vec::new());
    let executor = |bytes| {
        Executor::builder(Arc::new(WasmiEngine::new()))
            .cache_bytes(bytes)
            .build()
    };
    let large = executor(1 << 20);
    large.prepare(&program(1), &rules).unwrap();
    let one = large.cached_bytes();

    let small = executor(3 * one);
    let kept = small.prepare(&program(0), &rules).unwrap();
    for constant in 1..50 {
        small.prepare(&program(constant), &rules).unwrap();
        assert!(small.cached_bytes() <= 3 * one);
        // Used again each time, so that it is never the one that leaves.
        assert!(Arc::ptr_eq(
            &kept,
            &small.prepare(&program(0), &rules).unwrap()
        ));
    }
    assert!(small.cached_bytes() > 0);

    let none = executor(one - 1);
    none.prepare(&program(1), &rules).unwrap();
    assert_eq!(
        none.cached_bytes(),
        0,
        "what is larger than the budget is not kept"
    );
}
