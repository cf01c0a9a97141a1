//! The programs that are dearest to prepare and compile of all that the limits admit, and how dear
//! they are. On Linux:
//!
//!     cargo run --release -p fusee-conformance --example bombs -- [OPTION] [WORD...]
//!
//! Each shape with all the words in its name is grown as large as the limits admit, first in one
//! function and then in as many as fit, and measured on every engine.
//!
//!     --part N           in one function only, and an N-th of what is admitted there
//!     --files FILE...    measures these programs instead
//!     --counts FILE...   tells the most that there is in a function of these programs
//!     --seconds N        ends a measurement after N seconds, where 60 is the default
//!     --search M DIR     searches for M minutes for programs that are dearer than any shape, and
//!                        writes the dearest ones into a directory
//!
//! Times are milliseconds of one processor; `ns/u` is nanoseconds for a unit of what compiling may
//! take. Compiled bytes and peaks of memory are those of a process that does nothing else.
#![allow(clippy::print_stdout, reason = "a program for people")]

mod counts;
mod measure;
mod search;
mod shapes;

use std::fs;

use fusee_instrument::{Limits, prepare};

use crate::{
    measure::{CHILD, measure, rules},
    shapes::{SHAPES, Shape},
};

/// More than any limit admits in one function.
const MOST_REPEATS: u32 = 1 << 18;

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut seconds = 60;
    if let Some(position) = args.iter().position(|arg| arg == "--seconds") {
        let number = args.drain(position..=position + 1).nth(1);
        seconds = number.expect("a number").parse().expect("a number");
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match *words {
        [CHILD, engine, seconds] => measure::child(engine, seconds.parse().expect("a number")),
        ["--files", ref files @ ..] => {
            heading();
            for file in files {
                let wasm = fs::read(file).expect("the file can be read");
                let name = file.rsplit('/').next().unwrap_or(file);
                row(name, "", &wasm, seconds);
            }
        }
        ["--counts", ref files @ ..] => counts::tell(files),
        ["--search", minutes, directory] => {
            search::search(minutes.parse().expect("a number"), directory, seconds);
        }
        ["--part", part, ref words @ ..] => {
            heading();
            let part: u32 = part.parse().expect("a number");
            for shape in chosen(words) {
                grown(shape, most_repeats(shape) / part, 1, seconds);
            }
        }
        ref words => {
            heading();
            for shape in chosen(words) {
                let most = most_repeats(shape);
                grown(shape, most, 1, seconds);
                grown(shape, most, most_functions(shape, most), seconds);
            }
        }
    }
}

fn chosen(words: &[&str]) -> impl Iterator<Item = &'static Shape> {
    SHAPES
        .iter()
        .filter(|shape| words.iter().all(|word| shape.name.contains(word)))
}

fn heading() {
    println!(
        "{:<38} {:>16} {:>9} {:>9} {:>9} {:>9} {:>10} | {:>7} {:>9} {:>5} {:>9} {:>6} | {:>7} {:>6}",
        "", "", "", "", "", "may", "take", "", "wasmtime", "", "", "", "wasmi", ""
    );
    println!(
        "{:<38} {:>16} {:>9} {:>9} {:>9} {:>9} {:>10} | {:>7} {:>9} {:>5} {:>9} {:>6} | {:>7} {:>6}",
        "shape",
        "repeats x funcs",
        "bytes",
        "metered",
        "work",
        "plain",
        "optimized",
        "prepare",
        "compile",
        "ns/u",
        "compiled",
        "MiB",
        "compile",
        "MiB"
    );
}

fn grown(shape: &Shape, repeats: u32, functions: u32, seconds: u64) {
    let wasm = shape.program(&Limits::v1(), repeats, functions);
    row(
        shape.name,
        &format!("{repeats} x {functions}"),
        &wasm,
        seconds,
    );
}

fn row(name: &str, size: &str, wasm: &[u8], seconds: u64) {
    let of_wasmtime = match measure("wasmtime", wasm, seconds) {
        Ok(found) => format!(
            "{:>9} {:>9} {:>9} {:>10} | {:>7} {:>9} {:>5} {:>9} {:>6}",
            found.metered_bytes,
            found.work,
            found.plain,
            found.optimized,
            found.prepare_ms,
            found.compile_ms,
            found.compile_ms.saturating_mul(1_000_000) / found.may_take.max(1),
            found.compiled_bytes,
            found.peak_kibibytes >> 10
        ),
        Err(why) => format!("{:>40} | {why:>40}", ""),
    };
    let of_wasmi = match measure("wasmi", wasm, seconds) {
        Ok(found) => format!("{:>7} {:>6}", found.compile_ms, found.peak_kibibytes >> 10),
        Err(why) => why,
    };
    println!(
        "{name:<38} {size:>16} {:>9} {of_wasmtime} | {of_wasmi}",
        wasm.len()
    );
}

/// How often a shape can be in one function.
fn most_repeats(shape: &Shape) -> u32 {
    most(MOST_REPEATS, |repeats| {
        is_admitted(&shape.program(&Limits::v1(), repeats, 1))
    })
}

/// How many such functions can be in a program.
fn most_functions(shape: &Shape, repeats: u32) -> u32 {
    most(MOST_REPEATS, |functions| {
        is_admitted(&shape.program(&Limits::v1(), repeats, functions))
    })
}

/// The largest number up to a bound that is admitted, if all smaller ones are.
pub(crate) fn most(bound: u32, is_admitted: impl Fn(u32) -> bool) -> u32 {
    let mut refused = 1;
    while refused < bound && is_admitted(refused) {
        refused *= 2;
    }
    let mut admitted = refused / 2;
    while refused - admitted > 1 {
        let between = admitted.midpoint(refused);
        if is_admitted(between) {
            admitted = between;
        } else {
            refused = between;
        }
    }
    admitted
}

fn is_admitted(wasm: &[u8]) -> bool {
    prepare(wasm, &rules(wasm)).is_ok()
}
