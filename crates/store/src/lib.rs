//! Embedded persistence of state and receipts: one file, one durable commit a transaction.
//!
//! A [`Store`] lives in a directory of its own. [`Store::commit`] makes the changes of one
//! transaction, appends its receipt and advances the sequence, all or nothing: when it returns,
//! all of it survives a crash of the process or of the machine; when the machine crashes earlier,
//! none of it has happened. A [`Snapshot`] reads one committed version while commits go on.
//!
//! The store does not look into keys, values or receipts, and it proves nothing about them:
//! there is no authenticated tree yet.
#![forbid(unsafe_code)]

mod directory;
mod error;
mod format;
mod snapshot;
mod store;

pub use error::{Foreign, StoreError};
pub use snapshot::Snapshot;
pub use store::{Commit, Store};
