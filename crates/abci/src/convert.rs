//! Values of the protocol as those of the chain, and back.

use fusee_chain::Chain;
use fusee_contract::Address;
use fusee_crypto::sha256;
use fusee_engine::Gas;
use fusee_ledger::{Block, Misbehaviour, MisbehaviourKind, Parameters, Validator};
use prost::bytes::Bytes;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{Misbehavior, MisbehaviorType};

use crate::{AppError, consensus_address};

/// The domain of the proposers that the parameters do not list.
const PROPOSER_TAG: &[u8] = b"fusee unlisted proposer";

/// What of a request makes a block.
pub(crate) struct BlockParts {
    pub(crate) height: i64,
    pub(crate) time: Option<Timestamp>,
    pub(crate) proposer: Bytes,
    pub(crate) transactions: Vec<Bytes>,
    pub(crate) misbehaviour: Vec<Misbehavior>,
}

impl BlockParts {
    /// The block, on the last committed one.
    pub(crate) fn block(self, chain: &Chain) -> Result<Block, AppError> {
        let parameters = Parameters::read(&chain.version(None)?)?;
        let transactions = self.transactions.into_iter().map(Vec::from);
        let reports = self.misbehaviour.into_iter();
        let reports = reports.map(|report| misbehaviour(&parameters, report));
        Ok(Block {
            height: unsigned("height", self.height)?,
            time: milliseconds(self.time)?,
            proposer: account(&parameters, &self.proposer),
            transactions: transactions.collect(),
            misbehaviour: reports.collect::<Result<_, _>>()?,
        })
    }
}

/// A validator, as the parameters list it.
fn listed<'a>(parameters: &'a Parameters, address: &[u8]) -> Option<&'a Validator> {
    let mut validators = parameters.validators.iter();
    validators.find(|it| consensus_address(&it.key) == address)
}

/// The account of a validator. One that the parameters do not list has an address that nobody has a
/// key for.
fn account(parameters: &Parameters, address: &[u8]) -> Address {
    listed(parameters, address).map_or_else(
        || Address::new(sha256(&[PROPOSER_TAG, address].concat())),
        |validator| validator.account,
    )
}

/// A report of the engine.
fn misbehaviour(parameters: &Parameters, report: Misbehavior) -> Result<Misbehaviour, AppError> {
    let kind = match report.r#type() {
        MisbehaviorType::Unknown => MisbehaviourKind::Unknown,
        MisbehaviorType::DuplicateVote => MisbehaviourKind::DuplicateVote,
        MisbehaviorType::LightClientAttack => MisbehaviourKind::LightClientAttack,
    };
    let (address, power) = report
        .validator
        .map(|validator| (validator.address, validator.power))
        .unwrap_or_default();
    let found = address.len();
    let address = <[u8; 20]>::try_from(&*address).map_err(|_| AppError::Address { found })?;
    Ok(Misbehaviour {
        kind,
        address,
        key: listed(parameters, &address).map(|validator| validator.key),
        account: account(parameters, &address),
        power: unsigned("power of a validator that misbehaved", power)?,
        height: unsigned("height of misbehaviour", report.height)?,
        time: milliseconds(report.time)?,
        total_power: unsigned("total power at misbehaviour", report.total_voting_power)?,
    })
}

/// Milliseconds since the Unix epoch. What is below a millisecond is cut, so that the times of
/// blocks, which ascend in nanoseconds, do not descend.
pub(crate) fn milliseconds(time: Option<Timestamp>) -> Result<u64, AppError> {
    let time = time.ok_or(AppError::NoTime)?;
    let millis = i64::from(time.nanos).checked_div_euclid(1_000_000);
    let seconds = time.seconds.checked_mul(1_000);
    let sum = seconds
        .zip(millis)
        .and_then(|(seconds, millis)| seconds.checked_add(millis));
    let value = time.seconds;
    let field = "time in seconds";
    let millis = sum.and_then(|sum| u64::try_from(sum).ok());
    millis.ok_or(AppError::Number { field, value })
}

/// A number of the engine that is not negative.
pub(crate) fn unsigned(field: &'static str, value: i64) -> Result<u64, AppError> {
    u64::try_from(value).map_err(|_| AppError::Number { field, value })
}

/// A height or a size of ours. None exceeds the greatest one of the protocol, or it would have come
/// from there.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Gas is below 2^63.
pub(crate) fn gas(gas: Gas) -> i64 {
    signed(gas.units())
}
