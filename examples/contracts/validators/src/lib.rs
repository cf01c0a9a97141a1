//! The validators of a chain, whose authority adds and removes them.
//!
//! The chain calls `decide` at the end of each block, and makes what it returns its parameters, and
//! `judge` in each block that reports misbehaviour. The authority is an account, or a contract such
//! as a multisig wallet. A validator that misbehaved loses its power in the same block, and its key
//! does not come back.
//!
//! It never decides what the chain would refuse: the list has a voter at any time, and its powers
//! stay within what an engine can count.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::{
    governance::{
        Activation, Decision, MAX_VALIDATORS, MAX_VOTING_POWER, MisbehaviourKind, Parameters,
        Reports, Validator, consensus_address,
    },
    prelude::*,
};

/// For how many blocks an engine may let a validator propose after it has lost its power.
const LEAVING_BLOCKS: u64 = 2;

/// The validators of a chain, whose authority adds and removes them.
#[contract(events(PowerSet, Misbehaved, Activated, HandedOver))]
pub struct Validators {
    authority: Value<Address>,
    /// Those of the chain, without the validators.
    parameters: Value<Parameters>,
    validators: Map<[u8; 32], Entry>,
    count: Value<u32>,
    total_power: Value<u64>,
    /// The addresses in the engine of those that misbehaved.
    misbehaved: Set<[u8; 20]>,
    /// Whether the chain has other parameters.
    is_changed: Value<bool>,
}

/// A validator, by its key.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The voting power; 0 after it has left.
    pub power: u64,
    /// The account of the blocks that it proposes.
    pub account: Address,
    /// The block in which it has left.
    pub left: Option<u64>,
}

/// The authority has set the power of a validator; 0: it has removed it.
#[event]
pub struct PowerSet {
    /// The key of the validator.
    #[topic]
    pub key: [u8; 32],
    /// The power.
    pub power: u64,
}

/// The engine has proven that a validator misbehaved.
#[event]
pub struct Misbehaved {
    /// The address of the validator in the engine.
    #[topic]
    pub address: [u8; 20],
    /// What it did.
    pub kind: MisbehaviourKind,
    /// The height at which it did so.
    pub height: u64,
    /// Whether it loses its power by this report. One that has none cannot; nor can the last one,
    /// without which nobody would vote.
    pub is_removed: bool,
}

/// Other rules hold from a height on.
#[event]
pub struct Activated {
    /// The height.
    pub height: u64,
}

/// There is another authority.
#[event]
pub struct HandedOver {
    /// The authority from now on.
    pub authority: Address,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller is not the authority.
    #[message("{caller} is not the authority")]
    NotTheAuthority {
        /// The caller.
        caller: Address,
    },
    /// The caller is not the chain.
    #[message("the chain alone calls this, not {caller}")]
    NotTheChain {
        /// The caller.
        caller: Address,
    },
    /// The parameters list no validator with power. Such a chain has none for ever.
    NobodyVotes,
    /// The validator is in the list, and votes.
    VotesAlready,
    /// No validator with this key votes.
    DoesNotVote,
    /// It is the last validator with power.
    LastValidator,
    /// A validator without power is one that leaves: `remove` it.
    WithoutPower,
    /// The list is full.
    #[message("the list has {most} validators already")]
    Full {
        /// The most validators.
        most: u32,
    },
    /// The powers are too large together.
    #[message("the voting powers exceed {most} together")]
    TooMuchPower {
        /// The most power.
        most: u64,
    },
    /// The key misbehaved before.
    KeyMisbehaved,
    /// The height is not after the next block, or not after another one with other rules.
    #[message("other rules begin at height {earliest} at the earliest")]
    TooEarly {
        /// The first height that can have other rules.
        earliest: u64,
    },
}

