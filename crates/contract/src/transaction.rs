//! Transactions and queries.

use fusee_engine::Gas;

use crate::Address;

/// A request to change the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The sender, who pays the value.
    pub from: Address,
    /// The action.
    pub action: Action,
    /// The amount to send.
    pub value: u128,
    /// The gas limit.
    pub gas: Gas,
}

/// The action of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Deploys a contract, and runs its method `deploy` if it has one.
    Deploy {
        /// The program.
        code: Vec<u8>,
        /// The input of `deploy`.
        input: Vec<u8>,
    },
    /// Calls a method of a contract. An empty method only transfers the value.
    Call {
        /// The contract.
        to: Address,
        /// The method.
        method: String,
        /// The input of the method.
        input: Vec<u8>,
    },
}

/// A call in read-only mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The caller that the contract sees.
    pub from: Address,
    /// The contract.
    pub to: Address,
    /// The method.
    pub method: String,
    /// The input of the method.
    pub input: Vec<u8>,
    /// The gas limit.
    pub gas: Gas,
}
