//! The compiler process: it compiles like any other, holds itself to its limits, and loses no call.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use fusee_engine::Compiler;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_instrument::Rules;

use crate::support::{Folder, guests};

/// Metered code.
fn metered(wasm: &[u8]) -> Vec<u8> {
    fusee_instrument::prepare(wasm, &Rules::v2(Vec::new()))
        .unwrap()
        .code
}

/// A program that takes seconds to compile in an optimised build of the compiler.
fn bomb() -> Vec<u8> {
    let text = format!(
        "(module (func (export \"f\") (param i32) {}))",
        "(br_if 0 (local.get 0)) ".repeat(15_000)
    );
    wat::parse_str(text).unwrap()
}

fn compile(code: &[u8], seconds: &str, mebibytes: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fusee"))
        .args(["compile", "--seconds", seconds, "--mebibytes", mebibytes])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(code);
    child.wait_with_output().unwrap()
}

#[test]
fn a_process_compiles_what_this_one_would() {
    let code = metered(&std::fs::read(guests().join("arith.wasm")).unwrap());
    let output = compile(&code, "30", "2048");
    assert!(output.status.success(), "{output:?}");
    let here = WasmtimeEngine::new().unwrap().precompile(&code).unwrap();
    assert_eq!(output.stdout, here);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_takes_too_long_or_too_much_is_not_compiled() {
    use std::os::unix::process::ExitStatusExt;

    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;

    let code = metered(&bomb());
    let output = compile(&code, "1", "2048");
    let signal = output.status.signal();
    assert!(matches!(signal, Some(SIGXCPU | SIGKILL)), "{output:?}");
    let output = compile(&code, "60", "40");
    assert!(!output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_contract_is_compiled_once_for_a_data_folder() {
    let folder = Folder::new();
    let deployed = folder.json("deploy token.wasm --args 1000", 0);
    assert_eq!(deployed["engines"], serde_json::json!(["tiered"]));
    let compiled = || {
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
    let first = compiled();
    assert_eq!(first.len(), 1);
    let address = deployed["address"].as_str().unwrap();
    let query = format!("query {address} balance_of --args @alice");
    folder.json(&query, 0);
    assert_eq!(compiled(), first);
    // What is broken there costs time, and says so.
    std::fs::write(
        folder.path().join(".fusee/compiled").join(&first[0].0),
        b"?",
    )
    .unwrap();
    folder.json(&query, 0);
    assert_ne!(compiled(), first);
}
