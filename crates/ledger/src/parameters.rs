//! The parameters of a chain: everything that executing a block depends on besides the block, the
//! accounts and the contracts.
//!
//! They are part of the state, so the state root covers them, and no node's configuration changes a
//! result. They have one encoding: the version, then the fields in order, by borsh.

use std::num::NonZeroU64;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::{Address, ContractRulesId};
use fusee_engine::Gas;
use fusee_state::StateReader;
use thiserror::Error;

use crate::{
    DecodeError, LedgerError, LedgerRulesId, Validator, ValidatorsError, keys, validator, versioned,
};

/// The greatest number of scheduled calls.
const MAX_CALLS: usize = 64;
/// The greatest size of a chain id in bytes, as in CometBFT.
const CHAIN_ID_BYTES: usize = 50;

/// The parameters of a chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parameters {
    /// The name of the chain: 1 to 50 visible ASCII characters.
    pub chain_id: String,
    /// Which rules hold from which height on, in ascending order of heights.
    pub activations: Vec<Activation>,
    /// The limits of a block.
    pub limits: BlockLimits,
    /// How transactions pay for their gas.
    pub payment: Payment,
    /// Calls that each block makes, or each nth one, in order. Their gas limits together do not
    /// exceed that of a block.
    pub calls: Vec<ScheduledCall>,
    /// Who agrees on blocks, if a consensus engine asks the chain for it. Empty: the driver decides
    /// by itself. Genesis decides which of both, for ever.
    pub validators: Vec<Validator>,
}

/// The rules from a height on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Activation {
    /// The first height.
    pub height: u64,
    /// The rules of transactions.
    pub ledger_rules: LedgerRulesId,
    /// The rules of contracts.
    pub contract_rules: ContractRulesId,
    /// The migration of the state, by name, that the block of this height begins with.
    pub migration: Option<String>,
}

/// The limits of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockLimits {
    /// The gas limits of all transactions together.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas: Gas,
    /// The encodings of all transactions together, in bytes.
    pub bytes: u64,
    /// The number of transactions.
    pub transactions: u32,
}

impl BlockLimits {
    /// The gas of a block that takes the interpreter about a second, for chains that choose no
    /// other.
    ///
    /// Whether a node keeps up must not depend on a compiler, so the limit is that of the slowest
    /// engine. wasmi takes 0.622 ns for a gas (`docs/calibration.md`): 1 s is 1.608 x 10^9 gas,
    /// rounded down. A program of the operator that is the dearest for its gas takes it 1.5 times
    /// the median of 0.454 ns, which is 1.02 s for such a block. Scheduled calls come on top: their
    /// gas limits together are at most as much again.
    pub const INTERPRETED_SECOND: Gas = Gas::new(1_500_000_000);
}

/// How transactions pay for their gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Payment {
    /// In the smallest unit of balances.
    Fees {
        /// The minimum price of a unit of gas.
        minimum_price: u128,
        /// Where the fees of a block go.
        destination: FeeDestination,
    } = 0,
    /// Not at all. An account may use so much gas in so many heights.
    Quotas {
        /// The gas of an account that has no quota of its own.
        #[borsh(
            serialize_with = "versioned::write_gas",
            deserialize_with = "versioned::read_gas"
        )]
        gas: Gas,
        /// The heights of a window. The first window begins at height 0.
        #[borsh(
            serialize_with = "versioned::write_nonzero",
            deserialize_with = "versioned::read_nonzero"
        )]
        window: NonZeroU64,
    } = 1,
}

/// Where the fees of a block go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum FeeDestination {
    /// To the block's proposer.
    Proposer = 0,
    /// To this account or contract.
    Treasury(Address) = 1,
    /// Nowhere: the sum of all balances decreases.
    Burned = 2,
}

/// A call that blocks make by themselves.
///
/// If it fails, it changes nothing, the results of the block tell its status, and the block goes
/// on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ScheduledCall {
    /// Its place in the block.
    pub phase: Phase,
    /// The blocks that make it: those whose height is divisible by this number. 1 for
    /// [`Phase::Misbehaviour`].
    #[borsh(
        serialize_with = "versioned::write_nonzero",
        deserialize_with = "versioned::read_nonzero"
    )]
    pub every: NonZeroU64,
    /// The contract.
    pub to: Address,
    /// The method.
    pub method: String,
    /// The input of the method, or the beginning of it ([`Phase::Misbehaviour`]).
    pub input: Vec<u8>,
    /// The gas limit.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas: Gas,
    /// Whether the output of the call, unless it is empty, is the encoding of the next parameters,
    /// which hold from the next block on. Nothing else changes parameters, but migrations.
    pub updates_parameters: bool,
}

/// The place of a scheduled call in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Phase {
    /// Before the transactions.
    Begin = 0,
    /// After the transactions, and after the fees were credited.
    End = 1,
    /// Before those of the beginning, in blocks that report misbehaviour, and in no others. The
    /// reports ([`Misbehaviour::encode_list`](crate::Misbehaviour::encode_list)) follow the input.
    Misbehaviour = 2,
}

