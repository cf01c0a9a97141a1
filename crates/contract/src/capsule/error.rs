//! Errors of capsules.

use fusee_engine::CodeHash;
use thiserror::Error;

use super::Capsule;
use crate::ContractRulesId;

/// Why bytes are no capsule, or a capsule cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CapsuleError {
    /// The bytes do not begin as those of a capsule.
    #[error("this is no capsule: it does not begin with `fuseecap`")]
    NotACapsule,
    /// The capsule has another version.
    #[error("the capsule has version {found}, this program reads version {expected}")]
    Version {
        /// The version that it has.
        found: u32,
        /// The only version that this program reads.
        expected: u32,
    },
    /// The checksum at the end does not match what is before it.
    #[error(
        "the capsule is damaged or cut off: the checksum in its last 32 bytes is not that of the \
         {bytes} bytes before it"
    )]
    Checksum {
        /// The number of bytes before the checksum.
        bytes: usize,
    },
    /// The capsule exceeds the limit.
    #[error(
        "the capsule has {bytes} bytes, at most {} are admitted",
        Capsule::MAX_BYTES
    )]
    TooLarge {
        /// The size of the capsule.
        bytes: usize,
    },
    /// The operations send too much code. The capsule has code once that many of them send.
    #[error(
        "the operations of the capsule send {bytes} bytes of code together, at most {} are admitted",
        Capsule::MAX_BYTES
    )]
    TooMuchCode {
        /// The size of the code of all operations together.
        bytes: usize,
    },
    /// The checksum matches, but these are not the bytes of any capsule.
    #[error("the capsule is malformed at byte {at}, in its {part}: {reason}")]
    Malformed {
        /// The position of the byte.
        at: usize,
        /// The part of the capsule.
        part: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The rules are none that this program knows.
    #[error("this program does not know the rules `{name}` with the id {id}")]
    UnknownRules {
        /// The name of the rules.
        name: String,
        /// The id of the rules.
        id: ContractRulesId,
    },
    /// The contracts have other rules than the capsule.
    #[error("the capsule has the rules `{expected}`, the contracts have the rules `{found}`")]
    OtherRules {
        /// The name of the capsule's rules.
        expected: String,
        /// The name of the rules of the contracts.
        found: String,
    },
    /// Code was left out of the capsule, and not added.
    #[error("the capsule was recorded without the code {hash}")]
    MissingCode {
        /// The hash of the code.
        hash: CodeHash,
    },
}
