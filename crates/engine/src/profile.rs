//! Profiles: where the gas of a run went, function by function and syscall by syscall.
//!
//! A program that was metered for it tells when its functions begin and end ([`ENTER`], [`LEAVE`]); a run that
//! has a [`Profiler`] notes what was spent in between. All the parts together are the gas used, exactly, however the run ends.
//! A profile changes nothing: not the gas, not the outcome.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Gas, Import, Meter, ValueType, reserved};

/// The number of the import by which a function of the guest's tells its index, before anything is charged for it.
pub const ENTER: u32 = u32::MAX - 1;

/// The number of the import by which a function of the guest's tells that it returns.
pub const LEAVE: u32 = u32::MAX;

/// The longest path that is told apart. What is called deeper stands at the end of a path of this length.
const MOST_DEPTH: usize = 128;

/// How many paths are told apart. After that a new path counts as if nobody had called its last place.
const MOST_PATHS: usize = 1 << 16;

/// What gas is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProfileSpan {
    /// Making the instance.
    Instance,
    /// A function of the guest's, by its index in the program as its author made it.
    Function(u32),
    /// A syscall, by its number.
    Syscall(u32),
    /// What the trap cost that ended the run: nobody knows how far into its function it came, and the run forfeits the rest.
    Forfeited,
}

/// Places that are inside one another, the outermost first.
pub type Path = Vec<ProfileSpan>;

/// Notes where the gas of one run goes, and shows it while the run lasts and afterwards.
#[derive(Clone, Debug, Default)]
pub struct Profiler(Arc<Mutex<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    /// What was spent at the end of each path.
    gas: BTreeMap<Path, Gas>,
    /// Where the run is.
    path: Path,
    /// What was spent when it was last looked at; more than the limit where gas is owed.
    spent: Gas,
    /// What was counted since gas is owed, in order. A run that is not given it did not spend it.
    owed: Vec<(Path, Gas)>,
}

/// The imports by which a program tells what a profiler asks. They stand behind the guest's.
#[must_use]
pub fn imports() -> [Import; 2] {
    let import = |number, name: &str, params| Import {
        module: reserved::MODULE.to_owned(),
        name: name.to_owned(),
        number,
        params,
        result: None,
        may_suspend: false,
    };
    [
        import(ENTER, "enter", vec![ValueType::I64]),
        import(LEAVE, "leave", Vec::new()),
    ]
}

impl Profiler {
    /// A profiler for one run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was spent at the end of each path, without what was spent in deeper ones. Once the run has ended, it is all the gas
    /// that it used.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<Path, Gas> {
        self.open().gas.clone()
    }

    /// All of that together.
    #[must_use]
    pub fn total(&self) -> Gas {
        let recording = self.open();
        let parts = recording.gas.values();
        parts.fold(Gas::ZERO, |sum, part| sum.saturating_add(*part))
    }

    /// A run begins. If one had begun before, its notes are not of this one: it may be the same call, tried again.
    pub(crate) fn begin(&self) {
        *self.open() = Recording::default();
    }

    /// The run is now in this place, inside those where it was.
    pub(crate) fn enter(&self, place: ProfileSpan, meter: &Meter) {
        let mut recording = self.open();
        recording.settle(meter);
        recording.path.push(place);
    }

    /// The run is back in the place before.
    pub(crate) fn leave(&self, meter: &Meter) {
        let mut recording = self.open();
        recording.settle(meter);
        recording.path.pop();
    }

    /// What was spent since the last look is forfeited, and so is what will be.
    pub(crate) fn forfeit(&self) {
        self.open().path.push(ProfileSpan::Forfeited);
    }

    /// The run has ended where it is, and used what the meter says.
    pub(crate) fn end(&self, meter: &Meter) {
        let mut recording = self.open();
        recording.take_back(meter.limit());
        recording.settle(meter);
    }

    fn open(&self) -> MutexGuard<'_, Recording> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    /// Counts what was spent since the last look for the place where the run is.
    fn settle(&mut self, meter: &Meter) {
        let owed = Gas::new(meter.balance().min(0).unsigned_abs());
        let spent = meter.limit().saturating_sub(meter.left());
        let spent = spent.saturating_add(owed);
        let part = spent.saturating_sub(self.spent);
        self.spent = self.spent.max(spent);
        if owed == Gas::ZERO {
            self.owed.clear();
        }
        if part == Gas::ZERO {
            return;
        }
        if owed == Gas::ZERO
            && self.path.len() <= MOST_DEPTH
            && let Some(known) = self.gas.get_mut(&self.path)
        {
            *known = known.saturating_add(part);
            return;
        }
        let key = self.key();
        if owed > Gas::ZERO {
            self.owed.push((key.clone(), part));
        }
        let known = self.gas.entry(key).or_default();
        *known = known.saturating_add(part);
    }

    /// Takes back what was counted beyond the limit, the last first.
    fn take_back(&mut self, limit: Gas) {
        while let Some((key, part)) = self.owed.pop() {
            let excess = part.min(self.spent.saturating_sub(limit));
            self.spent = self.spent.saturating_sub(excess);
            if let Entry::Occupied(mut known) = self.gas.entry(key) {
                let rest = known.get().saturating_sub(excess);
                if rest == Gas::ZERO {
                    known.remove();
                } else {
                    known.insert(rest);
                }
            }
        }
    }

    /// The path that the run counts for, which is not on record or too long. However many there are, its last
    /// place is right.
    fn key(&self) -> Path {
        let mut key = self.path.clone();
        if let Some(last) = key.last().copied()
            && key.len() > MOST_DEPTH
        {
            key.truncate(MOST_DEPTH);
            if let Some(end) = key.last_mut() {
                *end = last;
            }
        }
        if self.gas.len() >= MOST_PATHS && !self.gas.contains_key(&key) {
            key.drain(..key.len().saturating_sub(1));
        }
        key
    }
}
