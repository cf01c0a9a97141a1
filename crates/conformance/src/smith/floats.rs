//! Generates programs that are mostly floating-point arithmetic.
//!
//! Programs by `wasm-smith` rarely compute a NaN, and more rarely expose its bits. Here every
//! function is a sequence of operators on numbers of which half are NaNs, and stores its results in
//! memory.

use std::fmt::Write;

use crate::Random;

/// Number of functions of a program.
const FUNCTIONS: usize = 12;

/// Size of the memory for the results of one function in bytes.
const ROOM: u64 = 1 << 16;

/// The numeric types, which are also the types of the parameters and of the locals after them.
const TYPES: [&str; 4] = ["i32", "i64", "f32", "f64"];

/// An operator, or a short sequence of them.
struct Step {
    code: String,
    takes: Vec<&'static str>,
    gives: &'static str,
}

/// Generates a program in the text format.
pub(super) fn make(random: &mut Random) -> String {
    let steps = steps();
    let mut module = "(module (memory (export \"memory\") 1)\n".to_owned();
    for index in 0..FUNCTIONS {
        let body = body(random, &steps);
        let types = TYPES.join(" ");
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            module,
            "(func (export \"f{index}\") (param {types}) (local {types})\n{body})"
        );
    }
    module + ")"
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut add = |code: String, takes: &[&'static str], gives| {
        steps.push(Step {
            code,
            takes: takes.to_vec(),
            gives,
        });
    };
    for (float, int, other) in [("f32", "i32", "f64"), ("f64", "i64", "f32")] {
        for name in [
            "abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt", "sqrt",
        ] {
            add(format!("{float}.{name}"), &[float], float);
        }
        for name in [
            "add", "sub", "mul", "div", "min", "max", "copysign", "add", "div",
        ] {
            add(format!("{float}.{name}"), &[float, float], float);
        }
        for name in ["eq", "ne", "lt", "gt", "le", "ge"] {
            add(format!("{float}.{name}"), &[float, float], "i32");
        }
        for integer in ["i32", "i64"] {
            for sign in ["s", "u"] {
                let convert = format!("{float}.convert_{integer}_{sign}");
                add(convert, &[integer], float);
                let truncate = format!("{integer}.trunc_sat_{float}_{sign}");
                add(truncate, &[float], integer);
            }
        }
        add(format!("{float}.reinterpret_{int}"), &[int], float);
        add(format!("{int}.reinterpret_{float}"), &[float], int);
        let convert = if float == "f32" {
            "demote_f64"
        } else {
            "promote_f32"
        };
        add(format!("{float}.{convert}"), &[other], float);
        add("select".to_owned(), &[float, float, "i32"], float);
        let block = format!("block (param {float}) (result {float})");
        add(
            format!("{block} local.get 0 br_if 0 {float}.sqrt end"),
            &[float],
            float,
        );
        let either =
            format!("if (param {float}) (result {float}) {float}.neg else {float}.sqrt end");
        add(either, &[float, "i32"], float);
    }
    steps
}

fn body(random: &mut Random, steps: &[Step]) -> String {
    let mut body = String::new();
    let mut stack: Vec<&'static str> = Vec::new();
    let mut line = |code: &str| {
        body.push_str(code);
        body.push('\n');
    };
    for _ in 0..20 + random.below(60) {
        let fitting: Vec<&Step> = steps
            .iter()
            .filter(|step| stack.ends_with(&step.takes))
            .collect();
        match (pick(random, &fitting), random.below(4), stack.last()) {
            (Some(step), 1.., _) => {
                line(&step.code);
                stack.truncate(stack.len().saturating_sub(step.takes.len()));
                stack.push(step.gives);
            }
            (_, 0, Some(top)) if random.below(3) == 0 => {
                line(&format!("local.tee {}", local(random, top)));
            }
            _ => {
                let given = pick(random, &TYPES).unwrap_or("f64");
                line(&format!("local.get {}", local(random, given)));
                stack.push(given);
            }
        }
    }
    let mut address = random.below(ROOM / 1024) * 8;
    for top in stack.iter().rev() {
        let index = local(random, top);
        line(&format!(
            "local.set {index} i32.const {address} local.get {index} {top}.store"
        ));
        address += 8;
    }
    body
}

/// A parameter or local of this type.
fn local(random: &mut Random, of: &str) -> usize {
    let index = TYPES.iter().position(|name| *name == of).unwrap_or(0);
    match random.below(2) {
        0 => index,
        _ => index.saturating_add(TYPES.len()),
    }
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> Option<T> {
    let count = u64::try_from(from.len()).ok().filter(|count| *count > 0)?;
    from.get(usize::try_from(random.below(count)).ok()?)
        .copied()
}
