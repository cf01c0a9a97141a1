//! The page `docs/calibration.md`: what was measured, and what follows.

use std::fmt::Write;

use super::{
    Calibration, ENGINES, Fairness, Item, Kind, MOST, PerEngine, UNMETERED, prices::grouped,
};
use crate::machine;

const INTRODUCTION: &str = "\
# Calibration

The measured time of everything that has a price, on each engine. `cargo xtask calibrate --write` writes
this page. The prices of operators are in `crates/instrument/src/schedule.rs`, those of
syscalls in `crates/contract/src/rules.rs`.

One gas is the time of a cheap operator: the median of integer additions, subtractions, shifts,
rotations and bitwise operations, in dependency chains. Each engine has its own time for this unit. The
column *relative* is the time of an item in units, on the engine where it takes more units. The proposed
price is that number rounded up, where up to a quarter of a unit is ignored as noise. Operators that do
the same for other types, signs and widths have one price, that of the slowest. Only structural
operators are free.

An engine on which most operators are cheap for their gas, because they are slow on the other engine,
would make its own slow operators stand out. The unit of that engine is therefore divided by the weight
below, until the prices are as fair as possible.

Operators are repeated in a loop of an unmetered guest. Each depends on the result of the previous one,
or, where that is impossible, is independent. The time of the loop, and of other operators that a
pattern needs, is subtracted. Operands are hot: in registers or the first-level cache, and predicted.
Divisions have long quotients. Products and quotients of floats are also measured with subnormal
numbers. Floating-point operators include the canonicalisation of NaNs. Operators that a compiler
eliminates take no time. Times are CPU times of the thread, at the lower quartile of interleaved rounds.
";

/// The page, with how fair the prices are that there are, and those that are proposed.
pub(super) fn text(calibration: &Calibration, fairness: &[PerEngine<Fairness>; 2]) -> String {
    let mut page = String::from(INTRODUCTION);
    // Writing to a string does not fail.
    let _ = write(&mut page, calibration, fairness);
    page
}

fn write(
    page: &mut String,
    calibration: &Calibration,
    fairness: &[PerEngine<Fairness>; 2],
) -> std::fmt::Result {
    let (date, processor) = (machine::date(), machine::processor());
    writeln!(page, "\nMeasured on {date}: {processor}.\n")?;
    writeln!(
        page,
        "| engine | ns of a cheap operator | weight | ns of one gas |"
    )?;
    writeln!(page, "|---|---|---|---|")?;
    for ((engine, cheap), unit) in ENGINES.iter().zip(calibration.cheap).zip(calibration.unit) {
        let weight = cheap / unit;
        writeln!(
            page,
            "| {} | {cheap:.3} | {weight:.2} | {unit:.3} |",
            engine.name
        )?;
    }
    writeln!(page, "\n## Fairness\n")?;
    writeln!(
        page,
        "At the proposed prices, no operator may take more than {MOST} times as long for its gas as the median.\n"
    )?;
    writeln!(
        page,
        "| engine | prices | median ns for a gas | dearest operator | medians |"
    )?;
    writeln!(page, "|---|---|---|---|---|")?;
    let [now, proposed] = fairness;
    for (prices, engines) in [("now", now), ("proposed", proposed)] {
        for Fairness {
            engine,
            median,
            worst,
            ratio,
        } in engines
        {
            writeln!(
                page,
                "| {engine} | {prices} | {median:.3} | `{worst}` | {ratio:.2} |"
            )?;
        }
    }
    for (kind, title, remark) in [
        (Kind::Operator, "Operators", UNMETERED),
        (
            Kind::Length,
            "Lengths",
            "Fields of `Dynamic`. A price is the maximum of its rows.",
        ),
        (
            Kind::Instance,
            "Instances",
            "Fields of `InstancePrices`, measured through the executor, with the call of an empty function.",
        ),
        (
            Kind::Syscall,
            "Syscalls",
            "In a contract, on a state in memory: a disk comes on top, so that a price is not lowered for \
             what stands here. `call` is without the callee's instance. These prices are changed by hand.",
        ),
        (
            Kind::SyscallByte,
            "Bytes of syscalls",
            "The same, for each byte.",
        ),
    ] {
        writeln!(page, "\n## {title}\n\n{remark}\n")?;
        writeln!(
            page,
            "| | ns on wasmtime | ns on wasmi | relative | price now | proposed |"
        )?;
        writeln!(page, "|---|---|---|---|---|---|")?;
        for item in calibration.items.iter().filter(|item| item.kind == kind) {
            row(page, calibration, item)?;
        }
    }
    Ok(())
}

fn row(page: &mut String, calibration: &Calibration, item: &Item) -> std::fmt::Result {
    let [wasmtime, wasmi] = item.time.map(number);
    let (now, new) = (item.now, item.price);
    let mark = if now == new { "" } else { "**" };
    let remark = match item.remark.as_str() {
        "" => String::new(),
        remark => format!(", {remark}"),
    };
    writeln!(
        page,
        "| `{}`{remark} | {wasmtime} | {wasmi} | {} | {} | {mark}{}{mark} |",
        item.name,
        number(calibration.relative(item)),
        grouped(now),
        grouped(new),
    )
}

/// Three figures or so; nothing for what was not measured.
fn number(number: f64) -> String {
    if number.is_nan() {
        return String::from("-");
    }
    let decimals = match number {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}
