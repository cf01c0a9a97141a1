//! From a program to a running instance: prepare, run, resume, interrupt.
//!
//! An [`Executor`] prepares a program once (checks, meters, compiles and caches it) and runs it in a
//! fresh instance each time. How a run ended or paused is an [`Outcome`], which owns what can come
//! next. Gas is settled here, in one place, on every way out. Calls from guest to guest are frames
//! on a [`FrameStack`], never on the native stack.
#![forbid(unsafe_code)]

mod artifacts;
mod asynchronous;
mod budget;
mod cache;
mod compiling;
mod direct;
mod driver;
mod error;
mod executor;
mod guest;
mod linker;
mod live;
mod outcome;
mod prepared;
mod request;
mod suspensions;

pub use asynchronous::{Answer, AsyncRun};
pub use budget::{MemoryBudget, Reservation};
pub use compiling::{CompileCommand, CompileIn};
pub use direct::Direct;
pub use driver::{
    Action, Begin, Callee, Counting, Driver, DriverSettings, FrameLimit, FrameLimits, Payer,
    Progress, Supervisor, Target,
};
pub use error::{PrepareError, RunError};
pub use executor::{Executor, ExecutorBuilder};
pub use linker::{Caller, HostInteger, HostReturn, IntoHostFunction, LinkError, Linked, Linker};
pub use live::LiveInstance;
pub use outcome::{
    End, EndReason, Ended, Finished, GasSuspended, Outcome, Paused, PausedGuest, Suspended,
};
pub use prepared::{Compilation, PreparedProgram};
pub use request::{RunRequest, Suspension, Tier};
