//! Measures what preparing and compiling a program takes, in a process of its own, so that it can
//! be ended and its memory is its own.

use std::{
    fs,
    io::{Read, Write},
    process::{Command, Stdio, exit},
    sync::Arc,
    thread,
    time::Duration,
};

use fusee_engine::{Compiler, Effort, Engine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_instrument::{Floats, Rules, SyscallPrice, SyscallRule, inspect, prepare};
use wasmparser::{Parser, Payload, TypeRef, ValType};

use fusee_engine::ValueType;

/// The first argument of the process that measures.
pub(crate) const CHILD: &str = "--child";

/// Wasmtime without optimisation, as the background compiles in a thread.
pub(crate) const PLAIN: &str = "plain";

/// Where a measured process is ended.
const MOST_KIBIBYTES: u64 = 6 << 20;

/// What was measured on one engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Milliseconds of the processor's.
    pub(crate) prepare_ms: u64,
    pub(crate) compile_ms: u64,
    /// What the rules limit.
    pub(crate) work: u64,
    /// What compiling may take without optimisation, and with it.
    pub(crate) plain: u64,
    pub(crate) optimized: u64,
    /// What it may take as it is compiled.
    pub(crate) may_take: u64,
    pub(crate) metered_bytes: u64,
    pub(crate) compiled_bytes: u64,
    pub(crate) peak_kibibytes: u64,
}

/// Measures a program on an engine; `Err` tells why it was ended.
pub(crate) fn measure(engine: &str, wasm: &[u8], seconds: u64) -> Result<Measured, String> {
    let program = std::env::current_exe().expect("this program has a file");
    let mut child = Command::new(program)
        .args([CHILD, engine, &seconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started");
    let mut stdin = child.stdin.take().expect("it was piped");
    // If the child is gone, its output tells why.
    let _ = stdin.write_all(wasm);
    drop(stdin);
    let output = child.wait_with_output().expect("it was started");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let numbers: Vec<u64> = text
        .split(' ')
        .map_while(|number| number.parse().ok())
        .collect();
    match *numbers {
        [
            prepare_ms,
            compile_ms,
            work,
            plain,
            optimized,
            may_take,
            metered_bytes,
            compiled_bytes,
            peak_kibibytes,
        ] => Ok(Measured {
            prepare_ms,
            compile_ms,
            work,
            plain,
            optimized,
            may_take,
            metered_bytes,
            compiled_bytes,
            peak_kibibytes,
        }),
        _ if text.is_empty() => Err(format!("{}", output.status)),
        _ => Err(text),
    }
}

/// What the measuring process does.
#[allow(clippy::print_stdout, reason = "this is how it answers")]
pub(crate) fn child(name: &str, seconds: u64) {
    thread::spawn(move || watch(seconds));
    let compiler = WasmtimeEngine::new().expect("Wasmtime works on this machine");
    let interpreter = WasmiEngine::new();
    let (engine, most): (&dyn Engine, _) = match name {
        "wasmi" => (&interpreter, Effort::Full),
        PLAIN => (&compiler, Effort::Reduced),
        _ => (&compiler, Effort::Full),
    };
    let mut wasm = Vec::new();
    std::io::stdin()
        .read_to_end(&mut wasm)
        .expect("the other end is open");
    let rules = rules(&wasm);
    let begin = processor_ms();
    let program = match prepare(&wasm, &rules) {
        Ok(program) => Arc::new(program),
        Err(refusal) => return println!("{refusal}"),
    };
    let prepared = processor_ms();
    let compile = || match name {
        PLAIN => compiler
            .precompile(&program, most)
            .map(|code| u64::try_from(code.len()).unwrap_or(u64::MAX)),
        _ => engine
            .compile(&program)
            .map(|module| module.resident_bytes()),
    };
    let compiled_bytes = match compile() {
        Ok(bytes) => bytes,
        Err(error) => return println!("{error}: {:?}", std::error::Error::source(&error)),
    };
    let compiled = processor_ms();
    let may_take = compiler.work(&program, most);
    let peak = kibibytes("VmHWM:");
    let functions = inspect(&wasm, &rules).expect("it was prepared").functions;
    let work: u64 = functions.iter().map(|function| function.work).sum();
    println!(
        "{} {} {} {} {} {} {} {} {}",
        prepared.saturating_sub(begin),
        compiled.saturating_sub(prepared),
        work,
        program.compile_work.plain,
        program.compile_work.optimized,
        may_take,
        program.code.len(),
        compiled_bytes,
        peak
    );
}

/// Rules under which any function can be imported, so that programs made for other hosts can be
/// measured.
pub(crate) fn rules(wasm: &[u8]) -> Rules {
    let mut types = Vec::new();
    let mut syscalls: Vec<SyscallRule> = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        match payload {
            Payload::TypeSection(section) => {
                types.extend(section.into_iter_err_on_gc_types().map_while(Result::ok));
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports().map_while(Result::ok) {
                    let TypeRef::Func(index) = import.ty else {
                        continue;
                    };
                    let found = usize::try_from(index)
                        .ok()
                        .and_then(|index| types.get(index));
                    let number = u32::try_from(syscalls.len()).expect("there are few");
                    syscalls.extend(found.map(|found| SyscallRule {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        number,
                        params: found.params().iter().filter_map(value_type).collect(),
                        result: found.results().iter().find_map(value_type),
                        may_suspend: false,
                        price: SyscallPrice::FREE,
                    }));
                }
            }
            _ => {}
        }
    }
    Rules::v1(syscalls).with_floats(Floats::Canonical)
}

fn value_type(found: &ValType) -> Option<ValueType> {
    match found {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        ValType::F32 => Some(ValueType::F32),
        ValType::F64 => Some(ValueType::F64),
        _ => None,
    }
}

/// Ends the process where it takes too much time or memory.
#[allow(clippy::print_stdout, reason = "this is how it answers")]
fn watch(seconds: u64) {
    for _ in 0..seconds.saturating_mul(20) {
        thread::sleep(Duration::from_millis(50));
        if kibibytes("VmRSS:") > MOST_KIBIBYTES {
            println!("over {} MiB", MOST_KIBIBYTES >> 10);
            exit(1);
        }
    }
    println!("over {seconds} s");
    exit(1);
}

/// The time that this thread had on a processor. Engines compile on the thread that asks.
fn processor_ms() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or(0, |nanoseconds: u64| nanoseconds / 1_000_000)
}

fn kibibytes(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0)
}