#[methods(unless_feature = "library")]
impl Validators {
    /// Takes the parameters of the chain at its genesis, and the authority over its validators.
    pub fn deploy(&mut self, authority: Address, mut parameters: Parameters) -> Result<(), Error> {
        let (mut count, mut total) = (0, 0_u64);
        for Validator {
            key,
            power,
            account,
        } in core::mem::take(&mut parameters.validators)
        {
            let left = (power == 0).then(env::block_height);
            let entry = Entry {
                power,
                account,
                left,
            };
            self.validators.set(&key, &entry);
            count += 1;
            total += power;
        }
        if total == 0 {
            return Err(Error::NobodyVotes);
        }
        self.authority.set(&authority);
        self.parameters.set(&parameters);
        self.count.set(&count);
        self.total_power.set(&total);
        Ok(())
    }

    /// Adds a validator. It votes two blocks later.
    pub fn add(&mut self, key: [u8; 32], power: u64, account: Address) -> Result<(), Error> {
        self.by_authority()?;
        if self.misbehaved.contains(&consensus_address(&key)) {
            return Err(Error::KeyMisbehaved);
        }
        match self.validators.get(&key) {
            Some(entry) if entry.power > 0 => return Err(Error::VotesAlready),
            // It has left, and comes back.
            Some(_) => (),
            None => self.take_place()?,
        }
        let entry = Entry {
            power: 0,
            account,
            left: None,
        };
        self.change_power(key, entry, power)
    }

    /// Sets the power of a validator.
    pub fn set_power(&mut self, key: [u8; 32], power: u64) -> Result<(), Error> {
        self.by_authority()?;
        let entry = self.voting(&key)?;
        self.change_power(key, entry, power)
    }

    /// Removes a validator. It votes until two blocks later.
    pub fn remove(&mut self, key: [u8; 32]) -> Result<(), Error> {
        self.by_authority()?;
        let entry = self.voting(&key)?;
        if !self.take_power(key, entry) {
            return Err(Error::LastValidator);
        }
        self.emit(PowerSet { key, power: 0 });
        Ok(())
    }

    /// Has other rules hold from a height on, of which every node's program has to know. Rules that
    /// were to hold from that height or a later one on are dropped.
    pub fn activate(&mut self, activation: Activation) -> Result<(), Error> {
        self.by_authority()?;
        // The chain may ask for a decision at the beginning of blocks: the next one has the rules
        // that it has.
        let earliest = env::block_height() + 2;
        let height = activation.height;
        if height < earliest {
            return Err(Error::TooEarly { earliest });
        }
        let mut parameters = self.kept();
        parameters.activations.retain(|it| it.height < height);
        parameters.activations.push(activation);
        self.parameters.set(&parameters);
        self.is_changed.set(&true);
        self.emit(Activated { height });
        Ok(())
    }

    /// Makes another account or contract the authority.
    pub fn hand_over(&mut self, to: Address) -> Result<(), Error> {
        self.by_authority()?;
        self.authority.set(&to);
        self.emit(HandedOver { authority: to });
        Ok(())
    }

    /// What the chain calls in each block: the next parameters, if they change.
    pub fn decide(&mut self) -> Result<Decision, Error> {
        by_chain()?;
        if !self.is_changed.get_or_default() {
            return Ok(Decision(None));
        }
        self.is_changed.set(&false);
        self.drop_departed();
        Ok(Decision(Some(self.parameters())))
    }

    /// What the chain calls in blocks that report misbehaviour: who misbehaved loses its power.
    pub fn judge(&mut self, reports: Reports) -> Result<(), Error> {
        by_chain()?;
        for report in reports.list {
            self.misbehaved.insert(&report.address);
            let listed = report.key.map(|key| (key, self.voting(&key)));
            let is_removed = match listed {
                Some((key, Ok(entry))) => self.take_power(key, entry),
                _ => false,
            };
            // One event a report: a call has at most 1,024, and a block has up to 1,000 reports.
            self.emit(Misbehaved {
                address: report.address,
                kind: report.kind,
                height: report.height,
                is_removed,
            });
        }
        Ok(())
    }

    /// The authority.
    pub fn authority(&self) -> Address {
        self.authority.get_or_default()
    }

