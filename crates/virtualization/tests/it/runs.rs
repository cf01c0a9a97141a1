//! What becomes of a child: how it runs, waits, ends and fails.

use fusee_virtualization::wire::{
    DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId, InstantiateError, MemoryError,
    ModuleId,
};

use crate::support::{COUNTER, GAS, Nine, count, everywhere, ready, wasm};

#[test]
fn a_counter_ends_eight_above_where_it_starts() {
    let ends = everywhere(|nine| {
        let (zero, seven) = (
            ready(nine, COUNTER, "counter"),
            ready(nine, COUNTER, "counter"),
        );
        let first = count(nine, zero, 0);
        let second = count(nine, seven, 7);
        // Its memory is kept from one run to the next.
        nine.prepare(seven, b"counter").unwrap();
        let third = count(nine, seven, 0);
        [first, second, third]
    });
    assert_eq!(ends, [8, 15, 23]);
}

#[test]
fn memory_is_fresh_in_a_new_instance_and_kept_within_one() {
    everywhere(|nine| {
        let module = nine.compile(&wasm(COUNTER), None).unwrap().id;
        let first = nine.instantiate(module).unwrap();
        nine.prepare(first, b"counter").unwrap();
        assert_eq!(count(nine, first, 7), 15);
        let second = nine.instantiate(module).unwrap();
        nine.prepare(second, b"counter").unwrap();
        assert_eq!(nine.read(second, 0, 8).unwrap(), [0; 8]);
        nine.prepare(first, b"counter").unwrap();
        assert_eq!(nine.read(first, 0, 8).unwrap(), 15_u64.to_le_bytes());
        assert_eq!(count(nine, second, 0), 8);
    });
}

#[test]
fn memory_is_there_before_the_first_run() {
    let end = everywhere(|nine| {
        let instance = ready(nine, COUNTER, "counter");
        assert_eq!(nine.read(instance, 16, 4).unwrap(), b"data");
        nine.write(instance, 0, &100_u64.to_le_bytes()).unwrap();
        count(nine, instance, 1)
    });
    assert_eq!(end, 109);
}

#[test]
fn a_failed_run_leaves_an_idle_instance_that_begins_anew() {
    for (function, gas, error) in [
        ("panic", GAS, ExecError::Trap),
        ("outside", GAS, ExecError::Trap),
        ("endless", GAS, ExecError::OutOfGas),
        ("counter", 1, ExecError::OutOfGas),
    ] {
        everywhere(|nine| {
            let instance = ready(nine, COUNTER, "counter");
            assert_eq!(count(nine, instance, 7), 15);
            nine.prepare(instance, function.as_bytes()).unwrap();
            assert_eq!(nine.run(instance, gas, 0), Err(error), "{function}");
            let idle = ExecError::InvalidInstance;
            assert_eq!(nine.run(instance, GAS, 0), Err(idle));
            assert_eq!(nine.read(instance, 0, 1), Err(MemoryError::InvalidInstance));
            nine.prepare(instance, b"counter").unwrap();
            assert_eq!(count(nine, instance, 0), 8);
            nine.destroy(instance).unwrap();
        });
    }
}

#[test]
fn a_child_exits_from_a_syscall_where_its_parent_destroys_it() {
    everywhere(|nine| {
        let instance = ready(nine, COUNTER, "exit");
        let (status, buffer) = nine.run(instance, GAS, 0).unwrap();
        assert_eq!(status, ExecStatus::Syscall);
        assert_eq!(buffer.symbol.as_bytes(), b"nothing");
        assert_eq!(buffer.args, [0; 6]);
        nine.destroy(instance).unwrap();
        assert_eq!(nine.run(instance, GAS, 0), Err(ExecError::InvalidInstance));
    });
}

