//! Nested VMs: guests that run guests.
//!
//! A *nested VM* is a program that is run for another guest, its *owner*, or for an embedder. Its
//! imports are symbols, and at each of them it is suspended until the owner answers. An embedder
//! compiles with [`Modules`], and holds an [`Instance`] that turns into an [`Execution`] and back. A
//! guest has numbers instead: [`Children`].
//!
//! For guests, nested VMs are a layer over a supervisor of the executor's driver: [`Nested`]. It
//! answers the nine [`functions`] by which a guest drives its nested VMs, and hands all else to that
//! supervisor. Nested VMs are frames on the same stack: none runs inside another's run.
#![forbid(unsafe_code)]

mod children;
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

pub use error::VirtualizationError;
pub use fusee_abi::virtualization::wire;
pub use guest::Guest;
pub use instance::{ChildHost, Instance, Reached, Request};
pub use limits::{ChildLimits, ChildSettings, Tree};
pub use modules::{Module, Modules, StorageScope};
pub use nested::{Call, Nested, Owners, Return};
pub use owner::Owner;
pub use rules::{ChildRules, Symbols};

/// The nested VMs of one owner, by number.
pub type Children<H = ()> = children::Children<Guest<H>>;
/// An instance that is ready to run.
pub type Execution<H = ()> = instance::Execution<Guest<H>>;
/// How a run of an [`Execution`] came back.
pub type Outcome<H = ()> = instance::Outcome<Guest<H>>;
