//! The same contests with each side in processes of its own.
//!
//! Where one process holds many engines, what one leaves behind is there for the next: mapped
//! memory, free lists, and code that lies somewhere by chance. So each measurement is made once
//! more by a process that has nothing else, which is this program with a hidden command. Sides take
//! turns as before, and each round has new processes.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::CONTESTS;
use crate::{
    Options,
    contest::{self, Contest},
    measure::{Gauge, Quartiles},
    report::Row,
};

/// The hidden command, which is told its contest and the number of its side by `--filter`.
pub(crate) const COMMAND: &str = "tell-apart";

/// Before the names of rows.
pub(super) const PREFIX: &str = "apart/";

/// How often a process does its work, and tells the median. It does it once more before.
const TIMES: usize = 5;

/// The rows that were asked for.
pub(super) fn measure(options: &Options) -> Result<Vec<Row>> {
    let name = |contest: &Contest| format!("{PREFIX}{}", contest.name);
    contest::measure_by(CONTESTS, options, name, |contest, side| {
        Ok(process(format!("{} {side}", contest.name)))
    })
}

/// Reads what a new process tells each time.
fn process(side: String) -> Gauge {
    Box::new(move || {
        let output = Command::new(std::env::current_exe()?)
            .args([COMMAND, "--filter", &side])
            .output()?;
        let reason = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{side}: {}", reason.trim());
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    })
}

/// Measures one side, and prints the seconds.
pub(crate) fn tell(options: &Options) -> Result<()> {
    let (name, side) = options.filter.split_once(' ').context("there is no side")?;
    let contest = CONTESTS.iter().find(|contest| contest.name == name);
    let contest = contest.context("there is no such contest")?;
    let mut gauge = contest.side(side.parse()?)?;
    gauge()?;
    let readings: Vec<f64> = (0..TIMES).map(|_| gauge()).collect::<Result<_>>()?;
    println!("{:e}", Quartiles::of(readings).median);
    Ok(())
}
