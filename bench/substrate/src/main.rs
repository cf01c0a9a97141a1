//! The peer sc-virtualization in a process of its own.
//!
//! Its input is a line with a contender, the function of a nested VM, its argument and the gas that
//! a call uses, and the number of bytes of the program, then those bytes, then a question a line:
//! `processor TIMES` or `real 1 TIMES`. It answers each by a line: the nanoseconds that all of it
//! took, of the thread's processor or of the wall's clock.
//!
//! PolkaVM's backend is chosen by the environment, as a node chooses it: `POLKAVM_BACKEND`,
//! `POLKAVM_SANDBOX`.

mod contender;

use std::{
    io::{self, BufRead, Read, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use cpu_time::ThreadTime;
// Only for its feature, which the backend in the dependency tree has then.
use polkavm as _;

use crate::contender::{Contender, Guest};

fn main() -> Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, entry, argument, gas, length] = words.as_slice() else {
        bail!("`{line}` names no contender and guest");
    };
    let mut program = vec![0; length.parse()?];
    input.read_exact(&mut program)?;
    let guest = Guest {
        program,
        entry: (*entry).to_owned(),
        argument: argument.parse()?,
        gas: gas.parse()?,
    };
    let mut contender = contender::named(name, guest)?;
    let mut output = io::stdout().lock();
    for line in input.lines() {
        let time = answer(&mut contender, &line?)?;
        writeln!(output, "{}", time.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}

/// Does what the question says, and tells how long it took.
fn answer(contender: &mut Contender, question: &str) -> Result<Duration> {
    let (clock, times) = question
        .rsplit_once(' ')
        .context("a question has a number")?;
    let mut repeat = || (0..times.parse()?).try_for_each(|_: u32| contender());
    match clock {
        "processor" => {
            let start = ThreadTime::now();
            repeat()?;
            Ok(start.elapsed())
        }
        "real 1" => {
            let start = now();
            repeat()?;
            Ok(start.elapsed())
        }
        _ => bail!("there is no clock `{clock}`"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring is what this binary is for"
)]
fn now() -> Instant {
    Instant::now()
}
