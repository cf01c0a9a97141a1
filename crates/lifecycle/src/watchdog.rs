//! The watchdog: a thread that interrupts runs whose time is over.
//!
//! It sleeps until the next deadline, and wakes up now and then to show that it lives. Where it does not, no guest is run: what it watched
//! when it ended is interrupted, and what comes later is refused.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use fusee_engine::Interrupt;

use crate::clock::now;

/// How often the watchdog shows that it lives, at least.
pub const HEARTBEAT: Duration = Duration::from_millis(250);

/// After how long without a heartbeat the watchdog counts as dead, and calls are refused. A watchdog whose thread ends is
/// known to be dead at once.
pub const SILENCE: Duration = Duration::from_secs(2);

/// What all runs share that are watched.
#[derive(Debug)]
pub(crate) struct Watchdog {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// By when they end; the number tells apart those that end at the same time.
    watched: BTreeMap<(Instant, u64), Interrupt>,
    next: u64,
    beat: Instant,
    /// Whoever needs it before has to wake it.
    sleeps_until: Instant,
    duty: Duty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    Watching,
    /// It is to end without interrupting anything.
    Dismissed,
    /// It is to end as if it had died.
    Killed,
    /// Its thread has ended while there was something to watch.
    Dead,
}

/// One run that is watched.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    watchdog: &'a Watchdog,
    key: (Instant, u64),
}

/// What the watchdog has seen of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It came back before its time was over.
    InTime,
    /// It was interrupted, for its time was over.
    Late,
    /// The watchdog died meanwhile.
    Unwatched {
        /// How long ago it showed that it lived.
        silent: Duration,
    },
}

/// Says that the thread has ended, however it does.
struct Post(Arc<Watchdog>);

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
        let post = Post(Arc::clone(&watchdog));
        thread::Builder::new()
            .name("fusee-watchdog".to_owned())
            .spawn(move || post.0.watch())?;
        Ok(watchdog)
    }

    /// Interrupts a run after `left`, unless it is back before. `None` if nobody would.
    pub(crate) fn arm(&self, interrupt: &Interrupt, left: Duration) -> Option<Watch<'_>> {
        let began = now();
        let mut state = self.open();
        if !state.is_alive(began) {
            return None;
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        // A limit beyond what the clock can tell is the end of its range, which is centuries away.
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

    /// Whether it watches, and how long it was since it showed that.
    pub(crate) fn heartbeat(&self) -> (bool, Duration) {
        let at = now();
        let state = self.open();
        (state.is_alive(at), at.saturating_duration_since(state.beat))
    }

    /// Ends the thread: nothing is run any more.
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

impl Drop for Post {
    fn drop(&mut self) {
        let mut state = self.0.open();
        if state.duty == Duty::Dismissed {
            return;
        }
        state.duty = Duty::Dead;
        tracing::error!("the watchdog has ended: no guest is run any more");
        // They stay in the list, which tells them from those whose time was over.
        for interrupt in state.watched.values() {
            interrupt.trigger();
        }
    }
}
