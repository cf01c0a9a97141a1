//! Contracts that run natively: an engine whose programs are Rust functions.
//!
//! A method runs in a thread of its own, which asks for a syscall and waits. So everything but the
//! contract's code is what runs on a node: frames, journal, events, value, calls between contracts
//! and re-entrancy. A program is known by the hash of a module that stands for it, which has the
//! contract's exports and imports every syscall.

mod engine;
mod instance;
mod panics;
mod stub;
mod thread;

pub(crate) use engine::{NativeEngine, Natives};
pub(crate) use stub::stub;
