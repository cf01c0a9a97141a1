//! Journaled key-value state: what a call changes, in a form that can be undone.
//!
//! State is a map from byte strings to byte strings. A [`StateReader`] reads a committed version
//! of it; a [`Journal`] collects the changes of one transaction on top of it, with checkpoints that
//! are committed or reverted, and records what it read. A [`Diff`] is what was written in the end, a
//! [`ReadSet`] what was read. An [`Overlay`] collects the diffs of many transactions.
//!
//! Nothing here knows what a key means, touches a disk or reads a clock.
#![forbid(unsafe_code)]

mod diff;
mod error;
mod journal;
mod memory;
mod overlay;
mod reader;
mod reads;

pub use diff::Diff;
pub use error::{DiffError, StateError};
pub use journal::{Checkpoint, Journal};
pub use memory::MemoryState;
pub use overlay::{Overlay, OverlayView};
pub use reader::{StateReader, Value};
pub use reads::ReadSet;
