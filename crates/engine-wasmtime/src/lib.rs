//! The Wasmtime backend: a compiler, for programs that run often or long.
//!
//! Guarantees what `fusee_engine` asks of a backend. Wasmtime's fuel and epochs are off. A run that
//! may be parked has a native stack of its own (a fiber); one that may not runs on the caller's,
//! which is grown if too little of it is left.

mod engine;
mod instance;
mod limiter;
mod link;
mod module;
mod trap;

pub use engine::WasmtimeEngine;

/// The name of this backend in errors and listings.
pub const NAME: &str = "wasmtime";
