//! What the engine learns of the chain's parameters: validators, and limits of blocks.
//!
//! The parameters are what a chain can have, so the lists here are what an engine can follow:
//! between two valid lists, there is no duplicate, no removal of an unknown validator, no empty
//! set, and not too much power.

use std::collections::BTreeMap;

use fusee_crypto::sha256;
use fusee_ledger::{Parameters, Validator};
use tendermint_proto::v0_38::abci::ValidatorUpdate;
use tendermint_proto::v0_38::crypto::{PublicKey, public_key};
use tendermint_proto::v0_38::types::{BlockParams, ConsensusParams, VersionParams};

use crate::convert::{gas, signed};

/// What a block of the engine has besides transactions, at most: header, signatures of the commit
/// and evidence.
const BLOCK_OVERHEAD: u64 = 2 << 20;

/// The largest block of the engine in bytes.
pub(crate) const MAX_BLOCK_BYTES: u64 = 100 << 20;

/// The address of a validator in CometBFT: the first 20 bytes of SHA-256 of its Ed25519 key.
#[must_use]
pub fn consensus_address(key: &[u8; 32]) -> [u8; 20] {
    let hash = sha256(key);
    hash.first_chunk().copied().unwrap_or_default()
}

/// The validators of a list, as the engine has them at the beginning.
pub(crate) fn initial(validators: &[Validator]) -> Vec<ValidatorUpdate> {
    updates(&[], validators)
}

/// What changes between two lists, in the order of the keys.
pub(crate) fn updates(before: &[Validator], after: &[Validator]) -> Vec<ValidatorUpdate> {
    let (before, after) = (powers(before), powers(after));
    let removed = before.keys().filter(|key| !after.contains_key(*key));
    let mut changed: BTreeMap<[u8; 32], u64> = removed.map(|key| (*key, 0)).collect();
    let set = after
        .iter()
        .filter(|(key, power)| before.get(*key) != Some(power));
    changed.extend(set.map(|(key, power)| (*key, *power)));
    let update = |(key, power): ([u8; 32], u64)| ValidatorUpdate {
        pub_key: Some(PublicKey {
            sum: Some(public_key::Sum::Ed25519(key.to_vec())),
        }),
        power: signed(power),
    };
    changed.into_iter().map(update).collect()
}

/// The entries that vote.
fn powers(validators: &[Validator]) -> BTreeMap<[u8; 32], u64> {
    let voting = validators.iter().filter(|it| it.power > 0);
    voting.map(|it| (it.key, it.power)).collect()
}

/// The size of the engine's blocks in bytes, for the chain's limit of transactions.
pub(crate) fn block_bytes(parameters: &Parameters) -> u64 {
    let bytes = parameters.limits.bytes.saturating_add(BLOCK_OVERHEAD);
    bytes.min(MAX_BLOCK_BYTES)
}

/// The version of the application at a height: how many activations of rules there were.
pub(crate) fn app_version(parameters: &Parameters, height: u64) -> u64 {
    let activations = parameters.activations.iter();
    let active = activations.filter(|activation| activation.height <= height);
    u64::try_from(active.count()).unwrap_or(u64::MAX)
}

/// The consensus parameters of the block of a height. Others are those of the engine's genesis.
pub(crate) fn consensus_params(parameters: &Parameters, height: u64) -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams {
            max_bytes: signed(block_bytes(parameters)),
            max_gas: gas(parameters.limits.gas),
        }),
        version: Some(VersionParams {
            app: app_version(parameters, height),
        }),
        ..ConsensusParams::default()
    }
}
