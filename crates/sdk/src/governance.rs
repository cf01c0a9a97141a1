//! What a chain hands to contracts that govern it, and takes from them: parameters, and reports of
//! misbehaviour.
//!
//! The chain calls such contracts by itself, in every block, as [`Address::SYSTEM`]: the parameters
//! list these calls ([`ScheduledCall`]). One that updates parameters returns a [`Decision`]. One of
//! the phase [`Phase::Misbehaviour`] has [`Reports`] as its last argument. A contract of the
//! genesis can have the [`Parameters`] as the last argument of `deploy`.
//!
//! ```
//! use fusee_sdk::{
//!     governance::{Decision, Parameters},
//!     prelude::*,
//! };
//!
//! /// Doubles the gas of blocks, once.
//! #[contract]
//! pub struct Council {
//!     next: Value<Parameters>,
//! }
//!
//! #[methods]
//! impl Council {
//!     /// Takes the parameters of the genesis.
//!     pub fn deploy(&mut self, mut parameters: Parameters) {
//!         parameters.limits.gas *= 2;
//!         self.next.set(&parameters);
//!     }
//!
//!     /// What the chain calls at the end of each block.
//!     pub fn decide(&mut self) -> Decision {
//!         if env::caller() != Address::SYSTEM {
//!             revert("the chain alone asks for a decision");
//!         }
//!         let next = self.next.get();
//!         self.next.remove();
//!         Decision(next)
//!     }
//! }
//! ```
//!
//! A decision replaces all parameters, and a contract cannot read those of the chain. So one
//! contract keeps them, and no other one decides. The chain checks a decision: one that it cannot
//! follow changes nothing, and neither does the call that made it.

use alloc::{string::String, vec::Vec};

use crate::{
    Address,
    codec::{Bytes, Codec, Input, Malformed, Sink, UNBOUNDED},
    interface::{Definitions, TypeText},
};

/// The greatest number of validators that parameters can list.
pub const MAX_VALIDATORS: u32 = 1_000;

/// The greatest voting power of all validators together.
pub const MAX_VOTING_POWER: u64 = (1 << 60) - 1;

/// The parameters of a chain, in the chain's encoding of them.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The version of the encoding.
    pub version: Version,
    /// The name of the chain, which stays.
    pub chain_id: String,
    /// Which rules hold from which height on, in ascending order of heights. Those of heights that
    /// have passed stay.
    pub activations: Vec<Activation>,
    /// The limits of a block.
    pub limits: BlockLimits,
    /// How transactions pay for their gas.
    pub payment: Payment,
    /// Calls that blocks make by themselves.
    pub calls: Vec<ScheduledCall>,
    /// Who agrees on blocks. A chain that has none at its genesis has none for ever.
    pub validators: Vec<Validator>,
}

/// The rules from a height on.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The first height.
    pub height: u64,
    /// The id of the rules of transactions.
    pub ledger_rules: [u8; 32],
    /// The id of the rules of contracts.
    pub contract_rules: [u8; 32],
    /// The name of the migration of the state at this height.
    pub migration: Option<String>,
}

/// The limits of a block.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimits {
    /// The gas limits of all transactions together.
    pub gas: u64,
    /// The encodings of all transactions together, in bytes.
    pub bytes: u64,
    /// The number of transactions.
    pub transactions: u32,
}

/// How transactions pay for their gas.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// In the smallest unit of balances.
    Fees {
        /// The minimum price of a unit of gas.
        minimum_price: u128,
        /// Where the fees of a block go.
        destination: FeeDestination,
    },
    /// Not at all. An account may use so much gas in so many heights.
    Quotas {
        /// The gas of an account that has no quota of its own.
        gas: u64,
        /// The heights of a window, which is not 0.
        window: u64,
    },
}

/// Where the fees of a block go.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeDestination {
    /// To the block's proposer.
    Proposer,
    /// To this account or contract.
    Treasury(Address),
    /// Nowhere.
    Burned,
}

/// A call that blocks make by themselves.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct ScheduledCall {
    /// Its place in the block.
    pub phase: Phase,
    /// The blocks that make it: those whose height is divisible by this number, which is not 0.
    pub every: u64,
    /// The contract.
    pub to: Address,
    /// The method.
    pub method: String,
    /// The input of the method, or the beginning of it.
    pub input: Bytes,
    /// The gas limit.
    pub gas: u64,
    /// Whether its output is a [`Decision`].
    pub updates_parameters: bool,
}

/// The place of a scheduled call in a block.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the transactions.
    Begin,
    /// After the transactions.
    End,
    /// Before all others, in blocks that report misbehaviour. The reports follow the input.
    Misbehaviour,
}

/// An entry of the list of validators.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The Ed25519 key that votes.
    pub key: [u8; 32],
    /// The voting power. One that leaves is listed with 0 for two blocks more, in which its blocks
    /// are still those of its account.
    pub power: u64,
    /// The account that is the proposer of its blocks.
    pub account: Address,
}

/// The reports of a block.
#[derive(Codec, Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The version of the encoding.
    pub version: Version,
    /// The reports, in the order of the block.
    pub list: Vec<Misbehaviour>,
}

/// A report: it is proven that a validator has violated the protocol.
///
/// An engine can report a validator several times, for several heights, also after it has left.
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misbehaviour {
    /// What the validator did.
    pub kind: MisbehaviourKind,
    /// The address of the validator in the engine ([`consensus_address`]).
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
#[derive(Codec, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisbehaviourKind {
    /// Something that the chain has no name for.
    Unknown,
    /// It voted twice in the same round.
    DuplicateVote,
    /// It signed a block for light clients that the chain does not have.
    LightClientAttack,
}

/// What a call that updates parameters returns: the next ones, or nothing.
///
/// It is a whole output and no part of another value: nothing is no bytes. The interface tells
/// [`Parameters`], which is what tools show of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision(pub Option<Parameters>);

impl Codec for Decision {
    const TYPE: TypeText = Parameters::TYPE;
    const TYPES: Definitions = Parameters::TYPES;
    const MAX_BYTES: usize = UNBOUNDED;

    fn encode(&self, sink: &mut impl Sink) {
        if let Some(parameters) = &self.0 {
            parameters.encode(sink);
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match input.remaining() {
            0 => Ok(Self(None)),
            _ => Parameters::decode(input).map(|parameters| Self(Some(parameters))),
        }
    }
}

/// The version of an encoding: 1, and no other one is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version;

impl Codec for Version {
    const TYPE: TypeText = u8::TYPE;
    const MAX_BYTES: usize = 1;

    fn encode(&self, sink: &mut impl Sink) {
        sink.put(&[1]);
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match input.array()? {
            [1] => Ok(Self),
            _ => Err(Malformed::Invalid),
        }
    }
}

/// The address of a validator in CometBFT, by which reports name it: the first 20 bytes of SHA-256
/// of its key.
#[must_use]
pub fn consensus_address(key: &[u8; 32]) -> [u8; 20] {
    let hash = crate::crypto::sha256(key);
    hash.first_chunk().copied().unwrap_or_default()
}
