//! Guests that run guests.
//!
//! A *child* is a program that is run for another guest, or for an embedder: its imports are symbols, and at each of them it waits for its parent to
//! answer. An embedder compiles and instantiates with [`Modules`], and holds an [`Instance`] that turns into an [`Execution`] and back. A guest
//! has numbers instead: [`Children`]. [`Parent`] is the host of a guest that imports the nine functions of [`functions`] by which
//! it drives them.
//!
//! Whoever runs a child decides with how much gas. No child runs inside another's run: all but one are parked.
#![forbid(unsafe_code)]

mod children;
mod error;
pub mod functions;
mod instance;
mod modules;
mod parent;
mod rules;
mod tree;

pub use children::{Answer, Children, Next};
pub use error::VirtualizationError;
pub use fusee_abi::virtualization::wire;
pub use instance::{Execution, Instance, Outcome, Request};
pub use modules::{Module, Modules, Names, Space};
pub use parent::{CodeSource, Parent};
pub use rules::{ChildRules, Symbols};
pub use tree::{ChildLimits, ChildSettings, Tree};
