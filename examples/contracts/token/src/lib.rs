//! A token: balances, allowances and a fixed supply.
//!
//! The balances add up to the supply, which only `deploy` sets. So no balance overflows.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// Balances, allowances and a fixed supply.
#[contract(events(Transfer, Approve))]
pub struct Token {
    supply: Value<u64>,
    balances: Map<Address, u64>,
    allowances: Map<(Address, Address), u64>,
}

/// Tokens were moved.
#[event]
pub struct Transfer {
    /// Whose tokens they were.
    pub from: Address,
    /// Whose they are.
    pub to: Address,
    /// How many.
    pub amount: u64,
}

/// An allowance was set.
#[event]
pub struct Approve {
    /// Whose tokens may be moved.
    pub owner: Address,
    /// Who may move them.
    pub spender: Address,
    /// How many.
    pub amount: u64,
}

/// Why tokens are not moved.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The account has too few tokens.
    #[message("insufficient balance: has {has}, needs {needs}")]
    InsufficientBalance {
        /// The tokens of the account.
        has: u64,
        /// The tokens to be moved.
        needs: u64,
    },
    /// The owner allowed the caller to move fewer tokens.
    #[message("insufficient allowance: has {has}, needs {needs}")]
    InsufficientAllowance {
        /// The tokens that the caller may move.
        has: u64,
        /// The tokens to be moved.
        needs: u64,
    },
}

#[methods(unless_feature = "library")]
impl Token {
    /// Credits the whole supply to the caller.
    pub fn deploy(&mut self, supply: u64) {
        self.supply.set(&supply);
        self.balances.set(&env::caller(), &supply);
    }

    /// Moves the caller's tokens.
    pub fn transfer(&mut self, to: Address, amount: u64) -> Result<(), Error> {
        self.move_tokens(env::caller(), to, amount)
    }

    /// Sets how many of the caller's tokens another account may move.
    pub fn approve(&mut self, spender: Address, amount: u64) {
        let owner = env::caller();
        self.allowances.set(&(owner, spender), &amount);
        self.emit(Approve {
            owner,
            spender,
            amount,
        });
    }

    /// Moves another account's tokens, out of the allowance that it gave to the caller.
    pub fn transfer_from(&mut self, from: Address, to: Address, amount: u64) -> Result<(), Error> {
        let key = (from, env::caller());
        let has = self.allowances.get_or_default(&key);
        let rest = has
            .checked_sub(amount)
            .ok_or(Error::InsufficientAllowance { has, needs: amount })?;
        self.allowances.set(&key, &rest);
        self.move_tokens(from, to, amount)
    }

    /// The tokens of an account.
    pub fn balance_of(&self, account: Address) -> u64 {
        self.balances.get_or_default(&account)
    }

    /// How many of the owner's tokens the spender may move.
    pub fn allowance(&self, owner: Address, spender: Address) -> u64 {
        self.allowances.get_or_default(&(owner, spender))
    }

    /// The tokens of all accounts together.
    pub fn total_supply(&self) -> u64 {
        self.supply.get_or_default()
    }

    fn move_tokens(&mut self, from: Address, to: Address, amount: u64) -> Result<(), Error> {
        let has = self.balances.get_or_default(&from);
        let rest = has
            .checked_sub(amount)
            .ok_or(Error::InsufficientBalance { has, needs: amount })?;
        self.balances.set(&from, &rest);
        // Read after the write above, so that a transfer to oneself changes nothing.
        let sum = self.balances.get_or_default(&to) + amount;
        self.balances.set(&to, &sum);
        self.emit(Transfer { from, to, amount });
        Ok(())
    }
}
