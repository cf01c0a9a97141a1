//! Compilation work: the limit on programs that are expensive to compile.

use fusee_instrument::{Rules, inspect};

use crate::guest::wasm;

/// The work of the last function of a program.
fn work(program: &str) -> u64 {
    let found = inspect(
        &wasm(&format!("(module {program})")),
        &Rules::v1(Vec::new()),
    )
    .unwrap();
    found.functions.last().unwrap().work
}

/// How much more there is to do if a function has this in it.
fn added(prelude: &str, code: &str) -> u64 {
    let function = |code: &str| work(&format!("{prelude} (func (param i32) (local i64) {code})"));
    function(code) - function("")
}

#[test]
fn operators_have_their_units() {
    let prelude =
        "(memory 1) (table 1 funcref) (func $f (param i32 i64) (result i32) (i32.const 1))";
    let units = [
        ("nop", 2),
        ("(drop (i64.add (i64.const 1) (i64.const 2)))", 4 * 2),
        (
            "(drop (call $f (i32.const 1) (i64.const 1)))",
            10 + 3 * 3 + 3 * 2,
        ),
        (
            "(drop (call_indirect (param i32) (result i32) (i32.const 1) (i32.const 0)))",
            100 + 2 * 3 + 3 * 2,
        ),
        (
            "(memory.fill (i32.const 1) (i32.const 1) (i32.const 1))",
            150 + 3 * 2,
        ),
        ("(drop (memory.grow (i32.const 1)))", 150 + 2 * 2),
        (
            "(table.copy (i32.const 1) (i32.const 1) (i32.const 1))",
            600 + 3 * 2,
        ),
        (
            "(table.fill (i32.const 1) (ref.null func) (i32.const 1))",
            200 + 3 * 2,
        ),
        ("(drop (table.get (i32.const 1)))", 60 + 2 * 2),
        ("(block (br 0))", 2 + 40),
        ("(block (br_table 0 0 0 0 (i32.const 1)))", 2 + 3 * 30 + 2),
        ("(loop)", 150 + 2),
        ("(loop (loop (loop)))", 3 * (150 + 2) + 2 * (1 + 2)),
        ("(if (local.get 0) (then))", 60 + 2 + 2),
        ("(unreachable) (drop (memory.grow (i32.const 1)))", 40 - 2),
    ];
    for (code, expected) in units {
        assert_eq!(added(prelude, code), expected, "{code}");
    }
}

#[test]
fn locals_are_work_where_ways_meet() {
    let set = "(local.set 1 (i64.const 1))";
    let apart = added("", set);
    let both =
        |code: &str, plain: &str| added("", &code.replace("SET", set)) - added("", plain) - apart;
    let met = 15;
    let ways = [
        ("SET", "", 0),
        ("(block SET)", "(block)", 0),
        // One way past the `if`, one through it.
        (
            "(if (local.get 0) (then SET))",
            "(if (local.get 0) (then))",
            2 * met,
        ),
        // The second branch ends, so control flow does not merge.
        (
            "(if (local.get 0) (then SET) (else (unreachable)))",
            "(if (local.get 0) (then) (else (unreachable)))",
            0,
        ),
        (
            "(block SET (br_if 0 (local.get 0)))",
            "(block (br_if 0 (local.get 0)))",
            2 * met,
        ),
        ("(block SET (br 0))", "(block (br 0))", 0),
        (
            "(block SET (br_table 0 0 0 0 (local.get 0)))",
            "(block (br_table 0 0 0 0 (local.get 0)))",
            4 * met,
        ),
        // Into the loop and back to its head.
        (
            "(loop SET (br_if 0 (local.get 0)))",
            "(loop (br_if 0 (local.get 0)))",
            2 * met,
        ),
        ("(loop SET)", "(loop)", 0),
        // What is set inside is set in every block around it.
        (
            "(loop (block SET) (br_if 0 (local.get 0)))",
            "(loop (block) (br_if 0 (local.get 0)))",
            2 * met,
        ),
    ];
    for (code, plain, expected) in ways {
        assert_eq!(both(code, plain), expected, "{code}");
    }
}

#[test]
fn operands_are_work_where_ways_meet() {
    let carried = |results: &str, values: &str| {
        added(
            "",
            &format!("(block (result {results}) {values} (br_if 0 (local.get 0))) (unreachable)"),
        )
    };
    let one = carried("i64", "(i64.const 1)");
    let three = carried("i64 i64 i64", "(i64.const 1) (i64.const 1) (i64.const 1)");
    assert_eq!(three - one, 2 * 2 + 2 * 2 * 50);
}

#[test]
fn large_functions_are_dearer_than_small_ones_together() {
    let loops = |count: usize| work(&format!("(func {})", "loop end ".repeat(count)));
    let each = 150 + 2;
    assert_eq!(loops(1), 52 + each);
    let flat = 52 + 1_000 * each;
    assert_eq!(loops(1_000), flat + flat * flat / 500_000);
}

#[test]
fn more_locals_make_each_use_dearer() {
    let uses = |locals: usize| {
        let declared = format!("(local {})", " i64".repeat(locals));
        work(&format!("(func {declared} (drop (local.get 0)))"))
            - work(&format!("(func {declared})"))
    };
    assert_eq!(uses(31), 2 + 2);
    assert_eq!(uses(32), 3 + 2);
    assert_eq!(uses(320), 12 + 2);
}
