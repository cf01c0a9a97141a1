//! Workers: a bounded number of threads that run guests, behind a bounded queue.
//!
//! A worker belongs to a guest only while that runs. Time in the queue does not count, and a call
//! that is cancelled there never runs. A worker that dies is replaced, and its call ends with an
//! error. No guest runs without a watchdog.

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
use fusee_executor::{End, Executor, Suspended, Suspension};

use crate::{
    AsyncHost, Error, Health,
    clock::now,
    host::RunHost,
    oneshot::{Receiver, Sender, channel},
    watchdog::Watchdog,
    work::{Enter, Step, Work, catch, conclude},
};

/// What happens to a call that finds no worker, and no room in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused at once as [`Error::Overloaded`], and never runs.
    #[default]
    Refuse,
    /// It waits for its turn, however long that takes, behind the calls that came before it.
    Wait,
}

/// The state that all workers share.
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
    /// Of calls that have run before. They hold memory, and free it soonest if they end first.
    begun: VecDeque<Job>,
    /// Of calls that have not run yet.
    fresh: VecDeque<Job>,
    /// The interrupts of the jobs that run.
    running: BTreeMap<u64, Interrupt>,
    threads: Vec<ThreadId>,
    next: u64,
    is_closed: bool,
}

/// Work in the queue.
struct Job {
    number: u64,
    interrupt: Interrupt,
    task: Box<dyn Task>,
}

/// The work of a job, whatever the type of its host.
trait Task: Send {
    /// Does the work, and answers the call.
    fn run(self: Box<Self>, workers: &Workers, interrupt: &Interrupt, running: Running<'_>);

    /// Answers the call without doing the work.
    fn refuse(self: Box<Self>, error: Error);
}

/// Work, and the call that it is for.
struct CallTask<H> {
    work: Work<H>,
    time: TimeBudget,
    sender: Sender<Reply<H>>,
}

/// How long workers may run a guest for a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeBudget {
    /// At first.
    pub(crate) limit: Duration,
    /// Now.
    pub(crate) left: Duration,
}

/// Whether there has to be room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// As the caller chose.
    New(WhenFull),
    /// No: the call has run before.
    Begun,
}

/// A worker's answer to a call.
pub(crate) enum Reply<H> {
    Ended(End<H>, TimeBudget),
    Suspended(Suspended<RunHost<H>>, TimeBudget),
    Failed(Error),
    /// The work was not done.
    Refused(Refused<H>),
}

/// A call that has no outcome.
pub(crate) struct Refused<H> {
    pub(crate) error: Error,
    /// The call, if it never ran and its instance is unchanged.
    pub(crate) enter: Option<Box<Enter<H>>>,
}

impl<H> Refused<H> {
    /// The instance is gone.
    pub(crate) const fn lost(error: Error) -> Self {
        Self { error, enter: None }
    }
}

/// A job in the queue or with a worker, as its call waits for it. Dropping it cancels the job.
pub(crate) struct JobHandle<'a, H> {
    workers: &'a Workers,
    number: u64,
    interrupt: Interrupt,
    receiver: Receiver<Reply<H>>,
    is_done: bool,
}

/// Counts a call whose host function waits, until it is dropped.
pub(crate) struct WaitingCall<'a>(&'a Workers);

/// A worker thread. If it dies, dropping this starts another one.
struct WorkerGuard(Arc<Workers>);

