//! The Wasmtime backend: a compiler, for programs that run often or long.
//!
//! Guarantees what `fusee_engine` asks of a backend. Wasmtime's fuel and epochs are off. A run that
//! may be parked has a native stack of its own (a fiber); one that may not runs on the caller's,
//! and on a fiber too if too little of that is left. Instances come from a pool; one engine for a process is enough.

mod engine;
mod instance;
mod lent;
mod limiter;
mod link;

mod module;
mod pool;
mod trap;
mod view;

pub use engine::{Bounds, WasmtimeEngine, WasmtimeEngineBuilder};
pub use pool::Reset;

/// The name of this backend in errors and listings.
pub const NAME: &str = "wasmtime";
