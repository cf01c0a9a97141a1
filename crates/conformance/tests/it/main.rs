//! Tests that run on every engine with the same expectations.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod artifacts;
mod asynchronous;
mod cache;
mod chunks;
mod churn;
mod compiler;
mod contract;
mod counting;
mod driver;
mod extensions;
mod floats;
mod gas;
mod guest;
mod guests;
mod initialize;
mod interruption;
mod isolation;
mod linker;
mod metered;
mod native_stack;
mod outcomes;
mod panics;
mod parking;
mod polkavm;
mod polkavm_hostile;
mod polkavm_lenient;
mod polkavm_registers;
mod polkavm_reuse;
mod pool;
mod profile;
mod refusals;
mod reuse;
mod rules;
mod seam;
mod short_calls;
mod signatures;
mod slices;
mod smith;
mod spec;
mod tiers;
#[cfg(test)]
mod wide_syscalls;
mod work;
