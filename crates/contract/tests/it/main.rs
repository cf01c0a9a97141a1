//! Contracts, on every engine and in every way to run one: the same receipts, changes and gas.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod calls;
mod children;
mod fallback;
mod families;
mod formats;
mod interface;
mod invalid;
mod loading;
mod playground;
mod profile;
mod puppet;
mod rules;
mod state;
mod token;
mod waiting;
mod world;
