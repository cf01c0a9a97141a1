//! What a node needs to run guests: a documented face over the executor, for embedders.
//!
//! A [`Sandbox`] compiles programs to [`Module`]s and runs their [`Instance`]s on threads of its own, a bounded number
//! of them behind a bounded queue. A call is a future that needs no runtime, or blocks. It has a time limit, which a
//! watchdog keeps; dropping it cancels the guest. Host functions may wait ([`AsyncHost`]): the guest is parked meanwhile, and its
//! worker serves others. Everything that can go wrong is one [`Error`], and [`Health`] says how the sandbox is.
//!
//! It names no engine, has no async runtime, and decides no outcome: where it reads the clock, a call ends with an error of
//! the host, never with an answer of the guest's.
#![forbid(unsafe_code)]

mod blocking;
mod call;
mod clock;
mod error;
mod health;
mod host;
mod instance;
mod memory;
mod module;
mod sandbox;
mod slot;
mod watchdog;
mod work;
mod workers;

pub use error::{Error, ExportFault, HostPanic, MemoryFault};
pub use health::Health;
pub use host::{AsyncHost, Guest, Waiting};
pub use instance::{CallRequest, Instance, Returned, WhenFull};
pub use module::{InstanceRequest, Module};
pub use sandbox::{CALL_TIME, MEMORY_PAGES, Sandbox, SandboxBuilder, rules};
pub use watchdog::{HEARTBEAT, SILENCE};
