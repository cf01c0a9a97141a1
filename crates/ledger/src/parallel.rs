//! Parallel execution: a list of transactions on many threads, with the very result of running them
//! one after another.
//!
//! Threads run transactions ahead, each on the state behind the last committed one, and record what
//! it reads. Transactions are committed in order. A run is valid if no transaction that was
//! committed since it began has changed what it read. Otherwise its result is discarded, and the
//! transaction runs again, now behind all before it. This is Block-STM (Gelashvili et al., 2022)
//! with one restriction: nothing is read before it is committed. So each run has a state that the
//! sequential run could have, runs at most twice, and never waits for another one.
//!
//! The result depends on base, transactions and their order alone: not on the number of threads,
//! nor on their timing. `docs/book/src/parallel-execution.md` has the argument and the
//! measurements.

mod commit;
mod pace;
mod queue;
mod recorder;
mod writers;

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fusee_state::{Diff, Overlay, StateReader};
use rayon::{ThreadPool, ThreadPoolBuilder};

use commit::{Attempt, Committed};
use pace::Pace;
use queue::{Queue, Role, Work};
use recorder::Recorder;

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed<O> {
    /// What it changes in the state that it read.
    pub changes: Diff,
    /// Everything else: its receipt.
    pub output: O,
}

/// Runs the transactions with the indices below `count` on top of `overlay`, on at most `threads`
/// threads, and applies their changes to it in order. Returns their outputs in order.
///
/// `execute` is called with the index of a transaction and the state to run it on. Its result must
/// be a function of the index and of what it reads from that state. Values that it has cached may
/// stand for reads if they are determined by something that it does read, like a code by its hash.
/// It is called more than once for some indices, and the result of one of the calls counts.
///
/// With one thread, the calling one, it is called once for each index, in order. That is the
/// reference; the result on many threads is the same.
///
/// # Errors
///
/// The error of the first transaction that fails in the sequential run. `overlay` then has the
/// changes of those before it. Errors on states that the sequential run does not come to do not
/// count.
///
/// # Panics
///
/// If `execute` panics in the sequential run; with its panic. `overlay` is as after an error.
/// Other panics do not count, so what `execute` shares must stand them.
pub fn run<O: Send, E: Send>(
    overlay: &mut Overlay,
    count: usize,
    threads: NonZeroUsize,
    execute: impl Fn(usize, Arc<dyn StateReader>) -> Result<Executed<O>, E> + Sync,
) -> Result<Vec<O>, E> {
    let threads = threads.get().min(count);
    if threads <= 1 {
        return run_in_order(overlay, count, execute);
    }
    let pace = Pace::new(threads);
    let run = Run {
        count,
        execute,
        queue: Queue::new(count, pace.distance(), overlay.view()),
        attempts: (0..count).map(|_| Mutex::new(None)).collect(),
        position: AtomicUsize::new(0),
        committed: Mutex::new(Committed::new(overlay, count, pace)),
        panic: Mutex::new(None),
    };
    let helpers = Helpers::take(threads.saturating_sub(1));
    match &helpers {
        Some(Helpers { pool, .. }) => pool.in_place_scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|_| run.work(Role::Helper));
            }
            run.work(Role::Caller);
        }),
        None => run.work(Role::Caller),
    }
    if let Some(helpers) = helpers {
        helpers.give_back();
    }
    if let Some(panic) = into_inner(run.panic) {
        resume_unwind(panic);
    }
    into_inner(run.committed).into_result()
}

/// The threads of one run besides the calling one. The next run uses them again, since a new thread
/// starts with a cold allocator and cold caches.
struct Helpers {
    count: usize,
    pool: ThreadPool,
}

/// Idle pools by their number of threads. A run takes one for itself, so that concurrent runs never
/// wait for each other.
static IDLE: Mutex<BTreeMap<usize, Vec<ThreadPool>>> = Mutex::new(BTreeMap::new());

impl Helpers {
    /// `None` if the system refuses the threads: the calling thread then runs alone.
    fn take(count: usize) -> Option<Self> {
        let idle = lock(&IDLE).get_mut(&count).and_then(Vec::pop);
        let pool = idle.or_else(|| {
            let builder = ThreadPoolBuilder::new().num_threads(count);
            builder.thread_name(|_| "execute".to_owned()).build().ok()
        })?;
        Some(Self { count, pool })
    }

    fn give_back(self) {
        lock(&IDLE).entry(self.count).or_default().push(self.pool);
    }
}

fn run_in_order<O, E>(
    overlay: &mut Overlay,
    count: usize,
    execute: impl Fn(usize, Arc<dyn StateReader>) -> Result<Executed<O>, E>,
) -> Result<Vec<O>, E> {
    let mut outputs = Vec::with_capacity(count);
    for index in 0..count {
        let executed = execute(index, overlay.view())?;
        overlay.apply(executed.changes);
        outputs.push(executed.output);
    }
    Ok(outputs)
}

/// A run on many threads.
struct Run<'a, O, E, F> {
    count: usize,
    execute: F,
    queue: Queue,
    /// The finished attempt of each transaction that is not committed. Boxed, since most are not
    /// there: one beside the other, they would take half a megabyte for a thousand transactions.
    attempts: Vec<Mutex<Option<Box<Attempt<O>>>>>,
    /// The number of committed transactions; out of bounds after an error.
    position: AtomicUsize,
    committed: Mutex<Committed<'a, O, E>>,
    /// The panic that ends the run.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<O, E, F> Run<'_, O, E, F>
where
    O: Send,
    E: Send,
    F: Fn(usize, Arc<dyn StateReader>) -> Result<Executed<O>, E> + Sync,
{
    /// The work of a thread. A panic ends the run on all threads.
    fn work(&self, role: Role) {
        let worked = catch_unwind(AssertUnwindSafe(|| {
            while let Some(work) = self.queue.claim(role) {
                match work {
                    Work::Ahead(index, recorder) => self.run_ahead(index, recorder, role),
                    Work::InTurn => self.commit_in_turn(),
                }
            }
        }));
        if let Err(panic) = worked {
            *lock(&self.panic) = Some(panic);
            self.queue.stop();
        }
    }

    /// Runs a transaction ahead, and commits what is ready.
    fn run_ahead(&self, index: usize, recorder: Arc<Recorder>, role: Role) {
        let state = Arc::clone(&recorder);
        let result = catch_unwind(AssertUnwindSafe(|| (self.execute)(index, state)));
        // Whether an error or a panic counts is found when the transaction runs in its turn.
        let executed = result.ok().and_then(Result::ok);
        if let Some(slot) = self.attempts.get(index) {
            *lock(slot) = Some(Box::new(Attempt { recorder, executed }));
        }
        self.commit(role);
    }
}

// A panic ends the run, so what it has left in a partial state is not read.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(shared: Mutex<T>) -> T {
    shared.into_inner().unwrap_or_else(PoisonError::into_inner)
}