/// A job that a worker runs. Dropping it frees the worker.
struct Running<'a> {
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

    /// Refuses all further calls, and ends those in the queue and on the workers.
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
            job.task.refuse(Error::Closed);
        }
    }

    /// Puts work into the queue.
    pub(crate) fn submit<H: AsyncHost>(
        &self,
        work: Work<H>,
        time: TimeBudget,
        interrupt: &Interrupt,
        admission: Admission,
    ) -> Result<JobHandle<'_, H>, Refused<H>> {
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
        let (sender, receiver) = channel();
        let job = Job {
            number,
            interrupt: interrupt.clone(),
            task: Box::new(CallTask { work, time, sender }),
        };
        match admission {
            Admission::New(_) => queue.fresh.push_back(job),
            Admission::Begun => queue.begun.push_back(job),
        }
        drop(queue);
        self.changed.notify_one();
        Ok(JobHandle {
            workers: self,
            number,
            interrupt: interrupt.clone(),
            receiver,
            is_done: false,
        })
    }

    /// Counts a call whose host function waits, until the result is dropped.
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

    /// Starts a worker. The queue is locked until the worker is in its list.
    fn spawn(self: &Arc<Self>, queue: &mut Queue) -> io::Result<()> {
        let guard = WorkerGuard(Arc::clone(self));
        let thread = thread::Builder::new()
            .name("fusee-worker".to_owned())
            .spawn(move || guard.0.serve())?;
        queue.threads.push(thread.thread().id());
        Ok(())
    }

    fn serve(&self) {
        while let Some((job, running)) = self.next() {
            let Job {
                interrupt, task, ..
            } = job;
            task.run(self, &interrupt, running);
        }
    }

    /// The next job; `None` if the queue is closed.
    fn next(&self) -> Option<(Job, Running<'_>)> {
        let mut queue = self.open();
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(job) = queue.take() {
                queue.running.insert(job.number, job.interrupt.clone());
                let running = Running {
                    workers: self,
                    number: job.number,
                };
                return Some((job, running));
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn perform<H: AsyncHost>(
        &self,
        work: Work<H>,
        time: TimeBudget,
        interrupt: &Interrupt,
    ) -> Reply<H> {
        if interrupt.is_triggered() {
            return Reply::Failed(Error::Cancelled);
        }
        let ready = match work.ready(&self.executor, self.suspension) {
            Ok(ready) => ready,
            Err(error) => return Reply::Failed(error),
        };
        let Some(watch) = self.watchdog.arm(interrupt, time.left) else {
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
        let time = TimeBudget {
            left: time.left.saturating_sub(spent),
            ..time
        };
        let step = match run {
            Ok(outcome) => conclude(outcome, seen, time.limit),
            Err(panicked) => Step::Failed(Error::other(panicked)),
        };
        match step {
            Step::Ended(end) => Reply::Ended(end, time),
            Step::Suspended(suspended) => Reply::Suspended(suspended, time),
            Step::Failed(error) => {
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

    /// Why a call is refused, if it is. There is room for one call for each idle worker, and for
    /// `capacity` more.
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

impl<H: AsyncHost> Task for CallTask<H> {
    fn run(self: Box<Self>, workers: &Workers, interrupt: &Interrupt, running: Running<'_>) {
        let Self { work, time, sender } = *self;
        let reply = workers.perform(work, time, interrupt);
        // A caller that is answered finds the worker free. If nobody waits for the answer, the
        // worker is not free before the guest is destroyed.
        if sender.is_awaited() {
            drop(running);
            sender.send(reply);
        } else {
            drop(reply);
        }
    }

    fn refuse(self: Box<Self>, error: Error) {
        let Self { work, sender, .. } = *self;
        let enter = work.into_enter();
        sender.send(Reply::Refused(Refused { error, enter }));
    }
}

impl<H> Future for JobHandle<'_, H> {
    /// `None` if the worker died.
    type Output = Option<Reply<H>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Reply<H>>> {
        let reply = self.receiver.poll(context);
        self.is_done = reply.is_ready();
        reply
    }
}

impl<H> Drop for JobHandle<'_, H> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.interrupt.trigger();
        // The instance is dropped here, after the lock of the queue is released.
        let job = self.workers.open().remove(self.number);
        drop(job);
    }
}

impl Drop for WaitingCall<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.workers.open().running.remove(&self.number);
    }
}

impl Drop for WorkerGuard {
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
            job.task
                .refuse(Error::other("no worker is left, and none can be started"));
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
