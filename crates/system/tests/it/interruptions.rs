//! Programs that wait: by returning, and by `_exec`.

use fusee_engine::{Gas, Interrupt};
use fusee_system::{
    Answer, Billing, ExitCode, Step, SystemError, SystemProgram, Transaction,
    wire::{ExecParams, encode_answer},
};

use crate::support::{
    ALL, GAS, answer, call, count, end, hash, input, main_call, on_all_lanes, op, probe,
    registered, waits,
};

#[test]
fn an_interruption_carries_the_output_and_goes_on_in_the_same_instance() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"please"]));
        assert_eq!(waiting.params(), b"please");
        assert_eq!(waiting.program(), Some(program));
        let told = Answer {
            halted: true,
            output: b"done".to_vec(),
            fuel_consumed: 5,
            fuel_refunded: -6,
            exit_code: -1015,
        };
        let ended = end(transaction.resume(waiting, &told).unwrap());
        (ended, count(transaction, program))
    });
    let (ended, entered) = found;
    assert_eq!(ended.exit_code, ExitCode::Ok);
    // How many wait (none), and then what it was told: as bytes that its users know.
    let mut told = vec![0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0];
    told.extend(b"done");
    told.extend([5, 0, 0, 0, 0, 0, 0, 0]);
    told.extend((-6_i64).to_le_bytes());
    told.extend((-1015_i32).to_le_bytes());
    assert_eq!(ended.payload(), told);
    assert_eq!(entered, 3, "the call, its return, and this one");
}

#[test]
fn an_interruption_without_parameters_is_an_abnormal_end() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let end = end(call(transaction, program, op::INTERRUPT, &[]));
        (end.exit_code, count(transaction, program))
    });
    assert_eq!(found, (ExitCode::UnexpectedFatalExecutionFailure, 1));
}

/// Goes `levels` deep into the program, each level waiting for the next, and back.
fn nest(transaction: &mut Transaction<'_>, program: SystemProgram, levels: u8) -> Vec<u8> {
    let waiting = waits(call(transaction, program, op::INTERRUPT, &[&[levels]]));
    let below = match levels {
        0 => Vec::new(),
        _ => nest(transaction, program, levels - 1),
    };
    let ended = end(transaction.resume(waiting, &answer(&below)).unwrap());
    assert_eq!(ended.exit_code, ExitCode::Ok);
    ended.payload().to_vec()
}

#[test]
fn calls_of_an_interrupted_program_share_its_instance() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        (nest(transaction, program, 5), count(transaction, program))
    });
    // Six calls, six returns and the last one, all in one instance, whose frames are all gone.
    assert_eq!(found.1, 13);
    assert_eq!(found.0[..4], [0, 0, 0, 0]);
}

#[test]
fn a_lost_instance_fails_every_frame_in_it_each_with_its_own_answer() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let outer = waits(call(transaction, program, op::INTERRUPT, &[b"outer"]));
        let inner = waits(call(transaction, program, op::INTERRUPT, &[b"inner"]));
        let innermost = end(call(transaction, program, op::TRAP, &[]));
        let inner = end(transaction.resume(inner, &answer(b"x")).unwrap());
        let outer = end(transaction.resume(outer, &answer(b"y")).unwrap());
        let codes = [innermost.exit_code, inner.exit_code, outer.exit_code];
        assert!(inner.message().contains("lost"), "{}", inner.message());
        (
            codes,
            inner.gas_used,
            transaction.waiting(),
            count(transaction, program),
        )
    });
    assert_eq!(found.0, [ExitCode::UnexpectedFatalExecutionFailure; 3]);
    assert!(found.1 > Gas::ZERO, "what it used before is used");
    assert_eq!((found.2, found.3), (0, 1));
}

#[test]
fn every_abnormal_end_loses_the_frames_of_the_instance() {
    let panic = (-1_i32).to_le_bytes();
    let fine = 0_i32.to_le_bytes();
    let unknown = (-99_i32).to_le_bytes();
    let ends: [(u8, &[&[u8]]); 8] = [
        (op::TRAP, &[]),
        (op::LOOP, &[]),
        (op::EXIT, &[&panic]),
        (op::EXIT, &[&unknown]),
        (op::READ_BEYOND, &[]),
        (op::READ_OUTSIDE, &[]),
        (op::INTERRUPT, &[]),
        (op::RETURN, &[&fine, b"no header"]),
    ];
    for (op, parts) in ends {
        let found = on_all_lanes(Billing::Metered, |transaction, program| {
            let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
            let ended = transaction.call(program, main_call(input(op, parts), 3_000_000));
            end(ended.unwrap());
            end(transaction.resume(waiting, &answer(b"")).unwrap()).exit_code
        });
        assert_eq!(found, ExitCode::UnexpectedFatalExecutionFailure, "{op}");
    }
}

