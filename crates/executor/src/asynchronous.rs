//! Runs whose syscalls are answered asynchronously, on any async runtime or none.
//!
//! The [`AsyncRun`] owns the run; the future that drives it borrows it. The future is cancel safe:
//! if it is dropped while it waits for an answer, in a `select` or by a timeout, the run stays
//! suspended at the same syscall.

use fusee_engine::{Host, Trap};

use crate::{Outcome, RunError, Suspended};

/// A run whose syscalls are answered asynchronously.
#[derive(Debug)]
pub struct AsyncRun<H> {
    /// `None` after the run has ended.
    outcome: Option<Outcome<H>>,
}

/// The answer to the syscall at which a guest is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Resumes the guest with this result.
    Reply(u64),
    /// Ends the run with a trap.
    Trap(Trap),
    /// Ends the run out of gas: the syscall costs more than is left.
    OutOfGas,
}

impl<H: Host> AsyncRun<H> {
    /// Wraps the outcome of [`Executor::run`](crate::Executor::run).
    #[must_use]
    pub const fn new(outcome: Outcome<H>) -> Self {
        Self {
            outcome: Some(outcome),
        }
    }

    /// Drives the run until it ends or is suspended for gas. Calls `answer` for each syscall at
    /// which the guest is suspended; `answer` can read the request, access the guest's memory and
    /// charge gas.
    ///
    /// The guest runs on the thread that polls the future, until it is suspended again. The guest's
    /// gas or an [`Interrupt`](fusee_engine::Interrupt) bounds the duration of a poll.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for an answer, the guest stays suspended. The next
    /// call of `end` calls `answer` again for the same syscall. Gas that was charged stays charged.
    /// Dropping the `AsyncRun` ends the run and frees its instance at once.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the host fails. The run is lost.
    ///
    /// # Panics
    ///
    /// If the run has ended, because `end` returned before. A panic of `answer` propagates, and
    /// leaves the guest suspended as if the future had been dropped.
    pub async fn end(
        &mut self,
        mut answer: impl AsyncFnMut(&mut Suspended<H>) -> Answer,
    ) -> Result<Outcome<H>, RunError> {
        while let Some(Outcome::Syscall(suspended)) = &mut self.outcome {
            let answered = answer(suspended).await;
            // No await until the outcome is stored again: that would lose the run on drop.
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
