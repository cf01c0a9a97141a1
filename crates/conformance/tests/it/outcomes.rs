//! Each way out of a run, on every lane.

use fusee_conformance::{Ending, NoHost, Verdict, lanes};
use fusee_engine::{Gas, Trap, Value};
use fusee_instrument::Rules;

fn check(wat: &str, entry: &str, args: &[Value], gas: u64) -> Verdict {
    let wasm = wat::parse_str(wat).unwrap();
    let rules = Rules::v1(Vec::new());
    let mut first: Option<(&str, Verdict)> = None;
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm, &rules).unwrap();
        let request = lane.request(entry, args, Gas::new(gas));
        let outcome = lane
            .executor
            .run(&prepared, request, Box::new(NoHost))
            .unwrap();
        let verdict = Verdict::of(outcome);
        match &first {
            Some((name, expected)) => {
                assert_eq!(verdict, *expected, "{} against {name}", lane.name)
            }
            None => first = Some((lane.name, verdict)),
        }
    }
    first.unwrap().1
}

const ARITH: &str = r#"(module
  (memory 1)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func $fac (export "fac") (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0)) (then i64.const 1)
      (else (i64.mul (local.get 0) (call $fac (i64.sub (local.get 0) (i64.const 1)))))))
  (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "spin") (loop br 0))
  (func $recurse (export "recurse") call $recurse)
  (func (export "crash") unreachable)
  (func (export "oob") (result i32) (i32.load (i32.const 70000)))
  (func (export "early") (param i32) (result i32)
    (block (br_if 1 (i32.const 7) (local.get 0)) drop) (return (i32.const 8)))
  (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
)"#;

#[test]
fn runs_end_alike_on_every_lane() {
    let run = |entry: &str, args: &[Value]| check(ARITH, entry, args, 1_000_000);
    assert_eq!(
        run("add", &[Value::I32(2), Value::I32(3)]).ending,
        Ending::Finished(vec![Value::I32(5)])
    );
    assert_eq!(
        run("fac", &[Value::I64(20)]).ending,
        Ending::Finished(vec![Value::I64(2432902008176640000)])
    );
    assert_eq!(
        run("swap", &[Value::I32(1), Value::I64(2)]).ending,
        Ending::Finished(vec![Value::I64(2), Value::I32(1)])
    );
    assert_eq!(
        run("early", &[Value::I32(1)]).ending,
        Ending::Finished(vec![Value::I32(7)])
    );
    assert_eq!(
        run("early", &[Value::I32(0)]).ending,
        Ending::Finished(vec![Value::I32(8)])
    );
    assert_eq!(
        run("grow", &[Value::I32(1)]).ending,
        Ending::Finished(vec![Value::I32(1)])
    );
    assert_eq!(run("grow", &[Value::I32(100_000)]).ending, Ending::OutOfGas);
    assert_eq!(
        run("spin", &[]),
        Verdict {
            ending: Ending::OutOfGas,
            gas_used: 1_000_000
        }
    );
    assert_eq!(
        run("recurse", &[]).ending,
        Ending::Trapped(Trap::StackOverflow)
    );
    assert_eq!(run("crash", &[]).ending, Ending::Trapped(Trap::Unreachable));
    assert_eq!(
        run("oob", &[]),
        Verdict {
            ending: Ending::Trapped(Trap::MemoryOutOfBounds),
            gas_used: 1_000_000
        }
    );
    assert_eq!(
        run("div", &[Value::I32(1), Value::I32(0)]).ending,
        Ending::Trapped(Trap::IntegerDivisionByZero)
    );
}