/// Parameters that no chain can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// The chain id has another shape.
    #[error("`chain_id` is not 1 to {CHAIN_ID_BYTES} visible ASCII characters")]
    ChainId,
    /// No rules hold at any height.
    #[error("`activations` is empty: no rules hold")]
    NoActivation,
    /// Two activations are not in ascending order.
    #[error("`activations[{index}].height` is not above the one before")]
    ActivationOrder {
        /// The index of the later one.
        index: usize,
    },
    /// A limit admits nothing.
    #[error("`limits.{limit}` is 0")]
    EmptyLimit {
        /// The name of the limit.
        limit: &'static str,
    },
    /// There are too many scheduled calls.
    #[error("`calls` has {count} calls, at most {MAX_CALLS} are admitted")]
    TooManyCalls {
        /// Their number.
        count: usize,
    },
    /// A call that receives misbehaviour would miss some.
    #[error("`calls[{index}].every` is not 1, which calls of misbehaviour have")]
    MisbehaviourEvery {
        /// The index of the call.
        index: usize,
    },
    /// The validators cannot be those of a chain.
    #[error("`validators`: {0}")]
    Validators(#[from] ValidatorsError),
    /// An update gives validators to a chain without them, or takes them all away.
    #[error("`validators` is empty before the update or after it: genesis decides whether it is")]
    ValidatorsOrNone,
    /// An update names another chain.
    #[error("`chain_id` is not that of the chain, which it keeps")]
    OtherChain,
    /// An update changes which rules hold at a height that has passed.
    #[error("`activations` differ up to height {height}, whose blocks have to replay")]
    PastActivations {
        /// The last height that keeps its rules.
        height: u64,
    },
    /// The scheduled calls may use more gas than all transactions of a block.
    #[error("`calls` may use {gas} gas together, `limits.gas` is {limit}")]
    CallGas {
        /// Their gas limits together.
        gas: Gas,
        /// The limit.
        limit: Gas,
    },
}

/// Why an output is not the encoding of the next parameters.
#[derive(Debug, Error)]
pub(crate) enum UpdateError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}

impl Parameters {
    /// Reads the parameters of a chain.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the state cannot be read, or is not that of a chain.
    pub fn read(state: &dyn StateReader) -> Result<Self, LedgerError> {
        versioned::read(state, "parameters", &keys::parameters())?.ok_or(LedgerError::NoChain)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(self)
    }

    /// Checks that a chain can have these parameters.
    ///
    /// # Errors
    ///
    /// [`ParametersError`] with the first field that it cannot have.
    pub fn check(&self) -> Result<(), ParametersError> {
        let is_visible = self.chain_id.bytes().all(|byte| byte.is_ascii_graphic());
        if !(1..=CHAIN_ID_BYTES).contains(&self.chain_id.len()) || !is_visible {
            return Err(ParametersError::ChainId);
        }
        if self.activations.is_empty() {
            return Err(ParametersError::NoActivation);
        }
        let mut pairs = self.activations.windows(2);
        let unordered = |pair: &[Activation]| !pair.is_sorted_by(|a, b| a.height < b.height);
        if let Some(index) = pairs.position(unordered) {
            let index = index.saturating_add(1);
            return Err(ParametersError::ActivationOrder { index });
        }
        let BlockLimits {
            gas,
            bytes,
            transactions,
        } = self.limits;
        let limits = [
            ("gas", gas.units()),
            ("bytes", bytes),
            ("transactions", transactions.into()),
        ];
        if let Some((limit, _)) = limits.into_iter().find(|(_, value)| *value == 0) {
            return Err(ParametersError::EmptyLimit { limit });
        }
        let count = self.calls.len();
        if count > MAX_CALLS {
            return Err(ParametersError::TooManyCalls { count });
        }
        let mut calls = self.calls.iter();
        let misses = |call: &ScheduledCall| {
            call.phase == Phase::Misbehaviour && call.every != NonZeroU64::MIN
        };
        if let Some(index) = calls.position(misses) {
            return Err(ParametersError::MisbehaviourEvery { index });
        }
        validator::check(&self.validators)?;
        let calls = self.calls.iter();
        let called = calls.fold(Gas::ZERO, |sum, call| sum.saturating_add(call.gas));
        match called <= gas {
            true => Ok(()),
            false => Err(ParametersError::CallGas {
                gas: called,
                limit: gas,
            }),
        }
    }

    /// Decodes parameters from their canonical encoding, and checks that they can follow these ones
    /// after a height.
    pub(crate) fn next(&self, encoded: &[u8], height: u64) -> Result<Self, UpdateError> {
        let next: Self = versioned::decode(encoded)?;
        next.check()?;
        if next.chain_id != self.chain_id {
            return Err(ParametersError::OtherChain.into());
        }
        if next.validators.is_empty() != self.validators.is_empty() {
            return Err(ParametersError::ValidatorsOrNone.into());
        }
        let past = |parameters: &Self| {
            let activations = parameters.activations.iter();
            let past = activations.take_while(|activation| activation.height <= height);
            past.cloned().collect::<Vec<_>>()
        };
        match past(self) == past(&next) {
            true => Ok(next),
            false => Err(ParametersError::PastActivations { height }.into()),
        }
    }

    /// The activation whose rules hold at a height. `None` before the first one.
    #[must_use]
    pub fn activation_at(&self, height: u64) -> Option<&Activation> {
        let mut activations = self.activations.iter().rev();
        activations.find(|activation| activation.height <= height)
    }

    /// The minimum price of a unit of gas. 0 if the chain has no fees.
    #[must_use]
    pub const fn minimum_price(&self) -> u128 {
        match self.payment {
            Payment::Fees { minimum_price, .. } => minimum_price,
            Payment::Quotas { .. } => 0,
        }
    }
}
