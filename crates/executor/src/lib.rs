//! From a program to a running instance: prepare, run, resume, interrupt.
//!
//! An [`Executor`] prepares a program once (checks, meters, compiles and caches it) and runs it in a
//! fresh instance each time. How a run ended or paused is an [`Outcome`], which owns what can come
//! next. Gas is settled here, in one place, on every way out. Calls from guest to guest are frames
//! on a [`FrameStack`], never on the native stack.
#![forbid(unsafe_code)]

mod artifacts;
mod asynchronous;
mod cache;
mod compiling;
mod error;
mod executor;
mod frames;
mod outcome;
mod owing;
mod parking;
mod prepared;
mod request;

pub use asynchronous::{Answer, AsyncRun};
pub use compiling::{CompileCommand, CompileIn};
pub use error::{PrepareError, RunError};
pub use executor::{Executor, ExecutorBuilder};
pub use frames::{FrameLimit, FrameLimits, FrameStack, Held, MemoryBudget};
pub use outcome::{Ended, Finished, GasEnded, LiveInstance, Outcome, Suspended};
pub use prepared::{Compilation, Prepared};
pub use request::{RunRequest, Suspension, Tier};
