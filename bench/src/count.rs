//! The command `count`: instructions, which no load of the machine disturbs.
//!
//! Each kernel runs metered and bare, and each path (a call, a syscall, a nested VM) runs on ours and
//! on the bare engine, under callgrind. It counts the instructions of the runs alone, not those of
//! the compiler. The ratios are compared with `golden/instructions.txt`, so that a change that makes
//! metering or a path dearer fails on the day it is made.

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

/// A ratio a line: the engine, the kernel, and the instructions metered over those bare.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/instructions.txt");

/// The only function in which instructions are counted, as callgrind knows it.
const COUNTED: &str = "fusee_bench::count::counted_run";

/// How far a ratio may be from the golden one, as a part of it.
const TOLERANCE: f64 = 0.01;

/// What a process of this program runs under callgrind, and what it counts, in order: each name
/// twice, ours and then the peer's.
#[derive(Clone, Copy)]
struct Counter {
    command: &'static str,
    names: fn() -> Vec<String>,
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
    ratio: f64,
}

/// Counts, and holds the ratios against the golden ones or writes them.
pub(crate) fn count(options: &Options) -> Result<()> {
    let counted = thread::scope(|scope| {
        let counters = [
            Counter {
                command: "count-on-wasmtime",
                names: || WASMTIME.names(),
            },
            Counter {
                command: "count-on-wasmi",
                names: || WASMI.names(),
            },
            Counter {
                command: "count-paths",
                names: paths::names,
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
    fn names(&self) -> Vec<String> {
        let kernels = KERNELS.iter();
        kernels
            .map(|kernel| format!("{}/{}", self.name, kernel.name))
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
            instructions(&fs::read_to_string(
                folder.join(format!("counts.{number}")),
            )?)
        };
        (self.names)()
            .into_iter()
            .map(|name| {
                let (ours, bare) = (next()?, next()?);
                Ok(Counted {
                    name,
                    ratio: ours / bare,
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

/// What a file of callgrind's says in sum.
fn instructions(file: &str) -> Result<f64> {
    let total = file
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))
        .context("callgrind wrote no total")?;
    Ok(total.trim().parse()?)
}

fn golden(counted: &[Counted]) -> Result<String> {
    let mut text = String::new();
    for counted in counted {
        writeln!(text, "{} {:.4}", counted.name, counted.ratio)?;
    }
    Ok(text)
}

fn compare(golden: &str, counted: &[Counted]) -> Result<()> {
    let mut is_dearer = false;
    println!("{:30} {:>8} {:>8}", "instructions", "golden", "now");
    for counted in counted {
        let known = golden
            .lines()
            .find_map(|line| line.strip_prefix(&counted.name)?.strip_prefix(' '))
            .with_context(|| format!("{GOLDEN} does not know {}", counted.name))?;
        let known: f64 = known.parse()?;
        let verdict = if counted.ratio > known * (1.0 + TOLERANCE) {
            is_dearer = true;
            "  DEARER"
        } else if counted.ratio < known * (1.0 - TOLERANCE) {
            "  cheaper"
        } else {
            ""
        };
        println!(
            "{:30} {known:8.4} {:8.4}{verdict}",
            counted.name, counted.ratio
        );
    }
    ensure!(
        !is_dearer,
        "metering or a path takes more instructions than {GOLDEN} allows"
    );
    Ok(())
}
