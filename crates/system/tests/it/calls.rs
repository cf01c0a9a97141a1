//! One call: how it is entered, and how it can end.

use fusee_conformance::lanes;
use fusee_engine::{Gas, Interrupt};
use fusee_system::{Billing, Call, ExitCode, State, SystemError, SystemLimits, SystemPrograms};

use crate::support::{
    GAS, call, count, end, input, main_call, on_all_lanes, op, probe, registered, waits,
};

/// Exit code and output of a call of an operation, and whether its instance lived on.
fn ending(op: u8, parts: &[&[u8]]) -> (ExitCode, Vec<u8>, bool) {
    let (end, lives) = on_all_lanes(Billing::Metered, |transaction, program| {
        assert_eq!(count(transaction, program), 1);
        let end = end(call(transaction, program, op, parts));
        (end, count(transaction, program) > 1)
    });
    (end.exit_code, end.output, lives)
}

#[test]
fn the_state_picks_the_export() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let deploy = Call {
            state: State::Deploy,
            input: Vec::new(),
            gas: Gas::new(GAS),
        };
        let deployed = end(transaction.call(program, deploy).unwrap());
        (deployed, count(transaction, program))
    });
    let (deployed, entered) = found;
    assert_eq!(deployed.exit_code, ExitCode::Ok);
    assert_eq!(deployed.payload(), [1, 0, 0, 0], "what `_state` says");
    assert_eq!(entered, 1, "`main`, with 0 and 0, or it would have trapped");
}

#[test]
fn an_instance_lives_on_between_calls() {
    let counts = on_all_lanes(Billing::Metered, |transaction, program| {
        [(); 3].map(|()| count(transaction, program))
    });
    assert_eq!(counts, [1, 2, 3]);
}

#[test]
fn the_context_is_swapped_in_and_out() {
    // Nothing of one call is seen by the next: not its input, its output, its return data or its
    // gas.
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let first = end(call(transaction, program, op::DIGEST, &[b"a long input"]));
        let second = end(call(transaction, program, op::COUNT, &[]));
        let third = end(call(transaction, program, op::COUNT, &[]));
        (first.payload().len(), second, third)
    });
    let (digests, second, third) = found;
    assert_eq!(digests, 96);
    assert_eq!(
        [second.payload(), third.payload()],
        [[2, 0, 0, 0], [3, 0, 0, 0]]
    );
    assert_eq!(second.gas_used, third.gas_used);
    let total = second.gas_used.saturating_add(second.gas_left.unwrap());
    assert_eq!(total, Gas::new(GAS));
}

#[test]
fn what_is_returned_is_the_exit_code_and_stands_before_the_output() {
    for (code, expected) in [
        (0, ExitCode::Ok),
        (-1015, ExitCode::InsufficientBalance),
        (-2010, ExitCode::OutOfFuel),
        (-3002, ExitCode::MissingStorageSlot),
        (7, ExitCode::NonNegativeExitCode),
        (-4242, ExitCode::UnknownError),
    ] {
        let code: i32 = code;
        let mut output = expected.code().to_le_bytes().to_vec();
        // Without an output of its own.
        let (found, bare, lives) = ending(op::RETURN, &[&code.to_le_bytes()]);
        assert_eq!((found, &bare, lives), (expected, &output, true));
        // With one, which says the same.
        let bytes = code.to_le_bytes();
        let (found, full, lives) = ending(op::RETURN, &[&bytes, &bytes, b"payload"]);
        output.extend(b"payload");
        assert_eq!((found, full, lives), (expected, output, true));
    }
}

#[test]
fn an_output_that_says_another_code_is_malformed_and_evicts() {
    let (code, _, lives) = ending(op::RETURN, &[&0_i32.to_le_bytes(), b"no header"]);
    assert_eq!((code, lives), (ExitCode::MalformedBuiltinParams, false));
}

#[test]
fn exit_ends_with_its_code_and_evicts_unless_that_is_0() {
    for code in ExitCode::ALL {
        let (found, output, lives) = ending(op::EXIT, &[&code.code().to_le_bytes(), b"why"]);
        assert_eq!((found, lives), (*code, *code == ExitCode::Ok), "{code}");
        match code {
            ExitCode::Panic => assert_eq!(output, b"why", "a message has no header"),
            _ => assert_eq!(output, [&code.code().to_le_bytes()[..], b"why"].concat()),
        }
    }
    for (code, expected) in [
        (1, ExitCode::UnknownError),
        (i32::MAX, ExitCode::UnknownError),
        (-99, ExitCode::UnknownError),
    ] {
        let code: i32 = code;
        let (found, ..) = ending(op::EXIT, &[&code.to_le_bytes()]);
        assert_eq!(found, expected);
    }
}

