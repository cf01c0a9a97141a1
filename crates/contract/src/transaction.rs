//! What to run on the state.

use fusee_engine::Gas;

use crate::Address;

/// A change that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who asks, and pays the value.
    pub from: Address,
    /// What to do.
    pub action: Action,
    /// The amount to send along.
    pub value: u128,
    /// The gas that it may use.
    pub gas: Gas,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Makes a contract of the code, and runs its method `deploy` if it has one.
    Deploy {
        /// The program.
        code: Vec<u8>,
        /// The input of `deploy`.
        input: Vec<u8>,
    },
    /// Calls a method of a contract. An empty method only sends the value.
    Call {
        /// The contract.
        to: Address,
        /// The method.
        method: String,
        /// Its input.
        input: Vec<u8>,
    },
}

/// A call that may not change anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Who the contract is told asks.
    pub from: Address,
    /// The contract.
    pub to: Address,
    /// The method.
    pub method: String,
    /// Its input.
    pub input: Vec<u8>,
    /// The gas that it may use.
    pub gas: Gas,
}
