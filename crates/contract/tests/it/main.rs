//! Contracts, on every engine and in every way to run one: the same receipts, changes and gas.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod asks;
mod batch;
mod block;
mod calls;
mod capsule;
mod children;
mod constructor;
mod crypto;
mod deployment;
mod deposit;
mod events;
mod fallback;
mod families;
mod floats;
mod formats;
mod interface;
mod invalid;
mod languages;
mod limits;
mod loading;
mod log;
mod model;
mod panics;
mod playground;
mod profile;
mod puppet;
mod range;
mod reentrancy;
mod rules;
mod state;
mod token;
mod toolchains;
mod trace;
mod transient;
mod waiting;
mod wasi;
mod world;
