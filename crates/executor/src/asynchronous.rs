//! Runs for embedders whose answers take time: a future, on any runtime or none.
//!
//! The run is in an [`AsyncRun`], and not in the future that drives it. So the future can be dropped wherever it
//! waits, in a `select` or by a timeout, and the run is as it was before that answer was asked for.

use fusee_engine::Trap;

use crate::{Outcome, RunError, Suspended};
use fusee_engine::Host;

/// A run, while its syscalls are answered by something that waits.
#[derive(Debug)]
pub struct AsyncRun<H> {
    /// None where it has ended.
    outcome: Option<Outcome<H>>,
}

/// How a guest goes on that is parked at a syscall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With this result.
    Reply(u64),
    /// It does not: it may not make the syscall so.
    Trap(Trap),
    /// It does not: the syscall costs more gas than is left.
    OutOfGas,
}

impl<H: Host> AsyncRun<H> {
    /// A run as [`Executor::run`](crate::Executor::run) left it.
    #[must_use]
    pub const fn new(outcome: Outcome<H>) -> Self {
        Self {
            outcome: Some(outcome),
        }
    }

    /// Goes on until the run ends, or waits for gas: `answer` is asked at each syscall at which it is
    /// parked. It can look at the request, read and write the guest's memory, and charge gas.
    ///
    /// The guest runs where the future is polled, and until it is parked again; what bounds a poll is the guest's gas, or an
    /// [`Interrupt`](fusee_engine::Interrupt). If the future is dropped while it waits for an answer, the guest stays parked: another call of
    /// this asks again, and what was charged for the answer stays charged. Dropping the `AsyncRun` ends the run, and frees its instance at once.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the host fails. The run is gone.
    ///
    /// # Panics
    ///
    /// If the run has ended: this returned before. Where `answer` panics, so does the poll: no engine is on that stack, and
    /// the guest stays parked, as if the future had been dropped there.
    pub async fn end(
        &mut self,
        mut answer: impl AsyncFnMut(&mut Suspended<H>) -> Answer,
    ) -> Result<Outcome<H>, RunError> {
        while let Some(Outcome::Syscall(suspended)) = &mut self.outcome {
            let answered = answer(suspended).await;
            // Nothing waits from here to where the run is back.
            let Some(Outcome::Syscall(suspended)) = self.outcome.take() else {
                break;
            };
            self.outcome = Some(match answered {
                Answer::Reply(reply) => suspended.resume(reply)?,
                Answer::Trap(trap) => suspended.trap(trap),
                Answer::OutOfGas => suspended.out_of_gas(),
            });
        }
        Ok(self.outcome.take().expect("a run ends once"))
    }
}
