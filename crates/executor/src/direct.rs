//! The simplest supervisor: its guests do not call each other, and the embedder answers their
//! syscalls.

use std::{fmt, marker::PhantomData};

use fusee_engine::{EngineError, Gas, Host, SyscallRequest};

use crate::{Action, Begin, Callee, End, FrameLimit, Paused, RunError, Supervisor, Suspended};

/// Runs single guests. A suspended guest waits for the embedder ([`Progress::Waiting`]).
///
/// [`Progress::Waiting`]: crate::Progress::Waiting
///
/// `E` is the error type of the supervisor that wraps this one.
pub struct Direct<H, E = RunError>(PhantomData<fn() -> (H, E)>);

impl<H, E> Direct<H, E> {
    /// Creates the supervisor.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H, E> Default for Direct<H, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H, E> fmt::Debug for Direct<H, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Direct")
    }
}

impl<H: Host, E: From<RunError>> Supervisor for Direct<H, E> {
    type Host = H;
    type Call = Callee<H>;
    type Return = End<H>;
    type Request = SyscallRequest;
    type Error = E;

    fn begin(&mut self, call: Callee<H>) -> Result<Begin<Self>, E> {
        Ok(Begin::Run(call))
    }

    fn refuse(&mut self, _: Callee<H>, _: FrameLimit) -> Result<Self::Return, E> {
        Err(no_calls().into())
    }

    fn suspended(&mut self, frame: Paused<'_, H>) -> Result<Action<Self>, E> {
        Ok(Action::Wait(frame.guest.request()))
    }

    fn yielded(&mut self, _: Suspended<H>) -> Result<End<H>, E> {
        Err(no_calls().into())
    }

    fn ended(&mut self, end: End<H>) -> Result<End<H>, E> {
        Ok(end)
    }

    fn returned(&mut self, _: Paused<'_, H>, _: Self::Return, _: Gas) -> Result<Action<Self>, E> {
        Err(no_calls().into())
    }
}

/// The error of a call between guests.
fn no_calls() -> RunError {
    EngineError::Host("internal error: a guest without callees has one".into()).into()
}
