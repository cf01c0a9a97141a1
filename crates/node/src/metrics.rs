//! Metrics: what a node has done, and how much waits, as plain numbers. Exporting them is for those
//! who read them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::MempoolSize;

/// The numbers of a node at one time. Counters begin at 0 when the node starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The height of the last committed block.
    pub height: u64,
    /// The height of the last block in the index.
    pub indexed_height: u64,
    /// Counter: committed blocks.
    pub blocks: u64,
    /// Counter: transactions in them.
    pub transactions: u64,
    /// Counter: gas that they used.
    pub gas_used: u64,
    /// Counter: time that this node took to execute blocks and proposals, signatures included.
    pub execution: Duration,
    /// Counter: time that it took to seal and commit them.
    pub commit: Duration,
    /// What waits in the mempool.
    pub mempool: MempoolSize,
    /// Counter: transactions that were added to the mempool.
    pub submitted: u64,
    /// Counter: transactions that were rejected.
    pub rejected: u64,
    /// Counter: transactions that left the mempool without being in a block.
    pub dropped: u64,
    /// Callers that wait for their transactions.
    pub watches: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Counter: subscriptions that were dropped because they did not keep up.
    pub slow_subscriptions: u64,
    /// Counter: blocks that could not be indexed at once.
    pub index_failures: u64,
    /// Counter: simulations.
    pub simulations: u64,
    /// Counter: queries.
    pub queries: u64,
}

/// The counters, which threads share.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) blocks: Counter,
    pub(crate) transactions: Counter,
    pub(crate) gas_used: Counter,
    pub(crate) submitted: Counter,
    pub(crate) rejected: Counter,
    pub(crate) dropped: Counter,
    pub(crate) index_failures: Counter,
    pub(crate) simulations: Counter,
    pub(crate) queries: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        // Counters say nothing about other memory.
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
