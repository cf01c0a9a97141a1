//! Gas profiles: the gas of a run by function and syscall.
//!
//! A program that was metered with `profiled` rules reports when its functions begin and end
//! ([`ENTER`], [`LEAVE`]). A run that has a [`Profiler`] attributes its gas to these spans. The sum
//! of all parts is exactly the gas used, however the run ends. Profiling affects neither gas nor
//! outcome.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Gas, Import, Meter, ValueType, reserved};

/// The number of the import by which a guest function reports its index, before the function is
/// charged.
pub const ENTER: u32 = u32::MAX - 1;

/// The number of the import by which a guest function reports that it returns.
pub const LEAVE: u32 = u32::MAX;

/// The maximum length of a path. In a longer path, the last span replaces the span at this depth.
const MAX_DEPTH: usize = 128;

/// The maximum number of paths. After that, a new path consists of its last span only.
const MAX_PATHS: usize = 1 << 16;

/// A span of a run that uses gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProfileSpan {
    /// Loading the program's code.
    Loading,
    /// The instantiation.
    Instance,
    /// A guest function, by its index in the original program.
    Function(u32),
    /// A syscall, by its number.
    Syscall(u32),
    /// The gas that a trap forfeited: the counter is not exact at such a trap, and the run forfeits
    /// the rest.
    Forfeited,
}

/// Nested spans, the outermost first.
pub type Path = Vec<ProfileSpan>;

/// Records the gas profile of one run. The profile can be read during and after the run.
#[derive(Clone, Debug, Default)]
pub struct Profiler(Arc<Mutex<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    /// The gas of the last span of each path.
    gas: BTreeMap<Path, Gas>,
    /// The current path.
    path: Path,
    /// The gas used at the last update. Exceeds the limit while the run owes gas.
    spent: Gas,
    /// The gas that was recorded while the run owes gas, in order. It is removed if the run ends
    /// without being given that gas.
    owed: Vec<(Path, Gas)>,
}

/// The imports for profiling. They follow the guest's imports.
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

    /// The gas of the last span of each path, without nested spans. After the run has ended, the
    /// values add up to the gas used.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<Path, Gas> {
        self.lock().gas.clone()
    }

    /// The sum of all values of [`paths`](Self::paths).
    #[must_use]
    pub fn total(&self) -> Gas {
        let recording = self.lock();
        let parts = recording.gas.values();
        parts.fold(Gas::ZERO, |sum, part| sum.saturating_add(*part))
    }

    /// The path to which the run adds the gas that it uses now. Its last span is the current one.
    /// Until the span ends, it is the same.
    #[must_use]
    pub fn current(&self) -> Path {
        self.lock().key()
    }

    /// Starts a new profile. The same call may run again, after an error of the engine.
    pub(crate) fn begin(&self) {
        *self.lock() = Recording::default();
    }

    /// Enters a nested span.
    pub(crate) fn enter(&self, span: ProfileSpan, meter: &Meter) {
        let mut recording = self.lock();
        recording.update(meter);
        recording.path.push(span);
    }

    /// Leaves the current span.
    pub(crate) fn leave(&self, meter: &Meter) {
        let mut recording = self.lock();
        recording.update(meter);
        recording.path.pop();
    }

    /// Attributes the gas since the last update, and all later gas, to [`ProfileSpan::Forfeited`].
    pub(crate) fn forfeit(&self) {
        self.lock().path.push(ProfileSpan::Forfeited);
    }

    /// Completes the profile with the final state of the meter.
    pub(crate) fn end(&self, meter: &Meter) {
        let mut recording = self.lock();
        recording.remove_owed(meter.limit());
        recording.update(meter);
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    /// Attributes the gas since the last update to the current span.
    fn update(&mut self, meter: &Meter) {
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
            && self.path.len() <= MAX_DEPTH
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

    /// Removes the gas that was recorded beyond the limit, the latest first.
    fn remove_owed(&mut self, limit: Gas) {
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

    /// The recorded path for the current path, shortened by the limits. Its last span is always the
    /// current span.
    fn key(&self) -> Path {
        let mut key = self.path.clone();
        if let Some(last) = key.last().copied()
            && key.len() > MAX_DEPTH
        {
            key.truncate(MAX_DEPTH);
            if let Some(end) = key.last_mut() {
                *end = last;
            }
        }
        if self.gas.len() >= MAX_PATHS && !self.gas.contains_key(&key) {
            key.drain(..key.len().saturating_sub(1));
        }
        key
    }
}
