//! A registry of names, which its admin can upgrade.
//!
//! `registry-2` is what it is upgraded to: that one adds a field and a method, and keeps the places
//! of the fields that are here.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// A registry of names. A name belongs to whom registered it first.
#[contract(events(Registered))]
pub struct Registry {
    owners: Map<String, Address>,
    count: Value<u64>,
}

/// Somebody registered a name.
#[event]
pub struct Registered {
    /// The name.
    pub name: String,
    /// Whose it is.
    pub owner: Address,
}

/// Why a name is not registered.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The name is somebody's.
    #[message("{name} is taken by {owner}")]
    Taken {
        /// The name.
        name: String,
        /// Whose it is.
        owner: Address,
    },
    /// A name has 1 to 32 lower-case letters, digits and hyphens.
    #[message("a name has 1 to 32 lower-case letters, digits and hyphens")]
    NotAName,
}

#[methods(unless_feature = "library")]
impl Registry {
    /// Registers a name for the caller.
    pub fn register(&mut self, name: String) -> Result<(), Error> {
        let is_sign = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > 32 || !name.bytes().all(is_sign) {
            return Err(Error::NotAName);
        }
        if let Some(owner) = self.owners.get(&name) {
            return Err(Error::Taken { name, owner });
        }
        let owner = env::caller();
        self.owners.set(&name, &owner);
        self.count.set(&(self.count.get_or_default() + 1));
        self.emit(Registered { name, owner });
        Ok(())
    }

    /// Whose a name is.
    pub fn owner_of(&self, name: String) -> Option<Address> {
        self.owners.get(&name)
    }

    /// How many names are registered.
    pub fn count(&self) -> u64 {
        self.count.get_or_default()
    }
}
