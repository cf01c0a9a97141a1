//! A chain in memory: every block is executed by every ledger of it, with the same result.

use std::{num::NonZeroUsize, sync::Arc};

use fusee_conformance::lanes;
use fusee_contract::{Account, Address, ContractError, ContractRules, Contracts};
use fusee_engine::{CodeHash, Gas};
use fusee_ledger::{
    Block, Finalized, Genesis, Header, HeaderHash, Ledger, LedgerError, LedgerRules, Operation,
    Parameters, Rulebook, SecretKey, SignedTransaction, TransactionBody, TransactionOutcome,
    list_root, prove_inclusion,
};
use fusee_state::{Diff, MemoryState, StateReader};

use crate::{
    chain_samples::{CHAIN, genesis},
    samples::{address, rules},
};

pub(crate) const TOKEN: &[u8] = include_bytes!("../../../../guests/wasm/token.wasm");
pub(crate) const COUNTER: &[u8] = include_bytes!("../../../../guests/wasm/counter.wasm");

/// A contract that fails in each way, after a write.
pub(crate) const FAILS: &str = r#"(module
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "works") (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 9)))
    (func (export "traps")
        (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8))
        unreachable)
    (func (export "spins")
        (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 8))
        (loop br 0)))"#;

pub(crate) const FUNDS: u128 = 1_000_000_000_000;

/// Who proposes the blocks.
pub(crate) fn proposer() -> Address {
    address(77)
}

pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::ed25519([number; 32])
}

pub(crate) fn account(number: u8) -> Address {
    key(number).public_key().address()
}

/// Halves the balance of account 1.
fn halve(state: &dyn StateReader) -> Result<Diff, ContractError> {
    let balance = Account::balance(state, account(1))? / 2;
    Ok(fusee_contract::set_balances(&[(account(1), balance)]))
}

/// Finds the state not as it has to be.
fn fail(state: &dyn StateReader) -> Result<Diff, ContractError> {
    let corrupt = Diff::from_iter([(fusee_contract::keys::balance(address(1)), Some(vec![9_u8]))]);
    assert!(Account::balance(state, address(1)).is_ok());
    let mut state = MemoryState::new();
    state.apply(&corrupt);
    Account::balance(&state, address(1)).map(|_| Diff::default())
}

/// Ledgers on the lanes of these names, the last one of them on many threads as well.
pub(crate) fn ledgers(names: &[&str]) -> Vec<(String, Ledger)> {
    let lanes = lanes().into_iter();
    let lanes = lanes.filter(|lane| names.is_empty() || names.contains(&lane.name));
    let ledger = |lane: fusee_conformance::Lane| {
        let executor = Arc::new(lane.executor);
        let contracts = |rules| {
            Contracts::without_fallback(Arc::clone(&executor), rules).suspension(lane.suspension)
        };
        let rulebook = Rulebook::new()
            .with_ledger(LedgerRules::v1())
            .with_ledger(rules())
            .with_contracts(contracts(ContractRules::v1()))
            .with_contracts(contracts(ContractRules::v2()))
            .with_migration("halve", halve)
            .with_migration("fail", fail);
        (lane.name.to_owned(), Ledger::new(rulebook))
    };
    let mut ledgers: Vec<_> = lanes.map(ledger).collect();
    let (name, last) = ledgers.last().unwrap();
    let threads = NonZeroUsize::new(3).unwrap();
    ledgers.push((format!("{name}, 3 threads"), last.clone().threads(threads)));
    ledgers
}

/// The ledger that takes the least to make.
pub(crate) fn interpreted() -> Vec<(String, Ledger)> {
    ledgers(&["wasmi"])
}

pub(crate) struct Chain {
    pub(crate) ledgers: Vec<(String, Ledger)>,
    pub(crate) genesis: Genesis,
    pub(crate) state: Arc<MemoryState>,
    pub(crate) blocks: Vec<(Block, Header)>,
}

