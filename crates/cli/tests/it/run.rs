//! `run`: engines side by side.

use serde_json::json;

use crate::support::Folder;

#[test]
fn every_engine_is_listed_with_the_same_values_and_gas() {
    let folder = Folder::new();
    let answer = folder.json("run arith.wasm --invoke add 2 -3", 0);
    let engines = answer.as_array().unwrap();
    assert_eq!(engines.len(), 2);
    for (engine, name) in engines.iter().zip(["wasmtime", "wasmi"]) {
        assert_eq!(engine["engine"], name);
        assert_eq!(engine["outcome"], "finished");
        assert_eq!(engine["values"], json!([-1]));
        assert!(engine["gas_used"].as_u64().unwrap() > 0);
        assert_eq!(engine["gas_used"], engines[0]["gas_used"]);
    }
}

#[test]
fn values_are_read_and_shown_by_their_types() {
    let folder = Folder::new();
    let answer = folder.json(
        "run arith.wasm --invoke swap 0xffffffff 18446744073709551615 --engine wasmi",
        0,
    );
    assert_eq!(answer[0]["values"], json!([-1, -1]));
    let answer = folder.json("run arith.wasm --invoke fac 20 --engine wasmtime", 0);
    assert_eq!(answer[0]["values"], json!([2_432_902_008_176_640_000_i64]));
}

#[test]
fn floating_point_runs_where_the_rules_admit_it() {
    let folder = Folder::new();
    folder.write(
        "half.wat",
        r#"(module (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
           (func (export "root") (param f32) (result f32) (f32.sqrt (local.get 0))))"#,
    );
    let values = |words: &str| {
        let answer = folder.json(&format!("run half.wat --floats canonical {words}"), 0);
        assert_eq!(answer[0]["values"], answer[1]["values"]);
        answer[0]["values"].clone()
    };
    assert_eq!(values("--invoke half 3"), json!(["1.5"]));
    assert_eq!(values("--invoke half -0.001"), json!(["-0.0005"]));
    assert_eq!(values("--invoke root inf"), json!(["inf"]));
    assert_eq!(values("--invoke root -1"), json!(["nan:0x7fc00000"]));
    let nan = "nan:0xfff0000000000001";
    assert_eq!(
        values(&format!("--invoke half {nan}")),
        json!(["nan:0x7ff8000000000000"])
    );
    let refused = folder.json("run half.wat --floats refused --invoke half 3", 1);
    let message = refused["error"]["causes"][0].as_str().unwrap();
    assert!(message.contains("refused by rule `floats`"), "{message}");
}

#[test]
fn a_run_that_does_not_finish_is_told_apart() {
    let folder = Folder::new();
    let trapped = folder.json("run arith.wasm --invoke div 1 0", 1);
    let starved = folder.json("run arith.wasm --invoke spin --gas 5_000", 1);
    for engine in [0, 1] {
        assert_eq!(trapped[engine]["outcome"], "trapped");
        assert_eq!(trapped[engine]["trap"], "integer_division_by_zero");
        assert_eq!(trapped[engine]["values"], json!([]));
        assert_eq!(starved[engine]["outcome"], "out_of_gas");
        assert_eq!(starved[engine]["gas_used"], 5_000);
    }
}

#[test]
fn text_is_a_table() {
    let folder = Folder::new();
    let text = folder.text("run arith.wasm --invoke fib 10", 0);
    let rows: Vec<Vec<_>> = text
        .lines()
        .map(|line| line.split_whitespace().take(3).collect())
        .collect();
    let head = vec!["engine", "outcome", "values"];
    assert_eq!(
        rows,
        [
            head,
            vec!["wasmtime", "finished", "55"],
            vec!["wasmi", "finished", "55"]
        ]
    );
}

#[test]
fn a_program_in_text_with_one_function_needs_no_name() {
    let folder = Folder::new();
    folder.write(
        "one.wat",
        ";; one\n(module (func (export \"one\") (result i64) i64.const -1))",
    );
    let answer = folder.json("run one.wat", 0);
    assert_eq!(answer[1]["values"], json!([-1]));
}

/// A machine that lacks the memory that the rules allow does not know the answer: what the guest
/// would see is another machine's business.
#[test]
#[cfg(target_os = "linux")]
fn memory_that_only_this_machine_lacks_is_a_failure_of_the_host() {
    let folder = Folder::new();
    folder.write(
        "grow.wat",
        r#"(module (memory 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    );
    let limited = |engine: &str, kibibytes: u32| {
        let fusee = env!("CARGO_BIN_EXE_fusee");
        let script = format!(
            "ulimit -d {kibibytes}; exec {fusee} run grow.wat --invoke grow 1000 --engine {engine}"
        );
        let mut command = std::process::Command::new("sh");
        let output = command
            .args(["-c", &script])
            .current_dir(folder.path())
            .output();
        output.unwrap().status.code().unwrap()
    };
    for engine in ["wasmtime", "wasmi"] {
        assert_eq!(
            limited(engine, 1_000_000),
            0,
            "{engine}, with memory enough"
        );
        assert_eq!(
            limited(engine, 50_000),
            4,
            "{engine}, with less than the program asks for"
        );
    }
    // What no machine grants is the guest's answer, the same everywhere.
    let answer = folder.json("run grow.wat --invoke grow 70000 --gas 9000000000", 0);
    assert_eq!(answer[0]["values"], json!([-1]));
    assert_eq!(answer[1]["values"], json!([-1]));
}
