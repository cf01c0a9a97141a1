//! What goes wrong around system programs: memory, interruption, and a host that fails.

use std::{thread, time::Duration};

use fusee_conformance::lanes;
use fusee_engine::{Gas, Interrupt};
use fusee_executor::Tier;
use fusee_system::{Billing, ExitCode, SystemError, SystemLimits};

use crate::support::{
    ALL, GAS, answer, call, count, end, input, main_call, on_all_lanes, op, registered, waits,
};

/// Bytes of memory that the probe begins with.
const PROBE_BYTES: u64 = 32 * 65_536;

#[test]
fn what_waits_holds_no_more_memory_than_it_may() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.limits(SystemLimits {
            memory_bytes: 3 * PROBE_BYTES,
            ..SystemLimits::default()
        });
        let mut transaction = programs.transaction(Interrupt::new());
        // One page more than what is allowed, noticed where it would wait.
        let waiting = waits(call(&mut transaction, program, op::INTERRUPT, &[b"x"]));
        assert_eq!(transaction.memory_bytes(), PROBE_BYTES);
        let pages = 65_u32.to_le_bytes();
        end(call(&mut transaction, program, op::GROW, &[&pages]));
        assert_eq!(transaction.memory_bytes(), 97 * 65_536);
        let ended = end(call(&mut transaction, program, op::INTERRUPT, &[b"x"]));
        assert_eq!(ended.exit_code, ExitCode::OutOfMemory, "{}", lane.name);
        assert_eq!(
            (ended.gas_used.units(), ended.gas_left),
            (GAS, Some(Gas::ZERO))
        );
        assert_eq!(transaction.memory_bytes(), 0, "it is evicted");
        let ended = end(transaction.resume(waiting, &answer(b"")).unwrap());
        assert_eq!(ended.exit_code, ExitCode::UnexpectedFatalExecutionFailure);

        // Programs that nobody trusts, each parked in an instance of its own; the fourth finds no
        // room.
        let asks = input(op::EXEC, &[&[7; 32], &ALL]);
        let mut parked = Vec::new();
        for _ in 0..3 {
            let step =
                transaction.call_code(&crate::support::probe(), main_call(asks.clone(), GAS));
            parked.push(waits(step.unwrap()));
        }
        let step = transaction.call_code(&crate::support::probe(), main_call(asks.clone(), GAS));
        assert_eq!(end(step.unwrap()).exit_code, ExitCode::OutOfMemory);
        let full = end(call(&mut transaction, program, op::COUNT, &[]));
        assert_eq!(full.exit_code, ExitCode::OutOfMemory);
        assert_eq!(full.gas_used.units(), GAS);
        // Dropping one frees its memory at once.
        drop(parked.pop());
        assert_eq!(transaction.memory_bytes(), 2 * PROBE_BYTES);
        assert_eq!(count(&mut transaction, program), 1);
    }
    assert_eq!(SystemLimits::default().memory_bytes, 1_536 << 20);
}

#[test]
fn system_programs_may_have_more_memory_than_others() {
    let found = on_all_lanes(Billing::SelfMetered, |transaction, program| {
        // 32 pages, and then more than the 1,024 of others.
        let grow = |transaction: &mut fusee_system::Transaction<'_>, pages: u32| {
            let pages = pages.to_le_bytes();
            let ended = end(call(transaction, program, op::GROW, &[&pages]));
            i32::from_le_bytes(ended.payload().try_into().unwrap())
        };
        let pages = 993_u32.to_le_bytes();
        let grows = main_call(input(op::GROW, &[&pages]), GAS);
        let other = transaction.call_code(&crate::support::probe(), grows);
        let other = end(other.unwrap());
        assert_eq!(other.exit_code, ExitCode::Ok, "{other:?}");
        let other = other.output[4..].to_vec();
        let system = [
            grow(transaction, 2_000),
            grow(transaction, 32_768 - 2_032),
            grow(transaction, 1),
        ];
        (system, other)
    });
    assert_eq!(found.0, [32, 2_032, -1]);
    assert_eq!(found.1, (-1_i32).to_le_bytes());
}

#[test]
fn an_interrupted_call_is_an_error_and_takes_its_instance_along() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let interrupt = Interrupt::new();
        let mut transaction = programs.transaction(interrupt.clone());
        let waiting = waits(call(&mut transaction, program, op::INTERRUPT, &[b"x"]));
        let watch = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            interrupt.trigger();
        });
        let endless = main_call(vec![op::LOOP], u64::MAX);
        let error = transaction.call(program, endless).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the run was interrupted",
            "{}",
            lane.name
        );
        watch.join().unwrap();
        let lost = end(transaction.resume(waiting, &answer(b"")).unwrap());
        assert_eq!(lost.exit_code, ExitCode::UnexpectedFatalExecutionFailure);
        drop(transaction);
        // The programs go on.
        assert_eq!(
            count(&mut programs.transaction(Interrupt::new()), program),
            1
        );
    }
}

/// A log that fails, which is the host's fault.
struct Fails;

