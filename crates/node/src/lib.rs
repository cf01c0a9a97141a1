//! What drives a chain on one machine, as a library: no network, no consensus.
//!
//! A [`Node`] has a [`Chain`](fusee_chain::Chain), a [`Mempool`] of transactions that wait, an
//! [`Index`] of what is in its blocks, subscriptions to those that are committed, and a producer
//! that makes them ([`Production`]). With a consensus engine instead of the producer, the rest is
//! the same: the engine commits, and calls [`Node::committed`].
//!
//! A [`SelfCheck`] executes blocks again on another engine. [`Metrics`] are plain numbers.
//!
//! ```no_run
//! use std::{path::Path, sync::Arc, time::Duration};
//!
//! use fusee_chain::DataFolder;
//! use fusee_ledger::Ledger;
//! use fusee_node::{Node, NodeOptions, Production};
//!
//! # type Error = Box<dyn std::error::Error>;
//! fn run(path: &Path, ledger: Ledger, transaction: Vec<u8>) -> Result<(), Error> {
//!     let folder = DataFolder::open(path)?.ok_or("no chain there")?;
//!     let chain = Arc::new(folder.chain(ledger, folder.options())?);
//!     let mut options = NodeOptions::new(path);
//!     options.production = Production::Each; // a block for each transaction, at once
//!     let node = Node::start(chain, options)?;
//!     match node.submit_and_wait(transaction, Duration::from_secs(5))? {
//!         Ok(included) => println!("height {}", included.block.header.height),
//!         Err(reason) => println!("{reason}"), // no fault of the node
//!     }
//!     Ok(node.shut_down()?) // what still waits is there at the next start
//! }
//! ```
//!
//! Nothing here decides what a block comes to. The clock decides the times of blocks that this node
//! makes, and how long callers wait. It has threads, and no async runtime. `docs/book/src/node.md`
//! describes it.
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
