//! Work: what a worker does of a call at a time, and the result of that.
//!
//! A call is one piece of work, or several if its host function waits in between.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use fusee_engine::{EngineError, Gas, Interrupt, Value};
use fusee_executor::{
    End, Executor, LiveInstance, Outcome, PrepareError, PreparedProgram, RunError, RunRequest,
    Suspended, Suspension,
};

use crate::{
    AsyncHost, Error, ExportFault, HostPanic,
    host::{InstanceHost, RunHost},
    watchdog::Seen,
    workers::Refused,
};

/// One piece of work.
pub(crate) enum Work<H> {
    /// Makes an instance, and runs the code that comes before any entry.
    Make(Box<Make<H>>),
    /// Enters an instance.
    Enter(Box<Enter<H>>),
    /// Continues a run with the result of a syscall.
    Resume(Box<Resume<H>>),
}

pub(crate) struct Resume<H> {
    pub(crate) suspended: Suspended<RunHost<H>>,
    pub(crate) reply: u64,
}

pub(crate) struct Make<H> {
    pub(crate) prepared: Arc<PreparedProgram>,
    pub(crate) host: InstanceHost<H>,
    pub(crate) gas: Gas,
}

pub(crate) struct Enter<H> {
    pub(crate) live: LiveInstance,
    pub(crate) host: InstanceHost<H>,
    pub(crate) entry: String,
    pub(crate) args: Vec<Value>,
    pub(crate) gas: Gas,
}

/// How far a run came.
pub(crate) enum Step<H> {
    /// The run has ended.
    Ended(End<InstanceHost<H>>),
    /// The guest waits for a host function.
    Suspended(Suspended<RunHost<H>>),
    /// The host failed. The instance is gone.
    Failed(Error),
}

/// Work of which only the guest's part is left.
pub(crate) enum ReadyWork<H> {
    Initialize {
        live: LiveInstance,
        host: InstanceHost<H>,
        gas: Gas,
        /// Of which the instance that was made has to pay so much first.
        price: Gas,
    },
    Enter(Box<Enter<H>>),
    Resume(Box<Resume<H>>),
}

impl<H: AsyncHost> Work<H> {
    /// Does what takes long and is not the guest's: compiling, and making the instance. If there is
    /// no room for that, the work can be done again later.
    pub(crate) fn ready(
        self,
        executor: &Executor,
        suspension: Suspension,
    ) -> Result<ReadyWork<H>, Refused<H>> {
        let mut make = match self {
            Work::Make(make) => make,
            Work::Enter(enter) => return Ok(ReadyWork::Enter(enter)),
            Work::Resume(resume) => return Ok(ReadyWork::Resume(resume)),
        };
        executor.compile_for(&make.prepared, make.gas);
        make.host.slot.hold();
        match make.instance(executor, suspension) {
            Ok((live, price)) => {
                let Make { host, gas, .. } = *make;
                Ok(ReadyWork::Initialize {
                    live,
                    host,
                    gas,
                    price,
                })
            }
            Err(error) => Err(Refused {
                error: failed(error, Seen::InTime, Duration::ZERO),
                work: Some(Work::Make(make)),
            }),
        }
    }
}

impl<H> Make<H> {
    /// The instance, and what it still has to pay. One that cannot pay for itself is not made.
    fn instance(
        &self,
        executor: &Executor,
        suspension: Suspension,
    ) -> Result<(LiveInstance, Gas), RunError> {
        let request = RunRequest {
            suspension,
            ..RunRequest::new("", &[], self.gas)
        };
        let mut live = executor.instance(&self.prepared, &request)?;
        let price = self.prepared.program().instantiation_gas;
        if self.gas < price {
            return Ok((live, Gas::ZERO));
        }
        live.make(&request)?;
        Ok((live, price))
    }
}

impl<H: AsyncHost> ReadyWork<H> {
    /// Runs the guest.
    pub(crate) fn run(
        self,
        interrupt: &Interrupt,
        suspension: Suspension,
    ) -> Result<Outcome<RunHost<H>>, RunError> {
        let request = |gas| RunRequest {
            suspension,
            interrupt: Some(interrupt),
            ..RunRequest::new("", &[], gas)
        };
        match self {
            ReadyWork::Initialize {
                live,
                host,
                gas,
                price,
            } => {
                let request = RunRequest {
                    loading_gas: price,
                    ..request(gas)
                };
                live.initialize(request, RunHost::new(host, interrupt))
            }
            ReadyWork::Enter(enter) => {
                let Enter {
                    live,
                    host,
                    entry,
                    args,
                    gas,
                } = *enter;
                let request = RunRequest {
                    entry: &entry,
                    args: &args,
                    ..request(gas)
                };
                live.run(request, RunHost::new(host, interrupt))
            }
            ReadyWork::Resume(resume) => resume.suspended.resume(resume.reply),
        }
    }

    /// The work, if it was to enter an instance: that is unchanged.
    pub(crate) fn into_enter(self) -> Option<Work<H>> {
        match self {
            ReadyWork::Enter(enter) => Some(Work::Enter(enter)),
            ReadyWork::Initialize { .. } | ReadyWork::Resume(_) => None,
        }
    }
}

/// The meaning of a run's outcome, given what the watchdog saw of the run and the time limit of
/// the call.
pub(crate) fn conclude<H>(
    outcome: Result<Outcome<RunHost<H>>, RunError>,
    seen: Seen,
    limit: Duration,
) -> Step<H> {
    match outcome.map(Outcome::into_end) {
        Ok(Ok(end)) => Step::Ended(end.map_host(RunHost::into_host)),
        // It was interrupted already, or would be as soon as it continued.
        Ok(Err(_)) if seen != Seen::InTime => Step::Failed(interrupted(seen, limit)),
        Ok(Err(suspended)) => Step::Suspended(suspended),
        Err(error) => Step::Failed(failed(error, seen, limit)),
    }
}

/// The result of `run`, unless it panics.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, HostPanic> {
    // A panic drops the run, with all that it left half done.
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panicked(panic.as_ref()))
}

fn panicked(panic: &(dyn Any + Send)) -> HostPanic {
    let message = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    HostPanic {
        message: message.unwrap_or_else(|| "(a panic payload that is not text)".to_owned()),
    }
}

fn failed(error: RunError, seen: Seen, limit: Duration) -> Error {
    match error {
        RunError::Engine(EngineError::Interrupted) => interrupted(seen, limit),
        RunError::Engine(
            error @ (EngineError::Instantiate { .. } | EngineError::Exhausted { .. }),
        ) => Error::Instantiation(error),
        RunError::Engine(error @ EngineError::Compile { .. }) => {
            Error::Compile(PrepareError::Engine(error))
        }
        RunError::Engine(EngineError::Host(source)) => Error::Other(source),
        RunError::Engine(EngineError::HostPanicked { message, .. }) => {
            Error::Other(HostPanic { message }.into())
        }
        RunError::UnknownEntry { name } => Error::export(&name, ExportFault::Unknown),
        error => Error::other(error),
    }
}

/// Why a run was interrupted.
fn interrupted(seen: Seen, limit: Duration) -> Error {
    match seen {
        Seen::Late => Error::Timeout { limit },
        Seen::InTime => Error::Cancelled,
        Seen::Unwatched { silent } => Error::Unwatched { silent },
    }
}
