//! Accounts: who has how much, and which code.

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::CodeHash;
use fusee_state::Diff;

use crate::{Address, keys};

/// What is known of an address. One that was never used has the default account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// The balance, in the smallest unit.
    pub balance: u128,
    /// How many transactions it has sent.
    pub nonce: u64,
    /// The hash of its code, if it is a contract.
    code: Option<[u8; 32]>,
}

impl Account {
    /// An account with a balance that has sent nothing.
    #[must_use]
    pub const fn with_balance(balance: u128) -> Self {
        Self {
            balance,
            nonce: 0,
            code: None,
        }
    }

    /// The hash of its code, if it is a contract.
    #[must_use]
    pub fn code(&self) -> Option<CodeHash> {
        self.code.map(CodeHash::from_bytes)
    }

    pub(crate) fn set_code(&mut self, code: CodeHash) {
        self.code = Some(*code.as_bytes());
    }

    /// The account that these bytes of the state are.
    ///
    /// # Errors
    ///
    /// If they are none.
    pub fn decode(bytes: &[u8]) -> std::io::Result<Self> {
        borsh::from_slice(bytes)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }
}

/// The first changes to an empty state: these accounts with these balances.
#[must_use]
pub fn genesis(balances: &[(Address, u128)]) -> Diff {
    let accounts = balances.iter().map(|(address, balance)| {
        let account = Account::with_balance(*balance);
        (keys::account(*address), Some(account.encode()))
    });
    accounts.collect()
}

/// Canonical bytes of a value that lives in memory.
pub(crate) fn encode(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("a vector takes any bytes, and no length here exceeds a u32")
}
