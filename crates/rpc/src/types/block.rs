//! Blocks: their headers, and what is in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, BlockTransaction, Bytes, Hex32, Receipt};

/// The header of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockSummary {
    /// The number of the block.
    pub height: u64,
    /// In milliseconds since the Unix epoch.
    pub time: u64,
    /// The hash of the header.
    pub hash: Hex32,
    /// The hash of the header before; of the first block, the identity of genesis.
    pub parent: Hex32,
    /// The account of the proposer.
    pub proposer: Hex32,
    /// The root of the state after the block, which proofs are verified against.
    pub state_root: Hex32,
    /// The root of the transactions.
    pub transactions_root: Hex32,
    /// The root of the misbehaviour.
    pub misbehaviour_root: Hex32,
    /// The root of the results.
    pub receipts_root: Hex32,
    /// The rules of transactions.
    pub ledger_rules: Hex32,
    /// The rules of contracts.
    pub contract_rules: Hex32,
    /// The number of transactions.
    pub transaction_count: u64,
    /// The gas limits of all included transactions together.
    pub gas_declared: u64,
    /// The gas that the transactions used.
    pub gas_used: u64,
    /// The fees of all transactions together.
    pub fees: Amount,
}

/// How much of each transaction to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionDetail {
    /// The ids.
    #[default]
    Ids,
    /// Transactions with their results.
    Full,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// The header.
    #[serde(flatten)]
    pub header: BlockSummary,
    /// The ids of the transactions, in order. `null` where the bytes are no transaction.
    pub transaction_ids: Vec<Option<Hex32>>,
    /// The transactions with their results, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Vec<BlockTransaction>>,
    /// What the consensus engine reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misbehaviour: Vec<Misbehaviour>,
    /// The calls that the block made by itself, in order. They emit the events of its phases.
    pub calls: Vec<CallResult>,
}

/// What a validator did, as the consensus engine reported it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Misbehaviour {
    /// `duplicate_vote`, `light_client_attack` or `unknown`.
    pub kind: String,
    /// The address of the validator in the engine.
    pub address: Bytes,
    /// The account of the validator.
    pub account: Hex32,
    /// Its voting power at that height.
    pub power: u64,
    /// The height at which it happened.
    pub height: u64,
    /// In milliseconds since the Unix epoch.
    pub time: u64,
    /// The voting power of all validators together at that height.
    pub total_power: u64,
}

/// A call that a block made by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallResult {
    /// Its index among the calls of the chain's parameters.
    pub index: u32,
    /// `misbehaviour`, `begin` or `end` of the block.
    pub phase: String,
    /// What it did to the parameters of the chain: `none`, `applied` or `refused`.
    pub parameter_update: String,
    /// The receipt.
    pub receipt: Receipt,
}

/// Headers in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockPage {
    /// The headers: newest first, after a height oldest first.
    pub blocks: Vec<BlockSummary>,
    /// The `before` or `after` of the next page. Absent if there is no more now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The block that an answer was read after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// The height of the block.
    pub height: u64,
    /// The hash of its header. Absent at genesis, which has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_hash: Option<Hex32>,
    /// The root of the state after it, which proofs are verified against.
    pub state_root: Hex32,
}
