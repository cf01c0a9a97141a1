//! The compiler process: it compiles like any other, holds itself to its limits, and loses no call.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use fusee::engines::{WasmiEngine, WasmtimeEngine};
use fusee::sandbox::{
    Compilation, CompileCommand, CompileIn, CompileLimits, Compiler, Effort, Executor, Gas,
    Outcome, Program, Rules, RunRequest, Value,
};

use crate::support::{Folder, guests};

fn metered(wasm: &[u8]) -> Program {
    fusee::sandbox::prepare(wasm, &Rules::v1(Vec::new())).unwrap()
}

/// A small program that takes seconds to compile, by the square of its size: many
/// locals over many branches.
fn bomb() -> Vec<u8> {
    const LOCALS: usize = 120;
    let load = |local: usize| format!("(local.set {local} (i64.load (i32.const {local})))");
    let use_ = |local: usize| format!("(i64.store (i32.const 0) (local.get {local}))");
    let branch = |turn: usize| {
        let local = 1 + turn % LOCALS;
        format!(
            "(if (local.get 0) (then (local.set {local} (i64.const {turn})) (br_if 0 (local.get 0))))"
        )
    };
    let lines = |line: &dyn Fn(usize) -> String, count: usize| -> String {
        (1..=count).map(line).collect()
    };
    let text = format!(
        "(module (memory 1) (func (export \"f\") (param i32) (local {}) {} {} {}))",
        "i64 ".repeat(LOCALS),
        lines(&load, LOCALS),
        lines(&branch, 1_700),
        lines(&use_, LOCALS),
    );
    wat::parse_str(text).unwrap()
}

/// What the executable does if an executor asks it to compile.
fn compile(asked: &str, program: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fusee"))
        .env("FUSEE_COMPILE", asked)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(program);
    child.wait_with_output().unwrap()
}

#[test]
fn a_process_compiles_what_this_one_would() {
    let program = metered(&std::fs::read(guests().join("arith.wasm")).unwrap());
    let output = compile("all 30000 2147483648", &program.encode());
    assert!(output.status.success(), "{output:?}");
    let here = WasmtimeEngine::new()
        .unwrap()
        .precompile(&program, Effort::Full)
        .unwrap();
    assert_eq!(output.stdout, here);
}

#[test]
fn a_process_compiles_for_short_calls_what_this_one_would() {
    let wasm = r#"(module (memory 1) (func (export "f")
        (drop (memory.grow (i32.const 1))) (i32.store (i32.const 65536) (i32.const 1))))"#;
    let program = metered(&wat::parse_str(wasm).unwrap());
    let output = compile("short 30000 2147483648", &program.encode());
    assert!(output.status.success(), "{output:?}");
    let engine = WasmtimeEngine::new().unwrap();
    let second = engine.for_short_calls(&program).unwrap();
    assert_eq!(
        output.stdout,
        second.precompile(&program, Effort::Full).unwrap()
    );
    assert_ne!(
        output.stdout,
        engine.precompile(&program, Effort::Full).unwrap()
    );
}

#[test]
fn a_process_says_why_it_cannot_compile() {
    let fixed = metered(&wat::parse_str("(module (memory 1))").unwrap()).encode();
    for (asked, program, reason) in [
        (
            "short 30000 2147483648",
            &*fixed,
            "the program has no other code for short calls",
        ),
        (
            "all 30000 2147483648",
            b"?",
            "standard input is not a metered program",
        ),
        ("all 30000", &fixed, "FUSEE_COMPILE is `all 30000`"),
        ("--help", &fixed, "FUSEE_COMPILE is `--help`"),
    ] {
        let output = compile(asked, program);
        assert_eq!(output.status.code(), Some(70), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(reason), "{asked}: {error}");
    }
}

/// Without this, a program whose `main` lacks `compile_if_asked` would start itself without end.
#[test]
fn a_process_that_was_started_to_compile_starts_no_other() {
    if std::env::var_os("FUSEE_COMPILE").is_some() {
        let error = CompileCommand::this_program().unwrap_err().to_string();
        assert!(
            error.contains("does not begin with `compile_if_asked`"),
            "{error}"
        );
        return;
    }
    CompileCommand::this_program().unwrap();
    let name = "compile::a_process_that_was_started_to_compile_starts_no_other";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact"])
        .env("FUSEE_COMPILE", "all 2000 2147483648")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{output:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_takes_too_much_memory_is_not_kept() {
    let output = compile("all 60000 40000000", &metered(&bomb()).encode());
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty());
}

/// What takes too long stays on the interpreter, which has answered meanwhile. It is tried once.
#[cfg(unix)]
#[test]
fn a_bomb_is_called_all_the_same_and_compiled_once() {
    let limits = CompileLimits {
        time: Duration::from_millis(300),
        ..CompileLimits::default()
    };
    let command = CompileCommand::new(env!("CARGO_BIN_EXE_fusee")).limits(limits);
    let compiler = WasmtimeEngine::builder().instances(4).build().unwrap();
    let executor = Executor::tiered(Arc::new(WasmiEngine::new()), Arc::new(compiler))
        .compile_in(CompileIn::Process(command))
        .build();
    let bomb = executor.prepare(&bomb(), &Rules::v1(Vec::new())).unwrap();
    let call = |gas| {
        let args = [Value::I32(1)];
        let request = RunRequest::new("f", &args, Gas::new(gas));
        let outcome = executor.run(&bomb, request, ()).unwrap();
        assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
    };
    call(1_000_000);
    executor.compile(&bomb).unwrap_err();
    call(Gas::MAX.units());
    let Compilation::GivenUp { reason } = bomb.compilation() else {
        panic!("{:?}", bomb.compilation());
    };
    assert_eq!(
        reason,
        "compilation takes more than 300ms of processor time"
    );
}

#[test]
fn a_contract_is_prepared_once_for_a_data_folder() {
    let folder = Folder::new();
    let deployed = folder.json("deploy token.wasm --args 1000", 0);
    assert_eq!(deployed["engines"], serde_json::json!(["tiered"]));
    let kept = || {
        let files = std::fs::read_dir(folder.path().join(".fusee/compiled")).unwrap();
        let mut files: Vec<_> = files
            .map(|file| {
                let file = file.unwrap();
                (
                    file.file_name(),
                    file.metadata().unwrap().modified().unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    let first = kept();
    assert_eq!(first.len(), 1);
    let address = deployed["address"].as_str().unwrap();
    let query = format!("query {address} balance_of --args @alice");
    folder.json(&query, 0);
    assert_eq!(kept(), first);
    // What is broken there costs time, and says so.
    std::fs::write(
        folder.path().join(".fusee/compiled").join(&first[0].0),
        b"?",
    )
    .unwrap();
    folder.json(&query, 0);
    assert_ne!(kept(), first);
}