#[test]
fn a_syscall_may_run_another_instance_without_touching_the_caller() {
    everywhere(|nine| {
        let caller = ready(nine, COUNTER, "counter");
        let mut answer = 0;
        for round in 1..=8 {
            let (status, before) = nine.run(caller, GAS, answer).unwrap();
            assert_eq!(status, ExecStatus::Syscall);
            // Of the same program, to its end, to a trap, and to where it waits.
            let other = ready(nine, COUNTER, "counter");
            assert_eq!(count(nine, other, 40 + round), 48 + round);
            nine.prepare(other, b"panic").unwrap();
            assert_eq!(nine.run(other, GAS, 0), Err(ExecError::Trap));
            let waits = ready(nine, COUNTER, "exit");
            nine.run(waits, GAS, 0).unwrap();
            assert_eq!(nine.read(caller, 0, 8).unwrap(), (round - 1).to_le_bytes());
            answer = before.args[0] + 1;
        }
        let (status, _) = nine.run(caller, GAS, answer).unwrap();
        assert_eq!(status, ExecStatus::Finished);
    });
}

#[test]
fn a_run_uses_the_same_gas_whatever_it_is_given() {
    let used = everywhere(|nine| {
        let used = [GAS, 50 * GAS, i64::MAX].map(|gas| {
            let instance = ready(nine, COUNTER, "once");
            let (_, first) = nine.run(instance, gas, 3).unwrap();
            let (status, second) = nine.run(instance, gas, 4).unwrap();
            assert_eq!(status, ExecStatus::Finished);
            let zeros = ExecBuffer {
                gas_left: second.gas_left,
                ..ExecBuffer::default()
            };
            assert_eq!(second, zeros);
            [gas - first.gas_left, gas - second.gas_left]
        });
        assert_eq!(used[0], used[1]);
        assert_eq!(used[0], used[2]);
        used[0]
    });
    assert!(used[0] > used[1], "the first run pays for the instance");
}

#[test]
fn gas_is_set_at_each_run() {
    everywhere(|nine| {
        let waits = |nine: &mut dyn Nine| {
            let instance = ready(nine, COUNTER, "counter");
            nine.run(instance, GAS, 0).unwrap();
            instance
        };
        // Much was left, and little is given; and the other way round.
        let instance = waits(nine);
        assert_eq!(nine.run(instance, 1, 1), Err(ExecError::OutOfGas));
        let instance = waits(nine);
        let (_, buffer) = nine.run(instance, i64::MAX, 1).unwrap();
        assert!(buffer.gas_left > i64::MAX - GAS);
        let (_, buffer) = nine.run(instance, GAS, 2).unwrap();
        assert!(buffer.gas_left < GAS && buffer.gas_left > GAS - 1_000);
    });
}

#[test]
fn less_than_no_gas_is_out_of_gas() {
    everywhere(|nine| {
        for gas in [0, -1, i64::MIN] {
            let fresh = ready(nine, COUNTER, "counter");
            assert_eq!(nine.run(fresh, gas, 0), Err(ExecError::OutOfGas), "{gas}");
            assert_eq!(
                nine.run(fresh, GAS, 0),
                Err(ExecError::InvalidInstance),
                "it is idle"
            );
            let waits = ready(nine, COUNTER, "counter");
            nine.run(waits, GAS, 0).unwrap();
            assert_eq!(nine.run(waits, gas, 0), Err(ExecError::OutOfGas), "{gas}");
            nine.prepare(waits, b"counter").unwrap();
        }
        // What costs nothing does not run without gas either.
        let bare = r#"(module (import "" "ask" (func $ask)) (export "ask" (func $ask)))"#;
        let instance = ready(nine, bare, "ask");
        nine.run(instance, GAS, 0).unwrap();
        assert_eq!(nine.run(instance, -1, 0), Err(ExecError::OutOfGas));
    });
}