#[test]
fn a_panic_shows_its_message_whatever_bytes_it_is() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        let code = (-1_i32).to_le_bytes();
        end(call(
            transaction,
            program,
            op::EXIT,
            &[&code, b"no \xff luck"],
        ))
    });
    assert_eq!(found.exit_code, ExitCode::Panic);
    assert_eq!(found.message(), "no \u{fffd} luck");
}

#[test]
fn a_trap_is_unexpected_and_evicts() {
    for op in [op::TRAP, op::RECURSE, op::READ_OUTSIDE] {
        let (code, output, lives) = ending(op, &[]);
        assert_eq!(
            (code, lives),
            (ExitCode::UnexpectedFatalExecutionFailure, false)
        );
        assert!(output.starts_with(&(-3001_i32).to_le_bytes()));
    }
}

#[test]
fn out_of_fuel_is_told_and_evicts() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        assert_eq!(count(transaction, program), 1);
        let looping = main_call(input(op::LOOP, &[]), 1_000_000);
        let end = end(transaction.call(program, looping).unwrap());
        (end, count(transaction, program))
    });
    let (end, count) = found;
    assert_eq!(end.exit_code, ExitCode::OutOfFuel);
    assert_eq!(
        (end.gas_used, end.gas_left),
        (Gas::new(1_000_000), Some(Gas::ZERO))
    );
    assert_eq!(count, 1, "a fresh instance");
}

#[test]
fn ranges_outside_input_and_return_data_end_the_call_and_evict() {
    for op in [op::READ_BEYOND, op::FORWARD_BEYOND, op::FLOOD] {
        let (code, _, lives) = ending(op, &[]);
        assert_eq!(
            (code, lives),
            (ExitCode::InputOutputOutOfBounds, false),
            "{op}"
        );
    }
}

#[test]
fn digests_are_those_of_the_standards() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        end(call(transaction, program, op::DIGEST, &[b"abc"]))
    });
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let digests: Vec<_> = found.payload().chunks(32).map(hex).collect();
    assert_eq!(
        digests,
        [
            "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ]
    );
}

#[test]
fn a_log_changes_nothing_but_the_gas() {
    let found = on_all_lanes(Billing::Metered, |transaction, program| {
        count(transaction, program);
        let short = end(call(transaction, program, op::LOG, &[b""]));
        let long = end(call(transaction, program, op::LOG, &[&[b'x'; 33]]));
        (short, long)
    });
    let (short, long) = found;
    assert_eq!((short.exit_code, short.payload()), (ExitCode::Ok, &[][..]));
    // Two words are logged, and the input that is copied is longer by one.
    assert_eq!(long.gas_used.units() - short.gas_used.units(), 2 * 320 + 60);
}

#[test]
fn calls_are_no_deeper_than_they_may_be() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.limits(SystemLimits {
            depth: 4,
            ..SystemLimits::default()
        });
        let mut transaction = programs.transaction(Interrupt::new());
        // At the depths 1, 2 and 3, below the embedder.
        let waiting: Vec<_> = (0..3)
            .map(|_| waits(call(&mut transaction, program, op::INTERRUPT, &[b"x"])))
            .collect();
        let deep = end(call(&mut transaction, program, op::COUNT, &[]));
        assert_eq!(deep.exit_code, ExitCode::CallDepthOverflow, "{}", lane.name);
        assert_eq!(
            (deep.gas_used.units(), deep.gas_left),
            (GAS, Some(Gas::ZERO))
        );
        assert_eq!(transaction.waiting(), 3);
        drop(waiting);
        assert_eq!(transaction.waiting(), 0);
    }
    assert_eq!(SystemLimits::default().depth, 1_024);
}

#[test]
fn a_program_without_an_entry_is_refused_where_it_is_registered() {
    for lane in lanes() {
        let mut programs = SystemPrograms::new(lane.executor.into());
        for text in [
            "(module)",
            r#"(module (func (export "main") (result i32) (i32.const 0)))"#,
            r#"(module (func (export "main") (param i32 i32)))"#,
            r#"(module (func (export "deploy") (param i32) (result i32) (i32.const 0)))"#,
        ] {
            let wasm = wat::parse_str(text).unwrap();
            let error = programs.register(&wasm, Billing::Metered).unwrap_err();
            assert!(matches!(error, SystemError::NoEntry), "{text}: {error}");
        }
        let unknown = r#"(module (import "env" "f" (func)) (func (export "deploy") (result i32) (i32.const 0)))"#;
        let error = programs.register(&wat::parse_str(unknown).unwrap(), Billing::Metered);
        assert!(error.unwrap_err().to_string().contains("env"));

        // Half of the entries is enough, and the other half is missed where it is called.
        let text = r#"(module (func (export "deploy") (result i32) (i32.const 0)))"#;
        let program = programs.register(&wat::parse_str(text).unwrap(), Billing::Metered);
        let program = program.unwrap();
        let mut transaction = programs.transaction(Interrupt::new());
        let end = end(transaction
            .call(program, main_call(Vec::new(), GAS))
            .unwrap());
        assert_eq!(end.exit_code, ExitCode::UnknownExternalFunction);
    }
}

