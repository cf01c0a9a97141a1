//! A small chain: four accounts, a token and a contract that fails.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fusee_chain::{Chain, Options, Sealed};
use fusee_conformance::lanes;
use fusee_contract::{Account, Address, ContractError, ContractRules, Contracts};
use fusee_engine::{CodeHash, Gas};
use fusee_ledger::{
    Activation, Block, BlockLimits, FeeDestination, Genesis, GenesisAccount, Header, Ledger,
    LedgerRules, Migration, Misbehaviour, MisbehaviourKind, Operation, Parameters, Payment,
    Rulebook, SecretKey, SignedTransaction, TransactionBody,
};
use fusee_state::{Diff, StateReader};

pub(crate) const TOKEN: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");

const CHAIN: &str = "fusee-test-1";

/// The height of the migration.
pub(crate) const MIGRATION: u64 = 4;

fn key(number: u8) -> SecretKey {
    SecretKey::ed25519([number; 32])
}

pub(crate) fn account(number: u8) -> Address {
    key(number).public_key().address()
}

fn halve(state: &dyn StateReader) -> Result<Diff, ContractError> {
    let balance = Account::balance(state, account(4))? / 2;
    Ok(fusee_contract::set_balances(&[(account(4), balance)]))
}

/// Another one than `halve` under its name.
pub(crate) fn third(state: &dyn StateReader) -> Result<Diff, ContractError> {
    let balance = Account::balance(state, account(4))? / 3;
    Ok(fusee_contract::set_balances(&[(account(4), balance)]))
}

/// The rules of transactions, the chain's of contracts, and others by which transactions cost more.
pub(crate) fn rules() -> (LedgerRules, [ContractRules; 2]) {
    let mut dearer = ContractRules::v1();
    dearer.name = "dearer".into();
    dearer.prices.transaction = Gas::new(20_000);
    (LedgerRules::v1(), [ContractRules::v1(), dearer])
}

/// A ledger on the lane of this name.
pub(crate) fn ledger_with(lane: &str, migration: Migration) -> Ledger {
    let lane = lanes()
        .into_iter()
        .find(|other| other.name == lane)
        .unwrap();
    let executor = Arc::new(lane.executor);
    let (ledger, contracts) = rules();
    let mut rulebook = Rulebook::new()
        .with_ledger(ledger)
        .with_migration("halve", migration);
    for rules in contracts.into_iter().chain([ContractRules::v2()]) {
        let contracts = Contracts::without_fallback(Arc::clone(&executor), rules);
        rulebook = rulebook.with_contracts(contracts.suspension(lane.suspension));
    }
    Ledger::new(rulebook)
}

pub(crate) fn ledger(lane: &str) -> Ledger {
    ledger_with(lane, halve)
}

pub(crate) fn genesis() -> Genesis {
    let (ledger, [first, _]) = rules();
    let activation = |height, migration: Option<&str>| Activation {
        height,
        ledger_rules: ledger.id(),
        contract_rules: first.id(),
        migration: migration.map(str::to_owned),
    };
    let accounts = (1..=4).map(|number| {
        let balance = 1_000_000_000_000;
        let quota = None;
        (account(number), GenesisAccount { balance, quota })
    });
    Genesis {
        initial_height: 1,
        time: 1_790_000_000_000,
        parameters: Parameters {
            chain_id: CHAIN.to_owned(),
            activations: vec![activation(1, None), activation(MIGRATION, Some("halve"))],
            limits: BlockLimits {
                gas: Gas::new(1_000_000_000),
                bytes: 1 << 20,
                transactions: 1_000,
            },
            payment: Payment::Fees {
                minimum_price: 1,
                destination: FeeDestination::Proposer,
            },
            calls: Vec::new(),
            validators: Vec::new(),
        },
        accounts: BTreeMap::from_iter(accounts),
        contracts: Vec::new(),
    }
}

pub(crate) fn open(folder: &Path) -> Chain {
    Chain::open(folder, &genesis(), ledger("wasmi"), options()).unwrap()
}

pub(crate) fn options() -> Options {
    Chain::options(&genesis())
}

pub(crate) fn signed(number: u8, nonce: u64, operation: Operation) -> Vec<u8> {
    let body = TransactionBody {
        chain_id: CHAIN.to_owned(),
        sender: account(number),
        nonce,
        expiry: 1_000,
        gas_limit: Gas::new(20_000_000),
        gas_price: 1,
        fee_payer: None,
        operations: vec![operation],
    };
    let authorization = key(number).sign(&body.id());
    let rules = LedgerRules::v1();
    let transaction = SignedTransaction::new(body, authorization, None, &rules);
    transaction.unwrap().encode()
}

fn token() -> Address {
    Address::of_contract(account(1), 0, CodeHash::of(TOKEN))
}

fn tokens(number: u8, nonce: u64, to: u8, units: u64) -> Vec<u8> {
    let operation = Operation::Call {
        to: token(),
        method: "transfer".to_owned(),
        input: [account(to).as_bytes(), &units.to_le_bytes()[..]].concat(),
        value: 0,
    };
    signed(number, nonce, operation)
}

/// What every third block reports.
fn misbehaviour(index: u64) -> Vec<Misbehaviour> {
    let report = Misbehaviour {
        kind: MisbehaviourKind::DuplicateVote,
        address: [7; 20],
        key: None,
        account: account(7),
        power: 10,
        height: index,
        time: 1_790_000_001_000,
        total_power: 30,
    };
    match index % 3 {
        0 => vec![report],
        _ => Vec::new(),
    }
}

/// Blocks of a deployment, transfers, reverts and an invalid transaction.
pub(crate) fn blocks(count: u64) -> Vec<Block> {
    let deploy = Operation::Deploy {
        code: TOKEN.to_vec(),
        input: 1_000_000_u64.to_le_bytes().to_vec(),
        value: 0,
    };
    let block = |index: u64| {
        let transactions = match index {
            0 => vec![signed(1, 0, deploy.clone())],
            index => vec![
                tokens(1, index, 2, 250),
                // Has no balance at first.
                tokens(2, index - 1, 3, 300),
                // Its nonce is past.
                tokens(1, 0, 2, 1),
                signed(
                    3,
                    index - 1,
                    Operation::Transfer {
                        to: account(9),
                        value: 5,
                    },
                ),
            ],
        };
        Block {
            height: index + 1,
            time: 1_790_000_001_000 + index,
            proposer: Address::new([77; 32]),
            transactions,
            misbehaviour: misbehaviour(index),
        }
    };
    (0..count).map(block).collect()
}

/// Executes a block on the last committed one.
pub(crate) fn seal(chain: &Chain, block: &Block) -> Sealed {
    let verified = chain.verify(block.clone()).unwrap();
    let executed = chain.execute(&chain.tip().unwrap(), verified).unwrap();
    chain.seal(executed).unwrap()
}

/// Executes and commits blocks, one after another.
pub(crate) fn commit(chain: &Chain, blocks: &[Block]) -> Vec<Header> {
    let commit = |block| chain.commit(seal(chain, block)).unwrap().0;
    blocks.iter().map(commit).collect()
}
