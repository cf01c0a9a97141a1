//! The wasmi backend: an interpreter, which starts at once.
//!
//! Implements the traits of `fusee_engine`. wasmi's fuel is disabled. Its stacks are larger than
//! any metered guest can use, so that only the limits of the rules take effect.
//!
//! Do not compile the crate `wasmi` with both `opt-level` 2 or higher and debug assertions. wasmi
//! then relies on tail calls that the compiler does not generate, and a loop in a guest overflows
//! the native stack. Ordinary debug builds and release builds are not affected. This workspace
//! optimises its dependencies in debug builds, so it disables debug assertions for `wasmi`.

mod engine;
mod error;
mod image;
mod instance;
mod lent;
mod limiter;
mod link;
mod module;
mod parked;
mod resident;
mod trap;

pub use engine::WasmiEngine;

/// The name of this backend in errors and listings.
pub const NAME: &str = "wasmi";
