//! Contracts, on every engine and in every way to run one: the same receipts, changes and gas.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod calls;
mod fallback;
mod formats;
mod interface;
mod profile;
mod token;
mod world;
