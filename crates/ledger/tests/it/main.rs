//! Signed transactions, at the crate's boundary.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod check;
mod encoding;
mod keys;
mod parallel;
mod random;
mod rules;
mod samples;
mod verify;
mod webauthn;
