//! The wasmi backend: an interpreter, which starts at once.
//!
//! Guarantees what `fusee_engine` asks of a backend. wasmi's own fuel is off, and its stacks are
//! larger than any metered guest can use, so that the rules' limits are the ones that hold.
#![forbid(unsafe_code)]

mod engine;
mod instance;
mod limiter;
mod link;
mod module;
mod trap;

pub use engine::WasmiEngine;

/// The name of this backend in errors and listings.
pub const NAME: &str = "wasmi";
