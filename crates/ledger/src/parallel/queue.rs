//! The queue: which transaction runs next, on which state.
//!
//! Invariant: each index is claimed once, in ascending order.
//! Invariant: a thread waits here only while another one runs a transaction or commits.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use fusee_state::OverlayView;

use super::lock;
use super::recorder::Recorder;

/// A thread of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that called. Transactions run in turn there, since its caches are warm.
    Caller,
    /// Another one.
    Helper,
}

/// What a thread does next.
pub(super) enum Work {
    /// Run a transaction ahead, on this state.
    Ahead(usize, Arc<Recorder>),
    /// Run transactions in turn.
    InTurn,
}

pub(super) struct Queue {
    count: usize,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    /// The next index to claim.
    next: usize,
    /// The first index that is too far ahead.
    limit: usize,
    /// The number of committed transactions, and the state behind them. `None` while transactions
    /// run in turn: for a view that nobody reads, the overlay would keep older values.
    committed: usize,
    view: Option<Arc<OverlayView>>,
    waiting: usize,
    /// Whether transactions run in turn, and none has been claimed.
    is_handed_over: bool,
    is_stopped: bool,
}

impl Queue {
    pub(super) const fn new(count: usize, limit: usize, view: Arc<OverlayView>) -> Self {
        let inner = Inner {
            next: 0,
            limit,
            committed: 0,
            view: Some(view),
            waiting: 0,
            is_handed_over: false,
            is_stopped: false,
        };
        Self {
            count,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        }
    }

    /// What to do next. Waits until there is something. `None` at the end of the run.
    pub(super) fn claim(&self, role: Role) -> Option<Work> {
        let mut inner = lock(&self.inner);
        loop {
            if inner.is_stopped || inner.next >= self.count {
                return None;
            }
            if let Some(view) = &inner.view
                && inner.next < inner.limit
            {
                let (view, committed, index) = (Arc::clone(view), inner.committed, inner.next);
                inner.next = index.saturating_add(1);
                drop(inner);
                return Some(Work::Ahead(index, Recorder::new(view, committed)));
            }
            if inner.is_handed_over && role == Role::Caller {
                inner.is_handed_over = false;
                return Some(Work::InTurn);
            }
            inner.waiting = inner.waiting.saturating_add(1);
            let woken = self.changed.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
            inner.waiting = inner.waiting.saturating_sub(1);
        }
    }

    /// Claims `index` for the committing thread, unless it is claimed already.
    pub(super) fn claim_in_turn(&self, index: usize) -> bool {
        let mut inner = lock(&self.inner);
        let is_next = inner.next == index && !inner.is_stopped;
        if is_next {
            inner.next = index.saturating_add(1);
        }
        is_next
    }

    /// Lets the calling thread run transactions in turn from `index` on, unless another thread runs
    /// that one.
    pub(super) fn hand_over(&self, index: usize) {
        let mut inner = lock(&self.inner);
        if inner.next == index {
            inner.is_handed_over = true;
            self.wake(inner.waiting);
        }
    }

    /// Lets so many transactions behind the first `committed` run ahead, on the state behind these.
    pub(super) fn publish(&self, committed: usize, distance: usize, view: Arc<OverlayView>) {
        let limit = committed.saturating_add(distance);
        let mut inner = lock(&self.inner);
        // The last view may be dropped, which takes a lock, so it is dropped behind this one.
        let _last = inner.view.replace(view);
        inner.limit = limit;
        inner.committed = committed;
        // Threads that wake up for each transaction would cost more than it.
        let is_worth_it = inner.next.saturating_add(distance / 2) <= limit || limit >= self.count;
        if is_worth_it {
            self.wake(inner.waiting);
        }
        drop(inner);
    }

    /// Lets no transaction run ahead until the next state is published. Returns the next index.
    pub(super) fn pause(&self) -> usize {
        let mut inner = lock(&self.inner);
        inner.limit = 0;
        let (_last, next) = (inner.view.take(), inner.next);
        drop(inner);
        next
    }

    /// Ends the run.
    pub(super) fn stop(&self) {
        let mut inner = lock(&self.inner);
        inner.is_stopped = true;
        self.wake(inner.waiting);
    }

    fn wake(&self, waiting: usize) {
        // Without the condition, each commit would be a system call.
        if waiting > 0 {
            self.changed.notify_all();
        }
    }
}
