//! Replays of stored chains.

use std::{num::NonZeroU64, ops::ControlFlow, path::Path};

use fusee_chain::{Chain, Replayed, Scope, Start, replay};
use fusee_contract::{Account, Address, ContractRules, ContractRulesId};
use fusee_engine::{CodeHash, Gas};
use fusee_ledger::{
    Activation, Block, FeeDestination, Genesis, GenesisContract, Operation, Parameters, Payment,
    Phase, ScheduledCall, TransactionResult,
};

use crate::world::{
    MIGRATION, TOKEN, account, blocks, commit, genesis, ledger, ledger_with, open, rules, signed,
    third,
};

const BLOCKS: u64 = 7;

/// Stores what is proposed, and decides for it in the next block.
const COUNCIL: &str = r#"(module
    (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "propose")
        (local $bytes i32)
        (local.set $bytes (call $input (i32.const 16) (i32.const 4096)))
        (call $write (i32.const 0) (i32.const 1) (i32.const 16) (local.get $bytes)))
    (func (export "decide")
        (local $bytes i32)
        (local.set $bytes (call $read (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 4096)))
        (if (i32.gt_s (local.get $bytes) (i32.const 0)) (then
            (call $output (i32.const 16) (local.get $bytes))
            (call $write (i32.const 0) (i32.const 1) (i32.const 16) (i32.const 0))))))"#;

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
            ledger: Some(ledger_rules.id()),
            contracts: Some(contracts),
            migration: None,
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
        ledger: Some(ledger_rules.id()),
        contracts: Some(second.id()),
        migration: None,
    };
    let start = Start::After(&state, parent);
    let replayed = replay(&chain, start, &ledger("wasmi"), scope, go_on).unwrap();
    assert_eq!(replayed.blocks, BLOCKS - 5);
    assert!(replayed.differences.iter().all(|it| it.height > 5));
    assert!(!replayed.differences.is_empty());
}

/// The next block of a chain.
fn next(chain: &Chain, transactions: Vec<Vec<u8>>) -> Block {
    let height = chain.store().head().unwrap().height + 1;
    Block {
        height,
        time: 1_790_000_001_000 + height,
        proposer: Address::new([77; 32]),
        transactions,
        misbehaviour: Vec::new(),
    }
}

fn transfer(number: u8, nonce: u64, value: u128) -> Vec<u8> {
    let to = account(9);
    signed(number, nonce, Operation::Transfer { to, value })
}

/// The codes of the transactions of a block.
fn codes(chain: &Chain, height: u64) -> Vec<u32> {
    let block = chain.block(height).unwrap();
    let results = block.results.iter();
    let results = results.filter_map(|it| TransactionResult::decode(it).ok());
    results.map(|it| it.code).collect()
}

/// A rehearsal from genesis on.
fn rehearsed(chain: &Chain, genesis: &Genesis, scope: Scope) -> Replayed {
    let go_on = |_| ControlFlow::Continue(());
    let start = Start::Genesis(genesis);
    replay(chain, start, &ledger("wasmi"), scope, go_on).unwrap()
}

fn rehearsal(contracts: Option<ContractRulesId>, migration: Option<&str>) -> Scope {
    Scope::Rehearsal {
        ledger: None,
        contracts,
        migration: migration.map(str::to_owned),
    }
}

/// A chain whose blocks 3 and 5 have a transaction of account 4, whose balance is halved at the
/// height of the migration, 4: two fifths of the funds, then another two fifths.
fn migrated(folder: &Path) -> Chain {
    let chain = open(folder);
    for height in 1..=5 {
        let block = match height {
            3 => next(&chain, vec![transfer(4, 0, 400_000_000_000)]),
            5 => next(&chain, vec![transfer(4, 1, 400_000_000_000)]),
            _ => next(&chain, Vec::new()),
        };
        commit(&chain, &[block]);
    }
    assert_eq!((codes(&chain, 3), codes(&chain, 5)), (vec![0], vec![26]));
    chain
}

#[test]
fn a_rehearsal_runs_the_migrations_of_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let chain = migrated(folder.path());
    let (_, [first, second]) = rules();
    for contracts in [None, Some(first.id())] {
        let replayed = rehearsed(&chain, &genesis(), rehearsal(contracts, None));
        assert_eq!((replayed.blocks, replayed.differences), (5, vec![]));
    }
    // Without the migration, the transfer of block 5 would be included.
    let replayed = rehearsed(&chain, &genesis(), rehearsal(Some(second.id()), None));
    let heights = replayed.differences.iter().map(|it| it.height);
    assert_eq!(heights.collect::<Vec<_>>(), [3]);
}

