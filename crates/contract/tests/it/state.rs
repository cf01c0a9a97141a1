//! What transactions leave in the state, and what they read of it: keys, encodings, blocks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use expect_test::expect_file;
use fusee_conformance::lanes;
use fusee_contract::{
    Account, AccountField, Action, Address, BlockContext, ContractError, ContractRules, Contracts,
    EncodingError, Event, Included, Receipt, Rejection, Status, Transaction, keys, set_balances,
};
use fusee_engine::{
    CodeHash, Engine, EngineError, Fingerprint, Format, Gas, Interrupt, Module, Program, Trap,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::Executor;
use fusee_state::{Diff, MemoryState, Overlay, StateReader};

use crate::{
    children::wasm,
    world::{CALLER, COUNTER, FUNDS, GAS, TOKEN, World, alice, assert_same, bob},
};

fn transaction(from: Address, action: Action, value: u128) -> Transaction {
    Transaction {
        from,
        action,
        value,
        gas: Gas::new(GAS),
    }
}

fn call(to: Address, method: &str, input: &[u8]) -> Action {
    Action::Call {
        to,
        method: method.to_owned(),
        input: input.to_vec(),
    }
}

fn deploy(code: &[u8], input: &[u8]) -> Action {
    Action::Deploy {
        code: code.to_vec(),
        input: input.to_vec(),
    }
}

fn run(contracts: &Contracts, state: Arc<dyn StateReader>, transaction: Transaction) -> Included {
    let result = contracts.execute(
        state,
        transaction,
        &BlockContext::default(),
        &Interrupt::new(),
    );
    result.unwrap().included().unwrap()
}

/// The keys of changes, and those that were read.
fn written(included: &Included) -> Vec<Vec<u8>> {
    let changes = included.changes.iter();
    changes.map(|(key, _)| key.to_vec()).collect()
}

fn read(included: &Included) -> Vec<Vec<u8>> {
    included.reads.iter().map(<[u8]>::to_vec).collect()
}

fn sorted(mut keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    keys.sort();
    keys
}

#[test]
fn the_layout_of_keys_and_the_encodings_are_golden() {
    let address = Address::new([0x11; 32]);
    let hash = CodeHash::from_bytes([0x22; 32]);
    let mut text = String::new();
    for (name, key) in [
        ("balance", keys::balance(address)),
        ("nonce", keys::nonce(address)),
        ("code_hash", keys::code_hash(address)),
        ("code", keys::code(hash)),
        ("storage", keys::storage(address, b"rest")),
        ("storage, no rest", keys::storage(address, b"")),
    ] {
        let parts = keys::parts(&key).unwrap();
        assert_eq!(parts.tag, key[0]);
        assert_eq!(parts.owner, key[1..33]);
        assert_eq!(parts.rest, &key[33..]);
        text.push_str(&format!("key {name}: {}\n", hex::encode(key)));
    }
    assert_eq!(keys::parts(&[keys::BALANCE; 32]), None);

    let mut world = World::new();
    let contract = world.deploy_wat("(module)");
    for (name, key) in [
        ("balance", keys::balance(alice())),
        ("nonce", keys::nonce(alice())),
        ("code hash", keys::code_hash(contract)),
    ] {
        let value = world.state.read(&key).unwrap().unwrap();
        text.push_str(&format!("value {name}: {}\n", hex::encode(value)));
    }
    let receipt = Receipt {
        status: Status::Trapped(Trap::Unreachable),
        gas_limit: Gas::new(7),
        gas_used: Gas::new(5),
        output: b"output".to_vec(),
        events: vec![Event {
            address,
            topics: vec![b"topic".to_vec()],
            data: b"data".to_vec(),
        }],
        deployed: Some(address),
    };
    text.push_str(&format!("receipt: {}\n", hex::encode(receipt.encode())));
    let diff: Diff = [(b"a".to_vec(), Some(b"1".to_vec())), (b"b".to_vec(), None)]
        .into_iter()
        .collect();
    text.push_str(&format!("diff: {}\n", hex::encode(diff.encode())));
    expect_file!["golden/encodings.txt"].assert_eq(&text);
}

#[test]
fn another_version_of_an_encoding_is_refused_by_name() {
    let mut world = World::new();
    let receipt = world.call(alice(), bob(), "", &[]);
    let mut bytes = receipt.encode();
    for found in [0, 3, 255] {
        bytes[0] = found;
        let refused = Receipt::decode(&bytes).unwrap_err();
        assert!(
            matches!(refused, EncodingError::Version { found: version, expected: 2 } if version == found)
        );
        let text = format!("the encoding has version {found}, this program reads version 2");
        assert_eq!(refused.to_string(), text);
    }
    assert!(matches!(Receipt::decode(&[]), Err(EncodingError::Empty)));
    assert!(matches!(
        Receipt::decode(&receipt.encode()[..9]),
        Err(EncodingError::Malformed(_))
    ));

    for (key, expected) in [
        (keys::balance(alice()), AccountField::Balance),
        (keys::nonce(alice()), AccountField::Nonce),
        (keys::code_hash(alice()), AccountField::CodeHash),
    ] {
        let mut state = world.state.clone();
        state.apply(&[(key, Some(vec![2; 40]))].into_iter().collect());
        match Account::read(&state, alice()).unwrap_err() {
            ContractError::CorruptAccount { field, source, .. } => {
                assert_eq!(field, expected);
                assert!(matches!(source, EncodingError::Version { found: 2, .. }));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_unused_key_is_the_default_and_defaults_are_not_stored() {
    let mut world = World::new();
    assert_eq!(world.account(Address::new([9; 32])), Account::default());
    world.call_with(bob(), alice(), "", &[], FUNDS, GAS);
    assert_eq!(world.state.read(&keys::balance(bob())).unwrap(), None);
    assert_eq!(world.account(bob()).balance, 0);
    assert_eq!(world.account(alice()).balance, 2 * FUNDS);
    assert_eq!(world.account(alice()).nonce, 0);
    assert_eq!(world.state.read(&keys::nonce(alice())).unwrap(), None);
}

#[test]
fn a_call_without_value_touches_no_balance() {
    let mut world = World::new();
    let counter = world.deploy(COUNTER, &[]);
    let code = keys::code(CodeHash::of(COUNTER));
    let called = world.try_send(transaction(bob(), call(counter, "increment", &[]), 0));
    let called = called.unwrap();
    assert_eq!(called.receipt.status, Status::Success);
    let count = keys::storage(counter, b"count");
    let expected = vec![
        code,
        keys::code_hash(counter),
        keys::nonce(bob()),
        count.clone(),
    ];
    assert_eq!(read(&called), sorted(expected));
    assert_eq!(written(&called), sorted(vec![keys::nonce(bob()), count]));

    // And a payment to the contract nothing that the call touched but the nonce of its own sender.
    let paid = world.try_send(transaction(alice(), call(counter, "", &[]), 5));
    let paid = paid.unwrap();
    let touched = [
        keys::balance(alice()),
        keys::balance(counter),
        keys::nonce(alice()),
    ];
    assert_eq!(read(&paid), sorted(touched.to_vec()));
    assert_eq!(written(&paid), sorted(touched.to_vec()));
    let shared = |key: &Vec<u8>| read(&called).contains(key) || written(&called).contains(key);
    assert!(!touched.iter().any(shared));
}

#[test]
fn a_deployment_reads_the_nonce_alone() {
    let mut world = World::new();
    let included = world.try_send(transaction(alice(), deploy(COUNTER, &[]), 0));
    let included = included.unwrap();
    let address = included.receipt.deployed.unwrap();
    assert_eq!(read(&included), [keys::nonce(alice())]);
    let expected = vec![
        keys::code(CodeHash::of(COUNTER)),
        keys::code_hash(address),
        keys::nonce(alice()),
        keys::storage(address, b"count"),
    ];
    assert_eq!(written(&included), sorted(expected));
}

#[test]
fn what_a_failed_call_read_is_in_the_reads_and_what_it_wrote_is_not_in_the_changes() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let included = world.try_send(transaction(bob(), call(caller, "write_then_trap", &[]), 3));
    let included = included.unwrap();
    assert_eq!(included.receipt.status, Status::Trapped(Trap::Unreachable));
    assert_eq!(written(&included), [keys::nonce(bob())]);
    for key in [keys::balance(caller), keys::code_hash(caller)] {
        assert!(included.reads.contains(&key));
    }
}

#[test]
fn reads_do_not_depend_on_what_is_cached() {
    let mut world = World::new();
    let counter = world.deploy(COUNTER, &[]);
    for lane in lanes() {
        let contracts = Contracts::without_fallback(Arc::new(lane.executor), ContractRules::v1());
        let increment = || {
            let transaction = transaction(bob(), call(counter, "increment", &[]), 0);
            run(&contracts, Arc::new(world.state.clone()), transaction)
        };
        let cold = increment();
        assert!(cold.reads.contains(&keys::code(CodeHash::of(COUNTER))));
        assert_same(&increment(), &cold, lane.name);
    }
}

#[test]
fn a_block_on_an_overlay_is_one_commit_a_transaction() {
    let token_input = 1_000_u64.to_le_bytes();
    for lane in lanes() {
        let contracts = Contracts::without_fallback(Arc::new(lane.executor), ContractRules::v1());
        let mut committed = MemoryState::new();
        committed.apply(&set_balances(&[(alice(), FUNDS), (bob(), FUNDS)]));
        let mut at_once = committed.clone();
        let mut block = Overlay::new(Arc::new(committed.clone()));
        let mut deployed = Vec::new();
        let mut send = |transaction: Transaction| {
            let one = run(&contracts, Arc::new(committed.clone()), transaction.clone());
            let other = run(&contracts, block.view(), transaction);
            assert_same(&other, &one, lane.name);
            committed.apply(&one.changes);
            block.apply(other.changes);
            deployed.extend(one.receipt.deployed);
            (one.receipt, deployed.last().copied().unwrap())
        };
        let (_, token) = send(transaction(alice(), deploy(TOKEN, &token_input), 0));
        let transfer = [bob().as_bytes().as_slice(), &5_u64.to_le_bytes()].concat();
        for from in [alice(), bob(), alice()] {
            send(transaction(from, call(token, "transfer", &transfer), 0));
        }
        let (_, counter) = send(transaction(bob(), deploy(COUNTER, &[]), 7));
        let mut statuses = Vec::new();
        for (from, method, value) in [
            (alice(), "increment", 0),
            (bob(), "increment", 1),
            (bob(), "unknown", 1),
            (alice(), "", 9),
        ] {
            let (receipt, _) = send(transaction(from, call(counter, method, &[]), value));
            statuses.push(receipt.status);
        }
        let unknown = Status::Rejected(Rejection::UnknownMethod);
        let expected = [Status::Success, Status::Success, unknown, Status::Success];
        assert_eq!(statuses, expected, "{}", lane.name);
        at_once.apply(&block.into_diff());
        assert_eq!(at_once, committed, "{}", lane.name);
    }
}

/// An interpreter that counts how often it compiles.
#[derive(Debug, Default)]
struct Counting {
    engine: WasmiEngine,
    compiled: AtomicUsize,
}

impl Engine for Counting {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.engine.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        self.engine.formats()
    }

    fn idle_bytes(&self) -> u64 {
        self.engine.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        self.engine.compile(program)
    }
}

#[test]
fn a_deployment_prepares_its_code_once() {
    const WITHOUT_DEPLOY: &str = r#"(module (func (export "f")))"#;
    for (code, input) in [
        (wasm(WITHOUT_DEPLOY), Vec::new()),
        // With a method that runs.
        (TOKEN.to_vec(), 7_u64.to_le_bytes().to_vec()),
    ] {
        let engine = Arc::new(Counting::default());
        // A cache without room hides no second time.
        let executor = Executor::builder(Arc::<Counting>::clone(&engine)).cache_bytes(0);
        let contracts =
            Contracts::without_fallback(Arc::new(executor.build()), ContractRules::v1());
        let state = Arc::new(MemoryState::new());
        let included = run(
            &contracts,
            state,
            transaction(alice(), deploy(&code, &input), 0),
        );
        assert_eq!(included.receipt.status, Status::Success);
        assert_eq!(engine.compiled.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn no_chain_admits_the_oracle_unless_its_rules_say_so() {
    let asks =
        wasm(r#"(module (import "fusee" "oracle_request" (func (param i32 i32) (result i32))))"#);
    let deployed = |rules: &ContractRules| {
        let mut world = World::with_rules(rules);
        let sent = world.try_send(transaction(alice(), deploy(&asks, &[]), 0));
        sent.unwrap().receipt.status
    };
    let refused = Status::Rejected(Rejection::RefusedCode);
    for rules in ContractRules::published() {
        assert_eq!(deployed(&rules), refused);
        assert_eq!(deployed(&rules.with_oracle()), Status::Success);
    }
    let with = ContractRules::latest().with_oracle();
    assert_eq!(with.clone().with_oracle(), with);
}
