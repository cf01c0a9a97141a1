//! What the crate promises to an embedder, on every lane where a guest runs.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod asynchronous;
mod calls;
mod cancelling;
mod example;
mod here;
mod instances;
mod modules;
mod queue;
mod slots;
mod support;
mod time;
mod watchdog;
mod workers;