#[test]
fn a_rehearsal_runs_the_migration_of_the_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let chain = migrated(folder.path());
    // Half of the funds are left at height 1, and less than a tenth after block 3.
    let replayed = rehearsed(&chain, &genesis(), rehearsal(None, Some("halve")));
    assert_eq!((replayed.blocks, replayed.differences), (5, vec![]));
    // From the state after block 3 on, at the height where the chain has one itself: both run.
    let other = tempfile::tempdir().unwrap();
    let shorter = open(other.path());
    for height in 1..=3 {
        commit(&shorter, &[chain.block(height).unwrap().block()]);
    }
    let (state, parent) = (shorter.version(None).unwrap(), shorter.last_hash());
    let small = next(&chain, vec![transfer(4, 1, 200_000_000_000)]);
    commit(&chain, &[small]);
    assert_eq!(codes(&chain, 6), [0]);
    let go_on = |_| ControlFlow::Continue(());
    let (start, ledger) = (Start::After(&state, parent), ledger("wasmi"));
    let scope = rehearsal(None, Some("halve"));
    let replayed = replay(&chain, start, &ledger, scope, go_on).unwrap();
    let heights = replayed.differences.iter().map(|it| it.height);
    assert_eq!(heights.collect::<Vec<_>>(), [6]);
    // One that the program does not have is named.
    let scope = rehearsal(None, Some("none"));
    let error = replay(&chain, start, &ledger, scope, go_on).unwrap_err();
    assert!(error.to_string().contains("`none`"), "{error}");
}

#[test]
fn a_rehearsal_follows_what_governance_decided() {
    let folder = tempfile::tempdir().unwrap();
    let code = wat::parse_str(COUNCIL).unwrap();
    let council = Address::of_contract(account(1), 0, CodeHash::of(&code));
    let mut genesis = genesis();
    genesis.parameters.activations.truncate(1);
    genesis.parameters.calls.push(ScheduledCall {
        phase: Phase::Begin,
        every: NonZeroU64::MIN,
        to: council,
        method: "decide".to_owned(),
        input: Vec::new(),
        gas: Gas::new(1_000_000),
        updates_parameters: true,
    });
    let options = Chain::options(&genesis);
    let chain = Chain::open(folder.path(), &genesis, ledger("wasmi"), options).unwrap();
    let commit = |transactions| commit(&chain, &[next(&chain, transactions)]);
    let (input, value) = (Vec::new(), 0);
    commit(vec![signed(1, 0, Operation::Deploy { code, input, value })]);
    // From block 4 on, gas costs twice as much, and block 5 begins with a migration.
    let mut decided = Parameters::read(&chain.version(None).unwrap()).unwrap();
    let destination = FeeDestination::Proposer;
    let minimum_price = 2;
    decided.payment = Payment::Fees {
        minimum_price,
        destination,
    };
    decided.activations.push(Activation {
        height: 5,
        migration: Some("halve".to_owned()),
        ..decided.activations[0].clone()
    });
    let propose = Operation::Call {
        to: council,
        method: "propose".to_owned(),
        input: decided.encode(),
        value: 0,
    };
    commit(vec![signed(1, 1, propose)]);
    for _ in 3..=5 {
        commit(vec![transfer(2, chain_nonce(&chain), 1)]);
    }
    assert_eq!(
        Parameters::read(&chain.version(None).unwrap()).unwrap(),
        decided
    );
    let found = [3, 4, 5].map(|height| codes(&chain, height));
    assert_eq!(found, [vec![0], vec![23], vec![23]]);

    let (_, [first, _]) = rules();
    let replayed = rehearsed(&chain, &genesis, rehearsal(Some(first.id()), None));
    assert_eq!((replayed.blocks, replayed.differences), (5, vec![]));
}

fn chain_nonce(chain: &Chain) -> u64 {
    Account::nonce(&chain.version(None).unwrap(), account(2)).unwrap()
}

#[test]
fn a_rehearsal_describes_so_many_differences_and_counts_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    // As many as a block has gas for.
    for height in 0..22 {
        let transactions = (0..50).map(|index| transfer(3, 50 * height + index, 1));
        commit(&chain, &[next(&chain, transactions.collect())]);
    }
    let (_, [_, second]) = rules();
    let replayed = rehearsed(&chain, &genesis(), rehearsal(Some(second.id()), None));
    assert_eq!((replayed.differences.len(), replayed.more), (1_000, 100));
    assert_eq!(replayed.count(), 1_100);
    let last = &replayed.differences[999];
    assert_eq!((last.height, last.index), (20, Some(49)));
}
