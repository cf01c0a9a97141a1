//! Answers and notifications that are not sent yet, in bytes: bounded for each client and together.
//!
//! A client that does not read leaves them in memory, as many as its connections and subscriptions
//! can ask for. So each connection counts what it is to send, and its stream counts what it has
//! sent. An answer beyond the bounds is refused, and a subscription ends; what is small is counted
//! and never refused.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{context::now, options::Limits};
use crate::error::{ErrorKind, RpcError};

/// The most bytes of what is never refused.
const SMALL: usize = 4 << 10;

/// A stream that has been able to send for so long, and has sent nothing, has sent everything.
const QUIET: Duration = Duration::from_secs(1);

/// What a connection has to send.
#[derive(Debug)]
pub(super) struct Unsent {
    own: AtomicUsize,
    client: Arc<AtomicUsize>,
    all: Arc<AtomicUsize>,
    of_client: usize,
    of_all: usize,
    /// Whether the client does not read what the stream writes.
    is_stalled: AtomicBool,
    last: Mutex<Instant>,
}

impl Unsent {
    /// Of a connection of a client, among all.
    pub(super) fn new(client: Arc<AtomicUsize>, all: Arc<AtomicUsize>, limits: &Limits) -> Self {
        Self {
            own: AtomicUsize::new(0),
            client,
            all,
            of_client: limits.unsent_per_client,
            of_all: limits.unsent,
            is_stalled: AtomicBool::new(false),
            last: Mutex::new(now()),
        }
    }

    /// Counts what is to be sent.
    ///
    /// # Errors
    ///
    /// If too much waits already.
    pub(super) fn add(&self, bytes: usize) -> Result<(), RpcError> {
        if self.is_quiet() {
            self.settle();
        }
        if bytes > SMALL {
            let client = self.client.load(Ordering::Relaxed);
            if client.saturating_add(bytes) > self.of_client {
                return Err(too_much("this client has", self.of_client));
            }
            let all = self.all.load(Ordering::Relaxed);
            if all.saturating_add(bytes) > self.of_all {
                return Err(too_much("the node has", self.of_all));
            }
        }
        self.touch();
        for count in [&self.own, &self.client, &self.all] {
            count.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Counts what was sent.
    pub(super) fn sent(&self, bytes: usize) {
        self.is_stalled.store(false, Ordering::Relaxed);
        self.touch();
        let before = self
            .own
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |own| {
                Some(own.saturating_sub(bytes))
            });
        // Heads and frames are sent, and were not counted.
        let bytes = before.unwrap_or_else(|own| own).min(bytes);
        for count in [&self.client, &self.all] {
            count.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// The client does not read.
    pub(super) fn stalls(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
    }

    /// Another request begins on a connection that has one at a time: what came before was sent.
    /// What was counted and not sent was left out: a batch whose answers are too large together is
    /// answered by one error.
    pub(super) fn next_request(&self) {
        if !self.is_stalled.load(Ordering::Relaxed) {
            self.settle();
        }
    }

    /// Forgets what was counted.
    fn settle(&self) {
        self.sent(self.own.load(Ordering::Relaxed));
    }

    fn is_quiet(&self) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        now().saturating_duration_since(last) > QUIET && !self.is_stalled.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = now();
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.settle();
    }
}

fn too_much(who: &str, limit: usize) -> RpcError {
    RpcError::new(
        ErrorKind::Busy,
        format!("{who} answers to read, which may have {limit} bytes together"),
        "read the answers that wait, then ask again",
    )
    .with("limit", limit)
}

#[cfg(test)]
mod tests;
