//! Node integration: instances, a worker pool, a watchdog, time limits, async host functions,
//! health checks. An interface to the executor for embedders.
//!
//! A [`Sandbox`] compiles programs to [`Module`]s and runs their [`Instance`]s on a bounded number
//! of threads behind a bounded queue. A call is a future that needs no runtime, or blocks. The
//! watchdog keeps its time limit; dropping the future cancels the guest. Host functions may wait
//! ([`AsyncHost`]): the guest is suspended meanwhile, and its worker serves other calls.
//!
//! What a guest does is a [`CallOutcome`], the same on every machine; what fails on this host is an
//! [`Error`]. [`Health`] is the state of the sandbox.
//!
//! The crate names no engine and has no async runtime. It reads the clock, which decides no
//! outcome: a call whose time is over ends with an error.
#![forbid(unsafe_code)]

mod blocking;
mod call;
mod clock;
mod error;
mod health;
mod host;
mod inner;
mod instance;
mod memory;
mod module;
mod oneshot;
mod outcome;
mod sandbox;
mod slots;
mod thread;
mod watchdog;
mod work;
mod workers;

pub use error::{Error, ExportFault, HostPanic, MemoryFault};
pub use health::Health;
pub use host::{AsyncHost, Guest, Waiting};
pub use instance::{AllocRequest, CallRequest, Instance};
pub use module::{InstanceRequest, Module};
pub use outcome::{CallOutcome, GuestFault};
pub use sandbox::{CALL_TIME, MEMORY_PAGES, Sandbox, SandboxBuilder, rules};
pub use watchdog::{HEARTBEAT, SILENCE};
pub use workers::{RunOn, WhenFull};