#[test]
fn only_what_the_embedder_registered_is_a_system_program() {
    for lane in lanes() {
        let (mut programs, program) = registered(lane.executor, Billing::Metered);
        // As a program that nobody trusts, the same code has an instance of its own each time, and
        // is never interrupted.
        let mut transaction = programs.transaction(Interrupt::new());
        for _ in 0..2 {
            let step = transaction.call_code(&probe(), main_call(input(op::COUNT, &[]), GAS));
            let end = end(step.unwrap());
            assert_eq!(
                (end.payload()[4..].to_vec(), end.exit_code),
                (vec![1, 0, 0, 0], ExitCode::Ok)
            );
        }
        let step = transaction.call_code(&probe(), main_call(input(op::INTERRUPT, &[b"x"]), GAS));
        assert_eq!(end(step.unwrap()).exit_code, ExitCode::UnknownError);
        drop(transaction);
        programs.remove(program);
        assert_eq!(programs.find(program.code), None);
        let mut transaction = programs.transaction(Interrupt::new());
        let error = transaction
            .call(program, main_call(Vec::new(), GAS))
            .unwrap_err();
        assert!(matches!(error, SystemError::Unregistered(code) if code == program.code));
    }
}

#[test]
fn traps_of_other_programs_have_codes_of_their_own() {
    let found = on_all_lanes(Billing::Metered, |transaction, _| {
        [op::TRAP, op::READ_OUTSIDE, op::RECURSE].map(|op| {
            let step = transaction.call_code(&probe(), main_call(input(op, &[]), GAS));
            end(step.unwrap())
        })
    });
    let codes = found.map(|end| (end.exit_code, end.output));
    assert_eq!(
        codes,
        [
            (ExitCode::UnreachableCodeReached, vec![]),
            (ExitCode::MemoryOutOfBounds, vec![]),
            (ExitCode::StackOverflow, vec![]),
        ]
    );
}

#[test]
fn an_output_that_begins_with_the_code_of_an_exit_is_told_behind_it() {
    for (code, expected) in [
        (0, ExitCode::Ok),
        (-1015, ExitCode::InsufficientBalance),
        (7, ExitCode::UnknownError),
        (-3, ExitCode::InterruptionCalled),
        (-4242, ExitCode::UnknownError),
    ] {
        let bytes = i32::to_le_bytes(code);
        let (found, output, _) = ending(op::EXIT, &[&bytes, &bytes, b"why"]);
        let told = [&expected.code().to_le_bytes()[..], b"why"].concat();
        assert_eq!((found, output), (expected, told), "{code}");
    }
}

/// The reference computes prices with 32 bits.
#[test]
fn lengths_of_which_the_price_overflows_trap_before_anything_else() {
    const MIB: u32 = 1 << 20;
    let ending = |import: &str, params: usize, args: &str, length: u32| {
        let wasm = wat::parse_str(format!(
            "(module
               (import \"fluentbase_v1preview\" \"{import}\" (func $call (param {}){}))
               (memory 1)
               (func (export \"main\") (param i32 i32) (result i32)
                 {}))",
            "i32 ".repeat(params),
            if import == "_exec" {
                " (result i32)"
            } else {
                ""
            },
            match import {
                "_exec" =>
                    format!("(call $call (i32.const 0) (i32.const 0) (i32.const {length}) {args})"),
                _ =>
                    format!("(call $call (i32.const 0) {args} (i32.const {length})) (i32.const 0)"),
            }
        ))
        .unwrap();
        on_all_lanes(Billing::Metered, |transaction, _| {
            let call = main_call(Vec::new(), GAS_OF_LENGTHS);
            end(transaction.call_code(&wasm, call).unwrap()).exit_code
        })
    };
    for (import, params, args, most) in [
        ("_write", 2, "", 128 * MIB),
        ("_debug_log", 2, "", 128 * MIB),
        ("_read", 3, "(i32.const 0)", 128 * MIB),
        ("_exec", 5, "(i32.const 0) (i32.const 0)", 5 * MIB / 4),
    ] {
        let found = ending(import, params, args, most);
        assert_ne!(found, ExitCode::IntegerOverflow, "{import}");
        assert_ne!(found, ExitCode::OutOfFuel, "{import}");
        let found = ending(import, params, args, most + 1);
        assert_eq!(found, ExitCode::IntegerOverflow, "{import}");
    }
}

/// Enough for the price of the greatest length.
const GAS_OF_LENGTHS: u64 = 1 << 40;
