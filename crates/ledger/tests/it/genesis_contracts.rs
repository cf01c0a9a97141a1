//! Contracts at genesis: there for the first block, and the same on every engine.

use std::fs;

use expect_test::{Expect, expect};
use fusee_contract::{Account, Address, ContractRules, Status, keys};
use fusee_engine::Gas;
use fusee_ledger::{
    Genesis, GenesisContract, GenesisError, ParameterUpdate, Parameters, Payment, Phase,
    ScheduledCall,
};
use fusee_state::{MemoryState, StateReader};

use crate::{
    chain::{COUNTER, Chain, TOKEN, account, fails, interpreted, ledgers},
    chain_samples::{genesis, parameters},
    samples::address,
};

/// Stores its input when it is deployed, and decides for it when it is called.
const COUNCIL: &str = r#"(module
    (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "deploy")
        (call $write (i32.const 0) (i32.const 1) (i32.const 16)
            (call $input (i32.const 16) (i32.const 4096))))
    (func (export "decide")
        (call $output (i32.const 16)
            (call $read (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4096)))))"#;

fn contract(name: &str, code: &[u8], input: Vec<u8>) -> GenesisContract {
    GenesisContract {
        name: name.to_owned(),
        code: code.to_vec(),
        admin: Some(address(9)),
        input,
        gas: Gas::new(100_000_000),
    }
}

/// Parameters by which contracts can be created, with a decision at the begin of each block.
fn governed() -> Parameters {
    let mut parameters = parameters();
    parameters.activations[0].contract_rules = ContractRules::v2().id();
    parameters.calls = vec![ScheduledCall {
        phase: Phase::Begin,
        every: 1.try_into().unwrap(),
        to: GenesisContract::address_of("council"),
        method: "decide".to_owned(),
        input: Vec::new(),
        gas: Gas::new(1_000_000),
        updates_parameters: true,
    }];
    parameters
}

fn with_contracts(parameters: Parameters, contracts: Vec<GenesisContract>) -> Genesis {
    Genesis {
        contracts,
        ..genesis(parameters, &[(account(1), 1_000_000_000)])
    }
}

/// A genesis whose council decides for another minimum price.
fn example() -> (Genesis, Parameters) {
    let mut next = governed();
    let Payment::Fees { minimum_price, .. } = &mut next.payment else {
        panic!("{next:?}")
    };
    *minimum_price += 1;
    let code = wat::parse_str(COUNCIL).unwrap();
    let contracts = vec![
        contract("council", &code, next.encode()),
        contract("counter", COUNTER, Vec::new()),
    ];
    (with_contracts(governed(), contracts), next)
}

#[test]
fn a_contract_of_genesis_governs_from_the_first_block_on() {
    let (genesis, next) = example();
    let mut chain = Chain::of(ledgers(&["wasmi", "wasmtime"]), genesis);
    assert_eq!(Parameters::read(&*chain.state).unwrap(), governed());
    let block = chain.next(Vec::new());
    let finalized = chain.commit(block);
    assert_eq!(finalized.calls[0].receipt.status, Status::Success);
    assert_eq!(finalized.calls[0].update, ParameterUpdate::Applied);
    assert_eq!(Parameters::read(&*chain.state).unwrap(), next);
}

#[test]
fn every_engine_makes_the_same_first_state() {
    let (genesis, _) = example();
    let mut first = None;
    for (name, ledger) in ledgers(&[]) {
        // PolkaVM does not run WebAssembly.
        let Ok(changes) = ledger.genesis(&genesis) else {
            assert!(name.contains("polkavm"), "{name}");
            continue;
        };
        let expected = first.get_or_insert_with(|| changes.clone());
        assert!(changes == *expected, "{name} makes another state");
    }
    let mut state = MemoryState::new();
    state.apply(&first.unwrap());
    let council = GenesisContract::address_of("council");
    let account = Account::read(&state, council).unwrap();
    let code = account.code.expect("it is deployed");
    let stored = state.read(&keys::code(code.hash)).unwrap().unwrap();
    assert_eq!(&*stored, &*genesis.contracts[0].code);
    // Genesis files of later versions have to find it at the same address.
    expect!["46fecb2aaeed7134391746fbbec65a16787713a0c7f5e0ca18a64bbd24a56b8f"]
        .assert_eq(&council.to_string());
}

