//! Nested VMs: guests that run guests.
//!
//! A *nested VM* is a program that runs for another guest, its *owner*, or for an embedder. Its
//! imports are symbols. A call of an import suspends the nested VM until the owner replies. An
//! embedder compiles programs with [`Modules`], and holds an [`Instance`] that converts into an
//! [`Execution`] and back. A guest refers to them by number: [`Children`].
//!
//! For guests, nested VMs are a layer over a supervisor of the executor's driver: [`Nested`]. The
//! layer answers the nine [`functions`] by which a guest runs nested VMs, and passes all other
//! syscalls to the supervisor. Nested VMs are frames of the same stack, and do not run on the
//! native stack of their owner.
#![forbid(unsafe_code)]

mod children;
mod conventions;
mod error;
pub mod functions;
mod guest;
mod instance;
mod limits;
mod modules;
mod native;
mod nested;
mod owner;
mod registry;
mod rules;

pub use conventions::Conventions;
pub use error::VirtualizationError;
pub use fusee_abi::virtualization::wire;
pub use guest::Guest;
pub use instance::{ChildHost, ChildProgress, Instance, Request};
pub use limits::{ChildLimits, ChildSettings, Tree};
pub use modules::{Module, Modules, StorageScope};
pub use nested::{Call, Nested, Owners, Return};
pub use owner::{NoOwner, Owner};
pub use rules::{ChildRules, Symbols};

/// The nested VMs of one owner, by number.
pub type Children<H = NoOwner> = children::Children<Guest<H>>;
/// An instance that is ready to run.
pub type Execution<H = NoOwner> = instance::Execution<Guest<H>>;
/// The outcome of a run of an [`Execution`].
pub type Outcome<H = NoOwner> = instance::Outcome<Guest<H>>;