    /// The validators, in the order of their keys. Those without power have left.
    pub fn validators(&self) -> Vec<Validator> {
        let entries = self.validators.iter();
        let validator = |(key, entry): ([u8; 32], Entry)| Validator {
            key,
            power: entry.power,
            account: entry.account,
        };
        entries.map(validator).collect()
    }

    /// Whether the validator with this key has misbehaved.
    pub fn has_misbehaved(&self, key: [u8; 32]) -> bool {
        self.misbehaved.contains(&consensus_address(&key))
    }

    /// The parameters of the chain, as they are or will be.
    pub fn parameters(&self) -> Parameters {
        Parameters {
            validators: self.validators(),
            ..self.kept()
        }
    }

    /// The parameters without validators.
    fn kept(&self) -> Parameters {
        match self.parameters.get() {
            Some(parameters) => parameters,
            // Only in a call without a deployment.
            None => revert("the contract has no parameters"),
        }
    }

    fn by_authority(&self) -> Result<(), Error> {
        let caller = env::caller();
        match caller == self.authority.get_or_default() {
            true => Ok(()),
            false => Err(Error::NotTheAuthority { caller }),
        }
    }

    /// The validator with this key, if it votes.
    fn voting(&self, key: &[u8; 32]) -> Result<Entry, Error> {
        let entry = self.validators.get(key);
        let entry = entry.filter(|entry| entry.power > 0);
        entry.ok_or(Error::DoesNotVote)
    }

    /// Takes a place in the list, also one of those that have left.
    fn take_place(&mut self) -> Result<(), Error> {
        let mut count = self.count.get_or_default();
        if count >= MAX_VALIDATORS {
            count = self.drop_departed();
        }
        if count >= MAX_VALIDATORS {
            let most = MAX_VALIDATORS;
            return Err(Error::Full { most });
        }
        self.count.set(&(count + 1));
        Ok(())
    }

    /// Sets a power that is not 0.
    fn change_power(&mut self, key: [u8; 32], entry: Entry, power: u64) -> Result<(), Error> {
        if power == 0 {
            return Err(Error::WithoutPower);
        }
        let others = self.total_power.get_or_default() - entry.power;
        let total = others.checked_add(power);
        match total.filter(|total| *total <= MAX_VOTING_POWER) {
            Some(total) => {
                self.store(key, Entry { power, ..entry }, total);
                self.emit(PowerSet { key, power });
                Ok(())
            }
            None => {
                let most = MAX_VOTING_POWER;
                Err(Error::TooMuchPower { most })
            }
        }
    }

    /// Takes the power of a validator, unless nobody else has any.
    fn take_power(&mut self, key: [u8; 32], entry: Entry) -> bool {
        let others = self.total_power.get_or_default() - entry.power;
        if others > 0 {
            let left = Some(env::block_height());
            let entry = Entry {
                power: 0,
                left,
                ..entry
            };
            self.store(key, entry, others);
        }
        others > 0
    }

    fn store(&mut self, key: [u8; 32], entry: Entry, total: u64) {
        self.validators.set(&key, &entry);
        self.total_power.set(&total);
        self.is_changed.set(&true);
    }

    /// Drops those that cannot propose any more, and returns how many are left.
    fn drop_departed(&mut self) -> u32 {
        let now = env::block_height();
        let entries = self.validators.iter();
        let departed = entries.filter(|(_, entry)| {
            let left = entry.left;
            left.is_some_and(|left| now > left + LEAVING_BLOCKS)
        });
        let departed: Vec<_> = departed.map(|(key, _)| key).collect();
        let mut count = self.count.get_or_default();
        for key in departed {
            self.validators.remove(&key);
            count -= 1;
        }
        self.count.set(&count);
        count
    }
}

/// Refuses callers other than the chain.
fn by_chain() -> Result<(), Error> {
    match env::caller() {
        Address::SYSTEM => Ok(()),
        caller => Err(Error::NotTheChain { caller }),
    }
}
