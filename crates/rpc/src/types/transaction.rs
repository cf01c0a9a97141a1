//! Transactions: what was signed, where they are, and their results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, Bytes, Hex32, Receipt};

/// What the sender and the fee payer signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Body {
    /// The name of the chain.
    pub chain_id: String,
    /// The account that sends the operations.
    pub sender: Hex32,
    /// The number of transactions that the sender sent before.
    pub nonce: u64,
    /// The last height whose block may include it.
    pub expiry: u64,
    /// The gas limit of all operations together.
    pub gas_limit: u64,
    /// The price of a unit of gas.
    pub gas_price: Amount,
    /// The account that pays for the gas. Absent: the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_payer: Option<Hex32>,
    /// The operations, in order.
    pub operations: Vec<Operation>,
}

/// One operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Operation {
    /// Sends a value.
    Transfer {
        /// The receiver.
        to: Hex32,
        /// The amount.
        value: Amount,
    },
    /// Calls a method of a contract.
    Call {
        /// The contract.
        to: Hex32,
        /// The method.
        method: String,
        /// The input of the method.
        input: Bytes,
        /// The amount that is sent with it.
        value: Amount,
    },
    /// Stores code.
    Upload {
        /// The program.
        code: Bytes,
    },
    /// Stores code and makes a contract of it.
    Deploy {
        /// The program.
        code: Bytes,
        /// The input of `deploy`.
        input: Bytes,
        /// The amount that is sent with it.
        value: Amount,
    },
    /// Makes a contract of code that is stored.
    Create {
        /// The hash of the code.
        code_hash: Hex32,
        /// Decides the address together with the sender.
        salt: Option<Hex32>,
        /// Who may upgrade the contract. `null`: nobody.
        admin: Option<Hex32>,
        /// The input of `deploy`.
        input: Bytes,
        /// The amount that is sent with it.
        value: Amount,
    },
    /// Replaces the code of a contract.
    Upgrade {
        /// The contract.
        contract: Hex32,
        /// The hash of the new code.
        code_hash: Hex32,
        /// The input of `migrate`.
        input: Bytes,
        /// The amount that is sent with it.
        value: Amount,
    },
    /// Hands a contract over.
    SetAdmin {
        /// The contract.
        contract: Hex32,
        /// The next admin. `null`: nobody.
        admin: Option<Hex32>,
    },
    /// Removes code that no contract has.
    RemoveCode {
        /// The hash of the code.
        code_hash: Hex32,
    },
    /// One that this version of the software does not know. It cannot be simulated.
    Unknown,
}

/// The result of a transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionResult {
    /// 0 if it was included, otherwise the number of the reason why it is invalid.
    pub code: u32,
    /// How it ended: as its last operation. `invalid` if it is invalid, `success` if no operation
    /// began.
    pub status: String,
    /// The gas that it used.
    pub gas_used: u64,
    /// Its gas limit; 0 if it is invalid.
    pub gas_limit: u64,
    /// The fee that it paid.
    pub fee: Amount,
    /// The receipts of the operations that began, in order. Only the last can be of a failure.
    pub receipts: Vec<Receipt>,
}

/// A transaction of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockTransaction {
    /// The id. Absent if the bytes are no transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Hex32>,
    /// What was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The result.
    pub result: TransactionResult,
}

/// Whether a transaction is in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionState {
    /// It waits for a block.
    Waiting,
    /// It is in a block.
    Included,
}

/// A transaction that the node knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transaction {
    /// Whether it is in a block.
    pub state: TransactionState,
    /// The id.
    pub id: Hex32,
    /// The height of its block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// Its index in the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The hash of the block's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_hash: Option<Hex32>,
    /// The time of the block, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// What was signed.
    pub body: Body,
    /// Its encoding, with the signatures.
    pub transaction: Bytes,
    /// The result, if it is in a block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<TransactionResult>,
}

/// A transaction that was added to those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Its id.
    pub id: Hex32,
}
