//! Signed transactions and blocks, at the crate's boundary.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod blocks;
mod chain;
mod chain_samples;
mod check;
mod encoding;
mod genesis;
mod keys;
mod parallel;
mod random;
mod records;
mod roots;
mod rules;
mod samples;
mod verify;
mod webauthn;
