//! Misbehaviour: what a consensus engine reports of its validators with a block.
//!
//! It is part of the block, so its header covers it, and every node has the same. A contract
//! decides what follows from it: [`Phase::Misbehaviour`](crate::Phase::Misbehaviour).

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;

use crate::{ListRoot, list_root, versioned};

/// The greatest number of reports of one block that contracts receive: the first ones. It is
/// [`MAX_VALIDATORS`](crate::MAX_VALIDATORS), since all of them can have attacked together.
pub const MAX_MISBEHAVIOUR: usize = crate::MAX_VALIDATORS;

/// A report: it is proven that a validator has violated the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Misbehaviour {
    /// What the validator did.
    pub kind: MisbehaviourKind,
    /// The address of the validator in the engine.
    pub address: [u8; 20],
    /// The key of the validator, if the parameters before the block list it.
    pub key: Option<[u8; 32]>,
    /// The account of the validator, as if it had proposed the block.
    pub account: Address,
    /// The voting power of the validator at that height.
    pub power: u64,
    /// The height at which it happened.
    pub height: u64,
    /// The time at which it happened, in milliseconds since the Unix epoch.
    pub time: u64,
    /// The voting power of all validators together at that height.
    pub total_power: u64,
}

/// What a validator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum MisbehaviourKind {
    /// Something that this version of the program has no name for.
    Unknown = 0,
    /// It voted twice in the same round.
    DuplicateVote = 1,
    /// It signed a block for light clients that the chain does not have.
    LightClientAttack = 2,
}

impl Misbehaviour {
    /// The root of a list of reports, in the header.
    #[must_use]
    pub fn root(reports: &[Self]) -> ListRoot {
        let encoded: Vec<_> = reports.iter().map(versioned::encode).collect();
        list_root(encoded.iter().map(Vec::as_slice))
    }

    /// What contracts receive of a block's reports, after the input of their scheduled call: the
    /// version of the encoding, and the list of the first [`MAX_MISBEHAVIOUR`].
    #[must_use]
    pub fn encode_list(reports: &[Self]) -> Vec<u8> {
        let reports = reports.get(..MAX_MISBEHAVIOUR).unwrap_or(reports);
        versioned::encode(&reports)
    }
}

impl MisbehaviourKind {
    /// The name in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MisbehaviourKind::Unknown => "unknown",
            MisbehaviourKind::DuplicateVote => "duplicate_vote",
            MisbehaviourKind::LightClientAttack => "light_client_attack",
        }
    }
}
