//! The instance pool: its limits, and the error when it is full.

use std::{
    error::Error,
    process::Command,
    sync::{Arc, Mutex},
};

use fusee_engine::{Engine, EngineError, Gas, Host, Resource, Stop, Syscall, Value};
use fusee_engine_wasmtime::{AddressSpace, Bounds, Reset, WasmtimeEngine, WasmtimeEngineBuilder};
use fusee_executor::{Executor, Outcome, PreparedProgram, RunError, RunRequest};

use crate::guest::{TestHost, host, rules, wasm};

/// Waits, and returns what it is answered and a byte of its memory.
const WAITS: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 1)
  (func (export "wait") (result i64)
    GROW
    (i64.store (i32.const 8) (i64.const 5))
    (i64.add (call $wait (i64.const 1)) (i64.load (i32.const 8))))
)"#;

fn executor(options: WasmtimeEngineBuilder) -> Executor {
    let engine = options.build().unwrap();
    Executor::builder(Arc::new(engine)).build()
}

/// A program that never grows its memory, and one that does.
fn programs(executor: &Executor) -> [Arc<PreparedProgram>; 2] {
    ["", "(drop (memory.grow (i32.const 1)))"].map(|grow| {
        let program = wasm(&WAITS.replace("GROW", grow));
        executor.prepare(&program, &rules()).unwrap()
    })
}

fn run(executor: &Executor, program: &Arc<PreparedProgram>) -> Result<Outcome<TestHost>, RunError> {
    executor.run(
        program,
        RunRequest::new("wait", &[], Gas::new(1_000_000)),
        host(),
    )
}

fn resume(outcome: Outcome<TestHost>) -> Vec<Value> {
    let Outcome::Syscall(suspended) = outcome else {
        panic!("it waits: {outcome:?}");
    };
    match suspended.resume(37).unwrap() {
        Outcome::Finished(finished) => finished.values().to_vec(),
        other => panic!("it returns: {other:?}"),
    }
}

#[test]
fn a_full_pool_says_so_until_a_suspended_run_is_dropped() {
    let executor = executor(WasmtimeEngine::builder().instances(3));
    for program in programs(&executor) {
        let mut suspended: Vec<_> = (0..3).map(|_| run(&executor, &program).unwrap()).collect();
        let full = run(&executor, &program).unwrap_err();
        let RunError::Engine(EngineError::Exhausted { engine, resource }) = &full else {
            panic!("{full:?}");
        };
        assert_eq!((*engine, *resource), ("wasmtime", Resource::Instances(3)));
        assert!(full.source().is_none());
        assert_eq!(
            full.to_string(),
            "wasmtime cannot create another instance: 3 instances are live, including suspended \
             ones, which is the limit; drop some, or configure the engine for more",
        );
        drop(suspended.pop());
        assert_eq!(resume(run(&executor, &program).unwrap()), [Value::I64(42)]);
        for outcome in suspended {
            assert_eq!(resume(outcome), [Value::I64(42)]);
        }
    }
}

fn check(options: WasmtimeEngineBuilder) {
    let executor = executor(options);
    for program in programs(&executor) {
        assert_eq!(resume(run(&executor, &program).unwrap()), [Value::I64(42)]);
    }
}

/// Marks the process that has few addresses.
const CRAMPED: &str = "FUSEE_TEST_CRAMPED";

