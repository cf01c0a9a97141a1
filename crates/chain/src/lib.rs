//! A chain on disk: the blocks of the [ledger](fusee_ledger) over the [chain
//! store](fusee_store::chain).
//!
//! A driver (a consensus engine, or a single node) checks, prepares and processes blocks through
//! [`Chain::ledger`] on the state of [`Chain::tip`]. What was decided it executes
//! ([`Chain::execute`]), seals ([`Chain::seal`]) and commits ([`Chain::commit`]). Executing and
//! sealing write nothing; committing is the one durable write of a block.
//!
//! Each of the three steps can work on another block at the same time: a [`Tip`] is the end of a
//! chain whose last blocks are not committed yet. [`Pipeline`] does that with threads of its own.
//!
//! A [`DataFolder`] has a chain together with its genesis.
//!
//! [`replay`] executes the stored blocks again, and stops at the first difference.
#![forbid(unsafe_code)]

mod body;
mod chain;
mod error;
mod files;
mod folder;
mod headers;
mod pipeline;
mod replay;
mod times;
mod tip;

pub use body::StoredBlock;
pub use chain::{Chain, Executed, Options, Sealed};
pub use error::ChainError;
pub use files::{read_header, write_header};
pub use folder::DataFolder;
pub use pipeline::{Committed, Pipeline};
pub use replay::{Difference, Replayed, Scope, Start, replay};
pub use times::Times;
pub use tip::Tip;
