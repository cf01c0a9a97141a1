//! The compiler process: it compiles like any other, holds itself to its limits, and loses no call.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use fusee::engines::{WasmiEngine, WasmtimeEngine};
use fusee::sandbox::{
    Compilation, CompileCommand, CompileIn, Compiler, Executor, Gas, Outcome, Program, Rules,
    RunRequest, Value,
};

use crate::support::{Folder, guests};

fn metered(wasm: &[u8]) -> Program {
    fusee::sandbox::prepare(wasm, &Rules::v1(Vec::new())).unwrap()
}

/// A program that takes seconds to compile in an optimised build of the compiler.
fn bomb() -> Vec<u8> {
    let text = format!(
        "(module (func (export \"f\") (param i32) {}))",
        "(br_if 0 (local.get 0)) ".repeat(15_000)
    );
    wat::parse_str(text).unwrap()
}

fn compile(program: &Program, seconds: &str, mebibytes: &str) -> Output {
    compile_for(&[], program, seconds, mebibytes)
}

fn compile_for(calls: &[&str], program: &Program, seconds: &str, mebibytes: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fusee"))
        .args(["compile", "--seconds", seconds, "--mebibytes", mebibytes])
        .args(calls)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(&program.encode());
    child.wait_with_output().unwrap()
}

#[test]
fn a_process_compiles_what_this_one_would() {
    let program = metered(&std::fs::read(guests().join("arith.wasm")).unwrap());
    let output = compile(&program, "30", "2048");
    assert!(output.status.success(), "{output:?}");
    let here = WasmtimeEngine::new().unwrap().precompile(&program).unwrap();
    assert_eq!(output.stdout, here);
}

#[test]
fn a_process_compiles_for_short_calls_what_this_one_would() {
    let wasm = r#"(module (memory 1) (func (export "f")
        (drop (memory.grow (i32.const 1))) (i32.store (i32.const 65536) (i32.const 1))))"#;
    let program = metered(&wat::parse_str(wasm).unwrap());
    let output = compile_for(&["--short-calls"], &program, "30", "2048");
    assert!(output.status.success(), "{output:?}");
    let engine = WasmtimeEngine::new().unwrap();
    let second = engine.for_short_calls(&program).unwrap();
    assert_eq!(output.stdout, second.precompile(&program).unwrap());
    assert_ne!(output.stdout, engine.precompile(&program).unwrap());

    let fixed = metered(&wat::parse_str("(module (memory 1))").unwrap());
    let output = compile_for(&["--short-calls"], &fixed, "30", "2048");
    assert!(!output.status.success(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_takes_too_long_or_too_much_is_not_kept() {
    use std::os::unix::process::ExitStatusExt;

    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;

    let program = metered(&bomb());
    let output = compile(&program, "1", "2048");
    let signal = output.status.signal();
    assert!(matches!(signal, Some(SIGXCPU | SIGKILL)), "{output:?}");
    let output = compile(&program, "60", "40");
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty());
}

/// What takes too long stays on the interpreter, which has answered meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn a_bomb_is_called_all_the_same() {
    let command = CompileCommand {
        program: env!("CARGO_BIN_EXE_fusee").into(),
        args: ["compile", "--seconds", "1", "--mebibytes", "2048"]
            .map(Into::into)
            .into(),
        short_call_args: None,
    };
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
    for _ in 0..2 {
        executor.compile(&bomb).unwrap_err();
        call(Gas::MAX.units());
    }
    let Compilation::GivenUp { reason } = bomb.compilation() else {
        panic!("{:?}", bomb.compilation());
    };
    assert!(reason.contains("signal: "), "{reason}");
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
