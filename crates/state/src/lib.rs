//! Journaled key-value state: revertible changes of a transaction.
//!
//! State is a map from byte strings to byte strings. A [`StateReader`] reads a committed version of
//! the state. A [`Journal`] collects the changes of one transaction on top of it, with checkpoints
//! that are committed or reverted, and records its reads. The results are a [`Diff`] (the write
//! set) and a [`ReadSet`]. An [`Overlay`] collects the diffs of many transactions, a
//! [`StackedState`] reads through those of a few blocks.
//!
//! This crate does not interpret keys, access disks or read clocks.
#![forbid(unsafe_code)]

mod diff;
mod error;
mod history;
mod journal;
mod memory;
mod overlay;
mod ranges;
mod reader;
mod reads;
mod recorded;
mod stacked;

pub use diff::Diff;
pub use error::{DiffError, StateError};
pub use journal::{Checkpoint, Journal, Step};
pub use memory::MemoryState;
pub use overlay::{Overlay, OverlayView};
pub use reader::{Direction, KeyRange, StateReader, Value};
pub use reads::ReadSet;
pub use recorded::{NotRecorded, RecordedState};
pub use stacked::StackedState;
