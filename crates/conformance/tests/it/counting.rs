//! The counting interpreter, where it is not enough that it agrees with the lanes on what they run anyway.

use fusee_conformance::{Ending, counting::Prices};
use fusee_engine::{Trap, Value};
use fusee_instrument::Schedule;

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
        let schedule = Schedule::v1();
        let mut operators = schedule.operators();
        let (_, price) = operators.find(|(known, _)| *known == name).unwrap();
        u64::from(price)
    };
    for (name, more) in [("i32.add", 1), ("local.get", 2), ("i32.sub", 0)] {
        let prices = Prices::current().with_operator(name, price(name) + 1);
        let (dearer, _) = count(&counted(&arith, &prices, &rules()), call, 0);
        assert_eq!(dearer.gas_used, verdict.gas_used + more, "{name}");
        assert_eq!(dearer.ending, verdict.ending, "{name}");
    }
}

/// Whether gas is looked at decides between two endings where a trap follows.
#[test]
fn the_head_of_a_loop_without_price_is_not_looked_at() {
    let module = wasm(
        "(module (func (export \"run\") (param i32) (result i32)
           (if (i32.const 1) (then (drop (i32.const 1)) (loop)))
           (i32.div_u (i32.const 1) (local.get 0))))",
    );
    let run = |gas| {
        let call = Call {
            entry: "run",
            args: &[Value::I32(0)],
            gas,
        };
        check(&module, call).ending
    };
    let division = Ending::Trapped(Trap::IntegerDivisionByZero);
    assert_eq!(run(2_001), Ending::OutOfGas);
    // The entry is paid for, and nothing behind it.
    assert_eq!(run(2_002), division);
    assert_eq!(run(3_000), division);
}
