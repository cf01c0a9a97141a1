//! Signed transactions and blocks, at the crate's boundary.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod blocks;
mod capsules;
mod chain;
mod chain_samples;
mod check;
mod codes;
mod encoding;
mod fee_model;
mod genesis;
mod genesis_contracts;
mod governance;
mod keys;
mod limits;
mod misbehaviour;
mod parallel;
mod payment;
mod proposals;
mod random;
mod records;
mod roots;
mod rules;
mod samples;
mod scheduled;
mod simulation;
mod verify;
mod webauthn;
