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
    host::{InstanceHost, RunHost},
    oneshot::{Receiver, Sender, channel},
    thread::{Steps, enter_guest, enter_steps, is_in_guest, steps_of},
    watchdog::Watchdog,
    work::{Step, Work, catch, conclude},
};

/// What happens to a call that finds no worker, and no room in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused at once as [`Error::Overloaded`], and never runs.
    #[default]
    Refuse,
    /// It waits for its turn, however long that takes, behind the calls that came before it. An
    /// instantiation also waits until another instance of the sandbox ends, if the engine has no
    /// room for one more.
    Wait,
}

/// The thread that runs the guest of a call. No outcome depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunOn {
    /// A worker. Among the steps of [`Sandbox::on_worker`](crate::Sandbox::on_worker) it is the
    /// worker that runs them.
    #[default]
    Worker,
    /// The thread that polls the future of the call, or that blocks on it. No queue and no worker
    /// is in between, so the call takes a fraction of a microsecond more than the guest does. The
    /// poll returns when the guest ends or waits for a host function; until then nothing else runs
    /// on the thread. The watchdog keeps the time limit as on a worker.
    ///
    /// A host function cannot make such a call: a guest does not run within another.
    Caller,
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
    /// The guests that run on threads of callers, and within steps.
    here: BTreeMap<u64, HereRun>,
    threads: Vec<ThreadId>,
    next: u64,
    is_closed: bool,
}

/// A guest that runs on the thread of its caller, or among the steps of a job.
struct HereRun {
    interrupt: Interrupt,
    /// The job of the steps.
    steps: Option<u64>,
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

/// Steps of the embedder's, and the future that waits for them.
struct StepsTask<F, T> {
    steps: F,
    sender: Sender<Result<T, Error>>,
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
    Ended(End<InstanceHost<H>>, TimeBudget),
    Suspended(Suspended<RunHost<H>>, TimeBudget),
    Failed(Error),
    /// The work was not done.
    Refused(Refused<H>),
}

/// A call that has no outcome.
pub(crate) struct Refused<H> {
    pub(crate) error: Error,
    /// The work, if it was not begun: the instance to enter is unchanged.
    pub(crate) work: Option<Work<H>>,
}

impl<H> Refused<H> {
    /// The instance is gone.
    pub(crate) const fn lost(error: Error) -> Self {
        Self { error, work: None }
    }
}

/// A job in the queue or with a worker, as its call waits for it. Dropping it cancels the job.
pub(crate) struct JobHandle<'a, R> {
    workers: &'a Workers,
    number: u64,
    interrupt: Interrupt,
    receiver: Receiver<R>,
    is_done: bool,
}

/// Counts a call whose host function waits, until it is dropped.
pub(crate) struct WaitingCall<'a>(&'a Workers);

/// A worker thread. If it dies, dropping this starts another one.
struct WorkerGuard(Arc<Workers>);