impl Chain {
    /// A chain whose accounts 1 to 4 have something.
    pub(crate) fn new(ledgers: Vec<(String, Ledger)>, parameters: Parameters) -> Self {
        let funds = [1, 2, 3, 4].map(|number| (account(number), FUNDS));
        Self::of(ledgers, genesis(parameters, &funds))
    }

    pub(crate) fn of(ledgers: Vec<(String, Ledger)>, genesis: Genesis) -> Self {
        genesis.check().unwrap();
        let mut state = MemoryState::new();
        state.apply(&ledgers[0].1.genesis(&genesis).unwrap());
        Self {
            ledgers,
            genesis,
            state: Arc::new(state),
            blocks: Vec::new(),
        }
    }

    pub(crate) fn reader(&self) -> Arc<dyn StateReader> {
        self.state.clone()
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledgers[0].1
    }

    /// The next block with these transactions.
    pub(crate) fn next(&self, transactions: Vec<Vec<u8>>) -> Block {
        let last = self
            .blocks
            .last()
            .map(|(block, _)| (block.height, block.time));
        let before = (self.genesis.initial_height - 1, self.genesis.time);
        let (height, time) = last.unwrap_or(before);
        Block {
            height: height + 1,
            time: time + 1_000,
            proposer: proposer(),
            transactions,
            misbehaviour: Vec::new(),
        }
    }

    /// Executes a block on every ledger.
    pub(crate) fn finalize(&self, block: &Block) -> Result<Finalized, LedgerError> {
        let mut found: Option<Finalized> = None;
        for (name, ledger) in &self.ledgers {
            let finalized = ledger.finalize(self.reader(), block)?;
            // By the rules that hold, or by others.
            for rules in [LedgerRules::v1(), rules()] {
                let verified = ledger.verify(block.clone(), &rules);
                let again = ledger.finalize_verified(self.reader(), verified)?;
                assert_eq!(again, finalized, "{name}");
            }
            let first = found.get_or_insert_with(|| finalized.clone());
            assert_eq!(&finalized, first, "{name}");
        }
        Ok(found.unwrap())
    }

    /// Executes and commits a block.
    pub(crate) fn commit(&mut self, block: Block) -> Finalized {
        let finalized = self.finalize(&block).unwrap();
        let mut state = (*self.state).clone();
        state.apply(&finalized.changes);
        let parent = self.blocks.last().map(|(_, header)| header.hash());
        let genesis = HeaderHash::from_bytes(self.genesis.identity());
        let header = finalized.seal(parent.unwrap_or(genesis), root(&state));
        check_proofs(&block, &finalized, &header);
        self.state = Arc::new(state);
        self.blocks.push((block, header));
        finalized
    }

    /// Executes and commits the next block.
    pub(crate) fn run(&mut self, transactions: Vec<Vec<u8>>) -> Vec<TransactionOutcome> {
        let block = self.next(transactions);
        self.commit(block).transactions
    }

    /// The codes of the results of the next block.
    pub(crate) fn codes(&mut self, transactions: Vec<Vec<u8>>) -> Vec<u32> {
        let outcomes = self.run(transactions);
        outcomes.iter().map(|outcome| outcome.result.code).collect()
    }

    pub(crate) fn balance(&self, address: Address) -> u128 {
        Account::balance(&*self.state, address).unwrap()
    }

    pub(crate) fn nonce(&self, address: Address) -> u64 {
        Account::nonce(&*self.state, address).unwrap()
    }

    pub(crate) fn stored(&self, contract: Address, key: &[u8]) -> Option<Vec<u8>> {
        let key = fusee_contract::keys::storage(contract, key);
        self.state.read(&key).unwrap().map(|value| value.to_vec())
    }

    /// The units of the token that an account has.
    pub(crate) fn tokens(&self, token: Address, of: Address) -> u64 {
        let query = fusee_contract::Query {
            from: of,
            to: token,
            method: "balance_of".to_owned(),
            input: of.as_bytes().to_vec(),
            gas: Gas::new(10_000_000),
        };
        let parameters = &self.genesis.parameters;
        let rules = self.ledger().rulebook().at(parameters, 1).unwrap();
        let block = fusee_contract::BlockContext::default();
        let interrupt = fusee_engine::Interrupt::new();
        let receipt = rules
            .contracts
            .query(self.reader(), query, &block, &interrupt)
            .unwrap();
        u64::from_le_bytes(receipt.output.try_into().unwrap())
    }

