//! What transactions and queries would come to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Position, Proof, Receipt, Trace, TransactionResult};

/// What a transaction would come to in a block of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Simulation {
    /// The height of that block.
    pub height: u64,
    /// Why the transaction is invalid, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<Invalid>,
    /// The result: receipts, gas and fee.
    pub result: TransactionResult,
    /// Why the rules refuse the code of an operation, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The changes to the state of a block that has this transaction alone, by ascending keys.
    pub changes: Vec<Change>,
    /// The trace, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// Why a transaction is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invalid {
    /// The number of the reason.
    pub code: u32,
    /// Its name.
    pub name: String,
    /// For people.
    pub message: String,
}

/// A change of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What the key is of, for people.
    pub name: String,
    /// The key.
    pub key: Bytes,
    /// The value before, if there was one.
    pub before: Option<Bytes>,
    /// The value after. `null`: the key is removed.
    pub after: Option<Bytes>,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueryAnswer {
    /// The block in whose state it ran.
    #[serde(flatten)]
    pub position: Position,
    /// The receipt.
    pub receipt: Receipt,
    /// A proof of each key that the method read, if they were asked for. A client verifies them,
    /// runs the method on these entries alone, and need not trust the receipt. Of a range that the
    /// method searched, they prove the entries that it found, and not that there are no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
}
