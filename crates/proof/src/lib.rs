//! Proofs against a state root: that a state has a value under a key, or has none.
//!
//! A verifier needs the root, which a block header that it trusts has, and nothing else of the
//! state. The crate has no `std`, and does not allocate more than a proof has bytes, so it also
//! runs in a browser or in a contract.
//!
//! # The tree
//!
//! The state root is the root of a sparse Merkle tree with a place for each 256-bit path. All
//! hashes are BLAKE3, keyed, with a key for each use:
//!
//! | name | is the hash of |
//! |---|---|
//! | [`path`] | a key of the state |
//! | [`value_hash`] | a value |
//! | [`leaf`] | a path, and the hash of the value there |
//! | [`node`] | the two halves of a subtree |
//!
//! An empty subtree is [`EMPTY`], and a subtree with one leaf is that leaf. So the root depends on
//! the entries alone, not on how the state came to them, and a proof has about as many siblings as
//! the logarithm of the number of entries.
//!
//! ```
//! use fusee_proof::{End, Proof, leaf, node, path, value_hash};
//!
//! // A state of two entries whose paths differ in the first bit.
//! let [a, f] = [b"a", b"f"].map(|key| leaf(&path(key), &value_hash(b"1")));
//! let root = node(&a, &f);
//!
//! let proof = Proof::new(vec![f], End::Present);
//! assert_eq!(proof.verify(&root, b"a", Some(b"1")), Ok(()));
//! assert!(proof.verify(&root, b"a", Some(b"2")).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod error;
mod hash;
mod proof;

pub use error::{DecodeError, Mismatch, VerifyError};
pub use hash::{EMPTY, Hash, bit, leaf, leaves, node, nodes, path, shared_bits, value_hash};
pub use proof::{End, MAX_DEPTH, Proof, verify};
