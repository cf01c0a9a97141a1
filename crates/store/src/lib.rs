//! Embedded persistence of state and receipts: one file, one durable commit for each transaction.
//!
//! A [`Store`] has a directory of its own. [`Store::commit`] applies the changes of one
//! transaction, appends its receipt and increments the sequence, atomically. After it returns, the
//! commit survives a crash of the process or of the machine. If the machine crashes before, either
//! all or none of the commit has happened. A [`Snapshot`] reads one committed version while commits
//! continue.
//!
//! Opening a store verifies the whole file. Later damage is not detected while the store is open.
//!
//! Each version has a state root, and proofs of what it has under a key and what it does not have,
//! which `fusee_proof` verifies. Opening holds the state against the root that was committed.
//!
//! The [chain store](chain) stands beside it, for chains with blocks: one durable write for each
//! block, into the [block log](log), and versions of the state at the last heights.
//!
//! The store does not interpret keys, values or receipts.
//!
//! ```
//! use std::sync::Arc;
//!
//! use fusee_state::{Journal, StateReader};
//! use fusee_store::{Commit, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let store = Store::open(directory.path())?;
//!
//! let snapshot = Arc::new(store.snapshot()?);
//! let mut journal = Journal::new(snapshot.clone());
//! journal.write(b"greeting".to_vec(), b"hello".to_vec());
//! store.commit(Commit {
//!     sequence: snapshot.sequence(),
//!     diff: &journal.into_diff(),
//!     receipt: b"greeted",
//! })?;
//!
//! let greeting = store.snapshot()?.read(b"greeting")?;
//! assert_eq!(greeting.as_deref(), Some(b"hello".as_slice()));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod chain;
mod directory;
mod error;
mod folder;
mod format;
pub mod log;
mod snapshot;
mod store;
mod tree;

pub use error::{Foreign, StoreError};
pub use snapshot::Snapshot;
pub use store::{Commit, Store};
pub use tree::Tree;
