//! Journaled key-value state: what a call changes, in a form that can be undone.
//!
//! State is a map from byte strings to byte strings. A [`StateReader`] reads a committed version
//! of it; a [`Journal`] collects changes on top of one, with checkpoints that are committed or
//! reverted; a [`Diff`] is what the changes amount to in the end.
//!
//! Nothing here knows what a key means, touches a disk or reads a clock.
#![forbid(unsafe_code)]

mod diff;
mod error;
mod journal;
mod memory;
mod reader;

pub use diff::Diff;
pub use error::{DiffError, StateError};
pub use journal::{Checkpoint, Journal};
pub use memory::MemoryState;
pub use reader::StateReader;