#[test]
fn registers_are_arguments_as_far_as_they_fit() {
    let (asked, memory) = everywhere(|nine| {
        let instance = ready(nine, COUNTER, "registers");
        let (_, asked) = nine.run(instance, GAS, 0xffff_ffff_8000_0001).unwrap();
        let (status, ended) = nine.run(instance, GAS, 0x1234_5678_9abc_def0).unwrap();
        assert_eq!(status, ExecStatus::Finished);
        assert_eq!(ended.args, [0; 6], "what a function returns is not told");
        nine.prepare(instance, b"panic").unwrap();
        (asked, nine.read(instance, 24, 8).unwrap())
    });
    assert_eq!(asked.symbol.as_bytes(), b"six");
    let minus_two = (-2_i64).cast_unsigned();
    assert_eq!(
        asked.args,
        [0x8000_0001, minus_two, 0xffff_fffd, 0, 5, 6],
        "32 bits are extended by zeros, and the second parameter is zero"
    );
    assert_eq!(memory, [0xf0, 0xde, 0xbc, 0x9a, 0, 0, 0, 0]);
}

#[test]
fn what_runs_before_a_function_can_wait_as_well() {
    let text = r#"(module
      (import "" "ask" (func $ask (param i64) (result i64)))
      (memory 1)
      (func $start (i64.store (i32.const 0) (call $ask (i64.const 1))))
      (start $start)
      (func (export "f") (param i64) (i64.store (i32.const 8) (local.get 0))))"#;
    everywhere(|nine| {
        let instance = ready(nine, text, "f");
        let (status, asked) = nine.run(instance, GAS, 5).unwrap();
        assert_eq!((status, asked.args[0]), (ExecStatus::Syscall, 1));
        let (status, _) = nine.run(instance, GAS, 6).unwrap();
        assert_eq!(status, ExecStatus::Finished);
        nine.prepare(instance, b"f").unwrap();
        let memory = nine.read(instance, 0, 16).unwrap();
        assert_eq!(memory[..8], 6_u64.to_le_bytes());
        assert_eq!(memory[8..], 5_u64.to_le_bytes());
    });
}

#[test]
fn calls_in_the_wrong_state_are_refused_and_change_nothing() {
    everywhere(|nine| {
        let invalid = Err(ExecError::InvalidInstance);
        let module = nine.compile(&wasm(COUNTER), None).unwrap().id;
        let instance = nine.instantiate(module).unwrap();
        let idle = |nine: &mut dyn Nine| {
            assert_eq!(nine.run(instance, GAS, 0), Err(ExecError::InvalidInstance));
            assert_eq!(nine.read(instance, 0, 0), Err(MemoryError::InvalidInstance));
            assert_eq!(
                nine.write(instance, 0, b"x"),
                Err(MemoryError::InvalidInstance)
            );
            for name in [
                &b"unknown"[..],
                b"",
                b"memory",
                b"float",
                b"counter\0",
                b"\xff\xfe",
                &[b'x'; 100_000],
            ] {
                assert_eq!(nine.prepare(instance, name), Err(ExecError::InvalidImage));
            }
        };
        idle(nine);
        nine.prepare(instance, b"counter").unwrap();
        assert_eq!(nine.prepare(instance, b"counter"), invalid);
        assert_eq!(nine.prepare(instance, b"unknown"), invalid);
        nine.run(instance, GAS, 7).unwrap();
        assert_eq!(nine.prepare(instance, b"counter"), invalid);
        // It goes on where it was.
        assert_eq!(count(nine, instance, 8), 15);
        idle(nine);
        nine.prepare(instance, b"counter").unwrap();
        assert_eq!(count(nine, instance, 0), 23);
    });
}

