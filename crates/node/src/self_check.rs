//! The self-check: executes some committed blocks again on another ledger, in the background, and
//! compares results and changes.
//!
//! It never holds up a commit: while it is behind, it skips blocks, and counts them. A difference
//! means that an engine, or this machine, does not do what the others do.

mod suspects;

use std::{
    fmt,
    num::NonZeroU64,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use fusee_chain::{Chain, ChainError, StoredBlock};
use fusee_engine::Interrupt;
use fusee_ledger::{Finalized, Ledger, LedgerError};
use fusee_state::{Diff, StateReader, Value};
use fusee_store::chain::Version;

use crate::{NodeError, metrics::Counter};

pub use suspects::Suspect;

/// How many blocks wait to be checked. The states before them stay in memory.
const WAITING: usize = 2;

/// Called from the thread of the check.
type OnAlarm = Box<dyn Fn(Alarm) + Send>;

/// Checks blocks in the background.
pub struct SelfCheck {
    every: NonZeroU64,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    interrupt: Interrupt,
    counters: Arc<Counters>,
}

/// What a self-check has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SelfCheckCounts {
    /// Blocks that were checked.
    pub checked: u64,
    /// Blocks that were due, and skipped because it was behind or the state before was gone.
    pub skipped: u64,
    /// Alarms.
    pub alarms: u64,
}

#[derive(Debug, Default)]
struct Counters {
    checked: Counter,
    skipped: Counter,
    alarms: Counter,
}

/// A block that the other ledger does not come to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Alarm {
    /// The height of the block.
    pub height: u64,
    /// The first difference.
    pub difference: Disagreement,
    /// The transactions concerned, the first ones of them, with their capsules.
    pub suspects: Vec<Suspect>,
}

/// How the other ledger differs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Disagreement {
    /// In a result: of a transaction, or of a scheduled call after those.
    Result {
        /// Its index in the block.
        index: usize,
        /// As the chain has it, encoded. `None` if it has none.
        stored: Option<Vec<u8>>,
        /// As the other ledger has it.
        found: Option<Vec<u8>>,
    },
    /// In the changes alone.
    Change {
        /// The first key.
        key: Vec<u8>,
        /// What the chain has written, or that it has removed the key. `None`: no change.
        stored: Option<Option<Value>>,
        /// What the other ledger has.
        found: Option<Option<Value>>,
    },
    /// It could not execute the block.
    Fault(LedgerError),
    /// The block could not be read from the chain.
    Chain(ChainError),
}

/// A block to be checked, and the state before it.
struct Job {
    state: Version,
    block: Arc<StoredBlock>,
}

impl SelfCheck {
    /// Starts to check each block whose height is divisible by `every`, on `ledger`, which has
    /// other engines than that of the chain. `on_alarm` is called from another thread, which waits
    /// for it.
    ///
    /// # Errors
    ///
    /// [`NodeError::Thread`] if the operating system has no thread.
    pub fn start(
        chain: Arc<Chain>,
        ledger: Ledger,
        every: NonZeroU64,
        on_alarm: impl Fn(Alarm) + Send + 'static,
    ) -> Result<Self, NodeError> {
        let (jobs, waiting) = sync_channel(WAITING);
        let interrupt = Interrupt::new();
        let counters = Arc::<Counters>::default();
        let checker = Checker {
            chain,
            ledger: ledger.interrupted_by(interrupt.clone()),
            interrupt: interrupt.clone(),
            counters: Arc::clone(&counters),
            on_alarm: Box::new(on_alarm),
        };
        let thread = thread::Builder::new().name("self-check".to_owned());
        let thread = thread.spawn(move || checker.run(&waiting));
        Ok(Self {
            every,
            jobs: Some(jobs),
            thread: Some(thread.map_err(NodeError::Thread)?),
            interrupt,
            counters,
        })
    }

