//! One call, from the queue to its end: a future that owns it all.
//!
//! Wherever it is dropped, the guest is cancelled and its instance destroyed: in the queue and while a host function waits at once,
//! with a worker as soon as that notices.

use std::{future::poll_fn, task::Poll};

use fusee_engine::{EngineError, Interrupt, Stop};
use fusee_executor::Suspended;

use crate::{
    Error, HostPanic,
    host::{Bridge, Guest},
    watchdog::Seen,
    work::{Ended, Part, Work, catch, conclude},
    workers::{Admission, Clock, Refused, Reply, Workers},
};

/// A call that is under way. Dropping it before it has ended cancels it.
pub(crate) struct Call<'a> {
    workers: &'a Workers,
    interrupt: Interrupt,
    clock: Clock,
    admission: Admission,
    has_ended: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(workers: &'a Workers, clock: Clock, admission: Admission) -> Self {
        Self {
            workers,
            interrupt: Interrupt::new(),
            clock,
            admission,
            has_ended: false,
        }
    }

    /// Runs a guest until it ends. What comes after it in the same call need not find room, and has the time that is left.
    pub(crate) async fn run(&mut self, mut work: Work) -> Result<Box<Ended>, Refused> {
        loop {
            let ticket = self
                .workers
                .submit(work, self.clock, &self.interrupt, self.admission)?;
            let reply = ticket.await;
            let mut suspended = match reply {
                Some(Reply::Ended(ended, clock)) => {
                    self.go_on(clock);
                    return Ok(ended);
                }
                Some(Reply::Parked(suspended, clock)) => {
                    self.go_on(clock);
                    suspended
                }
                Some(Reply::Failed(error)) => return Err(lost(error)),
                Some(Reply::Refused(refused)) => return Err(refused),
                None => return Err(lost(Error::other("the worker died that ran the guest"))),
            };
            let waiting = self.workers.begin_waiting();
            let answer = ask(&mut suspended).await;
            drop(waiting);
            work = match answer {
                Ok(Ok(reply)) => Work::Resume { suspended, reply },
                Ok(Err(stop)) => return stopped(suspended, stop, self.clock),
                Err(panicked) => return Err(lost(Error::other(panicked))),
            };
        }
    }

    /// It has ended, one way or the other.
    pub(crate) const fn end(&mut self) {
        self.has_ended = true;
    }

    const fn go_on(&mut self, clock: Clock) {
        self.clock = clock;
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

/// What the host answers to the syscall at which a guest is parked.
async fn ask(suspended: &mut Suspended) -> Result<Result<u64, Stop>, HostPanic> {
    let Some(mut host) = suspended.host().and_then(Bridge::lend) else {
        return Ok(Err(Stop::Fail(EngineError::Host(
            "the guest has no host".into(),
        ))));
    };
    let answer = {
        let mut waiting = catch(|| host.wait(Guest::new(suspended)))?;
        poll_fn(|context| match catch(|| waiting.as_mut().poll(context)) {
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panicked) => Poll::Ready(Err(panicked)),
        })
        .await?
    };
    if let Some(bridge) = suspended.host::<Bridge>() {
        bridge.give_back(host);
    }
    Ok(answer)
}

/// The guest does not go on after that syscall.
fn stopped(suspended: Suspended, stop: Stop, clock: Clock) -> Result<Box<Ended>, Refused> {
    match conclude(suspended.stop(stop), Seen::InTime, clock.limit) {
        Part::Ended(ended) => Ok(ended),
        Part::Failed(error) => Err(lost(error)),
        Part::Parked(_) => Err(lost(Error::other("a run that was ended goes on"))),
    }
}

/// The instance is gone.
const fn lost(error: Error) -> Refused {
    Refused { error, enter: None }
}
