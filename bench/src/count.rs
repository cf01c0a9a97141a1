//! The command `count`: instructions and system calls, which no load of the machine disturbs.
//!
//! Each kernel runs metered and bare, and each path (a call, a syscall, a nested VM) runs on ours
//! and on the bare engine, under callgrind. It counts what the runs alone take, not what the
//! compiler takes. The ratios of the instructions and our system calls are compared with
//! `golden/instructions.txt`, so that a change that makes metering or a path dearer fails on the
//! day it is made.

mod paths;
#[cfg(test)]
mod tests;

use std::{
    fmt::Write,
    fs, hint,
    path::Path,
    process::{self, Command},
    thread,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    Options,
    kernels::{Contender, KERNELS},
    ours, peers,
};

/// A line for each count: the engine, the kernel or path, the instructions metered over those bare,
/// and the system calls of one run.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/instructions.txt");

/// The only function in which instructions are counted, as callgrind knows it.
const COUNTED: &str = "fusee_bench::count::counted_run";

/// How far a count may be from the golden one.
#[derive(Clone, Copy)]
struct Tolerance {
    /// Of the ratio, as a part of it.
    ratio: f64,
    /// Of the system calls of one run, as a part of them,
    system_calls: f64,
    /// and beside that, as a number.
    more_system_calls: f64,
}

/// Of kernels, which allocate nothing while they run. The golden count of system calls has two
/// digits behind the point.
const EXACT: Tolerance = Tolerance {
    ratio: 0.01,
    system_calls: 0.0,
    more_system_calls: 0.01,
};

/// Of paths, which allocate. What the allocator takes, and how often it asks the kernel for more,
/// follows the layout of the heap, and that the lengths of the program's path and environment:
/// both together moved ratios by up to 1.8% and the calls of `prepare` from 4.4 to 5. One more
/// system call a run is still found in a path that has up to two.
const ALLOCATING: Tolerance = Tolerance {
    ratio: 0.04,
    system_calls: 0.2,
    more_system_calls: 0.5,
};

/// What a process of this program runs under callgrind, and what it counts, in order: each name
/// twice, ours and then the peer's.
#[derive(Clone, Copy)]
struct Counter {
    command: &'static str,
    /// The names, and how many runs a count of each has.
    names: fn() -> Vec<(String, u32)>,
    tolerance: Tolerance,
}

/// An engine, with and without metering.
struct Engine {
    name: &'static str,
    metered: fn(&[u8]) -> Result<Contender>,
    bare: fn(&[u8]) -> Result<Contender>,
}

const WASMTIME: Engine = Engine {
    name: "wasmtime",
    metered: ours::on_wasmtime,
    bare: peers::wasmtime::bare,
};

const WASMI: Engine = Engine {
    name: "wasmi",
    metered: ours::on_wasmi,
    bare: peers::wasmi::bare,
};

/// What is counted on one engine.
struct Counted {
    name: String,
    /// Our instructions, as a multiple of the peer's.
    ratio: f64,
    /// Our system calls in one run.
    system_calls: f64,
    /// The peer's.
    bare_system_calls: f64,
    /// Of ours, against the golden ones.
    tolerance: Tolerance,
}

/// The counts of one side: totals of callgrind's.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Totals {
    instructions: f64,
    system_calls: f64,
}

/// Counts, and holds the ratios against the golden ones or writes them.
pub(crate) fn count(options: &Options) -> Result<()> {
    let counted = thread::scope(|scope| {
        let counters = [
            Counter {
                command: "count-on-wasmtime",
                names: || WASMTIME.names(),
                tolerance: EXACT,
            },
            Counter {
                command: "count-on-wasmi",
                names: || WASMI.names(),
                tolerance: EXACT,
            },
            Counter {
                command: "count-paths",
                names: paths::names,
                tolerance: ALLOCATING,
            },
        ];
        let threads = counters.map(|counter| scope.spawn(move || counter.count()));
        let mut counted = Vec::new();
        for thread in threads {
            let Ok(found) = thread.join() else {
                bail!("a thread that counts has panicked");
            };
            counted.extend(found?);
        }
        Ok(counted)
    })?;
    if options.write {
        fs::write(GOLDEN, golden(&counted)?)?;
        println!("wrote {GOLDEN}");
        return Ok(());
    }
    compare(&fs::read_to_string(GOLDEN)?, &counted)
}

/// Runs every kernel on Wasmtime, metered and then bare. Callgrind watches.
pub(crate) fn run_on_wasmtime(_: &Options) -> Result<()> {
    WASMTIME.run()
}

/// Runs every kernel on wasmi, metered and then bare. Callgrind watches.
pub(crate) fn run_on_wasmi(_: &Options) -> Result<()> {
    WASMI.run()
}

/// Takes every path, ours and then the peer's. Callgrind watches.
pub(crate) fn run_paths(_: &Options) -> Result<()> {
    paths::run()
}

impl Engine {
    fn names(&self) -> Vec<(String, u32)> {
        let kernels = KERNELS.iter();
        kernels
            .map(|kernel| (format!("{}/{}", self.name, kernel.name), 1))
            .collect()
    }

