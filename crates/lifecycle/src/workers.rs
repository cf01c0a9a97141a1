//! Workers: a bounded number of threads that run guests, behind a bounded queue.
//!
//! A worker belongs to a guest only while that runs. What is in the queue has used none of its time; what was cancelled there never runs. A
//! worker that dies is replaced, and the call that it had ends with an error. No guest runs without a watchdog.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread::{self, ThreadId},
    time::Duration,
};

use fusee_engine::Interrupt;
use fusee_executor::{Executor, Suspended, Suspension};

use crate::{
    Error, Health, WhenFull,
    clock::now,
    slot::{Receiver, Sender, slot},
    watchdog::Watchdog,
    work::{Ended, Enter, Part, Work, catch, conclude},
};

/// What the workers share.
pub(crate) struct Workers {
    queue: Mutex<Queue>,
    changed: Condvar,
    watchdog: Arc<Watchdog>,
    executor: Arc<Executor>,
    suspension: Suspension,
    threads: usize,
    capacity: usize,
    waiting: AtomicUsize,
    refused: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
    replaced: AtomicU64,
}

#[derive(Default)]
struct Queue {
    /// Of calls that have run before: what they hold is freed soonest by letting them end.
    begun: VecDeque<Job>,
    /// Of calls that have not.
    fresh: VecDeque<Job>,
    /// What runs now.
    running: BTreeMap<u64, Interrupt>,
    threads: Vec<ThreadId>,
    next: u64,
    is_closed: bool,
}

struct Job {
    number: u64,
    work: Work,
    clock: Clock,
    interrupt: Interrupt,
    sender: Sender<Reply>,
}

/// The time of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What it had.
    pub(crate) limit: Duration,
    /// What is left.
    pub(crate) left: Duration,
}

/// Whether there has to be room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// As the caller says.
    New(WhenFull),
    /// No: the call has run before.
    Begun,
}

/// What a worker says of its work.
pub(crate) enum Reply {
    Ended(Box<Ended>, Clock),
    Parked(Suspended, Clock),
    Failed(Error),
    /// It did not run.
    Refused(Refused),
}

/// Work that did not run.
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// The call, if it was to enter an instance that is as it was.
    pub(crate) enter: Option<Box<Enter>>,
}

/// Work in the queue, or with a worker. Dropping it cancels it.
pub(crate) struct Ticket<'a> {
    workers: &'a Workers,
    number: u64,
    interrupt: Interrupt,
    receiver: Receiver<Reply>,
    is_done: bool,
}

/// A call whose host function waits.
pub(crate) struct WaitingCall<'a>(&'a Workers);

/// A worker's place, which somebody else takes if it dies.
struct Post(Arc<Workers>);

/// A job that runs.
struct Busy<'a> {
    workers: &'a Workers,
    number: u64,
}

impl Workers {
    pub(crate) fn start(
        executor: Arc<Executor>,
        suspension: Suspension,
        threads: usize,
        capacity: usize,
    ) -> io::Result<Arc<Self>> {
        let workers = Arc::new(Self {
            queue: Mutex::default(),
            changed: Condvar::new(),
            watchdog: Watchdog::start()?,
            executor,
            suspension,
            threads,
            capacity,
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
        });
        for _ in 0..threads {
            let spawned = workers.spawn(&mut workers.open());
            if let Err(error) = spawned {
                workers.close();
                return Err(error);
            }
        }
        Ok(workers)
    }

