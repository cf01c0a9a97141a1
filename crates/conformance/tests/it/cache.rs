//! The cache of prepared programs: its keys and its limit in bytes.

use std::sync::Arc;

use fusee_conformance::{lanes, round};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{Executor, PreparedProgram};
use fusee_instrument::{Limits, Rules};

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
        round::rules(Vec::new()),
        Rules::named("stricter", round::schedule(), stricter, Vec::new()),
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
    let rules = round::rules(Vec::new());
    let executor = |bytes| {
        Executor::builder(Arc::new(WasmiEngine::new().with_idle_bytes(0)))
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

#[test]
fn a_pinned_program_stays_until_it_is_unpinned() {
    let rules = round::rules(Vec::new());
    let executor = |bytes| {
        Executor::builder(Arc::new(WasmiEngine::new().with_idle_bytes(0)))
            .cache_bytes(bytes)
            .build()
    };
    let measured = executor(1 << 20);
    measured.prepare(&program(1), &rules).unwrap();
    let one = measured.cached_bytes();

    let executor = executor(2 * one);
    let [first, second, third] =
        [0, 1, 2].map(|constant| executor.prepare(&program(constant), &rules).unwrap());
    assert!(executor.pin(&first));
    let others = || {
        for constant in 10..20 {
            executor.prepare(&program(constant), &rules).unwrap();
            assert!(executor.cached_bytes() <= 2 * one);
        }
    };
    let is_kept = |prepared: &Arc<PreparedProgram>| {
        let found = executor.find(prepared.program().code_hash, &rules);
        found.is_some_and(|found| Arc::ptr_eq(&found, prepared))
    };
    others();
    assert!(is_kept(&first));
    assert!(executor.pin(&second));
    assert!(!executor.pin(&third), "there is room for two");
    others();
    assert!(is_kept(&first) && is_kept(&second));
    executor.unpin(&first);
    others();
    assert!(!is_kept(&first) && is_kept(&second));
}

#[test]
fn what_many_ask_for_at_once_is_prepared_once() {
    let rules = round::rules(Vec::new());
    for lane in lanes() {
        let ask = || lane.executor.prepare(&program(7), &rules).unwrap();
        let found: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking
                .into_iter()
                .map(|asked| asked.join().unwrap())
                .collect()
        });
        let same = found.iter().all(|one| Arc::ptr_eq(one, &found[0]));
        assert!(same, "{}", lane.name);
    }
}

#[test]
fn a_refusal_is_remembered() {
    let executor = Executor::builder(Arc::new(WasmiEngine::new())).build();
    let refused = || {
        executor
            .prepare(b"no program", &round::rules(Vec::new()))
            .unwrap_err()
    };
    let first = refused().to_string();
    let kept = executor.cached_bytes();
    assert!(kept > 0);
    assert_eq!(refused().to_string(), first);
    assert_eq!(executor.cached_bytes(), kept);
}
