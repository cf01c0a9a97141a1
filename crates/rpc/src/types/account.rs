//! Accounts, contracts and code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, Bytes, Hex32, Position, Proof};

/// An account. Unused addresses have an empty one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The block after which it was read.
    #[serde(flatten)]
    pub position: Position,
    /// The address.
    pub address: Hex32,
    /// The balance.
    pub balance: Amount,
    /// The number of transactions that it has sent, which is the nonce of the next one.
    pub nonce: u64,
    /// The nonce after those that wait in the mempool of this node.
    pub next_nonce: u64,
    /// The hash of the code, if it is a contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_hash: Option<Hex32>,
    /// The gas that it may use, on chains with quotas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaUsed>,
    /// The proofs of balance, nonce and code hash, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
}

/// The gas of an account on a chain without fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaUsed {
    /// The gas that it may use in a window.
    pub gas: u64,
    /// The gas that it has used in this window.
    pub used: u64,
    /// The first height of the next window.
    pub end: u64,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contract {
    /// The block after which it was read.
    #[serde(flatten)]
    pub position: Position,
    /// The address.
    pub address: Hex32,
    /// The hash of the code.
    pub code_hash: Hex32,
    /// The size of the code in bytes.
    pub code_bytes: u32,
    /// Who may upgrade it. `null`: nobody.
    pub admin: Option<Hex32>,
    /// The balance.
    pub balance: Amount,
    /// The bytes of its storage that are under a deposit. Absent under rules without deposits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// The methods that can be called. Absent if the rules refuse the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Whether the code has an interface.
    pub has_interface: bool,
}

/// Code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    /// The block after which it was read.
    #[serde(flatten)]
    pub position: Position,
    /// The hash.
    pub hash: Hex32,
    /// `wasm` or `polkavm`.
    pub format: String,
    /// The program.
    pub code: Bytes,
}