#[cfg(target_os = "linux")]
#[test]
fn fifty_instances_live_where_there_are_two_gigabytes_of_addresses() {
    if std::env::var_os(CRAMPED).is_none() {
        let test = "pool::fifty_instances_live_where_there_are_two_gigabytes_of_addresses";
        let status = Command::new("sh")
            .args(["-c", "ulimit -v 2097152; exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg(test)
            .env(CRAMPED, "1")
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    assert_eq!(AddressSpace::of_host(), AddressSpace::Scarce);
    let executor = executor(WasmtimeEngine::builder());
    let grown = wasm(&WAITS.replace("GROW", "(drop (memory.grow (i32.const 40)))"));
    let grown = executor.prepare(&grown, &rules()).unwrap();
    let [fixed, _] = programs(&executor);
    let suspended: Vec<_> = (0..25)
        .flat_map(|_| [&fixed, &grown])
        .map(|program| run(&executor, program).unwrap())
        .collect();
    assert_eq!(suspended.len(), 50);
    for outcome in suspended {
        assert_eq!(resume(outcome), [Value::I64(42)]);
    }
}

#[test]
fn no_option_of_the_pool_changes_what_is_compiled_or_computed() {
    let plain = WasmtimeEngine::builder();
    let fingerprint = *plain.build().unwrap().fingerprint().as_bytes();
    for options in [
        plain.instances(0),
        plain.instances(2).resident_bytes(0),
        plain.instances(2).reset(Reset::Fill),
        plain.instances(2).resident_bytes(8 << 20),
        plain.instances(2).short_calls(Bounds::Guarded),
    ] {
        let engine = options.build().unwrap();
        assert_eq!(*engine.fingerprint().as_bytes(), fingerprint);
        check(options);
    }
    for other in [
        plain.growing(Bounds::Checked).instances(2),
        plain.address_space(AddressSpace::Scarce),
    ] {
        assert_ne!(
            *other.build().unwrap().fingerprint().as_bytes(),
            fingerprint
        );
        check(other);
    }
}

/// Runs a program when it is dropped, where the engine has a single slot.
#[derive(Debug)]
struct TakesTheSlot {
    executor: Arc<Executor>,
    program: Arc<PreparedProgram>,
    seen: Arc<Mutex<Vec<bool>>>,
}

impl Host for TakesTheSlot {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        match call.request.args[0] {
            1 => Err(Stop::Suspend),
            _ => Err(Stop::Fail(EngineError::Host("as asked".into()))),
        }
    }
}

impl Drop for TakesTheSlot {
    fn drop(&mut self) {
        let has_room = run(&self.executor, &self.program).is_ok();
        self.seen.lock().unwrap().push(has_room);
    }
}

#[test]
fn a_run_that_fails_or_is_dropped_drops_its_guest_before_its_host() {
    let executor = Arc::new(executor(WasmtimeEngine::builder().instances(1)));
    let program = wasm(
        r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (func (export "wait") (param i64) (result i64) (call $wait (local.get 0)))
  (func (export "twice") (result i64)
    (drop (call $wait (i64.const 1)))
    (call $wait (i64.const 0))))"#,
    );
    let program = executor.prepare(&program, &rules()).unwrap();
    let waits = programs(&executor)[0].clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let begin = |entry, args: &[Value]| {
        let host = TakesTheSlot {
            executor: Arc::clone(&executor),
            program: Arc::clone(&waits),
            seen: Arc::clone(&seen),
        };
        let request = RunRequest::new(entry, args, Gas::new(1_000_000));
        executor.run(&program, request, host)
    };
    begin("wait", &[Value::I64(0)]).unwrap_err();
    drop(begin("wait", &[Value::I64(1)]).unwrap());
    let Outcome::Syscall(suspended) = begin("twice", &[]).unwrap() else {
        panic!("it waits");
    };
    suspended.resume(0).unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [true; 3]);
}

/// Marks the process whose memory is measured.
const IDLE: &str = "FUSEE_TEST_IDLE";

#[cfg(target_os = "linux")]
#[test]
fn instances_that_ended_keep_no_more_memory_than_was_said() {
    const INSTANCES: u32 = 64;
    if std::env::var_os(IDLE).is_none() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "pool::instances_that_ended_keep_no_more_memory_than_was_said",
            ])
            .env(IDLE, "1")
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
        return;
    }
    // 960 KiB that each instance writes before it waits.
    let program = wasm(
        r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 15)
  (func (export "wait") (result i64)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 983040))
    (call $wait (i64.const 1))))"#,
    );
    let kept = |idle_bytes: u64| {
        let options = WasmtimeEngine::builder().instances(INSTANCES);
        let executor = executor(options.idle_bytes(idle_bytes));
        let program = executor.prepare(&program, &rules()).unwrap();
        let round = || -> Vec<_> {
            let run = |_| run(&executor, &program).unwrap();
            (0..INSTANCES).map(run).collect()
        };
        let before = resident();
        let suspended = round();
        let live = resident() - before;
        drop(suspended);
        (live >> 20, (resident() - before) >> 20)
    };
    let (live, idle) = kept(8 << 20);
    assert!(live >= 50, "{live} MiB");
    assert!(idle <= 10, "{idle} MiB");
    let (_, idle) = kept(1 << 30);
    assert!(idle >= 50, "they are kept where they may be: {idle} MiB");
}

fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}
