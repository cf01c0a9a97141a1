//! One call, from the queue to its end: a future that owns all of it.
//!
//! Dropping it cancels the guest and destroys its instance: at once in the queue and while a host
//! function waits, and as soon as a worker notices while that runs the guest.

use std::{future::poll_fn, task::Poll};

use fusee_engine::{Interrupt, Stop};
use fusee_executor::{End, Paused, Suspended};

use crate::{
    AsyncHost, Error, HostPanic, WhenFull,
    host::{Guest, InstanceHost, RunHost},
    watchdog::Seen,
    work::{Resume, Step, Work, catch, conclude},
    workers::{Admission, Refused, Reply, RunOn, TimeBudget, Workers},
};

/// A call that is under way. Dropping it before it has ended cancels it.
pub(crate) struct Call<'a> {
    workers: &'a Workers,
    interrupt: Interrupt,
    time: TimeBudget,
    run_on: RunOn,
    admission: Admission,
    has_ended: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        workers: &'a Workers,
        time: TimeBudget,
        run_on: RunOn,
        when_full: WhenFull,
    ) -> Self {
        Self {
            workers,
            interrupt: Interrupt::new(),
            time,
            run_on,
            admission: Admission::New(when_full),
            has_ended: false,
        }
    }

    /// Runs a guest until it ends. Work that follows in the same call needs no room in the queue,
    /// and has the time that is left.
    pub(crate) async fn run<H: AsyncHost>(
        &mut self,
        mut work: Work<H>,
    ) -> Result<End<InstanceHost<H>>, Refused<H>> {
        loop {
            let mut suspended = match self.perform(work).await? {
                Some(Reply::Ended(end, time)) => {
                    self.has_begun(time);
                    return Ok(end);
                }
                Some(Reply::Suspended(suspended, time)) => {
                    self.has_begun(time);
                    suspended
                }
                Some(Reply::Failed(error)) => return Err(Refused::lost(error)),
                Some(Reply::Refused(refused)) => return Err(refused),
                None => {
                    let why = "the worker that ran the guest died";
                    return Err(Refused::lost(Error::other(why)));
                }
            };
            let waiting = self.workers.begin_waiting();
            let answer = ask(&mut suspended).await;
            drop(waiting);
            work = match answer {
                Ok(Ok(reply)) => Work::Resume(Box::new(Resume { suspended, reply })),
                Ok(Err(stop)) => return stopped(suspended, stop, self.time),
                Err(panicked) => return Err(Refused::lost(Error::other(panicked))),
            };
        }
    }

    /// Does the work here, or has a worker do it. `None` if the worker died.
    async fn perform<H: AsyncHost>(&self, work: Work<H>) -> Result<Option<Reply<H>>, Refused<H>> {
        match self.workers.steps_here() {
            None if self.run_on == RunOn::Worker => {
                let Self {
                    time,
                    interrupt,
                    admission,
                    ..
                } = self;
                let job = self.workers.submit(work, *time, interrupt, *admission)?;
                Ok(job.await)
            }
            steps => {
                let run = self
                    .workers
                    .perform_here(work, self.time, &self.interrupt, steps);
                run.map(Some)
            }
        }
    }

    /// The call has ended, so that dropping it cancels nothing.
    pub(crate) const fn end(&mut self) {
        self.has_ended = true;
    }

    const fn has_begun(&mut self, time: TimeBudget) {
        self.time = time;
        self.admission = Admission::Begun;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.workers.count_cancelled();
        }
    }
}

/// The host's answer to the syscall at which the guest is suspended.
async fn ask<H: AsyncHost>(
    suspended: &mut Suspended<RunHost<H>>,
) -> Result<Result<u64, Stop>, HostPanic> {
    let Paused { guest, host } = suspended.paused();
    let host = &mut host.host.host;
    let mut waiting = catch(|| host.wait(Guest::new(guest)))?;
    poll_fn(|context| match catch(|| waiting.as_mut().poll(context)) {
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// The host stops the guest at that syscall.
fn stopped<H: AsyncHost>(
    suspended: Suspended<RunHost<H>>,
    stop: Stop,
    time: TimeBudget,
) -> Result<End<InstanceHost<H>>, Refused<H>> {
    match conclude(suspended.stop(stop), Seen::InTime, time.limit) {
        Step::Ended(end) => Ok(end),
        Step::Failed(error) => Err(Refused::lost(error)),
        Step::Suspended(_) => {
            let why = "internal error: a stopped run is suspended";
            Err(Refused::lost(Error::other(why)))
        }
    }
}
