//! An ABCI 2.0 server: a [chain](fusee_chain) that CometBFT v0.38 replicates.
//!
//! An [`App`] is a chain in a folder. A [`Server`] lets a consensus engine drive it over a socket:
//! the engine agrees on blocks, and the app checks, prepares, processes, executes and commits them.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (path, genesis, ledger): (&std::path::Path, fusee_ledger::Genesis, _) = todo!();
//! use fusee_abci::{App, AppOptions, Server};
//! use fusee_chain::DataFolder;
//!
//! let options = AppOptions::new(&genesis);
//! let app = App::open(DataFolder::create(path, genesis)?, ledger, options)?;
//! Server::bind("unix:///run/fusee/abci.sock")?.serve(&app)?; // until it is stopped
//! # Ok(())
//! # }
//! ```
//!
//! It guarantees:
//!
//! - Replies of a connection come in the order of its requests. A frame that is malformed or too
//!   large ends its connection, and nothing else.
//! - What a transaction, a proposal, a query or a snapshot of another node causes is a reply. What
//!   the host causes ends [`Server::serve`] with an error, since an engine cannot go on without its
//!   application: the caller ends the process.
//! - `Commit` is the one durable write of a block. The app is never ahead of the engine, and a
//!   block that is executed again after a crash has the same hash.
//!
//! `docs/book/src/abci.md` has what consensus agrees on, the formats, and the commands of an
//! operator.
#![forbid(unsafe_code)]

mod address;
mod app;
mod connection;
mod consensus;
mod convert;
mod error;
mod events;
mod folder;
mod frame;
mod mempool;
mod proof;
mod query;
mod restore;
mod server;
mod snapshots;
mod stream;
mod validators;

pub use address::{AddressError, ListenAddress};
pub use app::{App, AppOptions, SnapshotOptions};
pub use error::{AppError, ServeError};
pub use proof::{HEADER_PROOF, ProofError, STATE_PROOF, verify_query};
pub use server::{Server, Stopper};
pub use validators::consensus_address;
