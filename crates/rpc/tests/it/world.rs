//! A small chain with a server: four accounts with funds, a token, and a contract that never ends.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fusee_chain::{Chain, StoredBlock};
use fusee_conformance::{Lane, lanes};
use fusee_contract::{Account, Address, ContractError, ContractRules, Contracts};
use fusee_engine::{CodeHash, Gas};
use fusee_ledger::{
    Activation, Block, BlockLimits, FeeDestination, Genesis, GenesisAccount, Ledger, LedgerRules,
    Migration, Operation, Parameters, Payment, Rulebook, SecretKey, SignedTransaction,
    TransactionBody, TransactionId,
};
use fusee_node::{Clock, Node, NodeOptions, Production};
use fusee_rpc::{Client, ClientOptions, RpcOptions, RpcServer};
use fusee_state::{Diff, StateReader};

pub(crate) const TOKEN: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");
pub(crate) const ENDLESS: &[u8] =
    include_bytes!("../../../../guests/wasm/hostile_endless_loop.wasm");

const CHAIN: &str = "fusee-test-1";

/// The time of genesis, in milliseconds.
pub(crate) const BEGIN: u64 = 1_790_000_000_000;

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

pub(crate) fn ledger_on(lane: Lane, migration: Migration) -> Ledger {
    let contracts = Contracts::without_fallback(Arc::new(lane.executor), ContractRules::v1());
    Ledger::new(
        Rulebook::new()
            .with_ledger(LedgerRules::v1())
            .with_migration("halve", migration)
            .with_contracts(contracts.suspension(lane.suspension)),
    )
}

fn lane(name: &str) -> Lane {
    lanes().into_iter().find(|lane| lane.name == name).unwrap()
}

pub(crate) fn ledger(name: &str) -> Ledger {
    ledger_on(lane(name), halve)
}

/// A ledger on each lane.
pub(crate) fn ledgers() -> Vec<(&'static str, Ledger)> {
    let lanes = lanes().into_iter();
    lanes
        .map(|lane| (lane.name, ledger_on(lane, halve)))
        .collect()
}