impl tracing::Subscriber for Fails {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        panic!("the log is full");
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_host_function_that_panics_ends_its_call_and_its_instance_is_not_kept() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.lifetime(fusee_system::Lifetime::Pooled { instances: 9 });
        let mut transaction = programs.transaction(Interrupt::new());
        let waiting = waits(call(&mut transaction, program, op::INTERRUPT, &[b"x"]));
        let logs = main_call(input(op::LOG, &[b"text"]), GAS);
        let error = tracing::subscriber::with_default(Fails, || transaction.call(program, logs));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the log is full"), "{}: {error}", lane.name);
        let lost = end(transaction.resume(waiting, &answer(b"")).unwrap());
        assert_eq!(lost.exit_code, ExitCode::UnexpectedFatalExecutionFailure);
        // The transaction goes on, and so does the pool.
        assert_eq!(count(&mut transaction, program), 1);
        end(call(&mut transaction, program, op::TRAP, &[]));
        drop(transaction);
        assert_eq!(programs.idle_instances(), 0);
        assert_eq!(
            count(&mut programs.transaction(Interrupt::new()), program),
            1
        );
    }
}

#[test]
fn a_host_that_fails_in_a_nested_call_loses_the_root_and_not_its_program() {
    for lane in lanes() {
        let (mut programs, program) = registered(lane.executor, Billing::Metered);
        let memory = |pages: u32| format!("(memory (export \"memory\") {pages})");
        let other = crate::support::PROBE.replace(&memory(32), &memory(33));
        let other = programs.register(&wat::parse_str(other).unwrap(), Billing::Metered);
        let other = crate::support::hash(other.unwrap());
        let mut transaction = programs.transaction(Interrupt::new());
        let waiting = waits(call(&mut transaction, program, op::INTERRUPT, &[b"x"]));
        let logs = input(op::EXEC, &[&other, &ALL, &[op::LOG], b"text"]);
        let error = tracing::subscriber::with_default(Fails, || {
            transaction.call_root(program, main_call(logs, GAS))
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the log is full"), "{}: {error}", lane.name);
        assert_eq!(transaction.memory_bytes(), 0, "{}", lane.name);
        let lost = end(transaction.resume(waiting, &answer(b"")).unwrap());
        assert_eq!(lost.exit_code, ExitCode::UnexpectedFatalExecutionFailure);
        assert_eq!(count(&mut transaction, program), 1, "{}", lane.name);
    }
}

#[test]
fn memory_of_calls_that_were_dropped_is_free_for_others() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs.limits(SystemLimits {
            memory_bytes: PROBE_BYTES,
            ..SystemLimits::default()
        });
        let mut transaction = programs.transaction(Interrupt::new());
        drop(waits(call(
            &mut transaction,
            program,
            op::INTERRUPT,
            &[b"x"],
        )));
        let counts = main_call(input(op::COUNT, &[]), GAS);
        let other = transaction.call_code(&crate::support::probe(), counts);
        assert_eq!(end(other.unwrap()).exit_code, ExitCode::Ok, "{}", lane.name);
        assert_eq!(transaction.memory_bytes(), 0);
    }
}

#[test]
fn an_instance_that_was_kept_is_not_used_where_it_has_no_room() {
    for lane in lanes() {
        let (programs, program) = registered(lane.executor, Billing::Metered);
        let programs = programs
            .lifetime(fusee_system::Lifetime::Pooled { instances: 1 })
            .limits(SystemLimits {
                memory_bytes: 2 * PROBE_BYTES,
                ..SystemLimits::default()
            });
        let grows = || {
            let mut transaction = programs.transaction(Interrupt::new());
            end(call(
                &mut transaction,
                program,
                op::GROW,
                &[&1_u32.to_le_bytes()],
            ));
        };
        grows();
        assert_eq!(programs.idle_instances(), 1);
        let mut transaction = programs.transaction(Interrupt::new());
        let asks = main_call(input(op::EXEC, &[&[7; 32], &ALL]), GAS);
        let parked = transaction.call_code(&crate::support::probe(), asks);
        let parked = waits(parked.unwrap());
        assert_eq!(count(&mut transaction, program), 1, "{}", lane.name);
        assert_eq!(transaction.memory_bytes(), 2 * PROBE_BYTES);
        drop(parked);
    }
}

#[test]
fn where_a_compiler_fails_the_interpreter_has_the_answer() {
    let run = |executor, tier| {
        let (programs, program) = registered(executor, Billing::Metered);
        let programs = programs.lifetime(fusee_system::Lifetime::Pooled { instances: 9 });
        let mut transaction = programs.transaction(Interrupt::new()).tier(tier);
        let recurses = main_call(input(op::RECURSE, &[]), GAS);
        let ended = transaction.call(program, recurses).map(end);
        if ended.is_ok() {
            count(&mut transaction, program);
        }
        drop(transaction);
        (ended, programs.idle_instances())
    };
    let cramped = fusee_conformance::Cramped::in_native_stack;
    let (failed, _) = run(cramped().tiered, Tier::Best);
    match failed.unwrap_err() {
        SystemError::Run(error) => assert!(error.is_of_the_engine(), "{error}"),
        other => panic!("{other}"),
    }
    let (answer, kept) = run(cramped().tiered, Tier::Interpreter);
    let answer = answer.unwrap();
    assert_eq!(kept, 0, "others get instances of the best engine");
    for lane in lanes() {
        let (expected, kept) = run(lane.executor, Tier::Best);
        assert_eq!(
            (expected.unwrap(), kept),
            (answer.clone(), 1),
            "{}",
            lane.name
        );
    }
}
