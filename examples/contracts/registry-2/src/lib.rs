//! What the registry of names is upgraded to: names expire.
//!
//! The fields of the first version come first, with the same types. `migrate` runs once, in the
//! upgrade. Names of before have no end of their own, and end with a period from then on.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// How long a name is somebody's, in milliseconds: a year.
pub const PERIOD: u64 = 365 * 24 * 3_600_000;

/// A registry of names, which end after a year.
#[contract(events(Registered))]
pub struct Registry {
    owners: Map<String, Address>,
    count: Value<u64>,
    ends: Map<String, u64>,
    migrated: Value<u64>,
}

/// Somebody registered a name.
#[event]
pub struct Registered {
    /// The name.
    pub name: String,
    /// Whose it is.
    pub owner: Address,
    /// Until when, in milliseconds since the Unix epoch.
    pub ends: u64,
}

/// Why a name is not registered.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The name is somebody else's.
    #[message("{name} is taken by {owner} until {ends}")]
    Taken {
        /// The name.
        name: String,
        /// Whose it is.
        owner: Address,
        /// Until when.
        ends: u64,
    },
    /// A name has 1 to 32 lower-case letters, digits and hyphens.
    #[message("a name has 1 to 32 lower-case letters, digits and hyphens")]
    NotAName,
}

#[methods(unless_feature = "library")]
impl Registry {
    /// Runs in the upgrade.
    pub fn migrate(&mut self) {
        self.migrated.set(&env::block_time());
    }

    /// Registers a name for the caller, or extends the time of one that is the caller's.
    pub fn register(&mut self, name: String) -> Result<(), Error> {
        let is_sign = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > 32 || !name.bytes().all(is_sign) {
            return Err(Error::NotAName);
        }
        let caller = env::caller();
        let before = self.owners.get(&name);
        if let Some(owner) = before
            && owner != caller
        {
            let ends = self.end(&name);
            if env::block_time() < ends {
                return Err(Error::Taken { name, owner, ends });
            }
        }
        if before.is_none() {
            self.count.set(&(self.count.get_or_default() + 1));
        }
        let ends = env::block_time() + PERIOD;
        self.owners.set(&name, &caller);
        self.ends.set(&name, &ends);
        self.emit(Registered {
            name,
            owner: caller,
            ends,
        });
        Ok(())
    }

    /// Whose a name is.
    pub fn owner_of(&self, name: String) -> Option<Address> {
        let owner = self.owners.get(&name)?;
        (env::block_time() < self.end(&name)).then_some(owner)
    }

    /// How many names were ever registered.
    pub fn count(&self) -> u64 {
        self.count.get_or_default()
    }

    /// Until when a name is somebody's, in milliseconds since the Unix epoch.
    pub fn ends(&self, name: String) -> Option<u64> {
        self.owners.get(&name).map(|_| self.end(&name))
    }

    /// The end of a name that somebody has.
    fn end(&self, name: &String) -> u64 {
        let migrated = || self.migrated.get_or_default() + PERIOD;
        self.ends.get(name).unwrap_or_else(migrated)
    }
}
