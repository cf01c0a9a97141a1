//! Transactions and queries.

use fusee_engine::{CodeHash, Gas};

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
    /// Stores code, of which contracts can be made ([`Create`](Self::Create)). The output is the
    /// hash of the code. Since version 2 of the rules, as what follows.
    Upload {
        /// The program.
        code: Vec<u8>,
    },
    /// Makes a contract of uploaded code, and runs its method `deploy` if it has one.
    Create {
        /// The hash of the code.
        code: CodeHash,
        /// Decides the address together with the sender
        /// ([`Address::of_salted_contract`]). Default: the sender's nonce and the code do
        /// ([`Address::of_contract`]).
        salt: Option<[u8; 32]>,
        /// Who may upgrade the contract. Default: nobody, ever.
        admin: Option<Address>,
        /// The input of `deploy`.
        input: Vec<u8>,
    },
    /// Replaces the code of a contract whose admin the sender is, and runs the method `migrate` of
    /// the new code if it has one. The new code must have all methods of the old one.
    Upgrade {
        /// The contract.
        contract: Address,
        /// The hash of the new code, which was uploaded.
        code: CodeHash,
        /// The input of `migrate`.
        input: Vec<u8>,
    },
    /// Hands over a contract whose admin the sender is.
    SetAdmin {
        /// The contract.
        contract: Address,
        /// The next admin. `None`: nobody, for ever.
        admin: Option<Address>,
    },
    /// Removes code that the sender uploaded and no contract has.
    RemoveCode {
        /// The hash of the code.
        code: CodeHash,
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
