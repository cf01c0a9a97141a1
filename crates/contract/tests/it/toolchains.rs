//! Contracts of toolchains that need WASI, built by the tests where those are installed: in Rust
//! with the standard library and wasi-libc, and in Go.

use std::{path::PathBuf, process::Command, sync::Arc};

use fusee_conformance::{Lane, lanes};
use fusee_contract::{
    Action, BlockContext, ContractRules, Contracts, DebugLog, Receipt, Rejection, Status,
    Transaction, set_balances,
};
use fusee_engine::{Gas, Interrupt, Trap};
use fusee_state::MemoryState;

use crate::world::{FUNDS, alice};

/// As much as a deployment of two megabytes and a few calls need.
const GAS: u64 = 1_000_000_000;

/// What the contracts export, and one that is never run.
const METHODS: [&str; 6] = ["empty", "empty", "report", "panics", "leaves", "_start"];

/// A receipt, and the debug log.
type Logged = (Receipt, Vec<String>);

/// Runs a command in a folder of `guests/`, which writes a program where its last argument says.
/// `None` if the tool is not installed, or refuses `probe`.
fn build(tool: &str, probe: &[&str], folder: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let probed = Command::new(tool).args(probe).output();
    if !probed.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../guests")
        .join(folder);
    let name = format!(
        "fusee-{}-{}.wasm",
        folder.file_name()?.display(),
        std::process::id()
    );
    let output = std::env::temp_dir().join(name);
    let built = Command::new(tool)
        .args(arguments)
        .arg("-o")
        .arg(&output)
        .current_dir(folder)
        .envs([
            ("GOOS", "wasip1"),
            ("GOARCH", "wasm"),
            ("GOTOOLCHAIN", "local"),
        ])
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    let code = std::fs::read(&output).unwrap();
    std::fs::remove_file(output).unwrap();
    Some(code)
}

/// Deploys the contract and calls its methods on one lane.
fn run(lane: Lane, rules: &ContractRules, code: &[u8]) -> [Logged; METHODS.len()] {
    let block = BlockContext {
        time: 1_790_000_000_123,
        ..BlockContext::default()
    };
    let log = DebugLog::new(1 << 20);
    let contracts = Contracts::without_fallback(Arc::new(lane.executor), rules.clone())
        .suspension(lane.suspension)
        .debug_log(log.clone());
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice(), FUNDS)]));
    let mut send = |action: Action| {
        let transaction = Transaction {
            from: alice(),
            action,
            value: 0,
            gas: Gas::new(GAS),
        };
        let reader = Arc::new(state.clone());
        let result = contracts.execute(reader, transaction, &block, &Interrupt::new());
        let included = result.unwrap().included().unwrap();
        assert_eq!(included.refusal, None);
        state.apply(&included.changes);
        let log = log.lines().into_iter().map(|line| line.text);
        let log = log.map(|text| String::from_utf8(text).unwrap());
        (included.receipt, log.collect())
    };
    let deploy = Action::Deploy {
        code: code.to_vec(),
        input: Vec::new(),
    };
    let to = send(deploy).0.deployed.unwrap();
    METHODS.map(|method| {
        send(Action::Call {
            to,
            method: method.to_owned(),
            input: Vec::new(),
        })
    })
}

/// Runs the contract on these lanes, and checks what its methods come to. `panic` is a line that a
/// panic logs.
fn check(lanes: Vec<Lane>, rules: &ContractRules, code: &[u8], reported: &str, panic: &str) {
    let mut found: Vec<_> = lanes
        .into_iter()
        .map(|lane| (lane.name, run(lane, rules, code)))
        .collect();
    let (first, results) = found.remove(0);
    for (name, other) in &found {
        assert_eq!(other, &results, "{name} against {first}");
    }
    let [empty, again, report, panics, leaves, start] = results;
    assert_eq!(empty.0.status, Status::Success);
    assert_eq!(empty, again);
    assert_eq!(report.0.status, Status::Success);
    assert_eq!(String::from_utf8(report.0.output).unwrap(), reported);
    assert_eq!(report.1, [format!("reported {reported}")]);
    assert_eq!(panics.0.status, Status::Trapped(Trap::Unreachable));
    let has_line = panics.1.iter().any(|line| line.contains(panic));
    assert!(has_line, "{:?}", panics.1);
    assert_eq!(leaves.0.status, Status::Reverted);
    assert_eq!(leaves.0.output, b"the program exited with code 3");
    assert_eq!(start.0.status, Status::Rejected(Rejection::UnknownMethod));
}

#[test]
fn a_contract_with_the_standard_library_runs_on_every_engine() {
    let target = ["--print", "target-libdir", "--target", "wasm32-wasip1"];
    let installed = Command::new("rustc")
        .args(target)
        .output()
        .is_ok_and(|output| {
            let folder = String::from_utf8(output.stdout).unwrap();
            PathBuf::from(folder.trim()).is_dir()
        });
    let options = "--target wasm32-wasip1 --crate-type cdylib --edition 2024 -Copt-level=z \
                   -Clto=fat -Cpanic=abort -Cstrip=symbols std.rs";
    let options: Vec<_> = options.split_whitespace().collect();
    let code = installed.then(|| build("rustc", &["--version"], "wasi", &options));
    let Some(code) = code.flatten() else {
        eprintln!(
            "SKIPPED: no contract with the standard library was built or run. To install what it \
             needs: rustup target add wasm32-wasip1"
        );
        return;
    };
    check(
        lanes(),
        &ContractRules::v2().with_wasi(),
        &code,
        "10 81 1790000000.123s 5ms 0 0 true 1.4142135623730951",
        "on purpose",
    );
}

#[test]
fn a_contract_in_go_runs_on_every_engine() {
    let options = [
        "build",
        "-trimpath",
        "-buildmode=c-shared",
        "-ldflags=-s -w",
    ];
    let code = ["go", "/usr/local/go/bin/go"]
        .into_iter()
        .find_map(|go| build(go, &["version"], "go", &options));
    let Some(code) = code else {
        eprintln!("SKIPPED: Go is not installed, so no contract in Go was built or run");
        return;
    };
    // One lane of each engine, since compiling this program takes seconds.
    let mut lanes = lanes();
    lanes.retain(|lane| matches!(lane.name, "wasmi" | "wasmtime"));
    assert_eq!(lanes.len(), 2);
    check(
        lanes,
        &ContractRules::v2().with_wasi().with_large_programs(),
        &code,
        "10 81 2026-09-21T14:13:20.123Z 5ms",
        "guest/main.go:41",
    );
}
