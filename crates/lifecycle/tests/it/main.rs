//! What the crate promises to an embedder, on every lane where a guest runs.

mod asynchronous;
mod calls;
mod cancelling;
mod example;
mod instances;
mod modules;
mod queue;
mod support;
mod time;
mod watchdog;
mod workers;
