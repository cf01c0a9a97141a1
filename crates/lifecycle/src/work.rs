//! Work: what a worker does of a call at a time, and what that comes to.
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
    Executor, LiveInstance, Outcome, PrepareError, Prepared, RunError, RunRequest, Suspended,
    Suspension,
};

use crate::{AsyncHost, Error, ExportFault, HostPanic, host::Bridge, watchdog::Seen};

type BoxedHost = Box<dyn AsyncHost>;

/// One piece.
pub(crate) enum Work {
    /// Make an instance, and run what it runs before anything else.
    Make(Make),
    /// Enter an instance.
    Enter(Box<Enter>),
    /// Go on, with the answer to a syscall.
    Resume { suspended: Suspended, reply: u64 },
}

pub(crate) struct Make {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) host: BoxedHost,
    pub(crate) gas: Gas,
}

pub(crate) struct Enter {
    pub(crate) live: LiveInstance,
    pub(crate) host: BoxedHost,
    pub(crate) entry: String,
    pub(crate) args: Vec<Value>,
    pub(crate) gas: Gas,
}

/// What it comes to.
pub(crate) enum Part {
    /// The call has ended well.
    Ended(Box<Ended>),
    /// The guest waits for a host function.
    Parked(Suspended),
    /// The call has not ended well, and its instance is gone.
    Failed(Error),
}

/// A call that has ended well.
pub(crate) struct Ended {
    /// None if a host function ended the run in the middle of a function.
    pub(crate) live: Option<LiveInstance>,
    pub(crate) host: BoxedHost,
    pub(crate) values: Vec<Value>,
    pub(crate) gas_used: Gas,
    pub(crate) gas_left: Gas,
}

impl Ended {
    /// The instance, which the run has left whole.
    pub(crate) fn alive(mut self: Box<Self>) -> Result<(LiveInstance, Box<Self>), Error> {
        match self.live.take() {
            Some(live) => Ok((live, self)),
            None => Err(Error::other(
                "a host function ended the run that makes the instance",
            )),
        }
    }
}

/// The same, with nothing left to do but to let the guest run.
pub(crate) enum Ready {
    Initialize {
        live: LiveInstance,
        host: BoxedHost,
        gas: Gas,
    },
    Enter(Box<Enter>),
    Resume {
        suspended: Suspended,
        reply: u64,
    },
}

impl Work {
    /// Does what is not the guest's and may take long: compiling.
    pub(crate) fn ready(self, executor: &Executor, suspension: Suspension) -> Result<Ready, Error> {
        Ok(match self {
            Work::Make(Make {
                prepared,
                host,
                gas,
            }) => {
                let request = RunRequest {
                    suspension,
                    ..RunRequest::new("", &[], gas)
                };
                let live = executor
                    .instance(&prepared, &request)
                    .map_err(|error| failed(error, Seen::InTime, Duration::ZERO))?;
                Ready::Initialize { live, host, gas }
            }
            Work::Enter(enter) => Ready::Enter(enter),
            Work::Resume { suspended, reply } => Ready::Resume { suspended, reply },
        })
    }

    /// The call, if it was to enter an instance that is as it was.
    pub(crate) fn into_enter(self) -> Option<Box<Enter>> {
        match self {
            Work::Enter(enter) => Some(enter),
            Work::Make(_) | Work::Resume { .. } => None,
        }
    }
}

impl Ready {
    /// Runs the guest.
    pub(crate) fn run(
        self,
        interrupt: &Interrupt,
        suspension: Suspension,
    ) -> Result<Outcome, RunError> {
        let request = |gas| RunRequest {
            suspension,
            interrupt: Some(interrupt.clone()),
            ..RunRequest::new("", &[], gas)
        };
        match self {
            Ready::Initialize { live, host, gas } => {
                live.initialize(request(gas), Bridge::new(host, interrupt))
            }
            Ready::Enter(enter) => {
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
                live.run(request, Bridge::new(host, interrupt))
            }
            Ready::Resume { suspended, reply } => suspended.resume(reply),
        }
    }

    /// As [`Work::into_enter`].
    pub(crate) fn into_enter(self) -> Option<Box<Enter>> {
        match self {
            Ready::Enter(enter) => Some(enter),
            Ready::Initialize { .. } | Ready::Resume { .. } => None,
        }
    }
}

/// What a run comes to, `seen` by the watchdog, with `limit` for its time.
pub(crate) fn conclude(outcome: Result<Outcome, RunError>, seen: Seen, limit: Duration) -> Part {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return Part::Failed(failed(error, seen, limit)),
    };
    match outcome {
        Outcome::Finished(finished) => {
            let values = finished.values().to_vec();
            let (gas_used, gas_left) = (finished.gas_used(), finished.gas_left());
            let (live, host) = finished.recycle();
            match Bridge::open(host) {
                Some(host) => Part::Ended(Box::new(Ended {
                    live,
                    host,
                    values,
                    gas_used,
                    gas_left,
                })),
                None => Part::Failed(Error::other("a run came back without its host")),
            }
        }
        // It was interrupted already, or would be as soon as it went on.
        Outcome::Syscall(_) if seen != Seen::InTime => Part::Failed(stopped(seen, limit)),
        Outcome::Syscall(suspended) => Part::Parked(suspended),
        Outcome::Trapped(trap, ended) => Part::Failed(Error::Runtime {
            trap,
            gas_used: ended.gas_used(),
        }),
        Outcome::OutOfGas(ended) => Part::Failed(Error::OutOfGas {
            gas_used: ended.gas_used(),
        }),
        Outcome::GasEnd(_) => {
            Part::Failed(Error::other("a run waits for gas that was not asked to"))
        }
    }
}

/// What `run` comes to if nothing in it panics.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, HostPanic> {
    // Whatever the panic left half done goes with the run.
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panicked(panic.as_ref()))
}

fn panicked(panic: &(dyn Any + Send)) -> HostPanic {
    let message = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    HostPanic {
        message: message.unwrap_or_else(|| "without a message".to_owned()),
    }
}

fn failed(error: RunError, seen: Seen, limit: Duration) -> Error {
    match error {
        RunError::Engine(EngineError::Interrupted) => stopped(seen, limit),
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
fn stopped(seen: Seen, limit: Duration) -> Error {
    match seen {
        Seen::Late => Error::Timeout { limit },
        Seen::InTime => Error::Cancelled,
        Seen::Unwatched { silent } => Error::Unwatched { silent },
    }
}
