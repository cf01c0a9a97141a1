//! The watchdog: a thread that interrupts runs whose time is over.
//!
//! It sleeps until the next deadline, and wakes up at least once in a [`HEARTBEAT`]. No guest runs
//! without it: when it ends, the runs that it watches are interrupted, and further calls are
//! refused.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use fusee_engine::Interrupt;

use crate::clock::now;

/// The longest time between two heartbeats of the watchdog.
pub const HEARTBEAT: Duration = Duration::from_millis(250);

/// The age of the last heartbeat at which the watchdog counts as dead, and calls are refused. If
/// its thread ends, it counts as dead at once.
pub const SILENCE: Duration = Duration::from_secs(2);

/// The state that the thread and all watched runs share.
#[derive(Debug)]
pub(crate) struct Watchdog {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// By deadline. The number makes equal deadlines distinct.
    watched: BTreeMap<(Instant, u64), Interrupt>,
    next: u64,
    beat: Instant,
    /// A run with an earlier deadline wakes it.
    sleeps_until: Instant,
    duty: Duty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    Watching,
    /// To end without an interrupt.
    Dismissed,
    /// To end as if it had died.
    Killed,
    /// Its thread has ended on its own.
    Dead,
}

/// One watched run.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    watchdog: &'a Watchdog,
    key: (Instant, u64),
}

/// How a watched run came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Before its deadline.
    InTime,
    /// After it was interrupted at its deadline.
    Late,
    /// After the watchdog died.
    Unwatched {
        /// The age of its last heartbeat.
        silent: Duration,
    },
}

/// Notes that the thread has ended, also if it panics.
struct ThreadGuard(Arc<Watchdog>);

impl Watchdog {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Arc<Self>> {
        let began = now();
        let watchdog = Arc::new(Self {
            state: Mutex::new(State {
                watched: BTreeMap::new(),
                next: 0,
                beat: began,
                sleeps_until: began,
                duty: Duty::Watching,
            }),
            changed: Condvar::new(),
        });
        let guard = ThreadGuard(Arc::clone(&watchdog));
        thread::Builder::new()
            .name("fusee-watchdog".to_owned())
            .spawn(move || guard.0.watch())?;
        Ok(watchdog)
    }

    /// Interrupts a run after `left`, unless it comes back before. `None` if the watchdog is dead.
    pub(crate) fn arm(&self, interrupt: &Interrupt, left: Duration) -> Option<Watch<'_>> {
        let began = now();
        let mut state = self.open();
        if !state.is_alive(began) {
            return None;
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        // A limit beyond the range of the clock is a century.
        let deadline = began.checked_add(left).unwrap_or(began + CENTURY);
        let key = (deadline, number);
        state.watched.insert(key, interrupt.clone());
        let is_asleep_too_long = deadline < state.sleeps_until;
        drop(state);
        if is_asleep_too_long {
            self.changed.notify_one();
        }
        Some(Watch {
            watchdog: self,
            key,
        })
    }

    /// Whether it is alive, and the age of its last heartbeat.
    pub(crate) fn heartbeat(&self) -> (bool, Duration) {
        let at = now();
        let state = self.open();
        (state.is_alive(at), at.saturating_duration_since(state.beat))
    }

    /// Ends the thread: no guest runs any more.
    pub(crate) fn dismiss(&self) {
        self.end_as(Duty::Dismissed);
    }

    /// Ends the thread as if it had died.
    pub(crate) fn kill(&self) {
        self.end_as(Duty::Killed);
    }

    fn end_as(&self, duty: Duty) {
        let mut state = self.open();
        if state.duty == Duty::Watching {
            state.duty = duty;
        }
        drop(state);
        self.changed.notify_one();
    }

    fn watch(&self) {
        let mut state = self.open();
        while state.duty == Duty::Watching {
            let at = now();
            state.beat = at;
            state.interrupt_before(at);
            let next_beat = at + HEARTBEAT;
            let next = state.watched.keys().next();
            let until = next.map_or(next_beat, |(deadline, _)| next_beat.min(*deadline));
            state.sleeps_until = until;
            let sleep = until.saturating_duration_since(at);
            (state, _) = self
                .changed
                .wait_timeout(state, sleep)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

impl State {
    fn is_alive(&self, at: Instant) -> bool {
        self.duty == Duty::Watching && at.saturating_duration_since(self.beat) <= SILENCE
    }

    fn interrupt_before(&mut self, at: Instant) {
        while let Some(first) = self.watched.first_entry() {
            if first.key().0 > at {
                break;
            }
            first.remove().trigger();
        }
    }
}

impl Watch<'_> {
    /// The run is back.
    pub(crate) fn end(self) -> Seen {
        let mut state = self.watchdog.open();
        match state.watched.remove(&self.key) {
            None => Seen::Late,
            Some(_) if state.duty == Duty::Dead => Seen::Unwatched {
                silent: now().saturating_duration_since(state.beat),
            },
            Some(_) => Seen::InTime,
        }
    }
}

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        let mut state = self.0.open();
        if state.duty == Duty::Dismissed {
            return;
        }
        state.duty = Duty::Dead;
        tracing::error!("the watchdog has ended: no guest is run any more");
        // They stay in the list, unlike those that were interrupted at their deadline.
        for interrupt in state.watched.values() {
            interrupt.trigger();
        }
    }
}
