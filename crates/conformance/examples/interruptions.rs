//! How long an interrupted guest runs on: from the trigger, on another thread, to where the call
//! has returned.
//!
//! `cargo run --release --example interruptions -- 200 [KIND] [SLICE]` prints median and maximum of
//! so many interruptions, for each engine and for each of the things that a guest can be at. Each
//! guest has all the memory that rules like ours admit, and four times that, as an embedder may.

use std::{
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use fusee_conformance::{Answering, Random};
use fusee_engine::{Engine, EngineError, Gas, Interrupt, Syscall, ValueType};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Executor, RunError, RunRequest};
use fusee_instrument::{Limits, Rules, Schedule, SyscallPrice, SyscallRule};

/// What a guest does once it has told that it runs. `BYTES` is the size of its memory, less one.
const KINDS: &[(&str, &str)] = &[
    ("loop", "(loop (br 0))"),
    ("calls", "(drop (call $fib (i32.const 60)))"),
    ("recursion", "(loop (call $down (i32.const 1000)) (br 0))"),
    (
        "fill/bytes=4096",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 4096)) (br 0))",
    ),
    (
        "fill/bytes=1MiB",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x100000)) (br 0))",
    ),
    (
        "fill/bytes=all",
        "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const BYTES)) (br 0))",
    ),
    (
        "copy/bytes=all",
        "(loop (memory.copy (i32.const 1) (i32.const 0) (i32.const BYTES)) (br 0))",
    ),
    (
        "touch",
        "(loop (i32.store8 (local.get $n) (i32.const 1))
           (local.set $n (i32.and (i32.add (local.get $n) (i32.const 4096)) (i32.const BYTES))) (br 0))",
    ),
    ("touch/unrolled", "UNROLLED"),
    (
        "table.copy",
        "(loop (table.copy (i32.const 0) (i32.const 1) (i32.const 16383)) (br 0))",
    ),
    (
        "memory.init",
        "(loop (memory.init $data (i32.const 0) (i32.const 0) (i32.const 1000000)) (br 0))",
    ),
    (
        "grow",
        "(drop (memory.grow (i32.const GROWN))) (loop (br 0))",
    ),
    ("syscalls", "(loop (call $tell) (br 0))"),
];

const START: &str = r#"(import "env" "tell" (func $tell))
    (table 16384 funcref)
    (func $fib (param i32) (result i32)
      (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
        (then (local.get 0))
        (else (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func $down (param i32)
      (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))"#;

fn program(kind: &str, pages: u32) -> String {
    let (initial, grown) = if kind.contains("GROWN") {
        (1, pages.saturating_sub(1))
    } else {
        (pages, 0)
    };
    let bytes = (u64::from(pages) << 16).saturating_sub(1);
    // A store into each page is as much as can be asked of memory for a little gas.
    let unrolled: String = (0..pages)
        .map(|page| {
            format!(
                "(i32.store8 offset={} (local.get $n) (local.get $n))",
                u64::from(page) << 16
            )
        })
        .collect();
    let unrolled = format!(
        "(loop {unrolled}
           (local.set $n (i32.and (i32.add (local.get $n) (i32.const 4096)) (i32.const 65535))) (br 0))"
    );
    let kind = kind
        .replace("UNROLLED", &unrolled)
        .replace("BYTES", &bytes.to_string())
        .replace("GROWN", &grown.to_string());
    let data = "x".repeat(1_000_000);
    format!(
        "(module {START} (memory {initial} {pages}) (data $data \"{data}\")
           (func (export \"run\") (local $n i32) (call $tell) {kind}))"
    )
}

fn rules(pages: u32) -> Rules {
    let mut limits = Limits::v1();
    limits.memory_pages = u64::from(pages);
    let tell = SyscallRule {
        module: "env".to_owned(),
        name: "tell".to_owned(),
        number: 0,
        params: Vec::new(),
        result: None::<ValueType>,
        may_suspend: false,
        price: SyscallPrice::FREE,
    };
    Rules::named("interruptions", Schedule::v1(), limits, vec![tell])
}

/// From the trigger to the return, so many times, the shortest first.
fn measure(executor: &Executor, program: &str, pages: u32, times: usize) -> Vec<Duration> {
    let wasm = wat::parse_str(program).expect("it is wasm");
    let prepared = executor.prepare(&wasm, &rules(pages));
    let prepared = prepared.expect("it is admitted");
    let mut random = Random::new(1);
    let mut took: Vec<_> = (0..times)
        .map(|_| {
            let (sender, running) = channel();
            let mut is_told = false;
            let host = Answering(move |_: &mut Syscall<'_>| {
                if !std::mem::replace(&mut is_told, true) {
                    sender.send(()).expect("somebody waits for it");
                }
                Ok(0)
            });
            let interrupt = Interrupt::new();
            let request = RunRequest {
                interrupt: Some(&interrupt),
                ..RunRequest::new("run", &[], Gas::MAX)
            };
            thread::scope(|scope| {
                let run = scope.spawn(|| {
                    let result = executor.run(&prepared, request, host);
                    (now(), result)
                });
                running.recv().expect("the guest runs");
                thread::sleep(Duration::from_micros(random.below(20_000)));
                let triggered = now();
                interrupt.trigger();
                let (returned, result) = run.join().expect("it returns");
                assert!(
                    matches!(result, Err(RunError::Engine(EngineError::Interrupted))),
                    "{result:?}"
                );
                returned - triggered
            })
        })
        .collect();
    took.sort_unstable();
    took
}

#[allow(clippy::disallowed_methods, reason = "this is what it is for")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::print_stdout, reason = "this is what it is for")]
fn main() {
    let mut args = std::env::args().skip(1);
    let times = args.next();
    let times = times.map_or(200, |times| times.parse().expect("a number"));
    let only = args.next().unwrap_or_default();
    let slice: Option<u64> = args.next().map(|gas| gas.parse().expect("a number"));
    let wasmtime = WasmtimeEngine::new().expect("Wasmtime works on this machine");
    let engines: [Arc<dyn Engine>; 2] = [Arc::new(wasmtime), Arc::new(WasmiEngine::new())];
    for engine in engines {
        let name = engine.name();
        let mut builder = Executor::builder(engine);
        if let Some(slice) = slice {
            builder = builder.slice(Gas::new(slice));
        }
        let executor = builder.build();
        for pages in [1_024, 4_096] {
            for (told, kind) in KINDS.iter().filter(|(told, _)| told.contains(&only)) {
                let took = measure(&executor, &program(kind, pages), pages, times);
                let at = |position: usize| took.get(position).copied().unwrap_or_default();
                println!(
                    "interruption/{name}/pages={pages}/{told} median {:?} max {:?}",
                    at(times / 2),
                    at(times.saturating_sub(1)),
                );
            }
        }
    }
}
