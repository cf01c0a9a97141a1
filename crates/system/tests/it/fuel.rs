//! Both gas modes: billed by the meter, and by the program itself.

use fusee_engine::Gas;
use fusee_system::{Answer, Billing, ExitCode};

use crate::support::{
    ALL, GAS, answer, call, count, end, input, main_call, on_all_lanes, op, waits,
};

fn charge(billing: Billing, fuel: i64, gas: u64) -> (ExitCode, u64, Option<u64>, Vec<u8>, bool) {
    let (end, lives) = on_all_lanes(billing, |transaction, program| {
        assert_eq!(count(transaction, program), 1);
        let charges = main_call(input(op::CHARGE, &[&fuel.to_le_bytes()]), gas);
        let end = end(transaction.call(program, charges).unwrap());
        (end, count(transaction, program) > 1)
    });
    (
        end.exit_code,
        end.gas_used.units(),
        end.gas_left.map(Gas::units),
        end.payload().to_vec(),
        lives,
    )
}

#[test]
fn a_metered_program_pays_for_operators_syscalls_and_what_it_charges() {
    let (code, none, left, fuel, lives) = charge(Billing::Metered, 0, 10_000_000);
    assert_eq!((code, lives), (ExitCode::Ok, true));
    assert_eq!(none + left.unwrap(), 10_000_000);
    // Seven copies, sizes and the like, and the operators.
    assert!((3_000..6_000).contains(&none), "{none}");
    let (_, some, _, less, _) = charge(Billing::Metered, 1_234, 10_000_000);
    assert_eq!(some, none + 1_234);
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    assert_eq!(number(&fuel), number(&less) + 1_234, "what `_fuel` says");
    let (code, used, left, _, lives) = charge(Billing::Metered, 10_000_000, 10_000_000);
    assert_eq!(
        (code, used, left),
        (ExitCode::OutOfFuel, 10_000_000, Some(0))
    );
    assert!(!lives);
}

#[test]
fn a_self_metered_program_pays_for_what_it_charges_alone() {
    let (code, used, left, fuel, lives) = charge(Billing::SelfMetered, 77, 100);
    assert_eq!((code, used, left, lives), (ExitCode::Ok, 77, None, true));
    assert_eq!(fuel, u64::MAX.to_le_bytes(), "the maximum");
    let (code, used, ..) = charge(Billing::SelfMetered, 100, 100);
    assert_eq!((code, used), (ExitCode::Ok, 100));
}

#[test]
fn what_cannot_be_charged_is_not_counted() {
    for fuel in [101, i64::MAX, -1, i64::MIN] {
        let (code, used, left, _, lives) = charge(Billing::SelfMetered, fuel, 100);
        assert_eq!((code, used, left), (ExitCode::OutOfFuel, 0, None), "{fuel}");
        assert!(!lives, "it ended in the middle of a syscall");
    }
    for fuel in [-1, i64::MIN, i64::MAX] {
        let (code, used, ..) = charge(Billing::Metered, fuel, 1_000_000);
        assert_eq!((code, used), (ExitCode::OutOfFuel, 1_000_000), "{fuel}");
    }
}

#[test]
fn a_self_metered_program_is_metered_all_the_same() {
    // Its own limit is 1, and it computes for a while: what it does not charge is not billed, but
    // it is stopped.
    let interrupted = fusee_conformance::lanes().into_iter().map(|lane| {
        let (programs, program) = crate::support::registered(lane.executor, Billing::SelfMetered);
        let interrupt = fusee_engine::Interrupt::new();
        let mut transaction = programs.transaction(interrupt.clone());
        let counted = end(transaction
            .call(program, main_call(vec![op::COUNT], 0))
            .unwrap());
        assert_eq!(
            (counted.exit_code, counted.gas_used),
            (ExitCode::Ok, Gas::ZERO)
        );
        let watch = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            interrupt.trigger();
        });
        let error = transaction
            .call(program, main_call(vec![op::LOOP], 1))
            .unwrap_err();
        watch.join().unwrap();
        error.to_string()
    });
    for error in interrupted {
        assert_eq!(error, "the run was interrupted");
    }
}

