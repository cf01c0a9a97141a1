//! Compilation work: the limit on programs that are expensive to compile, and the effort of
//! compilers.

use std::sync::Arc;

use fusee_conformance::round;
use fusee_engine::{Code, Compiler, Effort, Engine, Program};
use fusee_engine_wasmtime::{WasmtimeEngine, effort};
use fusee_instrument::{inspect, prepare};

use crate::guest::wasm;

/// The work of the last function of a program.
fn work(program: &str) -> u64 {
    let found = inspect(
        &wasm(&format!("(module {program})")),
        &round::rules(Vec::new()),
    )
    .unwrap();
    found.functions.last().unwrap().work
}

/// How much more there is to do if a function has this in it.
fn added(prelude: &str, code: &str) -> u64 {
    let function = |code: &str| work(&format!("{prelude} (func (param i32) (local i64) {code})"));
    function(code) - function("")
}

/// A program of one function, with so many `i64` locals.
fn program(locals: usize, code: &str) -> Arc<Program> {
    let text = format!(
        "(module (memory 1) (func $f) (func (export \"f\") (param i32) (local {}) {code}))",
        "i64 ".repeat(locals)
    );
    Arc::new(prepare(&wasm(&text), &round::rules(Vec::new())).unwrap())
}

/// A function with so many products that do not change in the loop around them.
fn invariants(count: usize) -> Arc<Program> {
    let products: String = (0..count)
        .map(|turn| {
            let factor = 2 * turn + 3;
            format!("local.get 1 i64.const {factor} i64.mul i64.xor ")
        })
        .collect();
    program(
        2,
        &format!("(loop local.get 2 {products} local.set 2 (br_if 0 (local.get 0)))"),
    )
}

#[test]
fn operators_have_their_units() {
    let prelude =
        "(memory 1) (table 1 funcref) (func $f (param i32 i64) (result i32) (i32.const 1))";
    let units = [
        ("nop", 6),
        ("(drop (i64.add (i64.const 1) (i64.const 2)))", 4 * 6),
        ("(drop (i64.rem_u (i64.const 1) (i64.const 2)))", 16 + 3 * 6),
        ("(drop (i64.load (i32.const 1)))", 14 + 2 * 6),
        ("(drop (local.get 0))", 2 + 6),
        (
            "(drop (call $f (i32.const 1) (i64.const 1)))",
            30 + 3 * 6 + 3 * 6,
        ),
        (
            "(memory.fill (i32.const 1) (i32.const 1) (i32.const 1))",
            150 + 3 * 6 + 3 * 50 / 16,
        ),
        ("(block (br 0))", 6 + 20),
        ("(loop)", 100 + 6),
        ("(loop (loop (loop)))", 3 * (100 + 6) + 2 * (1 + 2)),
    ];
    for (code, expected) in units {
        assert_eq!(added(prelude, code), expected, "{code}");
    }
}

/// How much more work a function with this code is if this many more locals are alive over it.
fn alive(code: &str) -> u64 {
    let function = |locals: usize| {
        let uses = |action: &str| -> String {
            (1..=locals)
                .map(|local| action.replace("LOCAL", &local.to_string()))
                .collect()
        };
        work(&format!(
            "(memory 1) (func $f) (func (param i32) (local {}) {} {code} {})",
            "i64 ".repeat(locals),
            uses("(local.set LOCAL (i64.load (i32.const 0)))"),
            uses("(i64.store (i32.const 0) (local.get LOCAL))"),
        ))
    };
    function(1_000) - function(500)
}

#[test]
fn live_values_are_work_at_branches() {
    let straight = alive("");
    let cost = |code: &str| (alive(code) - straight) / 500;
    assert!(cost(&"(if (local.get 0) (then nop))".repeat(64)) >= 64);
    assert!(cost(&"(call $f)".repeat(64)) < 64);
    assert!(cost(&"(loop (br_if 0 (local.get 0)))".repeat(64)) > 64 * 5);
    // The locals are not alive on the path that leaves.
    assert!(cost(&"(if (local.get 0) (then return))".repeat(64)) > 64 * 5);
}