    /// Checks a block that was committed, if it is due. Returns at once.
    pub fn offer(&self, chain: &Chain, block: &Arc<StoredBlock>) {
        let height = block.header.height;
        if height.checked_rem(self.every.get()) != Some(0) {
            return;
        }
        // The version stays readable, however many blocks are committed until it is used.
        let state = chain.version(height.checked_sub(1));
        let block = Arc::clone(block);
        let job = state.ok().map(|state| Job { state, block });
        let sent = self
            .jobs
            .as_ref()
            .zip(job)
            .map(|(jobs, job)| jobs.try_send(job));
        match sent {
            Some(Ok(())) => {}
            None | Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) => {
                self.counters.skipped.add(1);
            }
        }
    }

    /// What it has done so far.
    #[must_use]
    pub fn counts(&self) -> SelfCheckCounts {
        self.counters.read()
    }

    /// Ends it after the blocks that wait.
    #[must_use]
    pub fn finish(mut self) -> SelfCheckCounts {
        self.join();
        self.counters.read()
    }

    fn join(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic was printed.
            let _ = thread.join();
        }
    }
}

impl Drop for SelfCheck {
    /// Interrupts it: nothing depends on what it has not come to.
    fn drop(&mut self) {
        self.interrupt.trigger();
        self.join();
    }
}

impl Counters {
    fn read(&self) -> SelfCheckCounts {
        SelfCheckCounts {
            checked: self.checked.value(),
            skipped: self.skipped.value(),
            alarms: self.alarms.value(),
        }
    }
}

/// The thread's part.
struct Checker {
    chain: Arc<Chain>,
    ledger: Ledger,
    interrupt: Interrupt,
    counters: Arc<Counters>,
    on_alarm: OnAlarm,
}

impl Checker {
    fn run(&self, jobs: &Receiver<Job>) {
        for job in jobs {
            let state: Arc<dyn StateReader> = Arc::new(job.state);
            let difference = self.difference(&state, &job.block);
            if self.interrupt.is_triggered() {
                return;
            }
            self.counters.checked.add(1);
            if let Some(difference) = difference {
                self.counters.alarms.add(1);
                let suspects = self.suspects(&state, &job.block, &difference);
                (self.on_alarm)(Alarm {
                    height: job.block.header.height,
                    difference,
                    suspects,
                });
            }
        }
    }

    fn difference(
        &self,
        state: &Arc<dyn StateReader>,
        block: &StoredBlock,
    ) -> Option<Disagreement> {
        let found = match self.ledger.finalize(Arc::clone(state), &block.block()) {
            Ok(found) => found,
            Err(fault) => return Some(Disagreement::Fault(fault)),
        };
        let stored = match self.chain.store().block(block.header.height) {
            Ok(stored) => stored?,
            Err(error) => return Some(Disagreement::Chain(error.into())),
        };
        in_results(block, &found).or_else(|| in_changes(&stored.changes, &found.changes))
    }
}

fn in_results(block: &StoredBlock, found: &Finalized) -> Option<Disagreement> {
    let count = block.results.len().max(found.results.len());
    let of = |list: &[Vec<u8>], index| list.get(index).cloned();
    let mut results =
        (0..count).map(|index| (index, of(&block.results, index), of(&found.results, index)));
    let (index, stored, found) = results.find(|(_, stored, found)| stored != found)?;
    Some(Disagreement::Result {
        index,
        stored,
        found,
    })
}

fn in_changes(stored: &Diff, found: &Diff) -> Option<Disagreement> {
    if stored == found {
        return None;
    }
    // Both ascend, so the first pair that differs has the first key that does.
    let (mut left, mut right) = (stored.iter(), found.iter());
    loop {
        let pair = (left.next(), right.next());
        if pair.0 == pair.1 && pair.0.is_some() {
            continue;
        }
        let keys = [pair.0, pair.1].into_iter().flatten().map(|(key, _)| key);
        let key = keys.min()?;
        let at = |change: Option<(&[u8], Option<&[u8]>)>| {
            let (_, value) = change.filter(|(other, _)| *other == key)?;
            Some(value.map(Value::from))
        };
        return Some(Disagreement::Change {
            key: key.to_vec(),
            stored: at(pair.0),
            found: at(pair.1),
        });
    }
}

impl fmt::Debug for SelfCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfCheck")
            .field("every", &self.every)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
