//! Entries of every signature: engines call the common ones by static types, and the others not.

use std::fmt::Write;

use fusee_conformance::{Ending, agreed, lanes};
use fusee_engine::{Gas, Value};
use fusee_executor::Outcome;
use fusee_instrument::Floats;

use crate::guest::{host, rules, wasm};

const GAS: Gas = Gas::new(1_000_000);

/// Up to three parameters of these types, and a result of one of them or none.
const TYPES: [&str; 4] = ["i32", "i64", "f32", "f64"];

/// The types of the parameters of each entry.
fn params() -> Vec<Vec<&'static str>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..3 {
        let longer = |params: &Vec<&'static str>| {
            TYPES.map(|last| params.iter().copied().chain([last]).collect::<Vec<_>>())
        };
        last = last.iter().flat_map(longer).collect();
        all.extend(last.clone());
    }
    all
}

fn value(name: &str, number: i16) -> Value {
    match name {
        "i32" => Value::I32(i32::from(number) - 2),
        "i64" => Value::I64(i64::from(number) << 33),
        "f32" => Value::F32((f32::from(number) / 3.0).to_bits()),
        _ => Value::F64((f64::from(number) / 3.0).to_bits()),
    }
}

/// An entry that waits, and returns its last parameter of the type of its result.
fn entry(params: &[&str], result: &str) -> String {
    let mut text = format!("(func (export \"{}\")", name(params, result));
    for param in params {
        write!(text, " (param {param})").unwrap();
    }
    match params.iter().rposition(|param| *param == result) {
        Some(last) => write!(
            text,
            " (result {result}) (drop (call $wait (i64.const 0))) (local.get {last}))"
        ),
        None if result.is_empty() => write!(text, " (drop (call $wait (i64.const 0))))"),
        None => write!(
            text,
            " (result {result}) (drop (call $wait (i64.const 0))) ({result}.const 7))"
        ),
    }
    .unwrap();
    text
}

fn name(params: &[&str], result: &str) -> String {
    format!("{}-{result}", params.join("-"))
}

#[test]
fn an_entry_of_every_signature_takes_its_arguments_and_returns_its_result() {
    let results: Vec<&str> = TYPES.into_iter().chain([""]).collect();
    let mut text = "(module (import \"env\" \"wait\" (func $wait (param i64) (result i64)))".into();
    for params in params() {
        for result in &results {
            text = format!("{text}\n  {}", entry(&params, result));
        }
    }
    let program = wasm(&format!("{text})"));
    let rules = rules().with_floats(Floats::Canonical);
    let lanes = lanes();
    for params in params() {
        let numbers = (1..).zip(&params);
        let args: Vec<Value> = numbers.map(|(n, name)| value(name, n)).collect();
        for result in &results {
            let expected = match params.iter().rposition(|param| param == result) {
                Some(last) => vec![args[last]],
                None if result.is_empty() => Vec::new(),
                None => vec![match *result {
                    "i32" => Value::I32(7),
                    "i64" => Value::I64(7),
                    "f32" => Value::F32(7_f32.to_bits()),
                    _ => Value::F64(7_f64.to_bits()),
                }],
            };
            let entry = name(&params, result);
            let verdict = agreed(&lanes, |lane| {
                let prepared = lane.executor.prepare(&program, &rules).unwrap();
                let request = || lane.request(&entry, &args, GAS);
                let run = lane.executor.run(&prepared, request(), host());
                // Once more in the same instance, which has looked the entry up by then.
                let Outcome::Finished(finished) = answered(run.unwrap()) else {
                    panic!("`{entry}` does not finish on {}", lane.name);
                };
                assert_eq!(finished.values(), expected, "`{entry}` on {}", lane.name);
                let (live, _) = finished.into_instance();
                let again = live.unwrap().run(request(), host());
                fusee_conformance::Verdict::of(answered(again.unwrap()))
            });
            assert_eq!(verdict.ending, Ending::Finished(expected), "`{entry}`");
        }
    }
}

fn answered<H: fusee_engine::Host + std::fmt::Debug>(outcome: Outcome<H>) -> Outcome<H> {
    match outcome {
        Outcome::Syscall(suspended) => suspended.resume(0).unwrap(),
        other => panic!("{other:?}"),
    }
}
