//! What holds for the chain and the node as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, Bytes, Hex32};

/// A backup that is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackedUp {
    /// The height of its last block.
    pub height: u64,
    /// The root of the state after it.
    pub state_root: Hex32,
}

/// How the node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whether it can serve.
    pub status: HealthStatus,
    /// Why it cannot, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The height of the last block. `null` before the first one.
    pub height: Option<u64>,
    /// The time of the last block, in milliseconds since the Unix epoch.
    pub time: Option<u64>,
    /// The height up to which transactions and events can be looked up.
    pub indexed_height: u64,
    /// Whether the index has not come to the last block yet.
    pub catching_up: bool,
    /// The number of transactions that wait.
    pub mempool: u64,
    /// The version of the software.
    pub version: String,
}

/// Whether a node can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It serves.
    Ok,
    /// It has no block yet.
    NoBlock,
    /// It has stopped making blocks.
    Failed,
}

/// What a chain is, and the node that serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainFacts {
    /// The name of the chain.
    pub chain_id: String,
    /// SHA-256 of a tag and the chain id, as headers have it.
    pub chain: Hex32,
    /// The identity of genesis: the parent of the first block.
    pub genesis: Hex32,
    /// The height of the first block.
    pub initial_height: u64,
    /// The first height whose block this node keeps.
    pub first_height: u64,
    /// The height of the last block; the one before the initial height if there is none.
    pub height: u64,
    /// The rules of transactions in the next block.
    pub ledger_rules: Hex32,
    /// The rules of contracts in the next block.
    pub contract_rules: Hex32,
    /// What the chain decides.
    pub parameters: Parameters,
    /// Whether anybody can sign for the development accounts.
    pub is_development: bool,
    /// The version of the software.
    pub version: String,
    /// The engine of this node, as its operator chose it.
    pub engine: String,
    /// Who makes blocks: `each` (a block for each transaction), `every` (one in each interval),
    /// `by_hand` or `consensus`.
    pub production: String,
    /// The greatest gas limit of a query to this node.
    pub query_gas: u64,
}

/// The parameters of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parameters {
    /// Which rules hold from which height on.
    pub activations: Vec<Activation>,
    /// The limits of a block.
    pub limits: BlockLimits,
    /// How transactions pay for their gas.
    pub payment: Payment,
    /// The calls that blocks make by themselves.
    pub calls: Vec<ScheduledCall>,
    /// The number of validators. 0: no consensus engine asks for them.
    pub validators: u64,
}

/// The rules from a height on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activation {
    /// The first height.
    pub height: u64,
    /// The rules of transactions.
    pub ledger_rules: Hex32,
    /// The rules of contracts.
    pub contract_rules: Hex32,
    /// The migration of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<String>,
}

/// The limits of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockLimits {
    /// The gas limits of all transactions together.
    pub gas: u64,
    /// The encodings of all transactions together, in bytes.
    pub bytes: u64,
    /// The number of transactions.
    pub transactions: u32,
}

/// How transactions pay for their gas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// In the smallest unit of balances.
    Fees {
        /// The lowest price of a unit of gas.
        minimum_price: Amount,
        /// Where the fees go: `proposer`, `burned`, or the address of a treasury.
        destination: String,
    },
    /// Not at all: an account may use so much gas in so many heights.
    Quotas {
        /// The gas of an account that has no quota of its own.
        gas: u64,
        /// The heights of a window.
        window: u64,
    },
}

/// A call that blocks make by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledCall {
    /// `begin` or `end` of the block.
    pub phase: String,
    /// The blocks that make it: those whose height is divisible by this number.
    pub every: u64,
    /// The contract.
    pub to: Hex32,
    /// The method.
    pub method: String,
    /// The input of the method.
    pub input: Bytes,
    /// The gas limit.
    pub gas: u64,
    /// Whether its output becomes the parameters of the chain.
    pub updates_parameters: bool,
}

/// What gas costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeeStatistics {
    /// The height of the last block that is counted.
    pub height: u64,
    /// The lowest price of a unit of gas that the chain admits. 0 on chains with quotas.
    pub minimum_price: Amount,
    /// The price that a transaction needs to be in one of the next blocks, by what waits: the
    /// lowest one, or a tenth above the lowest one of a mempool that is full or has more than a
    /// block.
    pub suggested_price: Amount,
    /// The prices of the transactions in the blocks. Absent without transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<Percentiles>,
    /// The prices of the transactions that wait. Absent without transactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Percentiles>,
    /// The gas of the blocks, newest first.
    pub blocks: Vec<BlockGas>,
}

/// Prices of a unit of gas: so many percent of the transactions have this price or a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// The number of transactions.
    pub count: u64,
    /// The lowest price.
    pub lowest: Amount,
    /// 10 percent.
    pub p10: Amount,
    /// 50 percent.
    pub p50: Amount,
    /// 90 percent.
    pub p90: Amount,
    /// 99 percent.
    pub p99: Amount,
    /// The highest price.
    pub highest: Amount,
}

/// The gas of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockGas {
    /// The height.
    pub height: u64,
    /// The gas that the transactions used.
    pub gas_used: u64,
    /// Their gas limits together.
    pub gas_declared: u64,
    /// The number of transactions.
    pub transactions: u64,
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mempool {
    /// The number of transactions.
    pub transactions: u64,
    /// The size of their encodings in bytes.
    pub bytes: u64,
    /// The most transactions that may wait.
    pub max_transactions: u64,
    /// The most bytes that may wait.
    pub max_bytes: u64,
    /// The ids of the first ones.
    pub ids: Vec<Hex32>,
}
