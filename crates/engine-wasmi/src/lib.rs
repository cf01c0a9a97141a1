//! The wasmi backend: an interpreter, which starts at once.
//!
//! Guarantees what `fusee_engine` asks of a backend. wasmi's own fuel is off, and its stacks are
//! larger than any metered guest can use, so that the rules' limits are the ones that hold.
//!
//! Whoever embeds it must not compile the crate `wasmi` both at `opt-level` 2 or more and with debug
//! assertions: it then dispatches by tail calls that the compiler does not make, and a guest's loop
//! grows the native stack. A plain debug build and a release build are both sound; this workspace
//! optimises its dependencies in debug builds, and so turns the assertions off for `wasmi`.

mod engine;
mod instance;
mod lent;
mod limiter;
mod link;
mod module;
mod trap;

pub use engine::WasmiEngine;

/// The name of this backend in errors and listings.
pub const NAME: &str = "wasmi";