#[test]
fn dead_values_are_no_work() {
    let blocks = "(if (local.get 0) (then nop))".repeat(64);
    let function = |locals: usize| {
        work(&format!(
            "(func (param i32) (local {}) {blocks})",
            "i64 ".repeat(locals)
        ))
    };
    assert_eq!(function(1_000) - function(500), 500 * 4);
}

#[test]
fn work_grows_with_the_square_of_branches() {
    let branches = |count: usize| {
        work(&format!(
            "(func (param i32) (block {}))",
            "(br_if 0 (local.get 0))".repeat(count)
        ))
    };
    let (one, ten) = (branches(1_000), branches(10_000));
    assert!(ten > 30 * one, "{one} {ten}");
}

#[test]
fn programs_that_optimisation_makes_large_are_not_optimised() {
    assert_eq!(effort(&invariants(100), Effort::Full), Effort::Full);
    assert_eq!(effort(&invariants(31_000), Effort::Full), Effort::Reduced);
    // The same products again, after many branches: an optimiser keeps all of them until there.
    let products: String = (0..8_000)
        .map(|turn| format!("local.get 1 i64.const {turn} i64.mul i64.xor "))
        .collect();
    let branches = "(br_if 0 (local.get 0))".repeat(2_000);
    let common = program(
        2,
        &format!(
            "(block local.get 2 {products} local.set 2 {branches} local.get 2 {products} local.set 2)"
        ),
    );
    assert_eq!(effort(&common, Effort::Full), Effort::Reduced);
}

/// A small program that takes a compiler seconds, by the square of its size: many locals are alive
/// over many branches, each of which passes one of them.
pub(crate) fn alive_over_branches(locals: usize, branches: usize) -> String {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| -> String {
        (1..=count).map(line).collect()
    };
    let load = |local| format!("(local.set {local} (i64.load (i32.const {local})))");
    let store = |local| format!("(i64.store (i32.const 0) (local.get {local}))");
    let branch = |turn| {
        let local = 1 + turn % locals;
        format!(
            "(if (local.get 0) (then (local.set {local} (i64.const {turn})) (br_if 0 (local.get 0))))"
        )
    };
    format!(
        "(module (memory 1) (func (export \"f\") (param i32) (local {}) {} {} {}))",
        "i64 ".repeat(locals),
        lines(locals, &load),
        lines(branches, &branch),
        lines(locals, &store),
    )
}

#[test]
fn values_that_are_scanned_at_edges_are_work_of_compilers_and_not_of_the_rules() {
    let rules = round::rules(Vec::new());
    let of = |branches| {
        let wasm = wasm(&alive_over_branches(120, branches));
        let work = inspect(&wasm, &rules).unwrap().functions[0].work;
        let found = prepare(&wasm, &rules).unwrap().compile_work;
        assert!(found.optimized > 2 * found.plain, "{found:?}");
        (work, found.plain - work)
    };
    let ((few, scans_of_few), (many, scans_of_many)) = (of(170), of(1_700));
    assert!(many < 40 * few, "{few} {many}");
    assert!(scans_of_many > 90 * scans_of_few, "{scans_of_many}");
    assert!(scans_of_many > many, "{scans_of_many} {many}");
}

#[test]
fn code_of_either_effort_is_loaded() {
    let engine = WasmtimeEngine::new().unwrap();
    for program in [invariants(10), invariants(18_000)] {
        let code = engine.precompile(&program, Effort::Full).unwrap();
        engine.load(&program, Code::Bytes(code)).unwrap();
        engine.compile(&program).unwrap();
    }
    assert_eq!(effort(&invariants(18_000), Effort::Full), Effort::Reduced);
}