/// A guest that runs on the current thread. Dropping it forgets it.
struct Here<'a> {
    workers: &'a Workers,
    number: u64,
}

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
            with_callers: queue
                .here
                .values()
                .filter(|run| run.steps.is_none())
                .count(),
            queued: queue.waiting(),
            waiting: self.waiting.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
        }
    }

    /// Whether a call may block the current thread.
    pub(crate) fn check_may_block(&self) -> Result<(), Error> {
        let is_worker = || self.open().threads.contains(&thread::current().id());
        let is_free = match self.steps_here() {
            Some(_) => !is_in_guest(),
            None => !is_worker(),
        };
        match is_free {
            true => Ok(()),
            false => Err(Error::other(
                "a host function cannot block on a call on the worker that runs its guest",
            )),
        }
    }

    /// The steps of this sandbox that run on the current thread.
    pub(crate) fn steps_here(&self) -> Option<Steps> {
        steps_of(self.address())
    }

    /// What tells this sandbox from others while it lives.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Refuses all further calls, and ends those in the queue and on the workers.
    pub(crate) fn close(&self) {
        let mut queue = self.open();
        queue.is_closed = true;
        for interrupt in queue.running.values() {
            interrupt.trigger();
        }
        for run in queue.here.values() {
            run.interrupt.trigger();
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
    ) -> Result<JobHandle<'_, Reply<H>>, Refused<H>> {
        let (sender, receiver) = channel();
        let task = Box::new(CallTask { work, time, sender });
        match self.enqueue(task, interrupt, admission) {
            Ok(number) => Ok(self.handle(number, interrupt, receiver)),
            Err((error, task)) => Err(Refused {
                error,
                work: Some(task.work),
            }),
        }
    }

    /// Puts steps into the queue.
    pub(crate) fn submit_steps<T: Send + 'static>(
        &self,
        steps: impl FnOnce() -> T + Send + 'static,
        when_full: WhenFull,
    ) -> Result<JobHandle<'_, Result<T, Error>>, Error> {
        let (sender, receiver) = channel();
        let task = Box::new(StepsTask { steps, sender });
        let interrupt = Interrupt::new();
        match self.enqueue(task, &interrupt, Admission::New(when_full)) {
            Ok(number) => Ok(self.handle(number, &interrupt, receiver)),
            Err((error, _)) => Err(error),
        }
    }

    fn handle<R>(
        &self,
        number: u64,
        interrupt: &Interrupt,
        receiver: Receiver<R>,
    ) -> JobHandle<'_, R> {
        JobHandle {
            workers: self,
            number,
            interrupt: interrupt.clone(),
            receiver,
            is_done: false,
        }
    }

    /// Puts a task into the queue, which numbers it, or gives it back.
    fn enqueue<T: Task + 'static>(
        &self,
        task: Box<T>,
        interrupt: &Interrupt,
        admission: Admission,
    ) -> Result<u64, (Error, Box<T>)> {
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
            return Err((error, task));
        }
        let number = queue.next_number();
        let job = Job {
            number,
            interrupt: interrupt.clone(),
            task,
        };
        match admission {
            Admission::New(_) => queue.fresh.push_back(job),
            Admission::Begun => queue.begun.push_back(job),
        }
        drop(queue);
        self.changed.notify_one();
        Ok(number)
    }

    /// Does work on the current thread.
    pub(crate) fn perform_here<H: AsyncHost>(
        &self,
        work: Work<H>,
        time: TimeBudget,
        interrupt: &Interrupt,
        steps: Option<Steps>,
    ) -> Result<Reply<H>, Refused<H>> {
        let refuse = |error, work| {
            let work = Some(work);
            Err(Refused { error, work })
        };
        if is_in_guest() {
            let why = "a host function cannot run a guest on the thread that runs its own";
            return refuse(Error::other(why), work);
        }
        let mut queue = self.open();
        if queue.is_closed {
            return refuse(Error::Closed, work);
        }
        // With the lock: dropping the steps takes it afterwards, to find their guests.
        if steps
            .as_ref()
            .is_some_and(|steps| steps.interrupt.is_triggered())
        {
            return refuse(Error::Cancelled, work);
        }
        let number = queue.next_number();
        let run = HereRun {
            interrupt: interrupt.clone(),
            steps: steps.map(|steps| steps.job),
        };
        queue.here.insert(number, run);
        drop(queue);
        let here = Here {
            workers: self,
            number,
        };
        let reply = self.perform(work, time, interrupt);
        drop(here);
        Ok(reply)
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
        let ready = match catch(|| work.ready(&self.executor, self.suspension)) {
            Ok(Ok(ready)) => ready,
            Ok(Err(refused)) => return Reply::Refused(refused),
            Err(panicked) => return Reply::Failed(Error::other(panicked)),
        };
        let Some(watch) = self.watchdog.arm(interrupt, time.left) else {
            let (_, silent) = self.watchdog.heartbeat();
            let error = Error::Unwatched { silent };
            self.count_refused(&error);
            return Reply::Refused(Refused {
                error,
                work: ready.into_enter(),
            });
        };
        let began = now();
        let in_guest = enter_guest();
        let run = catch(|| ready.run(interrupt, self.suspension));
        drop(in_guest);
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
    fn next_number(&mut self) -> u64 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        number
    }

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
        let work = Some(work);
        sender.send(Reply::Refused(Refused { error, work }));
    }
}

impl<F: FnOnce() -> T + Send, T: Send> Task for StepsTask<F, T> {
    fn run(self: Box<Self>, workers: &Workers, interrupt: &Interrupt, running: Running<'_>) {
        let Self { steps, sender } = *self;
        let mark = enter_steps(Steps {
            workers: workers.address(),
            job: running.number,
            interrupt: interrupt.clone(),
        });
        let done = catch(steps).map_err(Error::other);
        drop(mark);
        if sender.is_awaited() {
            drop(running);
            sender.send(done);
        } else {
            drop(done);
        }
    }

    fn refuse(self: Box<Self>, error: Error) {
        self.sender.send(Err(error));
    }
}

impl<R> Future for JobHandle<'_, R> {
    /// `None` if the worker died.
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<R>> {
        let reply = self.receiver.poll(context);
        self.is_done = reply.is_ready();
        reply
    }
}

impl<R> Drop for JobHandle<'_, R> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.interrupt.trigger();
        let mut queue = self.workers.open();
        for run in queue.here.values() {
            if run.steps == Some(self.number) {
                run.interrupt.trigger();
            }
        }
        // The instance is dropped here, after the lock of the queue is released.
        let job = queue.remove(self.number);
        drop(queue);
        drop(job);
    }
}

impl Drop for WaitingCall<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.workers.open().here.remove(&self.number);
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
