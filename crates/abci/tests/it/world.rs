//! A small chain: four accounts, a token, and one validator.

use std::{fmt::Write, path::Path, sync::Arc};

use fusee_abci::consensus_address;
use fusee_chain::DataFolder;
use fusee_conformance::lanes;
use fusee_contract::{Address, ContractRules, Contracts};
use fusee_engine::{CodeHash, Gas};
use fusee_ledger::{
    Genesis, Ledger, LedgerRules, Operation, Rulebook, SecretKey, SignedTransaction,
    TransactionBody,
};
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::RequestInitChain;
use tendermint_proto::v0_38::types::{ConsensusParams, EvidenceParams, ValidatorParams};

use crate::client::time;

pub(crate) const TOKEN: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");

pub(crate) const CHAIN: &str = "fusee-test-1";

/// The time of genesis, in milliseconds.
pub(crate) const TIME: u64 = 1_790_000_000_000;

fn key(number: u8) -> SecretKey {
    SecretKey::ed25519([number; 32])
}

pub(crate) fn account(number: u8) -> Address {
    key(number).public_key().address()
}

/// The key of a validator.
pub(crate) fn validator(number: u8) -> [u8; 32] {
    [number; 32]
}

/// The account of a validator.
pub(crate) fn operator(number: u8) -> Address {
    Address::new([number; 32])
}

/// The proposer of all blocks, as the engine names it.
pub(crate) fn proposer() -> [u8; 20] {
    consensus_address(&validator(70))
}

pub(crate) fn ledger() -> Ledger {
    ledger_on("wasmi")
}

/// A ledger on the lane of this name.
pub(crate) fn ledger_on(name: &str) -> Ledger {
    let lane = lanes().into_iter().find(|lane| lane.name == name);
    let lane = lane.unwrap();
    let executor = Arc::new(lane.executor);
    let mut rulebook = Rulebook::new().with_ledger(LedgerRules::v1());
    for rules in [ContractRules::v1(), ContractRules::v2()] {
        let contracts = Contracts::without_fallback(Arc::clone(&executor), rules);
        rulebook = rulebook.with_contracts(contracts.suspension(lane.suspension));
    }
    Ledger::new(rulebook.with_migration("panics", |_| panic!("a fault of this program")))
}

/// A genesis file with these contract rules by height, calls and validators.
pub(crate) fn file_with(
    rules: &[(u64, ContractRules)],
    calls: &str,
    validators: &[([u8; 32], u64, Address)],
) -> String {
    let ledger = LedgerRules::v1().id();
    let activations = rules.iter().map(|(height, contracts)| {
        let contracts = contracts.id();
        format!(
            r#"{{"height": {height}, "ledger_rules": "{ledger}", "contract_rules": "{contracts}"}}"#
        )
    });
    let activations = activations.collect::<Vec<_>>().join(", ");
    let validators = validators.iter().map(|(key, power, account)| {
        let key = hex::encode(key);
        format!(r#"{{"key": "{key}", "power": {power}, "account": "{account}"}}"#)
    });
    let validators = validators.collect::<Vec<_>>().join(", ");
    let mut accounts = String::new();
    for number in 1..=4 {
        let separator = if number == 1 { "" } else { ", " };
        let address = account(number);
        write!(
            accounts,
            r#"{separator}{{"address": "{address}", "balance": "1000000000000"}}"#
        )
        .unwrap();
    }
    format!(
        r#"{{
    "chain_id": "{CHAIN}", "initial_height": 1, "time": {TIME},
    "parameters": {{
        "activations": [{activations}],
        "limits": {{ "gas": 1000000000, "bytes": 1048576, "transactions": 1000 }},
        "payment": {{ "fees": {{ "minimum_price": "1", "destination": "proposer" }} }},
        "calls": [{calls}],
        "validators": [{validators}]
    }},
    "accounts": [{accounts}]
}}"#
    )
}

pub(crate) fn file() -> String {
    let validators = [(validator(70), 10, operator(70))];
    file_with(&[(1, ContractRules::v1())], "", &validators)
}

/// The data folder of a chain.
pub(crate) fn data(path: &Path, genesis: Genesis) -> DataFolder {
    DataFolder::create(path, genesis).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    Genesis::parse(&file()).unwrap()
}

/// What the engine begins a chain of a genesis file with.
pub(crate) fn begin(file: &str) -> RequestInitChain {
    RequestInitChain {
        time: time(0),
        chain_id: CHAIN.to_owned(),
        consensus_params: Some(ConsensusParams {
            evidence: Some(EvidenceParams {
                max_bytes: 1 << 20,
                ..EvidenceParams::default()
            }),
            validator: Some(ValidatorParams {
                pub_key_types: vec!["ed25519".to_owned()],
            }),
            ..ConsensusParams::default()
        }),
        app_state_bytes: Bytes::from(file.to_owned()),
        initial_height: 1,
        ..RequestInitChain::default()
    }
}

pub(crate) fn signed(number: u8, nonce: u64, operation: Operation) -> Vec<u8> {
    signed_with(number, nonce, operation, 20_000_000)
}

pub(crate) fn signed_with(number: u8, nonce: u64, operation: Operation, gas: u64) -> Vec<u8> {
    let body = TransactionBody {
        chain_id: CHAIN.to_owned(),
        sender: account(number),
        nonce,
        expiry: 100_000,
        gas_limit: Gas::new(gas),
        gas_price: 1,
        fee_payer: None,
        operations: vec![operation],
    };
    let authorization = key(number).sign(&body.id());
    let transaction = SignedTransaction::new(body, authorization, None, &LedgerRules::v1());
    transaction.unwrap().encode()
}

pub(crate) fn transfer(number: u8, nonce: u64, value: u128) -> Vec<u8> {
    let to = account(9);
    signed(number, nonce, Operation::Transfer { to, value })
}

pub(crate) fn deploy(number: u8, nonce: u64, code: &[u8], input: &[u8]) -> Vec<u8> {
    let operation = Operation::Deploy {
        code: code.to_vec(),
        input: input.to_vec(),
        value: 0,
    };
    signed(number, nonce, operation)
}

pub(crate) fn call(number: u8, nonce: u64, to: Address, method: &str, input: &[u8]) -> Vec<u8> {
    let operation = Operation::Call {
        to,
        method: method.to_owned(),
        input: input.to_vec(),
        value: 0,
    };
    signed(number, nonce, operation)
}

pub(crate) fn token() -> Address {
    Address::of_contract(account(1), 0, CodeHash::of(TOKEN))
}

pub(crate) fn tokens(number: u8, nonce: u64, to: u8, units: u64) -> Vec<u8> {
    let input = [account(to).as_bytes(), &units.to_le_bytes()[..]].concat();
    call(number, nonce, token(), "transfer", &input)
}

/// The transactions of a block: a deployment, then transfers, a revert at first, and two invalid
/// ones.
pub(crate) fn transactions(height: i64) -> Vec<Vec<u8>> {
    let index = u64::try_from(height).unwrap() - 1;
    match index {
        0 => vec![deploy(1, 0, TOKEN, &1_000_000_u64.to_le_bytes())],
        index => vec![
            tokens(1, index, 2, 250),
            // Has no balance at first.
            tokens(2, index - 1, 3, 300),
            // Its nonce is past.
            tokens(1, 0, 2, 1),
            transfer(3, index - 1, 5),
            vec![1, 2, 3],
        ],
    }
}