#[test]
fn numbers_that_were_never_given_or_are_destroyed_name_nothing() {
    everywhere(|nine| {
        let module = nine.compile(&wasm(COUNTER), None).unwrap().id;
        let first = nine.instantiate(module).unwrap();
        let second = nine.instantiate(module).unwrap();
        assert_eq!([first, second], [InstanceId(0), InstanceId(1)]);
        nine.prepare(first, b"counter").unwrap();
        nine.destroy(first).unwrap();
        for instance in [first, InstanceId(2), InstanceId(u32::MAX)] {
            let invalid = ExecError::InvalidInstance;
            assert_eq!(nine.prepare(instance, b"counter"), Err(invalid));
            assert_eq!(nine.run(instance, GAS, 0), Err(invalid));
            assert_eq!(nine.destroy(instance), Err(DestroyError::InvalidInstance));
            assert_eq!(nine.read(instance, 0, 1), Err(MemoryError::InvalidInstance));
            assert_eq!(
                nine.write(instance, 0, b"x"),
                Err(MemoryError::InvalidInstance)
            );
        }
        for module in [1, u32::MAX] {
            let made = nine.instantiate(ModuleId(module));
            assert_eq!(made, Err(InstantiateError::InvalidModule));
        }
        // No number is given twice, and what is left works.
        assert_eq!(nine.instantiate(module), Ok(InstanceId(2)));
        nine.prepare(second, b"counter").unwrap();
        assert_eq!(count(nine, second, 0), 8);
    });
}

#[test]
fn programs_that_cannot_be_made_or_begin_strangely_are_answers() {
    everywhere(|nine| {
        let mut ends = Vec::new();
        for text in [
            r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "f")))"#,
            r#"(module (memory 1) (data (i32.const 65536) "") (func (export "f")))"#,
            r#"(module (memory 0) (data (i32.const -1) "x") (func (export "f")))"#,
            r#"(module (memory 1) (global $g i32 (i32.const 65536)) (data (global.get $g) "x") (func (export "f")))"#,
            r#"(module (table 1 funcref) (elem (i32.const 1) $f) (func $f (export "f")))"#,
            r#"(module (table 0 funcref) (elem (i32.const -1) $f) (func $f (export "f")))"#,
            r#"(module (import "" "s" (func $s)) (start $s) (func (export "f")))"#,
            r#"(module (func $s unreachable) (start $s) (func (export "f")))"#,
            r#"(module (func $s (loop $again (br $again))) (start $s) (func (export "f")))"#,
            r#"(module (func $s (export "f") call $s) (start $s))"#,
            r#"(module (func (export "_initialize") unreachable) (func (export "f")))"#,
            r#"(module (func (export "_initialize") (result i32) (i32.const 7)) (func (export "f")))"#,
            r#"(module (func (export "_initialize") (param i32)) (func (export "f")))"#,
            r#"(module (import "" "_initialize" (func $s)) (export "_initialize" (func $s)) (func (export "f")))"#,
            r#"(module (func (export "f") (result i32 i64 i32) (i32.const 1) (i64.const 2) (i32.const 3)))"#,
            r#"(module (func (export "f") (result funcref) (ref.null func)))"#,
            r#"(module (func (export "f") (result externref) (ref.null extern)))"#,
            r#"(module (func (export "f") (param funcref)))"#,
            r#"(module (func (export "f") (result f64) (f64.const nan)))"#,
            r#"(module (memory i64 1) (func (export "f")))"#,
            r#"(module (memory 1024) (func (export "f")))"#,
            r#"(module (func (export "f") (param i32 i32 i32 i32 i32 i32 i32 i32 i64 i64 i64 i64)))"#,
            r#"(module (import "" "f" (func $a (param i32))) (import "" "f" (func $b (param i64)))
                (func (export "f") (call $b (i64.const 1))))"#,
            r#"(module (import "" "f" (func $a (param i32))) (import "" "f" (func $b (param i32)))
                (func (export "f") (call $b (i32.const 1))))"#,
            r#"(module (import "" "" (func $a)) (export "f" (func $a)))"#,
        ] {
            let end = nine.compile(&wasm(text), None).map(|module| {
                let instance = nine.instantiate(module.id).unwrap();
                nine.prepare(instance, b"f")
                    .and_then(|()| nine.run(instance, GAS, 1))
                    .map(|(status, _)| status)
            });
            ends.push(end);
        }
        ends
    });
}
