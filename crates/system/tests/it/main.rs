//! System programs on every engine: what each call leaves, and what it costs, is the same on all of
//! them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod calls;
mod crypto;
mod disorder;
mod faults;
mod fuel;
mod guests;
mod imports;
mod interruptions;
mod lifetime;
mod roots;
mod rules;
mod support;
