//! What drives a chain on one machine, as a library: no network, no consensus.
//!
//! A [`Node`] has a [`Chain`](fusee_chain::Chain), a [`Mempool`] of transactions that wait, an
//! [`Index`] of what is in its blocks, subscriptions to those that are committed, and a producer
//! that makes them ([`Production`]). With a consensus engine instead of the producer, the rest is
//! the same: the engine commits, and calls [`Node::committed`].
//!
//! A [`SelfCheck`] executes blocks again on another engine. [`Metrics`] are plain numbers.
//!
//! Nothing here decides what a block comes to. The clock decides the times of blocks that this node
//! makes, and how long callers wait. It has threads, and no async runtime. `docs/node.md` describes
//! it.
#![forbid(unsafe_code)]

mod clock;
mod error;
mod index;
mod mempool;
mod mempool_file;
mod metrics;
mod node;
mod results;
mod self_check;
mod subscriptions;
mod watches;

pub use clock::Clock;
pub use error::{IndexError, NodeError};
pub use index::{EventFilter, EventPlace, Index, MAX_PAGE, Order, TransactionPlace};
pub use mempool::{Added, Dropped, Mempool, MempoolLimits, MempoolSize, Rejected};
pub use metrics::Metrics;
pub use node::{EventEntry, Node, NodeOptions, Production, Simulated, Simulation, Tracing};
pub use results::BlockResult;
pub use self_check::{Alarm, Disagreement, SelfCheck, SelfCheckCounts, Suspect};
pub use subscriptions::{NoBlock, Subscription};
pub use watches::{InBlock, NotIncluded, Watch};
