//! Builds contracts in Rust, with the toolchain of the machine.
//!
//! Cargo builds a package for the target of contracts, by the profile `contract` of its workspace,
//! in `target/contracts` beside the lock file. What is missing is told with the command that
//! installs it ([`BuildError::next`]).
//!
//! The same sources, lock file and toolchain give the same bytes in every folder: paths and cargo's
//! hashes of them do not reach the program. That needs a shell, so on Windows the folders of path
//! dependencies make a difference.
//!
//! ```no_run
//! use fusee_build::{Contract, Names, Options};
//!
//! let contract = Contract::find("counter".as_ref())?;
//! let wasm = contract.wasm(Names::Stripped, Options::default())?;
//! # Ok::<(), fusee_build::BuildError>(())
//! ```
#![forbid(unsafe_code)]

mod contract;
mod error;
mod layout;
mod module;
mod package;
mod toolchain;
mod wrapper;

pub use contract::{Contract, Lock, Messages, Options};
pub use error::BuildError;
pub use layout::{FunctionBody, Layout, LayoutError, Section, layout};
pub use module::{Names, stripped};
pub use toolchain::{POLKAVM, Toolchain, WASM, command, llvm_tool};
