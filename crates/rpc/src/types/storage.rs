//! Entries of the state, and proofs of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Position};

/// Entries of a contract's storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// The block after which they were read.
    #[serde(flatten)]
    pub position: Position,
    /// The entries: in the order of the keys that were asked for, or by ascending keys.
    pub entries: Vec<StorageEntry>,
    /// The `after` for the next entries of a prefix. Absent if there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Bytes>,
    /// The proof of each entry, if they were asked for. That a prefix has no other entries, they do
    /// not prove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
}

/// An entry of a contract's storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorageEntry {
    /// The contract's own key.
    pub key: Bytes,
    /// The value. `null` if there is none.
    pub value: Option<Bytes>,
}

/// Entries of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateEntries {
    /// The block after which they were read.
    #[serde(flatten)]
    pub position: Position,
    /// The entries: in the order of the keys that were asked for, or of the range.
    pub entries: Vec<StateEntry>,
    /// The last key, if the range has more entries: the next ones begin after it; in descending
    /// order, they end before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Bytes>,
    /// The proof of each entry, if they were asked for. That a range has no other entries, they do
    /// not prove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
}

/// An entry of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateEntry {
    /// The key of the state.
    pub key: Bytes,
    /// The value. `null` if there is none.
    pub value: Option<Bytes>,
}

/// What the state has under a key, and the proof: an entry of the files that `fusee verify` checks.
/// Its bytes are digits without `0x`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What the key is of, for people.
    pub name: String,
    /// The key of the state.
    pub key: String,
    /// The value. `null` if there is none.
    pub value: Option<String>,
    /// The encoded proof.
    pub proof: String,
}
