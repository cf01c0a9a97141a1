//! cosmwasm-vm, and Wasmer as it uses it: with Singlepass and the metering middleware. In a process
//! of their own.

use anyhow::Result;

use super::process::Process;
use crate::{contest::guest::Guest, measure::Gauge};

/// A contender by the name that it has there, which is asked the same question each time and tells
/// the time of so many parts.
pub(crate) fn gauge(name: &str, guest: &Guest, question: String, parts: f64) -> Result<Gauge> {
    let Guest {
        wasm,
        entry,
        argument,
        answer,
        ..
    } = guest;
    let contender = format!("{name} {entry} {argument} {answer}");
    let mut process = Process::start("cosmwasm", &contender, wasm)?;
    Ok(Box::new(move || {
        let nanoseconds: f64 = process.ask(&question)?.parse()?;
        Ok(nanoseconds / 1e9 / parts)
    }))
}