    fn run(&self) -> Result<()> {
        for kernel in KERNELS {
            let checksums = [self.metered, self.bare].map(|contender| {
                let mut contender = contender(kernel.wasm)?;
                // The first run makes the instance.
                contender(1)?;
                counted_run(&mut || contender(kernel.counted))
            });
            let [ours, bare] = checksums;
            ensure!(ours? == bare?, "the sides disagree about {}", kernel.name);
        }
        Ok(())
    }
}

impl Counter {
    /// Runs the command in a process of its own under callgrind.
    fn count(&self) -> Result<Vec<Counted>> {
        let folder = std::env::temp_dir().join(format!("fusee-{}-{}", self.command, process::id()));
        fs::create_dir_all(&folder)?;
        let counted = self.count_in(&folder);
        fs::remove_dir_all(&folder)?;
        counted
    }

    fn count_in(&self, folder: &Path) -> Result<Vec<Counted>> {
        let output = Command::new("valgrind")
            // Compiled code lies where other code lay before.
            .args(["--tool=callgrind", "--smc-check=all-non-file"])
            // The number of system calls. Their time is not used.
            .arg("--collect-systime=yes")
            // Count in this function alone, and write a file each time that it is left.
            .arg(format!("--toggle-collect={COUNTED}"))
            .arg(format!("--dump-after={COUNTED}"))
            .arg(format!(
                "--callgrind-out-file={}",
                folder.join("counts").display()
            ))
            .arg(std::env::current_exe()?)
            .arg(self.command)
            .output()
            .context("cannot start valgrind")?;
        ensure!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let mut files = 1..;
        let mut next = || {
            let number = files.next().context("numbers do not end")?;
            totals(&fs::read_to_string(
                folder.join(format!("counts.{number}")),
            )?)
        };
        (self.names)()
            .into_iter()
            .map(|(name, runs)| {
                let (ours, bare) = (next()?, next()?);
                Ok(Counted {
                    name,
                    ratio: ours.instructions / bare.instructions,
                    system_calls: ours.system_calls / f64::from(runs),
                    bare_system_calls: bare.system_calls / f64::from(runs),
                    tolerance: self.tolerance,
                })
            })
            .collect()
    }
}

/// The only function in which instructions are counted: its name stands in [`COUNTED`].
#[inline(never)]
fn counted_run(run: &mut dyn FnMut() -> Result<i64>) -> Result<i64> {
    hint::black_box(run())
}

/// The totals in a file of callgrind's. It leaves out those at the end of a line that are zero.
fn totals(file: &str) -> Result<Totals> {
    let line = |name: &str| file.lines().find_map(|line| line.strip_prefix(name));
    let events = line("events: ").context("callgrind wrote no events")?;
    let totals = line("totals: ").context("callgrind wrote no totals")?;
    let find = |event: &str| -> Result<f64> {
        let position = events.split_whitespace().position(|name| name == event);
        let position = position.with_context(|| format!("callgrind did not count {event}"))?;
        let total = totals.split_whitespace().nth(position);
        Ok(total.unwrap_or("0").parse()?)
    };
    Ok(Totals {
        instructions: find("Ir")?,
        system_calls: find("sysCount")?,
    })
}

fn golden(counted: &[Counted]) -> Result<String> {
    let mut text = String::new();
    for counted in counted {
        let Counted {
            name,
            ratio,
            system_calls,
            ..
        } = counted;
        writeln!(text, "{name} {ratio:.4} {system_calls:.2}")?;
    }
    Ok(text)
}

fn compare(golden: &str, counted: &[Counted]) -> Result<()> {
    let mut is_dearer = false;
    println!(
        "{:30} {:>12} {:>8} {:>12} {:>8} {:>8}",
        "", "instructions", "golden", "system calls", "golden", "bare"
    );
    for counted in counted {
        let known = golden
            .lines()
            .find_map(|line| line.strip_prefix(&counted.name)?.strip_prefix(' '))
            .and_then(|known| known.split_once(' '))
            .with_context(|| format!("{GOLDEN} does not know {}", counted.name))?;
        let (ratio, system_calls): (f64, f64) = (known.0.parse()?, known.1.parse()?);
        let may_differ = ratio * counted.tolerance.ratio;
        let calls_may_differ =
            system_calls * counted.tolerance.system_calls + counted.tolerance.more_system_calls;
        let verdict = if counted.ratio > ratio + may_differ
            || counted.system_calls > system_calls + calls_may_differ
        {
            is_dearer = true;
            "  DEARER"
        } else if counted.ratio < ratio - may_differ
            || counted.system_calls < system_calls - calls_may_differ
        {
            "  cheaper"
        } else {
            ""
        };
        println!(
            "{:30} {:12.4} {ratio:8.4} {:12.2} {system_calls:8.2} {:8.2}{verdict}",
            counted.name, counted.ratio, counted.system_calls, counted.bare_system_calls
        );
    }
    ensure!(
        !is_dearer,
        "metering or a path takes more instructions or system calls than {GOLDEN} allows"
    );
    Ok(())
}
