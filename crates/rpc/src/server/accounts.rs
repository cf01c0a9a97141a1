//! Accounts, contracts, their code and interfaces.

use std::sync::Arc;

use borsh::BorshDeserialize;
use fusee_contract::{Account as State, Address, keys};
use fusee_engine::{CodeHash, Format, Gas, Interrupt};
use fusee_ledger::{self as ledger, Parameters, Payment, QuotaUse};
use fusee_state::{StateReader, Value};
use fusee_store::chain::Version;

use super::{
    context::Context,
    convert::bytes,
    failures::{invalid_params, not_found},
    storage::{Room, proofs},
};
use crate::{
    error::RpcError,
    methods::{GetAccount, GetCode, GetContract, GetInterface},
    types::{Account, Amount, Code, Contract, Hex32, Position, QuotaUsed},
};

/// The version byte of the values of accounts.
const VERSION: u8 = 1;

pub(super) async fn account(
    context: Arc<Context>,
    params: GetAccount,
) -> Result<Account, RpcError> {
    let has_proof = params.proof;
    let work = move |context: &Context| {
        let state = context.node.version(params.height)?;
        let address = Address::from(params.address);
        let account = State::read(&state, address)?;
        let keys = [
            keys::balance(address),
            keys::nonce(address),
            keys::code_hash(address),
        ];
        let next = context.node.mempool().next_nonce(address);
        Ok(Account {
            position: context.position(&state)?,
            address: params.address,
            balance: Amount(account.balance),
            nonce: account.nonce,
            next_nonce: next.unwrap_or_default().max(account.nonce),
            code_hash: account.code.map(|code| code.hash.into()),
            quota: quota(&state, address)?,
            proofs: match params.proof {
                true => {
                    let room = &mut Room::new(context);
                    Some(proofs(&state, &keys, (room, &Interrupt::new()))?)
                }
                false => None,
            },
        })
    };
    context.work_here_if(!has_proof, work).await
}

pub(super) async fn contract(
    context: Arc<Context>,
    params: GetContract,
) -> Result<Contract, RpcError> {
    let work = move |context: &Context, _: &_| {
        let state = context.node.version(params.height)?;
        let address = Address::from(params.address);
        let account = State::read(&state, address)?;
        let code = account.code.ok_or_else(|| no_contract(address))?;
        let parameters = Parameters::read(&state)?;
        let next = state.height().saturating_add(1);
        let rules = context.node.chain().ledger().rulebook();
        let rules = rules.at(&parameters, next)?;
        let program = program(&state, code.hash)?;
        let stored = decode::<u64>(state.read(&keys::stored_bytes(address))?);
        let admin = decode::<[u8; 32]>(state.read(&keys::admin(address))?);
        let position = context.position(&state)?;
        Ok(Contract {
            position,
            address: params.address,
            code_hash: code.hash.into(),
            code_bytes: code.bytes,
            admin: admin.map(Hex32),
            balance: Amount(account.balance),
            stored_bytes: stored,
            methods: rules.contracts.methods(Arc::new(state), address)?,
            has_interface: interface_of(&program).is_some(),
        })
    };
    context.work(work).await
}

pub(super) async fn code(context: Arc<Context>, params: GetCode) -> Result<Code, RpcError> {
    let work = move |context: &Context, _: &_| {
        let state = context.node.version(params.height)?;
        let hash = match (params.hash, params.address) {
            (Some(hash), None) => CodeHash::from_bytes(hash.0),
            (None, Some(address)) => code_of(&state, address.into())?,
            _ => return Err(invalid_params("give a hash, or else an address")),
        };
        let program = program(&state, hash)?;
        Ok(Code {
            position: context.position(&state)?,
            hash: hash.into(),
            format: match Format::of(&program) {
                Format::Wasm => "wasm".to_owned(),
                Format::PolkaVm => "polkavm".to_owned(),
            },
            code: bytes(&program),
        })
    };
    context.work(work).await
}

pub(super) async fn interface(
    context: Arc<Context>,
    params: GetInterface,
) -> Result<serde_json::Value, RpcError> {
    let work = move |context: &Context, _: &_| {
        let state = context.node.version(params.height)?;
        let address = params.address.into();
        let program = program(&state, code_of(&state, address)?)?;
        let interface = interface_of(&program).ok_or_else(|| {
            not_found(format!(
                "the code of the contract {address} has no interface"
            ))
        })?;
        serde_json::to_value(interface)
            .map_err(|error| not_found(format!("the interface is not JSON: {error}")))
    };
    context.work(work).await
}

impl Context {
    /// The block that a state is after.
    pub(super) fn position(&self, state: &Version) -> Result<Position, RpcError> {
        let height = state.height();
        let chain = self.node.chain();
        let hash = match height >= chain.initial_height() {
            true => Some(Hex32::from(chain.header(height)?.hash())),
            false => None,
        };
        Ok(Position {
            height,
            block_hash: hash,
            state_root: Hex32(state.root()),
        })
    }
}

fn no_contract(address: Address) -> RpcError {
    not_found(format!("there is no contract at {address}"))
}

fn code_of(state: &Version, address: Address) -> Result<CodeHash, RpcError> {
    let code = State::read(state, address)?.code;
    code.map(|code| code.hash)
        .ok_or_else(|| no_contract(address))
}

fn program(state: &Version, hash: CodeHash) -> Result<Value, RpcError> {
    let program = state.read(&keys::code(hash))?;
    program.ok_or_else(|| not_found(format!("there is no code {hash}")))
}

/// The interface in a program, if it has one that can be read.
fn interface_of(program: &[u8]) -> Option<fusee_interface::Interface> {
    match Format::of(program) {
        Format::Wasm => fusee_interface::extract(program).ok()?,
        Format::PolkaVm => None,
    }
}

/// A value with its version byte. `None` if it is absent, or of another version.
fn decode<T: BorshDeserialize>(value: Option<Value>) -> Option<T> {
    let (VERSION, decoded) = borsh::from_slice(&value?).ok()? else {
        return None;
    };
    Some(decoded)
}

fn quota(state: &Version, address: Address) -> Result<Option<QuotaUsed>, RpcError> {
    let Payment::Quotas { gas, window } = Parameters::read(state)?.payment else {
        return Ok(None);
    };
    let own = decode::<u64>(state.read(&ledger::keys::quota(address))?);
    let used = decode::<QuotaUse>(state.read(&ledger::keys::quota_use(address))?);
    let next = state.height().saturating_add(1);
    let now = next.checked_div(window.get()).unwrap_or_default();
    let used = used.filter(|used| used.window == now);
    Ok(Some(QuotaUsed {
        gas: own.unwrap_or(gas.units()),
        used: used.map_or(Gas::ZERO, |used| used.gas).units(),
        end: now.saturating_add(1).saturating_mul(window.get()),
    }))
}
