//! Replays of stored chains.

use std::ops::ControlFlow;

use fusee_chain::{Chain, Scope, Start, replay};
use fusee_contract::{Account, ContractRules};
use fusee_engine::Gas;
use fusee_ledger::{Genesis, GenesisContract, TransactionResult};

use crate::world::{
    MIGRATION, TOKEN, blocks, commit, genesis, ledger, ledger_with, open, rules, third,
};

const BLOCKS: u64 = 7;

#[test]
fn every_engine_replays_every_header() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    commit(&chain, &blocks(BLOCKS));
    for lane in ["wasmi", "wasmtime"] {
        let mut heights = Vec::new();
        let replayed = replay(
            &chain,
            Start::Genesis(&genesis()),
            &ledger(lane),
            Scope::Same,
            |height| {
                heights.push(height);
                ControlFlow::Continue(())
            },
        );
        let replayed = replayed.unwrap();
        assert_eq!(replayed.differences, []);
        assert_eq!((replayed.blocks, replayed.transactions), (BLOCKS, 25));
        assert!(heights.into_iter().eq(1..=BLOCKS));
    }
}

#[test]
fn contracts_of_genesis_are_deployed_once_and_replayed() {
    let mut genesis = genesis();
    genesis.contracts.push(GenesisContract {
        name: "token".to_owned(),
        code: TOKEN.to_vec(),
        admin: None,
        input: 1_000_000_u64.to_le_bytes().to_vec(),
        gas: Gas::new(100_000_000),
    });
    let folder = tempfile::tempdir().unwrap();
    let open = |genesis: &Genesis| {
        let options = Chain::options(genesis);
        Chain::open(folder.path(), genesis, ledger("wasmi"), options)
    };
    // The rules of the first height cannot create contracts. Nothing is left of such a genesis.
    let error = open(&genesis).unwrap_err().to_string();
    assert!(error.contains("the contract `token`"), "{error}");
    for activation in &mut genesis.parameters.activations {
        activation.contract_rules = ContractRules::v2().id();
    }
    let chain = open(&genesis).unwrap();
    let token = Account::read(
        &chain.version(None).unwrap(),
        GenesisContract::address_of("token"),
    );
    assert!(token.unwrap().code.is_some());
    commit(&chain, &blocks(2));
    let head = chain.store().head();
    drop(chain);
    let chain = open(&genesis).unwrap();
    assert_eq!(chain.store().head(), head);
    let go_on = |_| ControlFlow::Continue(());
    let other = ledger("wasmtime");
    let replayed = replay(&chain, Start::Genesis(&genesis), &other, Scope::Same, go_on).unwrap();
    assert_eq!((replayed.blocks, replayed.differences), (2, vec![]));
}

#[test]
fn a_replay_stops_at_the_first_difference() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    commit(&chain, &blocks(BLOCKS));
    let other = ledger_with("wasmi", third);
    let go_on = |_| ControlFlow::Continue(());
    let replayed = replay(
        &chain,
        Start::Genesis(&genesis()),
        &other,
        Scope::Same,
        go_on,
    )
    .unwrap();
    assert_eq!(replayed.blocks, MIGRATION);
    let [difference] = &replayed.differences[..] else {
        panic!("{replayed:?}");
    };
    assert_eq!(
        (difference.height, difference.what),
        (MIGRATION, "state root")
    );
    let stored = chain.block(MIGRATION).unwrap().header.state_root;
    assert_eq!(difference.stored, stored);
    assert_ne!(difference.replayed, stored);
}

#[test]
fn a_rehearsal_tells_every_result_that_would_differ() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    commit(&chain, &blocks(BLOCKS));
    let (ledger_rules, [first, second]) = rules();
    let ledger = ledger("wasmi");
    let rehearse = |contracts| {
        let scope = Scope::Rehearsal {
            ledger: ledger_rules.id(),
            contracts,
        };
        let go_on = |_| ControlFlow::Continue(());
        replay(&chain, Start::Genesis(&genesis()), &ledger, scope, go_on).unwrap()
    };
    assert_eq!(rehearse(first.id()).differences, []);
    let replayed = rehearse(second.id());
    assert_eq!(replayed.blocks, BLOCKS);
    let heights: Vec<_> = replayed.differences.iter().map(|it| it.height).collect();
    assert!(
        heights.contains(&1) && heights.contains(&BLOCKS),
        "{heights:?}"
    );
    for difference in &replayed.differences {
        let result = |bytes: &[u8]| TransactionResult::decode(bytes).unwrap();
        let (stored, replayed) = (result(&difference.stored), result(&difference.replayed));
        assert_eq!(difference.what, "result");
        assert_ne!(stored, replayed);
    }
}

#[test]
fn a_replay_begins_with_any_state_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let blocks = blocks(BLOCKS);
    let (first, later) = blocks.split_at(5);
    commit(&chain, first);
    let (state, parent) = (chain.version(None).unwrap(), chain.last_hash());
    commit(&chain, later);
    let go_on = |_| ControlFlow::Continue(());
    let start = Start::After(&state, parent);
    let replayed = replay(&chain, start, &ledger("wasmi"), Scope::Same, go_on).unwrap();
    assert_eq!(replayed.differences, []);
    assert_eq!(replayed.blocks, BLOCKS - 5);
    // Of another state, the first block has another root.
    let start = Start::After(&state, chain.last_hash());
    let replayed = replay(&chain, start, &ledger("wasmi"), Scope::Same, go_on).unwrap();
    let [difference] = &replayed.differences[..] else {
        panic!("{replayed:?}");
    };
    assert_eq!((difference.height, difference.what), (6, "parent"));
    // A rehearsal, too, begins there.
    let (ledger_rules, [_, second]) = rules();
    let scope = Scope::Rehearsal {
        ledger: ledger_rules.id(),
        contracts: second.id(),
    };
    let start = Start::After(&state, parent);
    let replayed = replay(&chain, start, &ledger("wasmi"), scope, go_on).unwrap();
    assert_eq!(replayed.blocks, BLOCKS - 5);
    assert!(replayed.differences.iter().all(|it| it.height > 5));
    assert!(!replayed.differences.is_empty());
}
