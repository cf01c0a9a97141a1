//! How much memory suspended calls take: holds 10,000 of them at once, and one more than that is
//! refused.
//!
//! Prints `suspended/bytes`, what is resident for each of them, and what page tables take beside
//! it.

use std::{fs, sync::Arc};

use fusee_conformance::Answering;
use fusee_engine::{EngineError, Gas, Stop, ValueType};
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Executor, Outcome, RunError, RunRequest};
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};

const CALLS: u32 = 10_000;

const PROGRAM: &str = r#"(module
  (import "env" "wait" (func $wait (param i64) (result i64)))
  (memory 1)
  (func (export "run") (i64.store (i32.const 64) (call $wait (i64.load (i32.const 8))))))"#;

#[allow(clippy::print_stdout, reason = "this is what it is for")]
fn main() {
    let engine = WasmtimeEngine::builder().instances(CALLS).build();
    let engine = engine.expect("Wasmtime works on this machine");
    let executor = Executor::builder(Arc::new(engine)).build();
    let rules = Rules::v1(vec![SyscallRule {
        module: "env".to_owned(),
        name: "wait".to_owned(),
        number: 0,
        params: vec![ValueType::I64],
        result: Some(ValueType::I64),
        may_suspend: true,
        price: SyscallPrice::FREE,
    }]);
    let wasm = wat::parse_str(PROGRAM).expect("it is wasm");
    let program = executor.prepare(&wasm, &rules).expect("it is admitted");
    let run = || {
        let host = Answering(|_: &mut fusee_engine::Syscall<'_>| Err(Stop::Suspend));
        let request = RunRequest::new("run", &[], Gas::new(1_000_000));
        executor.run(&program, request, host)
    };
    let before = bytes();
    let mut suspended = Vec::new();
    for _ in 0..CALLS {
        suspended.push(run().expect("there is room for it"));
    }
    let after = bytes();
    let each = |which: usize| {
        let more = after.get(which).zip(before.get(which));
        more.map_or(0, |(after, before)| after.saturating_sub(*before)) / u64::from(CALLS)
    };
    println!("suspended/bytes {}", each(0));
    println!("suspended/page_table_bytes {}", each(1));
    match run() {
        Err(RunError::Engine(full @ EngineError::Exhausted { .. })) => println!("one more: {full}"),
        other => panic!("one more is refused, not {other:?}"),
    }
    for outcome in suspended {
        let Outcome::Syscall(waiting) = outcome else {
            panic!("it waits");
        };
        assert!(matches!(waiting.resume(1), Ok(Outcome::Finished(_))));
    }
}

/// What Linux counts for this process: its resident pages, and the tables by which they are found.
fn bytes() -> [u64; 2] {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    ["VmRSS:", "VmPTE:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        let kibibytes: u64 = number
            .and_then(|number| number.parse().ok())
            .expect("a number");
        kibibytes * 1024
    })
}