    pub(crate) const fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    pub(crate) const fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }

    pub(crate) fn health(&self) -> Health {
        let (is_watched, heartbeat_age) = self.watchdog.heartbeat();
        let queue = self.open();
        Health {
            is_watched,
            heartbeat_age,
            workers_wanted: self.threads,
            workers: queue.threads.len(),
            busy: queue.running.len(),
            queued: queue.waiting(),
            waiting: self.waiting.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
        }
    }

    /// Whether the calling thread is one of the workers.
    pub(crate) fn is_here(&self) -> bool {
        self.open().threads.contains(&thread::current().id())
    }

    /// Refuses what comes from now on, and ends what is there.
    pub(crate) fn close(&self) {
        let mut queue = self.open();
        queue.is_closed = true;
        for interrupt in queue.running.values() {
            interrupt.trigger();
        }
        let jobs = queue.clear();
        drop(queue);
        self.changed.notify_all();
        self.watchdog.dismiss();
        for job in jobs {
            job.refuse(Error::Closed);
        }
    }

    /// Puts work into the queue.
    pub(crate) fn submit(
        &self,
        work: Work,
        clock: Clock,
        interrupt: &Interrupt,
        admission: Admission,
    ) -> Result<Ticket<'_>, Refused> {
        let (is_watched, silent) = self.watchdog.heartbeat();
        let mut queue = self.open();
        let error = if queue.is_closed {
            Some(Error::Closed)
        } else if !is_watched {
            Some(Error::Unwatched { silent })
        } else if queue.threads.is_empty() {
            Some(Error::other("no worker is left, and none can be started"))
        } else {
            queue.refuse(self.capacity, admission)
        };
        if let Some(error) = error {
            drop(queue);
            self.count_refused(&error);
            return Err(Refused {
                error,
                enter: work.into_enter(),
            });
        }
        let number = queue.next;
        queue.next = number.wrapping_add(1);
        let (sender, receiver) = slot();
        let job = Job {
            number,
            work,
            clock,
            interrupt: interrupt.clone(),
            sender,
        };
        match admission {
            Admission::New(_) => queue.fresh.push_back(job),
            Admission::Begun => queue.begun.push_back(job),
        }
        drop(queue);
        self.changed.notify_one();
        Ok(Ticket {
            workers: self,
            number,
            interrupt: interrupt.clone(),
            receiver,
            is_done: false,
        })
    }

    /// Notes that a call's host function waits, until what this returns is dropped.
    pub(crate) fn begin_waiting(&self) -> WaitingCall<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        WaitingCall(self)
    }

    pub(crate) fn count_cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    fn count_refused(&self, error: &Error) {
        if matches!(error, Error::Overloaded { .. } | Error::Unwatched { .. }) {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Starts a worker. It finds itself in the list, since that is locked until it is there.
    fn spawn(self: &Arc<Self>, queue: &mut Queue) -> io::Result<()> {
        let post = Post(Arc::clone(self));
        let thread = thread::Builder::new()
            .name("fusee-worker".to_owned())
            .spawn(move || post.0.serve())?;
        queue.threads.push(thread.thread().id());
        Ok(())
    }

    fn serve(&self) {
        while let Some((job, busy)) = self.next() {
            let Job {
                work,
                clock,
                interrupt,
                sender,
                ..
            } = job;
            let reply = self.perform(work, clock, &interrupt);
            // Whoever is answered finds the worker free. A worker is not free before what nobody waits for is destroyed.
            if sender.is_awaited() {
                drop(busy);
                sender.send(reply);
            } else {
                drop(reply);
            }
        }
    }

    /// The next job; none if there will be none.
    fn next(&self) -> Option<(Job, Busy<'_>)> {
        let mut queue = self.open();
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(job) = queue.take() {
                queue.running.insert(job.number, job.interrupt.clone());
                let busy = Busy {
                    workers: self,
                    number: job.number,
                };
                return Some((job, busy));
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn perform(&self, work: Work, clock: Clock, interrupt: &Interrupt) -> Reply {
        if interrupt.is_triggered() {
            return Reply::Failed(Error::Cancelled);
        }
        let ready = match work.ready(&self.executor, self.suspension) {
            Ok(ready) => ready,
            Err(error) => return Reply::Failed(error),
        };
        let Some(watch) = self.watchdog.arm(interrupt, clock.left) else {
            let (_, silent) = self.watchdog.heartbeat();
            let error = Error::Unwatched { silent };
            self.count_refused(&error);
            return Reply::Refused(Refused {
                error,
                enter: ready.into_enter(),
            });
        };
        let began = now();
        let run = catch(|| ready.run(interrupt, self.suspension));
        let spent = now().saturating_duration_since(began);
        let seen = watch.end();
        let clock = Clock {
            left: clock.left.saturating_sub(spent),
            ..clock
        };
        let part = match run {
            Ok(outcome) => conclude(outcome, seen, clock.limit),
            Err(panicked) => Part::Failed(Error::other(panicked)),
        };
        match part {
            Part::Ended(ended) => Reply::Ended(ended, clock),
            Part::Parked(suspended) => Reply::Parked(suspended, clock),
            Part::Failed(error) => {
                if matches!(error, Error::Timeout { .. }) {
                    self.timed_out.fetch_add(1, Ordering::Relaxed);
                }
                Reply::Failed(error)
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn waiting(&self) -> usize {
        self.begun.len().saturating_add(self.fresh.len())
    }

    /// Why a call is not let in, if it is not. There is room for as many as find a worker at once, and `capacity` more.
    fn refuse(&self, capacity: usize, admission: Admission) -> Option<Error> {
        let idle = self.threads.len().saturating_sub(self.running.len());
        let is_full = self.waiting() >= capacity.saturating_add(idle);
        let must_fit = admission == Admission::New(WhenFull::Refuse);
        (is_full && must_fit).then(|| Error::Overloaded {
            queued: self.waiting(),
        })
    }

    fn take(&mut self) -> Option<Job> {
        self.begun.pop_front().or_else(|| self.fresh.pop_front())
    }

    fn remove(&mut self, number: u64) -> Option<Job> {
        let of = |jobs: &mut VecDeque<Job>| {
            let position = jobs.iter().position(|job| job.number == number)?;
            jobs.remove(position)
        };
        of(&mut self.begun).or_else(|| of(&mut self.fresh))
    }

    fn clear(&mut self) -> Vec<Job> {
        self.begun.drain(..).chain(self.fresh.drain(..)).collect()
    }
}

impl Job {
    fn refuse(self, error: Error) {
        self.sender.send(Reply::Refused(Refused {
            error,
            enter: self.work.into_enter(),
        }));
    }
}

impl Future for Ticket<'_> {
    /// None if the worker died.
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Reply>> {
        let reply = self.receiver.poll(context);
        self.is_done = reply.is_ready();
        reply
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.interrupt.trigger();
        // Its instance goes here, and not while the queue is locked.
        let job = self.workers.open().remove(self.number);
        drop(job);
    }
}

impl Drop for WaitingCall<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.workers.open().running.remove(&self.number);
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let workers = &self.0;
        let here = thread::current().id();
        let mut queue = workers.open();
        queue.threads.retain(|thread| *thread != here);
        if !thread::panicking() || queue.is_closed {
            return;
        }
        tracing::error!("a worker died: another one takes its place");
        let mut stranded = Vec::new();
        match workers.spawn(&mut queue) {
            Ok(()) => {
                workers.replaced.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(error = %error, "no worker can be started");
                if queue.threads.is_empty() {
                    stranded = queue.clear();
                }
            }
        }
        drop(queue);
        for job in stranded {
            job.refuse(Error::other("no worker is left, and none can be started"));
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Workers")
            .field("threads", &self.threads)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