#[test]
fn a_self_metered_program_pays_for_what_others_used_for_it() {
    let found = on_all_lanes(Billing::SelfMetered, |transaction, program| {
        let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
        assert_eq!(transaction.gas_left(&waiting), None);
        assert_eq!(transaction.gas_used(&waiting), Gas::ZERO);
        let told = Answer {
            fuel_consumed: 1_000,
            ..answer(b"")
        };
        let ended = end(transaction.resume(waiting, &told).unwrap());
        let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
        let told = Answer {
            fuel_consumed: GAS + 1,
            ..answer(b"")
        };
        (ended, end(transaction.resume(waiting, &told).unwrap()))
    });
    assert_eq!(found.0.gas_used, Gas::new(1_000));
    assert_eq!(found.1.exit_code, ExitCode::OutOfFuel);
}

#[test]
fn what_others_used_cannot_be_charged_again() {
    let found = on_all_lanes(Billing::SelfMetered, |transaction, program| {
        [600, 601].map(|consumed| {
            let parts: [&[u8]; 2] = [&[7; 32], &400_i64.to_le_bytes()];
            let asks = main_call(input(op::EXEC_AND_CHARGE, &parts), 1_000);
            let waiting = waits(transaction.call(program, asks).unwrap());
            let told = Answer {
                fuel_consumed: consumed,
                ..answer(b"")
            };
            end(transaction.resume(waiting, &told).unwrap())
        })
    });
    let found = found.map(|end| (end.exit_code, end.gas_used.units()));
    assert_eq!(found, [(ExitCode::Ok, 1_000), (ExitCode::OutOfFuel, 601)]);
}

#[test]
fn a_limit_of_exec_is_capped_by_what_is_left() {
    let left = |billing, limit: i64| {
        on_all_lanes(billing, |transaction, program| {
            let parts: [&[u8]; 2] = [&[7; 32], &limit.to_le_bytes()];
            let waiting = waits(call(transaction, program, op::EXEC, &parts));
            waiting.exec_params().unwrap().fuel_limit
        })
    };
    assert_eq!(left(Billing::Metered, 5), 5);
    assert_eq!(left(Billing::Metered, 0), 0);
    assert_eq!(left(Billing::SelfMetered, 0), 0);
    // More than there is.
    let all = left(Billing::Metered, i64::MIN);
    assert!(all < GAS && all > GAS - 4_000_000, "{all}");
    assert_eq!(left(Billing::Metered, i64::MAX), all);
    assert_eq!(left(Billing::Metered, -1), all);
    assert_eq!(left(Billing::SelfMetered, i64::MAX), GAS);
}

#[test]
fn an_answer_that_used_more_than_there_is_uses_up_all_of_it() {
    for billing in [Billing::Metered, Billing::SelfMetered] {
        let found = on_all_lanes(billing, |transaction, program| {
            let inputs = [
                input(op::INTERRUPT, &[b"x"]),
                input(op::EXEC, &[&[7; 32], &ALL]),
            ];
            let too_much = [GAS + 1, i64::MAX.unsigned_abs(), u64::MAX];
            let told = |consumed: u64| Answer {
                fuel_consumed: consumed,
                ..answer(b"")
            };
            inputs.map(|input| {
                too_much.map(|consumed| {
                    let call = main_call(input.clone(), GAS);
                    let waiting = waits(transaction.call(program, call).unwrap());
                    let ended = end(transaction.resume(waiting, &told(consumed)).unwrap());
                    (ended.exit_code, ended.gas_used)
                })
            })
        });
        for ended in found.as_flattened() {
            assert_eq!(*ended, (ExitCode::OutOfFuel, Gas::new(GAS)), "{billing:?}");
        }
    }
}

#[test]
fn a_call_whose_instance_was_lost_pays_for_what_others_used_for_it() {
    for billing in [Billing::Metered, Billing::SelfMetered] {
        let found = on_all_lanes(billing, |transaction, program| {
            [1_000, GAS + 1].map(|consumed| {
                let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
                let before = transaction.gas_used(&waiting);
                end(call(transaction, program, op::TRAP, &[]));
                let told = Answer {
                    fuel_consumed: consumed,
                    ..answer(b"")
                };
                let lost = end(transaction.resume(waiting, &told).unwrap());
                assert_eq!(lost.exit_code, ExitCode::UnexpectedFatalExecutionFailure);
                (lost.gas_used.units(), before.units())
            })
        });
        let [(some, before), (all, _)] = found;
        assert_eq!((some, all), (before + 1_000, GAS), "{billing:?}");
    }
}
