//! Errors: bytes that are no proof, and proofs that do not hold.

use thiserror::Error;

use crate::Hash;

/// Bytes that are not the encoding of a proof.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The encoding has another version.
    #[error("proof has encoding version {found}, this program reads version {expected}")]
    Version {
        /// The version of the encoding.
        found: u8,
        /// The only version that this program reads.
        expected: u8,
    },
    /// The bytes end early.
    #[error("proof ends early, at byte {at}")]
    Truncated {
        /// The number of bytes.
        at: usize,
    },
    /// Bytes follow the proof.
    #[error("proof is followed by {0} more bytes")]
    Trailing(usize),
    /// The proof is deeper than the tree.
    #[error("proof has depth {0}, the tree has 256")]
    Depth(u16),
    /// The proof has another encoding, which is shorter or has no unused bits.
    #[error("proof is not encoded canonically: {0}")]
    NotCanonical(&'static str),
    /// The end is neither of the three kinds.
    #[error("proof ends with unknown kind {0}")]
    End(u8),
}

/// A proof that does not show what it is held against.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The proof cannot be read.
    #[error("proof cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The proof is of something else.
    #[error("proof does not show it: {0}")]
    Mismatch(#[from] Mismatch),
}

/// Why a proof does not show what a state has under a key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is held against a value, and shows that the key is absent.
    #[error("it is a proof of absence, and a value was given")]
    Absence,
    /// It is held against absence, and shows a value.
    #[error("it is a proof of a value, and none was given")]
    Presence,
    /// It ends with the entry of another key, to which the path of this key does not lead.
    #[error("it ends with an entry that is not on the path of the key")]
    OffPath,
    /// It is of another key, value or root.
    #[error("it leads to another root: another key, another value, or another state")]
    Root {
        /// The root to which the proof leads.
        found: Hash,
    },
}
