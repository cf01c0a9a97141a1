//! Slots: the instances of a sandbox, for calls that wait until an engine has room for another.
//!
//! An engine has a limit of instances, and of address space. How many of them this sandbox has is
//! counted here, so that an instantiation that finds no room can wait until one of them ends, first
//! come, first served. It does not wait for what ends elsewhere: without an instance here, it
//! fails.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::oneshot::{Receiver, Sender, channel};

/// The slots of one sandbox.
#[derive(Debug, Default)]
pub(crate) struct Slots(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Instances that are alive or being made.
    held: usize,
    /// How many instances have ended.
    ended: u64,
    waiting: VecDeque<Sender<Turn>>,
}

/// The slot of one instance, which it has from the attempt to make it to its end.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    is_held: bool,
    /// How many instances had ended when the attempt began.
    ended: u64,
}

/// The right to try next. Dropping it passes it on, so that a room is not forgotten if the call
/// that was told of it is cancelled.
#[derive(Debug)]
pub(crate) struct Turn {
    slots: Arc<Slots>,
    is_used: bool,
}

/// An instantiation that waits for room.
#[derive(Debug)]
pub(crate) struct Vacancy(Option<Receiver<Turn>>);

impl Slots {
    fn open(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the call that waits longest.
    fn call_next(self: &Arc<Self>) {
        // The sender is found with the lock and used without: dropping a turn takes the lock.
        let next = || {
            let mut state = self.open();
            std::iter::from_fn(|| state.waiting.pop_front()).find(Sender::is_awaited)
        };
        if let Some(sender) = next() {
            sender.send(Turn {
                slots: Arc::clone(self),
                is_used: false,
            });
        }
    }
}

impl Slot {
    /// A slot that is not held yet.
    pub(crate) fn new(slots: &Arc<Slots>) -> Self {
        Self {
            slots: Arc::clone(slots),
            is_held: false,
            ended: 0,
        }
    }

    /// An attempt to make the instance begins.
    pub(crate) fn hold(&mut self) {
        let mut state = self.slots.open();
        state.held = state.held.saturating_add(1);
        self.ended = state.ended;
        self.is_held = true;
    }

    /// The attempt found no room. What to wait for; `None` if no instance of the sandbox is left
    /// that could make room.
    pub(crate) fn give_up(&mut self) -> Option<Vacancy> {
        let mut state = self.slots.open();
        self.is_held = false;
        state.held = state.held.saturating_sub(1);
        if state.ended != self.ended {
            return Some(Vacancy(None));
        }
        if state.held > 0 {
            let (sender, receiver) = channel();
            state.waiting.push_back(sender);
            return Some(Vacancy(Some(receiver)));
        }
        drop(state);
        // Nor is there one for the others to wait for.
        self.slots.call_next();
        None
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut state = self.slots.open();
        state.held = state.held.saturating_sub(1);
        state.ended = state.ended.wrapping_add(1);
        drop(state);
        self.slots.call_next();
    }
}

impl Vacancy {
    /// Waits until an instance of the sandbox has ended. The turn is kept during the next attempt.
    pub(crate) async fn wait(self) -> Option<Turn> {
        let receiver = self.0?;
        poll_fn(|context| receiver.poll(context)).await
    }
}

impl Turn {
    /// The attempt was made.
    pub(crate) fn end(mut self) {
        self.is_used = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_used {
            self.slots.call_next();
        }
    }
}
