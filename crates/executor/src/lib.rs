//! Prepares, runs, suspends, resumes and interrupts programs.
//!
//! An [`Executor`] validates, meters, compiles and caches a program once, and runs it in a fresh
//! instance each time. An [`Outcome`] says how a run ended or why it is suspended, and owns the
//! handle to continue it. This crate settles the gas of every outcome in one place. Calls between
//! guests are frames on the stack of a [`Driver`], never on the native stack.
#![forbid(unsafe_code)]

mod artifacts;
mod asynchronous;
mod background;
mod budget;
mod builder;
mod cache;
mod compiled;
mod compiling;
mod direct;
mod driver;
mod earned;
mod engines;
mod error;
mod executor;
mod guest;
mod key;
mod linker;
mod live;
mod outcome;
mod prepared;
mod preparer;
mod request;
mod runs;
mod short_calls;

pub use asynchronous::{Answer, AsyncRun};
pub use budget::{MemoryBudget, Reservation};
pub use builder::{AnyEngine, ExecutorBuilder, InterpretingExecutor, WithInterpreter};
pub use compiled::Compilation;
pub use compiling::{
    CompileIn, MOST_WORK_IN_A_THREAD,
    child::compile_if_asked,
    command::{CompileCommand, CompileLimits},
};
pub use direct::Direct;
pub use driver::{
    Action, Begin, Callee, Counting, Driver, DriverSettings, FrameLimit, FrameLimits, Payer,
    Progress, Supervisor, Target, forwardable,
};
pub use error::{PrepareError, RunError};
pub use executor::Executor;
pub use linker::{
    Caller, HostFunctions, HostNumber, HostReturn, IntoHostFunction, LinkError, Linked, Linker,
};
pub use live::LiveInstance;
pub use outcome::{
    End, EndReason, Ended, Finished, GasSuspended, Outcome, Paused, PausedGuest, Suspended,
};
pub use prepared::PreparedProgram;
pub use request::{RunRequest, Suspension, Tier};
pub use runs::{CacheCounts, RunCounts};
