//! The operations of a transaction, as they are encoded.

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::{Action, Address};
use fusee_engine::CodeHash;

/// One operation of a transaction. It corresponds to an [`Action`] with its value, and only those
/// that call somebody have a value.
///
/// The numbers are those of the encoding.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Operation {
    /// Sends a value to an account or a contract.
    Transfer {
        /// The receiver.
        to: Address,
        /// The amount, in the smallest unit.
        value: u128,
    } = 1,
    /// Calls a method of a contract.
    Call {
        /// The contract.
        to: Address,
        /// The method. It is not empty: [`Transfer`](Self::Transfer) only sends a value.
        method: String,
        /// The input of the method.
        input: Vec<u8>,
        /// The amount to send, in the smallest unit.
        value: u128,
    } = 2,
    /// Stores code, of which contracts can be made.
    Upload {
        /// The program.
        code: Vec<u8>,
    } = 3,
    /// Deploys a contract, and runs its method `deploy` if it has one.
    Deploy {
        /// The program.
        code: Vec<u8>,
        /// The input of `deploy`.
        input: Vec<u8>,
        /// The amount to send, in the smallest unit.
        value: u128,
    } = 4,
    /// Makes a contract of uploaded code.
    Create {
        /// The hash of the code.
        code: [u8; 32],
        /// Decides the address together with the sender.
        salt: Option<[u8; 32]>,
        /// Who may upgrade the contract. `None`: nobody, ever.
        admin: Option<Address>,
        /// The input of `deploy`.
        input: Vec<u8>,
        /// The amount to send, in the smallest unit.
        value: u128,
    } = 5,
    /// Replaces the code of a contract whose admin the sender is.
    Upgrade {
        /// The contract.
        contract: Address,
        /// The hash of the new code.
        code: [u8; 32],
        /// The input of `migrate`.
        input: Vec<u8>,
        /// The amount to send, in the smallest unit.
        value: u128,
    } = 6,
    /// Hands over a contract whose admin the sender is.
    SetAdmin {
        /// The contract.
        contract: Address,
        /// The next admin. `None`: nobody, for ever.
        admin: Option<Address>,
    } = 7,
    /// Removes code that the sender uploaded and no contract has.
    RemoveCode {
        /// The hash of the code.
        code: [u8; 32],
    } = 8,
}

impl Operation {
    /// The amount that the operation sends, in the smallest unit.
    #[must_use]
    pub const fn value(&self) -> u128 {
        match self {
            Operation::Transfer { value, .. }
            | Operation::Call { value, .. }
            | Operation::Deploy { value, .. }
            | Operation::Create { value, .. }
            | Operation::Upgrade { value, .. } => *value,
            Operation::Upload { .. }
            | Operation::SetAdmin { .. }
            | Operation::RemoveCode { .. } => 0,
        }
    }

    /// The action and the value for [`Contracts::execute`](fusee_contract::Contracts::execute).
    #[must_use]
    pub fn into_action(self) -> (Action, u128) {
        let value = self.value();
        let action = match self {
            Operation::Transfer { to, .. } => Action::Call {
                to,
                method: String::new(),
                input: Vec::new(),
            },
            Operation::Call {
                to, method, input, ..
            } => Action::Call { to, method, input },
            Operation::Upload { code } => Action::Upload { code },
            Operation::Deploy { code, input, .. } => Action::Deploy { code, input },
            Operation::Create {
                code,
                salt,
                admin,
                input,
                ..
            } => Action::Create {
                code: CodeHash::from_bytes(code),
                salt,
                admin,
                input,
            },
            Operation::Upgrade {
                contract,
                code,
                input,
                ..
            } => Action::Upgrade {
                contract,
                code: CodeHash::from_bytes(code),
                input,
            },
            Operation::SetAdmin { contract, admin } => Action::SetAdmin { contract, admin },
            Operation::RemoveCode { code } => Action::RemoveCode {
                code: CodeHash::from_bytes(code),
            },
        };
        (action, value)
    }

    /// Whether another operation would have the same effect, so that this one is not encoded.
    pub(crate) const fn is_redundant(&self) -> bool {
        matches!(self, Operation::Call { method, .. } if method.is_empty())
    }
}
