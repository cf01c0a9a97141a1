//! Tests of the counting interpreter that go beyond its agreement with the lanes.

use fusee_conformance::{Ending, counting::Prices, round};
use fusee_engine::{Trap, Value};
use fusee_instrument::Limits;

use crate::guest::{Call, check, compiled, count, counted, rules, wasm};

/// It reads its prices from the page, and not from where the meter has them.
#[test]
fn another_price_is_noticed() {
    let arith = compiled("arith");
    let call = Call {
        entry: "add",
        args: &[Value::I32(2), Value::I32(3)],
        gas: 1_000_000,
    };
    let verdict = check(&arith, call);
    let price = |name| {
        let schedule = round::schedule();
        let mut operators = schedule.operators();
        let (_, price) = operators.find(|(known, _)| *known == name).unwrap();
        u64::from(price)
    };
    for (name, more) in [("i32.add", 1), ("local.get", 2), ("i32.sub", 0)] {
        let prices = Prices::round().with_operator(name, price(name) + 1);
        let (dearer, _) = count(&counted(&arith, &prices, &rules()), call, 0);
        assert_eq!(dearer.gas_used, verdict.gas_used + more, "{name}");
        assert_eq!(dearer.ending, verdict.ending, "{name}");
    }
}

/// A gas check before a trap decides whether the run is out of gas or traps.
#[test]
fn the_head_of_a_loop_is_looked_at_where_a_round_could_pass_no_look() {
    // The body of a loop, and the least gas with which the run reaches the division: 3,002 for the
    // entry, plus the cost up to the head of the loop if there is a gas check.
    let cases = [
        ("", 3_002),
        ("(br_if 0 (i32.const 0))", 3_005),
        ("(call $leaf) (br_if 0 (i32.const 0))", 3_009),
        ("(br_if 0 (i32.const 0)) (call $leaf)", 3_009),
        (
            "(if (i32.const 0) (then (call $leaf))) (br_if 0 (i32.const 0))",
            3_005,
        ),
        (
            "(block (br_if 0 (i32.const 1)) (loop (br_if 0 (i32.const 0))) (br_if 1 (i32.const 0)))",
            3_002,
        ),
        (
            "(block (br_if 0 (i32.const 1)) (loop (br_if 0 (i32.const 0)) (br_if 1 (i32.const 0))))",
            3_002,
        ),
    ];
    let mut found = Vec::new();
    for (inside, _) in cases {
        let module = wasm(&format!(
            "(module
               (memory 1)
               (func $leaf)
               (func (export \"run\") (param i32) (result i32)
                 (if (i32.const 1) (then (loop (drop (i32.const 1)) {inside})))
                 (i32.div_u (i32.const 1) (local.get 0))))"
        ));
        let run = |gas| {
            let call = Call {
                entry: "run",
                args: &[Value::I32(0)],
                gas,
            };
            check(&module, call).ending
        };
        // The least gas with which the run comes to the division: there, nothing tells what was
        // charged.
        let least = (3_000..3_030).find(|gas| run(*gas) != Ending::OutOfGas);
        let division = Ending::Trapped(Trap::IntegerDivisionByZero);
        assert_eq!(run(least.unwrap()), division, "{inside}");
        found.push((inside, least.unwrap()));
    }
    assert_eq!(found, cases);
}

/// A guest may ask for any number of pages, and pays for no more than a memory can have.
#[test]
fn pages_beyond_those_of_any_memory_cost_nothing() {
    let module = wasm(
        "(module (memory 1)
           (func (export \"run\") (param i32) (result i32) (memory.grow (local.get 0))))",
    );
    let gas_used = |pages: u32| {
        let call = Call {
            entry: "run",
            args: &[Value::I32(pages.cast_signed())],
            gas: 1 << 40,
        };
        let verdict = check(&module, call);
        assert_eq!(verdict.ending, Ending::Finished(vec![Value::I32(-1)]));
        verdict.gas_used
    };
    assert_eq!(gas_used(65_536), gas_used(u32::MAX));
    assert!(gas_used(65_535) < gas_used(65_536));
}

/// The depth at which a function that calls itself overflows, and what it takes there to call a
/// leaf, are told by the frames alone.
#[test]
fn only_functions_that_call_take_stack() {
    let module = wasm(
        "(module
           (func $leaf (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
             (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64))
           (func $down (export \"run\") (param i32)
             (if (local.get 0)
               (then (call $down (i32.sub (local.get 0) (i32.const 1))))
               (else (call $leaf (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)
                       (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)
                       (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))))))",
    );
    let ending = |depth: i32| {
        let args = &[Value::I32(depth)];
        let call = Call {
            entry: "run",
            args,
            gas: 1_000_000,
        };
        check(&module, call).ending
    };
    // A parameter, 16 operands at most, 26 operators.
    let size = round::schedule().frame;
    let frame = size.base + size.slot * (1 + 16) + size.eight_operators * 4;
    let frames = Limits::v1().stack_bytes / u64::from(frame);
    let frames = i32::try_from(frames).unwrap();
    assert_eq!(ending(frames - 1), Ending::Finished(Vec::new()));
    assert_eq!(ending(frames), Ending::Trapped(Trap::StackOverflow));
}

/// The guest's counter holds less than a run can be given.
#[test]
fn gas_beyond_what_a_counter_holds_is_counted() {
    let module = wasm(
        "(module
           (import \"env\" \"charge\" (func $charge (param i64)))
           (import \"env\" \"gas\" (func $gas (result i64)))
           (func $work (param i32)
             (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
           (func (export \"run\") (param i64) (result i64 i64)
             (call $work (i32.const 50))
             (call $gas)
             (call $charge (local.get 0))
             (call $work (i32.const 50))
             (call $gas)))",
    );
    let most = i64::MAX.unsigned_abs();
    let mut finished = 0;
    for gas in [most, most - 1, 1 << 62, 1 << 46, 1 << 45, (1 << 44) - 1] {
        for charged in [
            0,
            1 << 43,
            1 << 44,
            1 << 45,
            1 << 46,
            1 << 62,
            most - 5_000,
            most,
        ] {
            let args = &[Value::I64(charged.cast_signed())];
            let entry = "run";
            let verdict = check(&module, Call { entry, args, gas });
            finished += u32::from(matches!(verdict.ending, Ending::Finished(_)));
        }
    }
    assert!(finished > 10);
}
