//! What a call that waits for its host keeps in memory.
//!
//! Each contender has a process to itself, which is this program with a hidden command: it parks
//! calls of the tiny guest, and says at each count how many resident bytes each of them has added.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    Options,
    contest::{Parker, guest::Guest},
    measure::pairs,
    ours::{self, roomy_wasmtime, wasmi},
    peers,
    report::{Row, Unit},
};

/// The hidden command, which is told its contender by `--filter`.
pub(crate) const COMMAND: &str = "hold-suspended";

/// How many calls wait at once.
const COUNTS: [u32; 2] = [1_000, 10_000];

/// Memory is not a matter of luck: few rounds show whether it is the same each time.
const ROUNDS: usize = 3;

/// A contender of ours, and the peer on the same engine.
struct Family {
    name: &'static str,
    ours: &'static str,
    peer: &'static str,
    peer_name: &'static str,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "suspended",
        ours: "our-wasmtime",
        peer: "wasmtime",
        peer_name: "wasmtime",
    },
    Family {
        name: "suspended-wasmi",
        ours: "our-wasmi",
        peer: "wasmi",
        peer_name: "wasmi",
    },
];

pub(super) fn measure(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for family in FAMILIES {
        let names = COUNTS.map(|count| format!("{}/{count}", family.name));
        let wants = |name: &String| options.wants(name) || options.wants(family.peer_name);
        if !names.iter().any(wants) {
            continue;
        }
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(hold_apart(family.ours)?);
            peer.push(hold_apart(family.peer)?);
        }
        for (position, name) in names.into_iter().enumerate() {
            let at = |rounds: &[Vec<f64>]| -> Vec<f64> {
                let counts = rounds.iter().filter_map(|round| round.get(position));
                counts.copied().collect()
            };
            let samples = pairs(&at(&ours), &at(&peer));
            // A side that could not hold so many has no figure, and so the row is not there.
            if wants(&name) && !samples.is_empty() {
                rows.push(Row::new(name, family.peer_name, Unit::Kibibytes, &samples));
            }
        }
    }
    Ok(rows)
}

/// Has a process hold calls, and reads the bytes of each, for each count that it reached.
fn hold_apart(contender: &str) -> Result<Vec<f64>> {
    let output = Command::new(std::env::current_exe()?)
        .args([COMMAND, "--filter", contender])
        .output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        eprintln!("{contender} holds no more: {}", reason.trim());
    }
    String::from_utf8(output.stdout)?
        .lines()
        .map(|line| Ok(line.parse()?))
        .collect()
}

/// Parks calls and prints a line for each count.
pub(crate) fn hold(options: &Options) -> Result<()> {
    let mut park = parker(&options.filter)?;
    // What the first call sets up is not each call's.
    drop(park()?);
    let mut held = Vec::new();
    let before = resident_bytes()?;
    for count in COUNTS {
        while held.len() < usize::try_from(count)? {
            let number = held.len();
            held.push(park().with_context(|| format!("after {number} calls"))?);
        }
        let added = resident_bytes()?.saturating_sub(before);
        println!("{}", added / u64::from(count));
    }
    Ok(())
}

fn parker(contender: &str) -> Result<Parker> {
    let guest = Guest::tiny()?;
    match contender {
        "our-wasmtime" => ours::calls::parking(roomy_wasmtime()?, guest),
        "our-wasmi" => ours::calls::parking(wasmi(), guest),
        "wasmtime" => {
            let [.., most] = COUNTS;
            peers::wasmtime::calls::parking(most, guest)
        }
        "wasmi" => peers::wasmi::calls::parking(guest),
        _ => bail!("nobody is called `{contender}`"),
    }
}

/// What this process holds in memory.
fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("the system does not tell what is resident")?;
    let kibibytes: u64 = line
        .trim()
        .strip_suffix(" kB")
        .context("resident memory is told in kB")?
        .parse()?;
    Ok(kibibytes.saturating_mul(1024))
}
