//! Commits: validates what was run ahead, in order, and runs again what is not valid.
//!
//! Invariant: a transaction is committed with the result that it has behind all before it.
//! Invariant: if the next transaction to commit has a finished attempt, then a thread commits it.
//! That is the thread that finished it, or the one that holds the lock at that moment, which looks
//! again after its release.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use fusee_state::{Overlay, StateReader};

use super::pace::Pace;
use super::queue::Role;
use super::recorder::Recorder;
use super::writers::Writers;
use super::{Executed, Run, lock};

/// A transaction that was run ahead.
#[derive(Debug)]
pub(super) struct Attempt<O> {
    pub(super) recorder: Arc<Recorder>,
    /// `None` after an error or a panic.
    pub(super) executed: Option<Executed<O>>,
}

/// The transactions that are committed: as many as there are outputs.
#[derive(Debug)]
pub(super) struct Committed<'a, O, E> {
    overlay: &'a mut Overlay,
    outputs: Vec<O>,
    writers: Writers,
    /// The error that ends the run.
    error: Option<E>,
    pace: Pace,
}

impl<'a, O, E> Committed<'a, O, E> {
    pub(super) fn new(overlay: &'a mut Overlay, count: usize, pace: Pace) -> Self {
        Self {
            overlay,
            outputs: Vec::with_capacity(count),
            writers: Writers::new(),
            error: None,
            pace,
        }
    }

    fn push(&mut self, executed: Executed<O>) {
        self.outputs.push(executed.output);
        for (key, _) in executed.changes.iter() {
            self.writers.note(key, self.outputs.len());
        }
        self.overlay.apply(executed.changes);
    }

    pub(super) fn into_result(self) -> Result<Vec<O>, E> {
        match self.error {
            None => Ok(self.outputs),
            Some(error) => Err(error),
        }
    }
}

impl<O, E, F> Run<'_, O, E, F>
where
    F: Fn(usize, Arc<dyn StateReader>) -> Result<Executed<O>, E>,
{
    /// Commits finished attempts until the next one is not finished, if no other thread does.
    pub(super) fn commit(&self, role: Role) {
        // The holder of the lock looks for an attempt once more after its release. So a thread that
        // fails to get the lock leaves its attempt to the holder.
        while self.is_ready() {
            let Ok(mut committed) = self.committed.try_lock() else {
                return;
            };
            self.commit_ready(&mut committed, role);
        }
    }

    /// Runs and commits transactions in turn, on the calling thread.
    pub(super) fn commit_in_turn(&self) {
        // The thread that handed over is about to release the lock.
        self.commit_ready(&mut lock(&self.committed), Role::Caller);
        self.commit(Role::Caller);
    }

    fn is_ready(&self) -> bool {
        let next = self.attempts.get(self.position.load(Ordering::SeqCst));
        next.is_some_and(|slot| lock(slot).is_some())
    }

    fn commit_ready(&self, committed: &mut Committed<'_, O, E>, role: Role) {
        loop {
            let index = committed.outputs.len();
            let Some(slot) = self.attempts.get(index) else {
                break;
            };
            let attempt = lock(slot).take();
            if attempt.is_none() && !self.runs_in_turn(committed, index, role) {
                break;
            }
            match self.settle(committed, index, attempt) {
                Ok(executed) => {
                    committed.push(executed);
                    let next = committed.outputs.len();
                    self.position.store(next, Ordering::SeqCst);
                }
                Err(error) => {
                    committed.error = Some(error);
                    self.position.store(usize::MAX, Ordering::SeqCst);
                    self.queue.stop();
                    return;
                }
            }
        }
        self.publish(committed);
    }

    /// Whether this thread runs a transaction in turn that was not run ahead.
    fn runs_in_turn(&self, committed: &Committed<'_, O, E>, index: usize, role: Role) -> bool {
        match role {
            _ if !committed.pace.is_in_turn(index) => false,
            Role::Caller => self.queue.claim_in_turn(index),
            Role::Helper => {
                self.queue.hand_over(index);
                false
            }
        }
    }

    /// The result of a transaction behind all before it.
    fn settle(
        &self,
        committed: &mut Committed<'_, O, E>,
        index: usize,
        attempt: Option<Box<Attempt<O>>>,
    ) -> Result<Executed<O>, E> {
        if let Some(attempt) = attempt {
            let Attempt { recorder, executed } = *attempt;
            let valid = executed.filter(|_| recorder.is_current(&committed.writers));
            self.note(committed, index, valid.is_none());
            if let Some(executed) = valid {
                return Ok(executed);
            }
            self.publish(committed);
        }
        (self.execute)(index, committed.overlay.view())
    }

    fn note(&self, committed: &mut Committed<'_, O, E>, index: usize, was_in_vain: bool) {
        let pace = &mut committed.pace;
        if !pace.is_in_turn(index) && pace.note(was_in_vain) {
            pace.begin(self.queue.pause());
        }
    }

    /// Lets transactions run ahead of the committed ones, unless they run in turn.
    fn publish(&self, committed: &Committed<'_, O, E>) {
        let index = committed.outputs.len();
        if !committed.pace.is_in_turn(index) || index == self.count {
            let view = committed.overlay.view();
            self.queue.publish(index, committed.pace.distance(), view);
        }
    }
}