    /// Executes all blocks again from genesis on, with the same headers.
    pub(crate) fn replay(&self, ledgers: Vec<(String, Ledger)>) {
        let mut chain = Self::of(ledgers, self.genesis.clone());
        for (block, header) in &self.blocks {
            chain.commit(block.clone());
            assert_eq!(&chain.blocks.last().unwrap().1, header);
        }
        assert_eq!(chain.state, self.state);
    }
}

/// A stand-in for the state root, which the store computes: it covers all entries.
pub(crate) fn root(state: &MemoryState) -> [u8; 32] {
    let entries = state.iter().map(|(key, value)| [key, b"=", value].concat());
    let entries: Vec<_> = entries.collect();
    list_root(entries.iter().map(Vec::as_slice))
}

/// Proves the transactions and results of a block by its header.
fn check_proofs(block: &Block, finalized: &Finalized, header: &Header) {
    for (items, root) in [
        (&block.transactions, header.transactions_root),
        (&finalized.results, header.receipts_root),
    ] {
        if let Some(item) = items.last() {
            let slices = items.iter().map(Vec::as_slice);
            let proof = prove_inclusion(slices, items.len() - 1).unwrap();
            assert!(proof.verify(&root, item));
        }
    }
    assert_eq!(Header::decode(&header.encode()).unwrap(), *header);
}

/// A transfer of 250 units to account 9, changed.
pub(crate) fn body(number: u8, nonce: u64) -> TransactionBody {
    TransactionBody {
        chain_id: CHAIN.to_owned(),
        sender: account(number),
        nonce,
        expiry: 1_000,
        gas_limit: Gas::new(2_000_000),
        gas_price: 1,
        fee_payer: None,
        operations: vec![Operation::Transfer {
            to: account(9),
            value: 250,
        }],
    }
}

pub(crate) fn signed(number: u8, body: TransactionBody) -> Vec<u8> {
    let authorization = key(number).sign(&body.id());
    let transaction = SignedTransaction::new(body, authorization, None, &rules());
    transaction.unwrap().encode()
}

/// A transfer of 250 units to account 9.
pub(crate) fn transfer(number: u8, nonce: u64) -> Vec<u8> {
    signed(number, body(number, nonce))
}

pub(crate) fn changed(
    number: u8,
    nonce: u64,
    change: impl FnOnce(&mut TransactionBody),
) -> Vec<u8> {
    let mut body = body(number, nonce);
    change(&mut body);
    signed(number, body)
}

/// A transaction of these operations with enough gas to deploy.
pub(crate) fn operations(number: u8, nonce: u64, operations: Vec<Operation>) -> Vec<u8> {
    changed(number, nonce, |body| {
        body.gas_limit = Gas::new(20_000_000);
        body.operations = operations;
    })
}

pub(crate) fn call(to: Address, method: &str, input: &[u8], value: u128) -> Operation {
    Operation::Call {
        to,
        method: method.to_owned(),
        input: input.to_vec(),
        value,
    }
}

pub(crate) fn deploy(code: &[u8], input: &[u8]) -> Operation {
    Operation::Deploy {
        code: code.to_vec(),
        input: input.to_vec(),
        value: 0,
    }
}

pub(crate) fn tokens_to(number: u8, token: Address, units: u64) -> Operation {
    let input = [account(number).as_bytes(), &units.to_le_bytes()[..]].concat();
    call(token, "transfer", &input, 0)
}

/// The address of what an account deploys with a transaction.
pub(crate) fn deployed(number: u8, nonce: u64, code: &[u8]) -> Address {
    Address::of_contract(account(number), nonce, CodeHash::of(code))
}

pub(crate) fn fails() -> Vec<u8> {
    wat::parse_str(FAILS).unwrap()
}