#[test]
fn a_contract_that_cannot_be_deployed_is_named() {
    let check = |parameters: Parameters, contract: GenesisContract, expected: Expect| {
        let genesis = with_contracts(parameters, vec![contract]);
        genesis.check().unwrap();
        let (_, ledger) = &interpreted()[0];
        let error = ledger.genesis(&genesis).unwrap_err();
        assert!(matches!(error, GenesisError::Contract { .. }), "{error}");
        expected.assert_eq(&error.to_string());
    };
    let trap = wat::parse_str(r#"(module (func (export "deploy") unreachable))"#).unwrap();
    check(
        governed(),
        contract("council", &trap, Vec::new()),
        expect![
            "the contract `council` of the genesis cannot be deployed: the contract trapped: the guest ran `unreachable`"
        ],
    );
    check(
        governed(),
        contract("council", b"no code", Vec::new()),
        expect![[
            r#"the contract `council` of the genesis cannot be deployed: the rules refuse the code: not a wasm file: it does not begin with `\0asm`"#
        ]],
    );
    let mut dear = contract("council", TOKEN, Vec::new());
    dear.gas = Gas::new(10);
    check(
        governed(),
        dear,
        expect![
            "the contract `council` of the genesis cannot be deployed: the gas limit is 10, the transaction costs 295050 gas before anything runs"
        ],
    );
    check(
        parameters(),
        contract("old", &fails(), Vec::new()),
        expect![
            "the contract `old` of the genesis cannot be deployed: operation 0: the rules have no such action"
        ],
    );
}

#[test]
fn names_are_there_once() {
    let counter = || contract("counter", COUNTER, Vec::new());
    let error = with_contracts(governed(), vec![counter(), counter()]).check();
    let expected = "the genesis file has the name `counter` of a contract twice";
    assert_eq!(error.unwrap_err().to_string(), expected);
    let error = with_contracts(governed(), vec![contract("", COUNTER, Vec::new())]).check();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("`contracts.name`: it has to be a name"),
        "{error}"
    );
}

#[test]
fn the_identity_covers_all_of_a_contract() {
    let identity = |change: fn(&mut GenesisContract)| {
        let mut genesis = example().0;
        change(&mut genesis.contracts[1]);
        assert_eq!(Genesis::decode(&genesis.encode()).unwrap(), genesis);
        genesis.identity()
    };
    let mut identities = vec![
        identity(|_| {}),
        identity(|it| it.name.push('2')),
        identity(|it| it.code.push(0)),
        identity(|it| it.admin = None),
        identity(|it| it.input.push(0)),
        identity(|it| it.gas = Gas::new(7)),
    ];
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), 6);
}

#[test]
fn a_file_names_code_beside_it_and_contracts_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("genesis.json");
    let rules = hex::encode(ContractRules::v2().id().as_bytes());
    let digits = "01".repeat(32);
    let json = format!(
        r#"{{
        "chain_id": "fusee-test-1", "initial_height": 1, "time": 1,
        "parameters": {{
            "activations": [{{ "height": 1, "ledger_rules": "{digits}", "contract_rules": "{rules}" }}],
            "limits": {{ "gas": 1000000000, "bytes": 1048576, "transactions": 10000 }},
            "payment": {{ "fees": {{ "minimum_price": "3", "destination": {{ "treasury": {{ "contract": "council" }} }} }} }},
            "calls": [{{ "phase": "end", "every": 10, "to": {{ "contract": "council" }}, "method": "tick", "gas": 100000 }}]
        }},
        "accounts": [{{ "address": {{ "contract": "council" }}, "balance": "7" }}],
        "contracts": [
            {{ "name": "council", "code": {{ "path": "code/council.wasm" }}, "admin": {{ "contract": "counter" }}, "gas": 5 }},
            {{ "name": "counter", "code": {{ "hex": "0061" }}, "input": "0102", "gas": 6 }}
        ]
    }}"#
    );
    fs::write(&path, &json).unwrap();
    let error = Genesis::load(&path).unwrap_err().to_string();
    let missing = folder.path().join("code/council.wasm");
    assert!(
        error.contains(&format!("{} cannot be read", missing.display())),
        "{error}"
    );
    let error = Genesis::parse(&json).unwrap_err().to_string();
    assert!(
        error.contains("`contracts[0].code.path`: it has to be `hex`"),
        "{error}"
    );

    fs::create_dir(folder.path().join("code")).unwrap();
    fs::write(&missing, COUNTER).unwrap();
    let genesis = Genesis::load(&path).unwrap();
    let council = GenesisContract::address_of("council");
    let [first, second] = &genesis.contracts[..] else {
        panic!("{genesis:?}")
    };
    assert_eq!(first.code, COUNTER);
    assert_eq!(first.admin, Some(GenesisContract::address_of("counter")));
    assert_eq!(
        (&second.code[..], &second.input[..]),
        (&[0, 0x61][..], &[1, 2][..])
    );
    assert_eq!((second.admin, second.gas), (None, Gas::new(6)));
    assert_eq!(genesis.parameters.calls[0].to, council);
    assert_eq!(
        genesis.accounts.keys().copied().collect::<Vec<Address>>(),
        [council]
    );
    let with = json.replace("\"0102\"", "\"0102\", \"with_parameters\": true");
    fs::write(&path, with).unwrap();
    let with = Genesis::load(&path).unwrap();
    let input = [&[1, 2][..], &genesis.parameters.encode()].concat();
    assert_eq!(with.contracts[1].input, input);
    assert_eq!(with.contracts[0], genesis.contracts[0]);
    let bad = json.replace("\"0102\"", "\"012\"");
    fs::write(&path, bad).unwrap();
    let error = Genesis::load(&path).unwrap_err().to_string();
    assert!(error.contains("`contracts[1].input`"), "{error}");
}