/// An exit with 0 is a good end, whatever waits in the instance.
#[test]
fn an_exit_with_0_keeps_the_frames_of_the_instance() {
    let resumed = on_all_lanes(Billing::Metered, |transaction, program| {
        let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
        let fine = 0_i32.to_le_bytes();
        end(call(transaction, program, op::EXIT, &[&fine]));
        end(transaction.resume(waiting, &answer(b"back")).unwrap())
    });
    assert_eq!(resumed.exit_code, ExitCode::Ok);
    assert!(resumed.payload().windows(4).any(|part| part == b"back"));
}

#[test]
fn a_call_that_is_dropped_takes_its_instance_along() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let outer = waits(call(transaction, program, op::INTERRUPT, &[b"outer"]));
        drop(waits(call(
            transaction,
            program,
            op::INTERRUPT,
            &[b"inner"],
        )));
        assert_eq!(transaction.waiting(), 1);
        let outer = end(transaction.resume(outer, &answer(b"")).unwrap());
        let fresh = count(transaction, program);
        drop(waits(call(transaction, program, op::INTERRUPT, &[b"x"])));
        (outer.exit_code, fresh, count(transaction, program))
    });
    assert_eq!(found, (ExitCode::UnexpectedFatalExecutionFailure, 1, 1));
}

#[test]
fn an_instance_that_was_lost_while_it_was_parked_does_not_come_back() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let outer = waits(call(transaction, program, op::INTERRUPT, &[b"outer"]));
        let parked = waits(call(transaction, program, op::EXEC, &[&[7; 32], &ALL]));
        drop(outer);
        let fresh = count(transaction, program);
        let ended = end(transaction.resume(parked, &answer(b"")).unwrap());
        (fresh, ended.exit_code, count(transaction, program))
    });
    assert_eq!(found, (1, ExitCode::Ok, 2));
}

#[test]
fn the_innermost_goes_on_first() {
    on_all_lanes(Billing::Metered, |transaction, program| {
        let outer = waits(call(transaction, program, op::INTERRUPT, &[b"outer"]));
        let inner = waits(call(transaction, program, op::INTERRUPT, &[b"inner"]));
        let error = transaction.resume(outer, &answer(b"")).unwrap_err();
        assert!(matches!(error, SystemError::OutOfOrder), "{error}");
        let inner = end(transaction.resume(inner, &answer(b"")).unwrap());
        assert_eq!(inner.exit_code, ExitCode::UnexpectedFatalExecutionFailure);
        assert_eq!(count(transaction, program), 1);
    });
}

#[test]
fn an_interruption_of_another_transaction_is_refused() {
    let lane = fusee_conformance::lanes().remove(0);
    let (programs, program) = registered(lane.executor, Billing::Metered);
    let mut one = programs.transaction(Interrupt::new());
    let mut other = programs.transaction(Interrupt::new());
    let waiting = waits(call(&mut one, program, op::INTERRUPT, &[b"x"]));
    let error = other.resume(waiting, &answer(b"")).unwrap_err();
    assert!(matches!(error, SystemError::Foreign));
}

#[test]
fn exec_asks_its_caller_with_64_bytes_and_a_range_of_memory() {
    for billing in [Billing::Metered, Billing::SelfMetered] {
        let found = on_all_lanes(billing, |transaction, program| {
            let limit = 1_000_u64.to_le_bytes();
            let parts: [&[u8]; 3] = [&[7; 32], &limit, b"the input"];
            let mut waiting = waits(call(transaction, program, op::EXEC, &parts));
            assert_eq!(waiting.params().len(), 64);
            let params = waiting.exec_params().unwrap();
            assert_eq!(params.encode(), waiting.params());
            // The input is where it was, and is read now.
            let found = transaction.exec_input(&mut waiting).unwrap();
            assert_eq!(found, b"the input");
            transaction
                .write_memory(&mut waiting, params.input.start, b"THE")
                .unwrap();
            assert_eq!(transaction.exec_input(&mut waiting).unwrap(), b"THE input");
            let mut nine = [0; 9];
            transaction
                .read_memory(&mut waiting, params.input.start, &mut nine)
                .unwrap();
            assert_eq!(&nine, b"THE input");
            for offset in [2_097_152, u64::MAX, u64::MAX - 4, 2_097_150] {
                let read = transaction.read_memory(&mut waiting, offset, &mut nine);
                assert_eq!(read, Err(ExitCode::MemoryOutOfBounds));
                let write = transaction.write_memory(&mut waiting, offset, b"three");
                assert_eq!(write, Err(ExitCode::MemoryOutOfBounds));
            }
            // It is executing: nobody else comes in.
            let refused = end(call(transaction, program, op::COUNT, &[]));
            assert_eq!(refused.exit_code, ExitCode::UnexpectedFatalExecutionFailure);
            assert!(
                refused.message().contains("executing"),
                "{}",
                refused.message()
            );
            let told = Answer {
                halted: true,
                output: b"result".to_vec(),
                fuel_consumed: 700,
                fuel_refunded: 3,
                exit_code: -1009,
            };
            let ended = end(transaction.resume(waiting, &told).unwrap());
            (params, ended, count(transaction, program))
        });
        let (params, ended, entered) = found;
        let expected = ExecParams {
            code_hash: [7; 32],
            fuel_limit: 1_000,
            state: 0,
            fuel16_ptr: 256,
            input: 1065..1074,
        };
        assert_eq!(params, expected);
        // The exit code, what was consumed and refunded, and the return data as it is.
        let mut payload = (-1009_i32).to_le_bytes().to_vec();
        payload.extend(700_u64.to_le_bytes());
        payload.extend(3_i64.to_le_bytes());
        payload.extend(b"result");
        assert_eq!(ended.payload(), payload);
        assert_eq!(entered, 2, "it lives on");
    }
}

