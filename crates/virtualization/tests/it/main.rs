//! Children on every engine, driven natively and from inside a guest: what they leave is the same.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod adapter;
mod bounds;
mod compiling;
mod guests;
mod polkavm;
mod runs;
mod substrate;
mod support;
mod symbols;
mod typed;
