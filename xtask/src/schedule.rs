//! The reference pages of the prices, one for each version, made from the tables in
//! `fusee-instrument`.
//!
//! Somebody who implements gas again needs one of these pages and `docs/book/src/gas.md`, and
//! nothing else. The counting interpreter of `fusee-conformance` does so: it reads its prices from
//! them.

use fusee_instrument::{Limits, MAX_PAGES, Schedule};

use crate::page::{Page, line};

pub(crate) const PAGES: [Page; 2] = [
    Page {
        path: "docs/schedule-v1.md",
        command: "schedule",
        text: || page(&Schedule::v1(), &Limits::v1()),
    },
    Page {
        path: "docs/schedule-v2.md",
        command: "schedule",
        text: || page(&Schedule::v2(), &Limits::v1()),
    },
];

const INTRODUCTION: &str = "\
<!-- Written by `cargo xtask schedule` from crates/instrument. Change the tables there, not this page. -->

# Schedule
";

const LENGTHS: &str = "
## Lengths

What an operator costs beside its price below, by the number on top of its operands: the price for each
unit, or part of one. A greater number than the most counts as the most. The price of `memory.grow` is
the one for *far* if the memory would have more than the resident pages of an instance afterwards.

| operator | unit | price | most |
|---|---:|---:|---:|
";

const INSTANCE: &str = "
## Instance

| name | price | for |
|---|---:|---|
";

const FRAME: &str = "
## Frame

| name | bytes | for |
|---|---:|---|
";

const LIMITS: &str = "
## Limits

The most that a program may have. What would exceed one of them is refused before it runs, except that memory
and tables cannot be grown further, and that what needs more stack ends in a stack overflow.

| name | at most |
|---|---:|
";

const OPERATORS: &str = "
## Operators

Those that are admitted, by their names in the text format. `select t` is the `select` that names its type.

| operator | price |
|---|---:|
";

fn page(schedule: &Schedule, limits: &Limits) -> String {
    let mut page = INTRODUCTION.to_owned();
    line(
        &mut page,
        format_args!(
            "\nThe numbers of version {}; what they mean is in [gas.md](book/src/gas.md).",
            schedule.version
        ),
    );
    page.push_str(&lengths(schedule, limits));
    page.push_str(&instance(schedule));
    page.push_str(&frame(schedule));
    page.push_str(&limits_table(limits));
    page.push_str(&operators(schedule));
    page
}

fn lengths(schedule: &Schedule, limits: &Limits) -> String {
    let prices = schedule.dynamic;
    let bulk = (64, prices.bulk_64_bytes);
    let elements = (1, prices.table_element);
    let rows = [
        ("memory.grow", (1, prices.grow_page)),
        ("memory.grow, far", (1, prices.grow_far_page)),
        ("memory.fill", bulk),
        ("memory.copy", bulk),
        ("memory.init", bulk),
        ("table.fill", elements),
        ("table.copy", elements),
        ("table.init", elements),
    ];
    let mut text = LENGTHS.to_owned();
    for (name, (unit, price)) in rows {
        let most = match name {
            "memory.grow" | "memory.grow, far" => MAX_PAGES,
            _ => u64::from(u32::MAX),
        };
        line(
            &mut text,
            format_args!("| `{name}` | {unit} | {price} | {most} |"),
        );
    }
    let has_table_grow = schedule.operators().any(|(name, _)| name == "table.grow");
    if has_table_grow {
        let (price, most) = (prices.grow_element, limits.table_elements);
        line(
            &mut text,
            format_args!("| `table.grow` | 1 | {price} | {most} |"),
        );
    }
    text
}

fn instance(schedule: &Schedule) -> String {
    let prices = schedule.instance;
    let rows = [
        ("base", prices.base, "any instance"),
        ("memory", prices.memory, "a memory"),
        ("page", prices.page, "a resident page of initial memory"),
        (
            "far_page",
            prices.far_page,
            "a page of initial memory beyond",
        ),
        (
            "data",
            prices.data_64_bytes,
            "64 bytes, or part of them, of all data segments together",
        ),
        (
            "segment",
            prices.segment,
            "a data segment or element segment",
        ),
        ("table", prices.table, "a table"),
        (
            "element",
            prices.table_element,
            "an element of a table's initial size, or of an element segment",
        ),
        (
            "function",
            prices.function,
            "a function, imported ones included",
        ),
        ("global", prices.global, "a global"),
        ("export", prices.export, "an export"),
        (
            "resident_pages",
            schedule.resident_pages,
            "not a price: how many pages of a memory are resident",
        ),
    ];
    table(INSTANCE, &rows)
}

fn frame(schedule: &Schedule) -> String {
    let sizes = schedule.frame;
    let rows = [
        ("base", sizes.base, "any frame that counts"),
        (
            "slot",
            sizes.slot,
            "a parameter, a local, or an operand at the greatest height",
        ),
        (
            "eight_operators",
            sizes.eight_operators,
            "eight operators of the body, or part of them",
        ),
    ];
    table(FRAME, &rows)
}

fn table(heading: &str, rows: &[(&str, u32, &str)]) -> String {
    let mut text = heading.to_owned();
    for (name, number, meaning) in rows {
        line(
            &mut text,
            format_args!("| `{name}` | {number} | {meaning} |"),
        );
    }
    text
}

fn limits_table(limits: &Limits) -> String {
    let mut text = LIMITS.to_owned();
    for (name, most) in limits.iter() {
        line(&mut text, format_args!("| `{name}` | {most} |"));
    }
    text
}

fn operators(schedule: &Schedule) -> String {
    let mut text = OPERATORS.to_owned();
    for (name, price) in schedule.operators() {
        line(&mut text, format_args!("| `{name}` | {price} |"));
    }
    text
}

#[cfg(test)]
mod tests;
