//! The Wasmtime backend: a compiler, for programs that run often or long.
//!
//! Implements the traits of `fusee_engine`. Wasmtime's fuel and epochs are disabled. A suspendable
//! run has its own native stack (a fiber). Other runs use the caller's stack, or a fiber if too
//! little of that stack is left. Instances come from a pool. One engine per process is enough.

mod address_space;
mod effort;
mod engine;
mod entered;
mod error;
mod exports;
mod frames;
mod instance;
mod lent;
mod limiter;
mod link;
mod module;
mod pool;
mod runtime;
mod trap;
mod view;

pub use address_space::AddressSpace;
pub use effort::effort;
pub use engine::{Bounds, WasmtimeEngine, WasmtimeEngineBuilder};
pub use frames::NativeStackNeed;
pub use pool::Reset;

/// The name of this backend in errors and listings.
pub const NAME: &str = "wasmtime";
