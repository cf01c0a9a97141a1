//! Freenet's contracts and delegates on Fusee: what stands between Freenet's runtime and
//! `fusee::lifecycle`.
//!
//! [`Runtime`] makes instances; an [`Instance`] streams its inputs into a guest, calls it and reads
//! the result. [`Node`] is what the guests reach of the node: secrets, states of contracts, other
//! delegates. Types of Freenet come from `freenet-stdlib`. Nothing here is `unsafe`: a descriptor
//! or a result that a guest returns is read with checks, and may contain anything.

mod abi;
mod error;
mod host;
mod instance;
mod runtime;

pub use error::Error;
pub use host::{Later, Node};
pub use instance::Instance;
pub use runtime::{Config, NATIVE_STACK_BYTES, Runtime};
