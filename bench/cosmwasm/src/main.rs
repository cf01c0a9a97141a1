//! The peers cosmwasm-vm and Wasmer in a process of their own.
//!
//! Its input is a line with a contender, the entry of a guest, its argument and its answer, and the
//! number of bytes of the guest, then those bytes, then a question a line: `processor TIMES` or
//! `real THREADS TIMES`. It answers each by a line: the nanoseconds that all of it took, of the
//! thread's processor or of the wall's clock. The contenders `token-..` have a guest of their own.

mod cache;
mod contender;
mod singlepass;
mod token;

use std::io::{self, BufRead, Read, Write};

use anyhow::{Context, Result, bail};

use crate::contender::{Contender, Guest};

fn main() -> Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, entry, argument, answer, length] = words.as_slice() else {
        bail!("`{line}` names no contender and guest");
    };
    let mut wasm = vec![0; length.parse()?];
    input.read_exact(&mut wasm)?;
    let guest = Guest {
        wasm,
        entry: (*entry).to_owned(),
        argument: argument.parse()?,
        answer: answer.parse()?,
    };
    let mut contender = contender(name, guest)?;
    let mut output = io::stdout().lock();
    for line in input.lines() {
        let time = contender.answer(&line?)?;
        writeln!(output, "{}", time.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}

fn contender(name: &str, guest: Guest) -> Result<Contender> {
    let (kind, what) = name.split_once('-').context("a name has two parts")?;
    match (kind, what) {
        ("wasmer", "fresh") => singlepass::fresh(guest),
        ("wasmer", "again") => singlepass::again(guest),
        ("wasmer", "deploy") => singlepass::deployed(guest),
        ("wasmer", "restart") => singlepass::restarted(guest),
        ("cosmwasm", "deploy") => cache::deployed(guest),
        ("cosmwasm", "restart") => cache::restarted(&guest),
        ("cosmwasm", "pinned") => cache::instance(cache::Tier::Pinned, &guest),
        ("cosmwasm", "memory") => cache::instance(cache::Tier::Memory, &guest),
        ("cosmwasm", "file") => cache::instance(cache::Tier::File, &guest),
        ("token", "reused") => cache::reused(),
        ("token", "pinned") => cache::transfer(cache::Tier::Pinned),
        ("token", "memory") => cache::transfer(cache::Tier::Memory),
        ("token", "file") => cache::transfer(cache::Tier::File),
        _ => bail!("nobody is called `{name}`"),
    }
}
