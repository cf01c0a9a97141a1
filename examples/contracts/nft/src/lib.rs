//! Tokens that are not alike: each has a number, an owner and a text.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// Tokens that are not alike.
#[contract(events(Transfer))]
pub struct Nft {
    minter: Value<Address>,
    next: Value<u64>,
    owners: Map<u64, Address>,
    texts: Map<u64, String>,
    approvals: Map<u64, Address>,
    owned: Map<(Address, u64), ()>,
}

/// A token has another owner.
#[event]
pub struct Transfer {
    /// The owner before: none for a new token.
    #[topic]
    pub from: Option<Address>,
    /// The owner.
    #[topic]
    pub to: Address,
    /// The token.
    pub token: u64,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller may not make tokens.
    NotTheMinter,
    /// There is no such token.
    #[message("there is no token {token}")]
    Unknown {
        /// The token.
        token: u64,
    },
    /// The token is another account's, which has not approved the caller.
    #[message("{caller} may not move token {token}")]
    NotAllowed {
        /// The caller.
        caller: Address,
        /// The token.
        token: u64,
    },
}

#[methods(unless_feature = "library")]
impl Nft {
    /// Lets the caller make tokens.
    pub fn deploy(&mut self) {
        self.minter.set(&env::caller());
    }

    /// Makes a token, and returns its number.
    pub fn mint(&mut self, to: Address, text: String) -> Result<u64, Error> {
        if self.minter.get() != Some(env::caller()) {
            return Err(Error::NotTheMinter);
        }
        let token = self.next.get_or_default();
        self.next.set(&(token + 1));
        self.texts.set(&token, &text);
        self.give(None, to, token);
        Ok(token)
    }

    /// Lets another account move a token of the caller, until it is moved.
    pub fn approve(&mut self, token: u64, account: Address) -> Result<(), Error> {
        let caller = env::caller();
        if self.owner_of(token)? != caller {
            return Err(Error::NotAllowed { caller, token });
        }
        self.approvals.set(&token, &account);
        Ok(())
    }

    /// Moves a token of the caller, or one that its owner approved the caller for.
    pub fn transfer(&mut self, token: u64, to: Address) -> Result<(), Error> {
        let (caller, owner) = (env::caller(), self.owner_of(token)?);
        if caller != owner && self.approvals.get(&token) != Some(caller) {
            return Err(Error::NotAllowed { caller, token });
        }
        self.approvals.remove(&token);
        self.owned.remove(&(owner, token));
        self.give(Some(owner), to, token);
        Ok(())
    }

    /// The owner of a token.
    pub fn owner_of(&self, token: u64) -> Result<Address, Error> {
        self.owners.get(&token).ok_or(Error::Unknown { token })
    }

    /// The text of a token.
    pub fn text(&self, token: u64) -> Option<String> {
        self.texts.get(&token)
    }

    /// The tokens of an account from a number on, in order, at most so many.
    pub fn tokens_of(&self, account: Address, first: u64, most: u32) -> Vec<u64> {
        let owned = self.owned.from(&(account, first));
        let owned = owned.take_while(|((owner, _), ())| *owner == account);
        let tokens = owned.map(|((_, token), ())| token);
        tokens
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect()
    }

    fn give(&mut self, from: Option<Address>, to: Address, token: u64) {
        self.owners.set(&token, &to);
        self.owned.set(&(to, token), &());
        self.emit(Transfer { from, to, token });
    }
}
