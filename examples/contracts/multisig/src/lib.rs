//! A wallet whose owners vote on calls.
//!
//! An owner proposes a call of any contract, with a value. It is made once enough owners have
//! confirmed it.
#![cfg_attr(target_os = "none", no_std)]

use fusee_sdk::prelude::*;

/// A wallet whose owners vote on calls.
#[contract(events(Proposed, Confirmed, Executed))]
pub struct Multisig {
    owners: Set<Address>,
    threshold: Value<u32>,
    proposals: Vector<Proposal>,
    confirmations: Map<(u32, Address), ()>,
}

/// A call that owners vote on.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The contract or account that is called.
    pub target: Address,
    /// The method; empty to send the value alone.
    pub method: String,
    /// The encoded arguments.
    pub input: Bytes,
    /// The amount that is sent.
    pub value: u128,
    /// How many owners have confirmed it.
    pub confirmations: u32,
    /// Whether the call was made.
    pub is_executed: bool,
}

/// An owner proposed a call.
#[event]
pub struct Proposed {
    /// The number of the proposal.
    pub number: u32,
    /// Who proposed it.
    pub owner: Address,
}

/// An owner confirmed a call.
#[event]
pub struct Confirmed {
    /// The number of the proposal.
    pub number: u32,
    /// Who confirmed it.
    pub owner: Address,
}

/// A call was made.
#[event]
pub struct Executed {
    /// The number of the proposal.
    pub number: u32,
    /// What the call returned.
    pub output: Bytes,
}

/// Why nothing is done.
#[error]
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller is not an owner.
    #[message("{caller} is not an owner")]
    NotAnOwner {
        /// The caller.
        caller: Address,
    },
    /// There is no such proposal.
    UnknownProposal,
    /// The caller has confirmed the proposal before.
    ConfirmedBefore,
    /// The call was made before.
    ExecutedBefore,
    /// More confirmations than owners are wanted, or none.
    #[message("{threshold} of {owners} owners cannot confirm")]
    Threshold {
        /// The number of confirmations.
        threshold: u32,
        /// The number of owners.
        owners: u32,
    },
}

#[methods(unless_feature = "library")]
impl Multisig {
    /// Makes a wallet of these owners, so many of whom have to confirm a call.
    pub fn deploy(&mut self, owners: Vec<Address>, threshold: u32) -> Result<(), Error> {
        let mut count = 0;
        for owner in &owners {
            count += u32::from(self.owners.insert(owner));
        }
        if threshold == 0 || threshold > count {
            return Err(Error::Threshold {
                threshold,
                owners: count,
            });
        }
        self.threshold.set(&threshold);
        Ok(())
    }

    /// Takes what is sent to the wallet.
    #[payable]
    pub fn receive(&mut self) {
        let _ = env::value();
    }

    /// Proposes a call, and confirms it. Returns the number of the proposal.
    pub fn propose(
        &mut self,
        target: Address,
        method: String,
        input: Bytes,
        value: u128,
    ) -> Result<u32, Error> {
        let owner = self.owner()?;
        let proposal = Proposal {
            target,
            method,
            input,
            value,
            confirmations: 0,
            is_executed: false,
        };
        let number = self.proposals.push(&proposal);
        self.emit(Proposed { number, owner });
        self.confirm(number)?;
        Ok(number)
    }

    /// Confirms a proposal. If enough owners have, the call is made.
    pub fn confirm(&mut self, number: u32) -> Result<(), Error> {
        let owner = self.owner()?;
        let mut proposal = self.proposals.get(number).ok_or(Error::UnknownProposal)?;
        if proposal.is_executed {
            return Err(Error::ExecutedBefore);
        }
        if self.confirmations.contains(&(number, owner)) {
            return Err(Error::ConfirmedBefore);
        }
        self.confirmations.set(&(number, owner), &());
        proposal.confirmations += 1;
        proposal.is_executed = proposal.confirmations >= self.threshold.get_or_default();
        // Before the call, which might come back.
        self.proposals.set(number, &proposal);
        self.emit(Confirmed { number, owner });
        if proposal.is_executed {
            let Proposal {
                target,
                method,
                input,
                value,
                ..
            } = proposal;
            match call::raw(target, &method, &input.0, value) {
                Ok(output) => self.emit(Executed {
                    number,
                    output: Bytes(output),
                }),
                Err(failure) => failure.revert(),
            }
        }
        Ok(())
    }

    /// A proposal.
    pub fn proposal(&self, number: u32) -> Option<Proposal> {
        self.proposals.get(number)
    }

    /// The owners.
    pub fn owners(&self) -> Vec<Address> {
        self.owners.iter().collect()
    }

    /// The caller, if it is an owner.
    fn owner(&self) -> Result<Address, Error> {
        let caller = env::caller();
        match self.owners.contains(&caller) {
            true => Ok(caller),
            false => Err(Error::NotAnOwner { caller }),
        }
    }
}
