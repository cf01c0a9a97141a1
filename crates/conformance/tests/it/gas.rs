//! Exact gas, added up by hand from the schedule.
//!
//! Each case also runs with exactly the gas that it needs and with one unit less. Cases that finish
//! also run with little gas, and are given a little more at each suspension.

use std::collections::BTreeMap;

use expect_test::expect_file;
use fusee_conformance::{Ending, Verdict, agreed, counting::Prices, lanes, round};
use fusee_engine::{Gas, OutOfGasPolicy, Trap, Value};
use fusee_executor::{Outcome, RunRequest};
use fusee_instrument::{OPERATORS, Rules, Schedule, prepare};

use crate::guest::{Call, check, count, counted, host, rules, wasm};

use Value::{I32, I64};

/// A program, and the outcome of its export `run` for some arguments: the values that it finishes
/// with, or else it ends in `unreachable`; and the gas, beside what the instance costs.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static [Value], Option<&'static [Value]>, u64)],
);

const CASES: &[Case] = &[
    (
        "operators of one region",
        "(func (export \"run\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))",
        &[(&[I32(2), I32(3)], Some(&[I32(5)]), 3)],
    ),
    ("nothing", "(func (export \"run\"))", &[(&[], Some(&[]), 0)]),
    (
        "branch to the function's own label",
        "(func (export \"run\") (result i32) (br 0 (i32.const 7)))",
        &[(&[], Some(&[I32(7)]), 1 + 1)],
    ),
    (
        "conditional branch to the function's own label",
        "(func (export \"run\") (param i32) (result i32)
           (br_if 0 (i32.const 7) (local.get 0)) (drop) (i32.const 8))",
        &[
            (&[I32(1)], Some(&[I32(7)]), 1 + 1 + 1),
            (&[I32(0)], Some(&[I32(8)]), (1 + 1 + 1) + 1),
        ],
    ),
    (
        "br_table with the function's own label",
        "(func (export \"run\") (param i32) (result i32)
           (block (result i32) (br_table 0 1 (i32.const 7) (local.get 0)))
           (drop) (i32.const 8))",
        &[
            (&[I32(0)], Some(&[I32(8)]), (1 + 1 + 3) + 1),
            (&[I32(1)], Some(&[I32(7)]), 1 + 1 + 3),
            (&[I32(-1)], Some(&[I32(7)]), 1 + 1 + 3),
        ],
    ),
    (
        "return from nested blocks, with more on the stack than it returns",
        "(func (export \"run\") (result i32)
           (i32.const 1) (block (block (i32.const 2) (return (i32.const 3)))) (drop) (i32.const 4))",
        &[(&[], Some(&[I32(3)]), 1 + 1 + 1 + 1)],
    ),
    (
        "dead code after br",
        "(func (export \"run\") (result i32)
           (block (br 0) (drop (i32.const 1)) (loop (br 0)) (if (i32.const 1) (then) (else)))
           (i32.const 2))",
        &[(&[], Some(&[I32(2)]), 1 + 1)],
    ),
    (
        "dead code after unreachable",
        "(func (export \"run\") (result i32)
           (drop (i32.const 1)) (unreachable) (block (br 0)) (loop (br 0)))",
        &[(&[], None, 1 + 1)],
    ),
    (
        "dead if and else after return",
        "(func (export \"run\") (result i32)
           (return (i32.const 1))
           (if (result i32) (i32.const 1) (then (i32.const 2)) (else (i32.const 3))))",
        &[(&[], Some(&[I32(1)]), 1 + 1)],
    ),
    (
        "else behind a then that never gets to its end",
        "(func (export \"run\") (param i32) (result i32)
           (if (result i32) (local.get 0) (then (return (i32.const 1))) (else (i32.const 2))))",
        &[
            (&[I32(1)], Some(&[I32(1)]), (1 + 1) + (1 + 1)),
            (&[I32(0)], Some(&[I32(2)]), (1 + 1) + 1),
        ],
    ),
    (
        "if without else",
        "(func (export \"run\") (param i32)
           (if (local.get 0) (then (nop) (drop (i32.const 1)))) (drop (i32.const 2)))",
        &[
            (&[I32(1)], Some(&[]), (1 + 1) + 1 + 1),
            (&[I32(0)], Some(&[]), (1 + 1) + 1),
        ],
    ),
    (
        "a block that no branch leaves for",
        "(func (export \"run\") (block (drop (i32.const 1))) (drop (i32.const 2)))",
        &[(&[], Some(&[]), 1 + 1)],
    ),
    (
        "a block that a branch leaves for",
        "(func (export \"run\") (param i32)
           (block (br_if 0 (local.get 0)) (drop (i32.const 1))) (drop (i32.const 2)))",
        &[
            (&[I32(1)], Some(&[]), (1 + 1) + 1),
            (&[I32(0)], Some(&[]), (1 + 1) + 1 + 1),
        ],
    ),
    (
        "loops in loops",
        "(func (export \"run\") (param i32) (local i32)
           (loop $outer
             (local.set 1 (i32.const 2))
             (loop $inner
               (br_if $inner (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
             (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))",
        &[
            (&[I32(1)], Some(&[]), 2 + 2 * 5 + 5),
            (&[I32(100)], Some(&[]), 100 * (2 + 2 * 5 + 5)),
        ],
    ),
    (
        "a loop that begins a loop",
        "(func (export \"run\") (param i32)
           (loop (loop (br_if 1 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))",
        &[(&[I32(7)], Some(&[]), 7 * 5)],
    ),
    (
        "a loop with a parameter",
        "(func (export \"run\") (result i32) (local i32)
           (i32.const 3)
           (loop (param i32) (result i32)
             (i32.const 1) (i32.sub) (local.tee 0) (local.get 0) (br_if 0)))",
        &[(&[], Some(&[I32(0)]), 1 + 3 * 5)],
    ),
    (
        "several results of functions and blocks",
        "(func $two (result i32 i64) (i32.const 1) (i64.const 2))
         (func (export \"run\") (param i32) (result i32 i64)
           (block (result i32 i64)
             (call $two) (br_if 0 (local.get 0)) (drop) (drop) (i32.const 3) (i64.const 4)))",
        &[
            (&[I32(1)], Some(&[I32(1), I64(2)]), (4 + 1 + 1) + 2),
            (&[I32(0)], Some(&[I32(3), I64(4)]), (4 + 1 + 1) + 2 + 2),
        ],
    ),
    (
        "several results by a branch to the function's own label",
        "(func (export \"run\") (result i64 i32) (i32.const 9) (i64.const 1) (i32.const 2) (br 0))",
        &[(&[], Some(&[I64(1), I32(2)]), 1 + 1 + 1 + 1)],
    ),
    (
        "several results by return from a loop",
        "(func (export \"run\") (param i32) (result i64 i64)
           (loop (if (i32.eqz (local.get 0)) (then (return (i64.const 1) (i64.const 2))))
             (local.set 0 (i32.const 0)) (br 0))
           (unreachable))",
        &[
            (&[I32(0)], Some(&[I64(1), I64(2)]), (1 + 1 + 1) + 3),
            (&[I32(5)], Some(&[I64(1), I64(2)]), 3 + (1 + 1 + 1) + 3 + 3),
        ],
    ),
    (
        "recursion",
        "(func $fac (export \"run\") (param i64) (result i64)
           (if (result i64) (i64.eqz (local.get 0)) (then (i64.const 1))
             (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))",
        &[
            (&[I64(0)], Some(&[I64(1)]), 3 + 1),
            (&[I64(5)], Some(&[I64(120)]), 5 * (3 + 10) + 3 + 1),
        ],
    ),
    (
        "call of an import",
        "(import \"env\" \"add\" (func $add (param i32 i64) (result i64)))
         (func (export \"run\") (result i64) (call $add (i32.const -1) (i64.const 2)))",
        &[(&[], Some(&[I64(0x1_0000_0001)]), 1 + 1 + 4)],
    ),
    (
        "six arguments to an import",
        "(import \"env\" \"six\" (func $six (param i32 i64 i32 i64 i32 i64) (result i32)))
         (func (export \"run\") (result i32)
           (call $six (i32.const 1) (i64.const 2) (i32.const 3) (i64.const 4) (i32.const 5) (i64.const 6)))",
        &[(&[], Some(&[I32(123_456)]), 6 + 4)],
    ),
    (
        "an import that charges",
        "(import \"env\" \"charge\" (func $charge (param i64)))
         (func (export \"run\") (param i64) (call $charge (local.get 0)))",
        &[
            (&[I64(0)], Some(&[]), 1 + 4),
            (&[I64(12_345)], Some(&[]), 1 + 4 + 12_345),
        ],
    ),
    (
        "an import through a table",
        "(type $add (func (param i32 i64) (result i64)))
         (import \"env\" \"tick\" (func $tick))
         (import \"env\" \"add\" (func $add (type $add)))
         (table funcref (elem $run $add))
         (func $run (export \"run\") (result i64)
           (call_indirect (type $add) (i32.const 2) (i64.const 40) (i32.const 1)))",
        &[(&[], Some(&[I64(42)]), 1 + 1 + 1 + 8)],
    ),
    (
        "an import that is exported",
        "(import \"env\" \"tick\" (func $tick))
         (func (export \"run\") (import \"env\" \"add\") (param i32 i64) (result i64))",
        &[(&[I32(2), I64(40)], Some(&[I64(42)]), 0)],
    ),
    (
        "an import that is exported and charges",
        "(func (export \"run\") (import \"env\" \"charge\") (param i64))",
        &[(&[I64(1_000)], Some(&[]), 1_000)],
    ),
    (
        "ref.func of an import",
        "(type $add (func (param i32 i64) (result i64)))
         (import \"env\" \"add\" (func $add (type $add)))
         (table 1 funcref)
         (elem declare func $add)
         (func (export \"run\") (result i64)
           (table.set (i32.const 0) (ref.func $add))
           (call_indirect (type $add) (i32.const 2) (i64.const 40) (i32.const 0)))",
        &[(&[], Some(&[I64(42)]), (1 + 4 + 4) + (1 + 1 + 1 + 8))],
    ),
    (
        "a global and an element segment that name functions",
        "(type $three (func (result i32)))
         (import \"env\" \"tick\" (func $tick))
         (table 2 funcref)
         (global $g funcref (ref.func $three))
         (elem $passive funcref (ref.null func) (ref.func $three))
         (func $two (result i32) (i32.const 2))
         (func $three (result i32) (i32.const 3))
         (func (export \"run\") (result i32)
           (table.set (i32.const 0) (global.get $g))
           (table.init $passive (i32.const 1) (i32.const 1) (i32.const 1))
           (i32.mul (call_indirect (type $three) (i32.const 0)) (call_indirect (type $three) (i32.const 1))))",
        &[(
            &[],
            Some(&[I32(9)]),
            (1 + 1 + 4) + (3 + 20 + 4) + 2 * (1 + 8 + 1) + 2,
        )],
    ),
    (
        "a start function that is an import",
        "(import \"env\" \"tick\" (func $tick))
         (import \"env\" \"ticks\" (func $ticks (result i64)))
         (start $tick)
         (func (export \"run\") (result i64) (call $ticks))",
        &[(&[], Some(&[I64(1)]), 10 + 4)],
    ),
    (
        "a start function sets a global and memory before the entry",
        "(memory 1) (global $g (mut i32) (i32.const 0))
         (func $start (global.set $g (i32.const 5)) (i32.store (i32.const 8) (i32.const 6)))
         (start $start)
         (func (export \"run\") (result i32 i32) (global.get $g) (i32.load (i32.const 8)))",
        &[(
            &[],
            Some(&[I32(5), I32(6)]),
            (1 + 1 + 1 + 1 + 2) + (1 + 1 + 2),
        )],
    ),
    (
        "start, then _initialize, then the entry",
        "(global $g (mut i32) (i32.const 1))
         (func $start (global.set $g (i32.mul (global.get $g) (i32.const 10))))
         (start $start)
         (func (export \"_initialize\") (global.set $g (i32.add (global.get $g) (i32.const 1))))
         (func (export \"run\") (result i32) (global.get $g))",
        &[(&[], Some(&[I32(11)]), (1 + 1 + 2 + 1) + (1 + 1 + 1 + 1) + 1)],
    ),
    (
        "memory.fill",
        "(memory 2) (func (export \"run\") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))",
        &[
            (&[I32(0)], Some(&[]), 3 + 20),
            (&[I32(1)], Some(&[]), 3 + 20 + 8),
            (&[I32(64)], Some(&[]), 3 + 20 + 8),
            (&[I32(65)], Some(&[]), 3 + 20 + 16),
            (&[I32(131_072)], Some(&[]), 3 + 20 + 2_048 * 8),
        ],
    ),
    (
        "memory.copy, memory.init and data.drop",
        "(memory 1) (data $d \"0123456789\")
         (func (export \"run\") (result i32)
           (memory.init $d (i32.const 0) (i32.const 0) (i32.const 10))
           (data.drop $d)
           (memory.copy (i32.const 100) (i32.const 0) (i32.const 128))
           (i32.load8_u (i32.const 109)))",
        &[(
            &[],
            Some(&[I32(57)]),
            (3 + 20 + 8) + 5 + (3 + 20 + 16) + (1 + 2),
        )],
    ),
    (
        "memory.grow and memory.size",
        "(memory 1 3)
         (func (export \"run\") (param i32) (result i32 i32) (memory.grow (local.get 0)) (memory.size))",
        &[
            (&[I32(0)], Some(&[I32(1), I32(1)]), 1 + 100 + 2),
            (&[I32(2)], Some(&[I32(1), I32(3)]), 1 + 100 + 2_000 + 2),
            (&[I32(5)], Some(&[I32(-1), I32(1)]), 1 + 100 + 5_000 + 2),
        ],
    ),
    (
        "tables",
        "(table $t 5 10 funcref) (elem $e func $run $run)
         (func $run (export \"run\") (result i32)
           (table.fill $t (i32.const 0) (ref.null func) (i32.const 5))
           (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
           (elem.drop $e)
           (table.copy $t $t (i32.const 2) (i32.const 0) (i32.const 2))
           (i32.add (table.size $t)
             (i32.add (ref.is_null (table.get $t (i32.const 3))) (ref.is_null (table.get $t (i32.const 4))))))",
        &[(
            &[],
            Some(&[I32(6)]),
            (1 + 1 + 1 + 20 + 20)
                + (3 + 20 + 8)
                + 5
                + (3 + 20 + 8)
                + (2 + 2 * (1 + 4 + 1) + 2),
        )],
    ),
    (
        "select by a comparison with zero",
        "(func (export \"run\") (param i32 i64) (result i32 i64 i32 i64)
           (select (i32.const 3) (i32.const 4) (i32.eqz (local.get 0)))
           (select (i64.const 5) (local.get 1) (i32.eq (local.get 0) (i32.const 0)))
           (select (result i32) (local.get 0) (i32.const 6) (i32.ne (i32.const 0) (local.get 0)))
           (select (i64.const 7) (i64.const 8) (i32.eqz (i32.eqz (local.get 0)))))",
        &[
            (
                &[I32(0), I64(9)],
                Some(&[I32(3), I64(5), I32(6), I64(8)]),
                5 + 6 + 6 + 6,
            ),
            (
                &[I32(1), I64(9)],
                Some(&[I32(4), I64(9), I32(1), I64(7)]),
                5 + 6 + 6 + 6,
            ),
        ],
    ),
    (
        "unreachable in a callee, after work",
        "(func $fail (param i32)
           (if (local.get 0) (then (unreachable))))
         (func (export \"run\") (param i32)
           (drop (i32.mul (i32.const 1) (i32.const 2))) (call $fail (local.get 0)))",
        &[
            (&[I32(1)], None, (4 + 1 + 4) + (1 + 1) + 1),
            (&[I32(0)], Some(&[]), (4 + 1 + 4) + (1 + 1)),
        ],
    ),
];

const PLENTY: u64 = 10_000_000;

#[test]
fn gas_is_the_sum_of_what_ran() {
    let lanes = lanes();
    for (name, body, runs) in CASES {
        let module = wasm(&format!("(module {body})"));
        let instance = fusee_instrument::prepare(&module, &rules())
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
            .instantiation_gas
            .units();
        let counted = counted(&module, &Prices::round(), &rules());
        for (args, values, gas) in *runs {
            let ending = match values {
                Some(values) => Ending::Finished(values.to_vec()),
                None => Ending::Trapped(Trap::Unreachable),
            };
            let needed = instance + gas;
            let entry = "run";
            let run = |gas| {
                let call = Call { entry, args, gas };
                let verdict = agreed(&lanes, |lane| {
                    let prepared = lane.executor.prepare(&module, &rules()).unwrap();
                    Verdict::of(call.on(lane, &prepared))
                });
                let (counted, _) = count(&counted, call, 0);
                assert_eq!(counted, verdict, "{name}, {args:?}, counted");
                verdict
            };
            let expected = Verdict {
                ending,
                gas_used: needed,
            };
            assert_eq!(run(PLENTY), expected, "{name}, {args:?}");
            assert_eq!(run(needed), expected, "{name}, {args:?}, exactly enough");
            let out_of_gas = Verdict {
                ending: Ending::OutOfGas,
                gas_used: needed - 1,
            };
            assert_eq!(run(needed - 1), out_of_gas, "{name}, {args:?}, a unit less");
            if values.is_some() {
                let little = agreed(&lanes, |lane| {
                    let prepared = lane.executor.prepare(&module, &rules()).unwrap();
                    let request = RunRequest {
                        out_of_gas_policy: OutOfGasPolicy::Suspend,
                        ..lane.request(entry, args, Gas::new(instance))
                    };
                    let mut outcome = lane.executor.run(&prepared, request, host()).unwrap();
                    let mut parks = 0;
                    while let Outcome::GasEnd(ended) = outcome {
                        outcome = ended.resume_with(Gas::new(1)).unwrap();
                        parks += 1;
                    }
                    (Verdict::of(outcome), parks)
                });
                assert_eq!(little.0, expected, "{name}, {args:?}, a unit at a time");
                let gas = instance;
                let counted = count(&counted, Call { entry, args, gas }, 1);
                assert_eq!(counted, little, "{name}, {args:?}, counted");
            }
        }
    }
}

/// What an instance costs: 2,000, and 1,000 a page, 8 for each 64 bytes of data, 4 an element.
#[test]
fn an_instance_costs_by_what_it_declares() {
    let cases = [
        ("(module (func (export \"run\")))", 2_000),
        ("(module (memory 0 9) (func (export \"run\")))", 2_000),
        ("(module (memory 3) (func (export \"run\")))", 5_000),
        (
            "(module (memory 1) (data (i32.const 0) \"1\") (data \"22\") (func (export \"run\")))",
            3_008,
        ),
        (
            "(module (table 7 funcref) (func $run (export \"run\")) (elem (i32.const 1) $run $run))",
            2_000 + 9 * 4,
        ),
    ];
    for (wat, gas_used) in cases {
        let call = Call {
            entry: "run",
            args: &[],
            gas: PLENTY,
        };
        let verdict = check(&wasm(wat), call);
        let ending = Ending::Finished(Vec::new());
        assert_eq!(verdict, Verdict { ending, gas_used }, "{wat}");
        let too_little = Call {
            gas: gas_used - 1,
            ..call
        };
        assert_eq!(
            check(&wasm(wat), too_little).ending,
            Ending::OutOfGas,
            "{wat}"
        );
    }
}

/// The programs above are worth as much as the prices that they were added up with.
#[test]
fn the_schedules_are_known() {
    let versions = [
        (round::schedule(), expect_file!["golden/schedule_round.txt"]),
        (Schedule::v1(), expect_file!["golden/schedule_v1.txt"]),
        (Schedule::v2(), expect_file!["golden/schedule_v2.txt"]),
    ];
    for (schedule, expected) in versions {
        let table: String = schedule
            .operators()
            .map(|(name, price)| format!("{name} {price}\n"))
            .collect();
        expected.assert_eq(&format!(
            "{table}{:?}\n{:?}\n{:?}\n",
            schedule.dynamic, schedule.instance, schedule.frame
        ));
    }
    assert_eq!(Schedule::v2().operators().count(), OPERATORS.len());
}

/// One executor runs a program by two versions of the rules, by turns, and neither sees the other.
#[test]
fn two_versions_of_the_rules_live_side_by_side() {
    let module = wasm(
        "(module (memory 1)
           (func (export \"run\") (param i32) (result i32)
             (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (i32.load (local.get 0))))",
    );
    for lane in lanes() {
        let run = |rules: &Rules| {
            let prepared = lane.executor.prepare(&module, rules).unwrap();
            let call = Call {
                entry: "run",
                args: &[Value::I32(100)],
                gas: 1_000_000,
            };
            let verdict = Verdict::of(call.on(&lane, &prepared));
            assert_eq!(verdict.ending, Ending::Finished(vec![Value::I32(0)]));
            verdict.gas_used
        };
        let (first, second) = (round::rules(Vec::new()), Rules::v1(Vec::new()));
        let price = |rules: &Rules| {
            let program = prepare(&module, rules).unwrap();
            let operators: BTreeMap<_, _> = rules.schedule().operators().collect();
            let sum = |names: &[&str]| {
                names
                    .iter()
                    .map(|name| u64::from(operators[name]))
                    .sum::<u64>()
            };
            let round = sum(&["local.get", "i32.const", "i32.sub", "local.tee", "br_if"]);
            let rest = sum(&["loop", "end", "local.get", "i32.load", "end"]);
            program.instantiation_gas.units() + 100 * round + rest
        };
        for rules in [&first, &second, &first, &second] {
            assert_eq!(run(rules), price(rules), "{}", lane.name);
        }
        assert_ne!(run(&first), run(&second));
    }
}
