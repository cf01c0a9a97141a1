//! Embedded persistence: blocks and the states after them, in a folder.
//!
//! The [chain store](chain) keeps the blocks of a chain with one durable write for each, in the
//! [block log](log), and versions of the state at the last heights. Each version has a state root,
//! and proofs of what it has under a key and what it does not have, which `fusee_proof` verifies.
//!
//! The store does not interpret keys, values or blocks.
#![forbid(unsafe_code)]

pub mod chain;
mod folder;
pub mod log;
mod text;
mod tree;

pub use tree::Tree;
