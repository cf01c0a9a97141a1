//! The peer soroban-env-host in a process of its own.
//!
//! Its input is a line whose first word is a contender, and then a question a line:
//! `processor TIMES`. It answers each by a line: the nanoseconds of the thread's processor that all
//! of it took. Its guest is its own.

mod token;

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result, bail};
use cpu_time::ThreadTime;

use crate::token::{Modules, Token};

fn main() -> Result<()> {
    let mut lines = io::stdin().lock().lines();
    let first = lines.next().context("no contender")??;
    let modules = match first.split_whitespace().next() {
        Some("cached") => Modules::Cached,
        Some("parsed") => Modules::Parsed,
        other => bail!("nobody is called {other:?}"),
    };
    let token = Token::new(modules)?;
    let mut output = io::stdout().lock();
    for line in lines {
        let line = line?;
        let Some(("processor", times)) = line.split_once(' ') else {
            bail!("there is no question `{line}`");
        };
        let times: u32 = times.parse()?;
        let start = ThreadTime::now();
        for _ in 0..times {
            token.transfer()?;
        }
        writeln!(output, "{}", start.elapsed().as_nanos())?;
        output.flush()?;
    }
    Ok(())
}
