//! How long instances live, and who owns them.

use fusee_conformance::lanes;
use fusee_engine::{Gas, Interrupt};
use fusee_system::{Billing, Lifetime, SystemProgram, SystemPrograms};

use crate::support::{answer, call, count, end, op, registered, waits};

#[test]
fn an_instance_lives_for_one_transaction() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let used: Vec<Gas> = (0..3)
            .map(|_| {
                let mut transaction = programs.transaction(Interrupt::new());
                let first = end(call(&mut transaction, program, op::COUNT, &[]));
                assert_eq!(first.payload(), [1, 0, 0, 0], "{}", lane.name);
                first.gas_used
            })
            .collect();
        // What ran before changes nothing.
        assert!(used.iter().all(|gas| *gas == used[0]), "{used:?}");
        assert_eq!(programs.idle_instances(), 0);
    }
}

/// How often the program was entered, in a transaction of its own.
fn once(programs: &SystemPrograms, program: SystemProgram) -> u32 {
    count(&mut programs.transaction(Interrupt::new()), program)
}

#[test]
fn an_instance_lives_longer_where_the_embedder_says_so() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.lifetime(Lifetime::Pooled { instances: 2 });
        let counts = [(); 3].map(|()| once(&programs, program));
        assert_eq!(counts, [1, 2, 3], "{}", lane.name);
        assert_eq!(programs.idle_instances(), 1);
        // Transactions at the same time have instances of their own, and no more are kept than was
        // said.
        let mut open: Vec<_> = (0..4)
            .map(|_| programs.transaction(Interrupt::new()))
            .collect();
        let counts: Vec<_> = open.iter_mut().map(|one| count(one, program)).collect();
        assert_eq!(counts, [4, 1, 1, 1]);
        drop(open);
        assert_eq!(programs.idle_instances(), 2);
        programs.clear();
        assert_eq!(programs.idle_instances(), 0);
        assert_eq!(once(&programs, program), 1);
    }
}

#[test]
fn the_first_call_of_an_instance_pays_for_it() {
    let lane = lanes().remove(0);
    let (programs, program) = registered(lane.executor, Billing::Metered);
    let programs = programs.lifetime(Lifetime::Pooled { instances: 1 });
    let used = || {
        let mut transaction = programs.transaction(Interrupt::new());
        end(call(&mut transaction, program, op::COUNT, &[])).gas_used
    };
    let [first, second, third] = [used(), used(), used()];
    assert!(first > second, "so gas depends on what ran before");
    assert_eq!(second, third);
}

#[test]
fn an_instance_that_somebody_waits_in_is_not_kept() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.lifetime(Lifetime::Pooled { instances: 9 });
        let mut transaction = programs.transaction(Interrupt::new());
        let waiting = waits(call(&mut transaction, program, op::INTERRUPT, &[b"x"]));
        drop(transaction);
        assert_eq!(programs.idle_instances(), 0, "{}", lane.name);
        let mut transaction = programs.transaction(Interrupt::new());
        assert!(transaction.resume(waiting, &answer(b"")).is_err());
        end(call(&mut transaction, program, op::TRAP, &[]));
        drop(transaction);
        assert_eq!(programs.idle_instances(), 0);
    }
}

#[test]
fn instances_of_a_program_that_was_taken_back_are_gone() {
    let lane = lanes().remove(0);
    let (programs, program) = registered(lane.executor, Billing::Metered);
    let mut programs = programs.lifetime(Lifetime::Pooled { instances: 9 });
    assert_eq!(once(&programs, program), 1);
    programs.remove(program);
    assert_eq!(programs.idle_instances(), 0);
    programs
        .register(&crate::support::probe(), Billing::Metered)
        .unwrap();
    assert_eq!(once(&programs, program), 1);
}

#[test]
fn threads_share_the_programs() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.lifetime(Lifetime::Pooled { instances: 4 });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert!(once(&programs, program) > 0);
                    }
                });
            }
        });
        assert!(programs.idle_instances() <= 4);
    }
}

#[test]
fn instances_that_were_kept_are_gone_where_none_are_kept_any_more() {
    let lane = lanes().remove(0);
    let (programs, program) = registered(lane.executor, Billing::Metered);
    let programs = programs.lifetime(Lifetime::Pooled { instances: 9 });
    assert_eq!(once(&programs, program), 1);
    let programs = programs.lifetime(Lifetime::Transaction);
    assert_eq!(programs.idle_instances(), 0);
    assert_eq!(once(&programs, program), 1);
}
