//! Embedded persistence of state and receipts: one file, one durable commit a transaction.
//!
//! A [`Store`] lives in a directory of its own. [`Store::commit`] makes the changes of one
//! transaction, appends its receipt and advances the sequence, all or nothing: when it returns,
//! all of it survives a crash of the process or of the machine; when the machine crashes earlier,
//! none of it has happened. A [`Snapshot`] reads one committed version while commits go on.
//!
//! Opening a store verifies the whole file. Damage that is done to it later, while it is open, is
//! not looked for.
//!
//! The store does not look into keys, values or receipts, and it proves nothing about them:
//! there is no authenticated tree yet.
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

mod directory;
mod error;
mod format;
mod snapshot;
mod store;

pub use error::{Foreign, StoreError};
pub use snapshot::Snapshot;
pub use store::{Commit, Store};