pub(crate) fn genesis() -> Genesis {
    let activation = |height, migration: Option<&str>| Activation {
        height,
        ledger_rules: LedgerRules::v1().id(),
        contract_rules: ContractRules::v1().id(),
        migration: migration.map(str::to_owned),
    };
    let accounts = (1..=4).map(|number| {
        let balance = 1_000_000_000_000;
        let quota = None;
        (account(number), GenesisAccount { balance, quota })
    });
    Genesis {
        initial_height: 1,
        time: BEGIN,
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

pub(crate) fn options(folder: &Path, production: Production) -> NodeOptions {
    let mut options = NodeOptions::new(folder);
    options.production = production;
    options.clock = Clock::new(|| BEGIN + 1_000);
    options
}

pub(crate) fn body(number: u8, nonce: u64, operation: Operation) -> TransactionBody {
    TransactionBody {
        chain_id: CHAIN.to_owned(),
        sender: account(number),
        nonce,
        expiry: 1_000,
        gas_limit: Gas::new(20_000_000),
        gas_price: 1,
        fee_payer: None,
        operations: vec![operation],
    }
}

pub(crate) fn sign(number: u8, body: TransactionBody) -> Vec<u8> {
    let authorization = key(number).sign(&body.id());
    let transaction = SignedTransaction::new(body, authorization, None, &LedgerRules::v1());
    transaction.unwrap().encode()
}

pub(crate) fn id(transaction: &[u8]) -> TransactionId {
    let transaction = SignedTransaction::decode(transaction, &LedgerRules::v1());
    transaction.unwrap().id()
}

pub(crate) fn to_nine(value: u128) -> Operation {
    let to = account(9);
    Operation::Transfer { to, value }
}

/// A transfer of one unit to account 9.
pub(crate) fn transfer(number: u8, nonce: u64) -> Vec<u8> {
    sign(number, body(number, nonce, to_nine(1)))
}

/// The first transaction of account 1.
pub(crate) fn deploy() -> Vec<u8> {
    let operation = Operation::Deploy {
        code: TOKEN.to_vec(),
        input: 1_000_000_u64.to_le_bytes().to_vec(),
        value: 0,
    };
    sign(1, body(1, 0, operation))
}

/// The first transaction of account 2.
pub(crate) fn deploy_endless() -> Vec<u8> {
    let operation = Operation::Deploy {
        code: ENDLESS.to_vec(),
        input: Vec::new(),
        value: 0,
    };
    sign(2, body(2, 0, operation))
}

pub(crate) fn token() -> Address {
    Address::of_contract(account(1), 0, CodeHash::of(TOKEN))
}

pub(crate) fn endless() -> Address {
    Address::of_contract(account(2), 0, CodeHash::of(ENDLESS))
}

/// A transfer of tokens of account 1.
pub(crate) fn tokens(nonce: u64, to: u8, units: u64) -> Operation {
    let _ = nonce;
    Operation::Call {
        to: token(),
        method: "transfer".to_owned(),
        input: [account(to).as_bytes(), &units.to_le_bytes()[..]].concat(),
        value: 0,
    }
}

pub(crate) fn token_transfer(nonce: u64, to: u8, units: u64) -> Vec<u8> {
    sign(1, body(1, nonce, tokens(nonce, to, units)))
}

/// The same at another price.
pub(crate) fn priced(number: u8, nonce: u64, gas_price: u128) -> Vec<u8> {
    let body = body(number, nonce, to_nine(1));
    sign(number, TransactionBody { gas_price, ..body })
}

/// Executes and commits a block as a consensus engine does.
pub(crate) fn commit(chain: &Chain, transactions: Vec<Vec<u8>>) -> Arc<StoredBlock> {
    let tip = chain.tip().unwrap();
    let height = tip.height() + 1;
    let block = Block {
        height,
        time: BEGIN + height,
        proposer: Address::new([77; 32]),
        transactions,
        misbehaviour: Vec::new(),
    };
    let executed = chain.execute(&tip, chain.verify(block).unwrap()).unwrap();
    let (header, _) = chain.commit(chain.seal(executed).unwrap()).unwrap();
    Arc::new(chain.block(header.height).unwrap())
}

/// A node with its server, in a folder that lasts as long.
pub(crate) struct World {
    pub(crate) server: RpcServer,
    pub(crate) node: Arc<Node>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(production: Production) -> Self {
        Self::with(production, "wasmi, tiny slices", |_| {})
    }

    pub(crate) fn with(
        production: Production,
        lane: &str,
        change: impl FnOnce(&mut RpcOptions),
    ) -> Self {
        Self::on(production, ledger(lane), change)
    }

    pub(crate) fn on(
        production: Production,
        ledger: Ledger,
        change: impl FnOnce(&mut RpcOptions),
    ) -> Self {
        Self::start(
            (&genesis(), ledger),
            |folder| options(folder, production),
            change,
        )
    }

    pub(crate) fn with_node(production: Production, change: impl FnOnce(&mut NodeOptions)) -> Self {
        let node = |folder: &Path| {
            let mut options = options(folder, production);
            change(&mut options);
            options
        };
        Self::start((&genesis(), ledger("wasmi")), node, |_| {})
    }

    pub(crate) fn of(genesis: &Genesis, production: Production) -> Self {
        let node = |folder: &Path| options(folder, production);
        Self::start((genesis, ledger("wasmi")), node, |_| {})
    }

    pub(crate) fn start(
        (genesis, ledger): (&Genesis, Ledger),
        node: impl FnOnce(&Path) -> NodeOptions,
        change: impl FnOnce(&mut RpcOptions),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = Chain::open(
            &folder.path().join("chain"),
            genesis,
            ledger,
            Chain::options(genesis),
        );
        let chain = Arc::new(chain.unwrap());
        let node = Arc::new(Node::start(chain, node(folder.path())).unwrap());
        let mut options = RpcOptions::new(genesis);
        options.address.set_port(0);
        change(&mut options);
        let server = RpcServer::start(Arc::clone(&node), options).unwrap();
        Self {
            server,
            node,
            _folder: folder,
        }
    }

    pub(crate) fn client(&self) -> Client {
        let url = format!("http://{}", self.server.address());
        Client::new(&url, ClientOptions::default()).unwrap()
    }
}
