//! Interrupts from another thread end a run with an error, whatever the guest does.
//!
//! These tests do not assert the latency, since the machine may be busy.
//! `examples/interruptions.rs` measures it.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
};

use fusee_conformance::{Answering, Ending, Lane, Verdict, lanes};
use fusee_engine::{EngineError, Gas, Host, Interrupt, OutOfGasPolicy, Stop, Syscall, Trap, Value};
use fusee_executor::{LiveInstance, Outcome, PreparedProgram, RunError, RunRequest};

use crate::guest::{rules, wasm};

/// So much takes a minute or more, and then fails the test.
const GAS: Gas = Gas::new(50_000_000_000);

const WAIT: u32 = crate::guest::WAIT;
const TICK: u32 = 3;

/// Tells that it runs, and does something that takes for ever, or about so.
fn program(endless: &str) -> String {
    format!(
        "(import \"env\" \"tick\" (func $tick))
         (memory 16 1024)
         (table 4096 funcref)
         (func $fib (param i32) (result i32)
           (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
             (then (local.get 0))
             (else (i32.add
               (call $fib (i32.sub (local.get 0) (i32.const 1)))
               (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
         (func $down (param i32)
           (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
         (func $endless (local $n i32) (call $tick) {endless})
         (func (export \"answer\") (result i32) (i32.const 42))"
    )
}

const ENDLESS: &[(&str, &str)] = &[
    ("a loop", "(loop (br 0))"),
    (
        "a loop with branches",
        "(loop (br_if 0 (i32.and (local.get $n) (i32.const 1)))
           (local.set $n (i32.add (local.get $n) (i32.const 2))) (br 0))",
    ),
    ("a tree of calls", "(drop (call $fib (i32.const 60)))"),
    ("recursion", "(loop (call $down (i32.const 1000)) (br 0))"),
    (
        "fills",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x100000)) (br 0))",
    ),
    (
        "small copies",
        "(loop (memory.copy (i32.const 0) (i32.const 9) (local.get $n)) (br 0))",
    ),
    (
        "table copies",
        "(loop (table.copy (i32.const 0) (i32.const 9) (i32.const 4000)) (br 0))",
    ),
    (
        "growing by nothing",
        "(loop (drop (memory.grow (i32.const 0))) (br 0))",
    ),
    (
        "an allocator that is out of memory",
        "(loop (drop (memory.grow (i32.const 1))) (br 0))",
    ),
    ("syscalls", "(loop (call $tick) (br 0))"),
];

/// Fills and copies of all the memory that there may be, one behind the other.
fn chain() -> String {
    let each = "(memory.fill (i32.const 0) (local.get $n) (local.get $n))
                (memory.copy (i32.const 0) (i32.const 1) (i32.sub (local.get $n) (i32.const 1)))
                (memory.copy (i32.const 1) (i32.const 0) (i32.sub (local.get $n) (i32.const 1)))";
    format!(
        "(drop (memory.grow (i32.const 1008)))
         (local.set $n (i32.const 0x4000000))
         (loop {} (br 0))",
        each.repeat(10)
    )
}

/// Says when the guest runs. The rest of what it is asked for it answers at once, and waits where
/// it is to wait.
fn host() -> (impl Host + Debug, Receiver<()>) {
    let (sender, running) = channel();
    let host = Answering(move |call: &mut Syscall<'_>| match call.request.number {
        TICK => {
            // The receiver is dropped after the guest is interrupted.
            let _ = sender.send(());
            Ok(0)
        }
        WAIT => Err(Stop::Suspend),
        _ => Err(Stop::Trap(Trap::SyscallRefused)),
    });
    (host, running)
}

fn assert_interrupted<H: Debug>(told: &str, result: Result<Outcome<H>, RunError>) {
    match result {
        Err(error @ RunError::Engine(EngineError::Interrupted)) => {
            assert!(!error.is_of_the_engine());
        }
        other => panic!("{told}: {other:?}"),
    }
}

fn request<'a>(lane: &Lane, entry: &'a str, interrupt: &'a Interrupt) -> RunRequest<'a> {
    RunRequest {
        interrupt: Some(interrupt),
        ..lane.request(entry, &[], GAS)
    }
}

/// Interrupts a guest that runs, and asks another for its answer then: the thread has nothing left
/// to do.
fn check(told: &str, lane: &Lane, prepared: &Arc<PreparedProgram>, other: &Arc<PreparedProgram>) {
    let told = format!("{told} on {}", lane.name);
    let (host, running) = host();
    let interrupt = Interrupt::new();
    thread::scope(|scope| {
        let result = scope.spawn(|| {
            let request = request(lane, "run", &interrupt);
            lane.executor.run(prepared, request, host)
        });
        running.recv().expect("the guest runs");
        interrupt.trigger();
        assert_interrupted(&told, result.join().unwrap());
    });
    answers(&told, lane, other);
}

/// The executor answers another call.
fn answers(told: &str, lane: &Lane, prepared: &Arc<PreparedProgram>) {
    let interrupt = Interrupt::new();
    let request = request(lane, "answer", &interrupt);
    let outcome = lane.executor.run(prepared, request, host().0).unwrap();
    let ending = Verdict::of(outcome).ending;
    assert_eq!(ending, Ending::Finished(vec![Value::I32(42)]), "{told}");
}

fn prepare(lane: &Lane, program: &str) -> Arc<PreparedProgram> {
    let program = wasm(&format!("(module {program})"));
    lane.executor.prepare(&program, &rules()).unwrap()
}

#[test]
fn a_guest_is_interrupted_whatever_it_does() {
    let chain = chain();
    let endless = ENDLESS.iter().copied();
    for lane in lanes() {
        for (told, endless) in endless.clone().chain([("a chain", chain.as_str())]) {
            let program = program(endless);
            let program = format!("{program} (func (export \"run\") (call $endless))");
            let prepared = prepare(&lane, &program);
            check(told, &lane, &prepared, &prepared);
        }
    }
}

#[test]
fn a_guest_is_interrupted_before_its_entry() {
    let starts = [
        ("the start function", "(start $endless)"),
        (
            "_initialize",
            "(func (export \"_initialize\") (call $endless))",
        ),
    ];
    for lane in lanes() {
        let other = prepare(&lane, &program(""));
        for (told, start) in starts {
            for (_, endless) in &ENDLESS[..5] {
                let program = program(endless);
                let program = format!("{program} {start} (func (export \"run\"))");
                check(told, &lane, &prepare(&lane, &program), &other);
            }
        }
    }
}

/// Waits, and then goes on for ever.
fn waits(endless: &str) -> String {
    format!(
        "(import \"env\" \"wait\" (func $wait (param i64) (result i64)))
         {} (func (export \"run\") (drop (call $wait (i64.const 1))) (call $endless))",
        program(endless)
    )
}

#[test]
fn a_guest_that_is_parked_is_interrupted_when_it_is_resumed() {
    let chain = chain();
    let endless = ENDLESS.iter().copied();
    for lane in lanes() {
        for (told, endless) in endless.clone().chain([("a chain", chain.as_str())]) {
            let told = format!("{told} on {}", lane.name);
            let prepared = prepare(&lane, &waits(endless));
            let interrupt = Interrupt::new();
            let run = |host| {
                let outcome = lane
                    .executor
                    .run(&prepared, request(&lane, "run", &interrupt), host);
                match outcome.unwrap() {
                    Outcome::Syscall(suspended) => suspended,
                    other => panic!("{told}: {other:?}"),
                }
            };
            // While it runs again, on another thread.
            let (host, running) = host();
            let suspended = run(host);
            thread::scope(|scope| {
                let result = scope.spawn(|| suspended.resume(1));
                running.recv().expect("the guest runs");
                let before = run(self::host().0);
                interrupt.trigger();
                assert_interrupted(&told, result.join().unwrap());
                // While it was suspended.
                assert_interrupted(&told, before.resume(1));
            });
            answers(&told, &lane, &prepared);
        }
    }
}

#[test]
fn a_guest_that_is_parked_for_gas_is_interrupted_when_it_has_more() {
    for lane in lanes() {
        for (told, endless) in ENDLESS {
            let told = format!("{told} on {}", lane.name);
            let program = program(endless);
            let program = format!("{program} (func (export \"run\") (call $endless))");
            let prepared = prepare(&lane, &program);
            let interrupt = Interrupt::new();
            let request = RunRequest {
                out_of_gas_policy: OutOfGasPolicy::Suspend,
                gas: Gas::new(20_000),
                ..request(&lane, "run", &interrupt)
            };
            match lane.executor.run(&prepared, request, host().0).unwrap() {
                Outcome::GasEnd(ended) => {
                    interrupt.trigger();
                    assert_interrupted(&told, ended.resume_with(GAS));
                }
                other => panic!("{told}: {other:?}"),
            }
            answers(&told, &lane, &prepared);
        }
    }
}

#[test]
fn a_run_is_interrupted_by_its_own_interrupt_and_no_other() {
    for lane in lanes() {
        let program = program("(loop (br 0))");
        let program = format!("{program} (func (export \"run\") (call $endless))");
        let prepared = prepare(&lane, &program);
        let [early, late, never] = [(); 3].map(|()| Interrupt::new());
        let answer = |live: LiveInstance, interrupt: Option<&Interrupt>| {
            let request = RunRequest {
                interrupt,
                ..lane.request("answer", &[], GAS)
            };
            let outcome = live.run(request, host().0).unwrap();
            outcome.finished().unwrap().into_instance().0.unwrap()
        };
        let first = lane.request("answer", &[], GAS);
        let live = lane.executor.instance(&prepared, &first).unwrap();
        let live = answer(live, None);
        let live = answer(live, Some(&early));
        // Neither that of the run before nor that of another stops it.
        early.trigger();
        let live = answer(live, Some(&late));
        let live = answer(live, Some(&never));
        late.trigger();
        let live = answer(live, None);
        let live = answer(live, Some(&never));
        let request = RunRequest {
            gas: Gas::new(100_000_000),
            ..request(&lane, "run", &late)
        };
        let run = live.run(request, host().0);
        assert_interrupted(lane.name, run);
    }
}
