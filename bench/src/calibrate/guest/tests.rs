//! Every pattern is a program that runs.

use fusee::sandbox::Schedule;

use super::{guest, patterns};
use crate::calibrate::ENGINES;

const FLOATS: &[&str] = &[
    "load",
    "store",
    "const",
    "eq",
    "ne",
    "lt",
    "gt",
    "le",
    "ge",
    "abs",
    "neg",
    "ceil",
    "floor",
    "trunc",
    "nearest",
    "sqrt",
    "add",
    "sub",
    "mul",
    "div",
    "min",
    "max",
    "copysign",
    "convert_i32_s",
    "convert_i32_u",
    "convert_i64_s",
    "convert_i64_u",
];

const OF_BOTH: &[&str] = &[
    "f32.demote_f64",
    "f64.promote_f32",
    "i32.reinterpret_f32",
    "i64.reinterpret_f64",
    "f32.reinterpret_i32",
    "f64.reinterpret_i64",
];

/// Those of the schedule, and floating point whether or not it is in there.
fn names() -> Vec<String> {
    let mut names: Vec<String> = OF_BOTH.iter().map(|name| (*name).into()).collect();
    names.extend(Schedule::v2().operators().map(|(name, _)| name.to_owned()));
    for float in ["f32", "f64"] {
        names.extend(
            FLOATS
                .iter()
                .map(|operation| format!("{float}.{operation}")),
        );
        for integer in ["i32", "i64"] {
            for sign in ["s", "u"] {
                names.push(format!("{integer}.trunc_{float}_{sign}"));
                names.push(format!("{integer}.trunc_sat_{float}_{sign}"));
            }
        }
    }
    names
}

#[test]
fn every_operator_is_repeated_by_a_guest_that_runs() {
    for name in names() {
        let found = patterns(&name).unwrap_or_else(|| panic!("no pattern for {name}"));
        for pattern in found {
            let wasm = guest(Some(&pattern)).unwrap_or_else(|error| panic!("{name}: {error}"));
            for engine in &ENGINES {
                let mut run =
                    (engine.bare)(&wasm).unwrap_or_else(|error| panic!("{name}: {error}"));
                run(3).unwrap_or_else(|error| panic!("{name} on {}: {error}", engine.name));
            }
            for other in &pattern.less {
                assert!(patterns(other).is_some(), "{name} needs {other}");
            }
        }
    }
}