#[test]
fn memory_of_a_call_that_returned_can_be_read_until_it_is_lost() {
    on_all_lanes(Billing::Metered, |transaction, program| {
        let mut waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
        let mut counted = [0; 4];
        transaction
            .read_memory(&mut waiting, 0, &mut counted)
            .unwrap();
        assert_eq!(counted, [1, 0, 0, 0]);
        transaction.write_memory(&mut waiting, 0, &[41]).unwrap();
        let outside = transaction.read_memory(&mut waiting, 2_097_149, &mut counted);
        assert_eq!(outside, Err(ExitCode::MemoryOutOfBounds));
        assert_eq!(count(transaction, program), 42);
        end(call(transaction, program, op::TRAP, &[]));
        let lost = transaction.read_memory(&mut waiting, 0, &mut counted);
        assert_eq!(lost, Err(ExitCode::MemoryOutOfBounds));
    });
}

#[test]
fn what_others_used_for_a_call_is_taken_from_its_gas() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let waiting = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
        let before = transaction.gas_used(&waiting);
        let left = transaction.gas_left(&waiting).unwrap();
        assert_eq!(before.saturating_add(left), Gas::new(GAS));
        let told = Answer {
            fuel_consumed: 1_000_000,
            ..answer(b"")
        };
        let ended = end(transaction.resume(waiting, &told).unwrap());
        let too_much = waits(call(transaction, program, op::INTERRUPT, &[b"x"]));
        let told = Answer {
            fuel_consumed: GAS,
            ..answer(b"")
        };
        let broke = end(transaction.resume(too_much, &told).unwrap());
        (before, ended, broke, count(transaction, program))
    });
    let (before, ended, broke, entered) = found;
    assert!(ended.gas_used.units() > before.units() + 1_000_000);
    assert_eq!(broke.exit_code, ExitCode::OutOfFuel);
    assert_eq!(
        (broke.gas_used, broke.gas_left),
        (Gas::new(GAS), Some(Gas::ZERO))
    );
    assert_eq!(
        entered, 1,
        "its frame could not go on, so that its instance is lost"
    );
}

#[test]
fn programs_that_nobody_trusts_wait_by_exec_alone() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let asks = input(op::EXEC, &[&hash(program), &ALL, &[op::COUNT]]);
        let step = transaction
            .call_code(&probe(), main_call(asks, GAS))
            .unwrap();
        let mut waiting = waits(step);
        assert_eq!(waiting.program(), None);
        let params = waiting.exec_params().unwrap();
        let nested = transaction.exec_input(&mut waiting).unwrap();
        let nested = transaction
            .call(program, main_call(nested, params.fuel_limit))
            .unwrap();
        let told = Answer::from(end(nested));
        match transaction.resume(waiting, &told).unwrap() {
            Step::Ended(ended) => (told, ended),
            Step::Interrupted(_) => panic!("it waits again"),
        }
    });
    let (told, ended) = found;
    assert_eq!(ended.exit_code, ExitCode::Ok);
    assert_eq!(told.output, [1, 0, 0, 0]);
    assert!(ended.gas_used.units() > told.fuel_consumed);
    assert!(ended.output.ends_with(&told.output));
    assert_ne!(encode_answer(&told), told.output, "no encoding for those");
}

#[test]
fn memory_of_another_transaction_is_out_of_reach() {
    for lane in fusee_conformance::lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let mut one = programs.transaction(Interrupt::new());
        let mut other = programs.transaction(Interrupt::new());
        let mut waiting = waits(call(&mut one, program, op::INTERRUPT, &[b"x"]));
        assert_eq!(count(&mut other, program), 1);
        let mut counted = [0; 4];
        let read = other.read_memory(&mut waiting, 0, &mut counted);
        assert_eq!(read, Err(ExitCode::MemoryOutOfBounds), "{}", lane.name);
        let write = other.write_memory(&mut waiting, 0, &[41]);
        assert_eq!(write, Err(ExitCode::MemoryOutOfBounds));
        assert_eq!(count(&mut other, program), 2);
        let mut parked = waits(call(&mut one, program, op::EXEC, &[&[7; 32], &ALL]));
        let input = other.exec_input(&mut parked);
        assert_eq!(input, Err(ExitCode::MemoryOutOfBounds));
    }
}
