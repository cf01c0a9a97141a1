//! The page `docs/performance.md`: the rows of the group `executor`, and a picture of them.

#[cfg(test)]
mod tests;

use std::{
    fmt::{self, Write},
    fs,
    path::Path,
    thread,
};

use anyhow::Result;

use super::plot;
use crate::{machine, report::Row};

const INTRODUCTION: &str = "\
# Performance

What a call takes, from the bytes of a program to a call that waits for its host, beside the engines that we stand on
and the virtual machines of others. Everything here was measured in one run of

    cargo run --release --manifest-path bench/Cargo.toml -- executor --write

which wrote this page. Sides take turns; a figure is the median of its rounds. A *ratio* is our time over the peer's, the
median over the rounds with its quartiles: below 1, we are faster. What computing costs is the group `meter` of the same
program; [bench/README.md](../bench/README.md) tells how all of it is measured.

Ours counts gas exactly and checks every syscall. Wasmtime and wasmi stand for themselves: nothing is counted, and
Wasmtime takes instances from a pool whose pages stay resident. Wasmer has Singlepass and its metering, as
cosmwasm-vm uses it.
";

/// Rows whose names begin alike, and what there is to say about them.
struct Section {
    title: &'static str,
    prefixes: &'static [&'static str],
    remark: &'static str,
}

const SECTIONS: &[Section] = &[
    Section {
        title: "A call",
        prefixes: &["call/", "call-wasmi/"],
        remark: "`tiny` has a page and makes one host call. `hackatom` is the contract that cosmwasm-vm tests itself with, \
            296 kB, and is asked to `allocate`; cosmwasm-vm lets nobody call that, so that its figures are an instance \
            alone. `fresh` makes an instance for the call, and throws it away; `reused` calls one that is there. \
            Rows with `-wasmi` are ours on the interpreter.",
    },
    Section {
        title: "A transaction",
        prefixes: &["contract/"],
        remark: "Each machine's own example, on a state in memory: ours is a transfer of the token in `guests/`, from the \
            transaction to its receipt, always in a fresh instance; cosmwasm-vm's is `execute` of `hackatom`, without \
            what a chain does around it. They are not the same work.",
    },
    Section {
        title: "A syscall",
        prefixes: &["syscall/", "syscall-wasmi/"],
        remark: "Answered at once, or with the guest parked and resumed. Ours charges gas for each.",
    },
    Section {
        title: "The first answer",
        prefixes: &["deploy/", "restart/"],
        remark: "Of `hackatom`, in real time: from its bytes, and from what is on disk when a process starts again. \
            *Unchecked* artifacts are trusted as they lie there; cosmwasm-vm is not called.",
    },
    Section {
        title: "Calls a second",
        prefixes: &["threads/"],
        remark: "Fresh instances on one thread and on two, in real time; the unit is the time for each call.",
    },
    Section {
        title: "Calls that wait",
        prefixes: &["suspended/", "suspended-wasmi/"],
        remark: "What each of so many parked calls of `tiny` adds to the resident memory of its process.",
    },
];

/// Writes the page and its picture.
pub(crate) fn write(rows: &[Row]) -> Result<()> {
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    fs::write(docs.join("performance.svg"), plot::svg(rows))?;
    fs::write(docs.join("performance.md"), text(rows))?;
    Ok(())
}

fn text(rows: &[Row]) -> String {
    let mut page = String::from(INTRODUCTION);
    // Writing to a string does not fail.
    let _ = write_sections(&mut page, rows);
    page
}

fn write_sections(page: &mut String, rows: &[Row]) -> fmt::Result {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    writeln!(
        page,
        "\nMeasured on: {}, {threads} threads. With {}.\n",
        machine::processor(),
        versions()
    )?;
    writeln!(
        page,
        "![Times on a logarithmic scale](performance.svg)\n\nA point is a side of a row below, further left if it is faster; of cosmwasm-vm, there is one for each tier of its cache."
    )?;
    for section in SECTIONS {
        let rows: Vec<&Row> = rows.iter().filter(|row| section.holds(row)).collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(page, "\n## {}\n\n{}\n", section.title, section.remark)?;
        writeln!(page, "| | ours | peer | | ratio | quartiles |")?;
        writeln!(page, "|---|---|---|---|---|---|")?;
        let mut above = "";
        for row in rows {
            // A name and our figure stand beside the first of their peers.
            let (name, ours) = match row.name == above {
                true => (String::new(), String::new()),
                false => (format!("`{}`", row.name), figure(row.ours, row)),
            };
            above = &row.name;
            writeln!(
                page,
                "| {name} | {ours} | {} | {} | {:.2} | {:.2}..{:.2} |",
                figure(row.peer, row),
                row.peer_name,
                row.ratio,
                row.ratio_low,
                row.ratio_high,
            )?;
        }
    }
    Ok(())
}

impl Section {
    fn holds(&self, row: &Row) -> bool {
        self.prefixes
            .iter()
            .any(|prefix| row.name.starts_with(prefix))
    }
}

/// Three figures or so, with the unit; for threads, with the calls a second.
fn figure(number: f64, row: &Row) -> String {
    let text = plot::number(number);
    match row.name.starts_with("threads/") {
        true => format!("{text} {}, {:.0}/s", row.unit, 1e6 / number),
        false => format!("{text} {}", row.unit),
    }
}

/// The releases of the peers, from the files that pin them.
fn versions() -> String {
    let ours = include_str!("../../Cargo.lock");
    let theirs = include_str!("../../cosmwasm/Cargo.lock");
    let packages = [
        (ours, "wasmtime"),
        (ours, "wasmi"),
        (theirs, "wasmer"),
        (theirs, "cosmwasm-vm"),
    ];
    packages
        .map(|(lock, package)| format!("{package} {}", version(lock, package)))
        .join(", ")
}

fn version<'a>(lock: &'a str, package: &str) -> &'a str {
    let name = format!("name = \"{package}\"\nversion = \"");
    lock.split_once(&name)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("of an unknown release", |(version, _)| version)
}
