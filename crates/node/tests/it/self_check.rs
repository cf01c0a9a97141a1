//! The self-check: silent where ledgers agree, on every lane, and exact where they do not.

use std::{num::NonZeroU64, sync::mpsc::channel};

use fusee_conformance::polkavm_lanes;
use fusee_ledger::TransactionResult;
use fusee_node::{Alarm, Disagreement, Node, Production, SelfCheck};

use crate::world::{
    MIGRATION, blocks, body, commit, deploy, ledger_on, ledger_with, ledgers, open, options, sign,
    third, to_nine, token_transfer, transfer,
};

const EACH: NonZeroU64 = NonZeroU64::MIN;

fn panicking(alarm: Alarm) {
    panic!("{alarm:?}");
}

#[test]
fn no_lane_differs_from_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let blocks: Vec<_> = blocks(5)
        .into_iter()
        .map(|block| commit(&chain, block))
        .collect();
    for (lane, ledger) in ledgers() {
        for block in &blocks {
            // One after another, so that none is skipped.
            let check = SelfCheck::start(chain.clone(), ledger.clone(), EACH, panicking).unwrap();
            check.offer(&chain, block);
            let counts = check.finish();
            assert_eq!(
                (counts.checked, counts.skipped, counts.alarms),
                (1, 0, 0),
                "{lane}"
            );
        }
    }
}

/// Commits the blocks, the last of which is checked by a ledger with another migration.
fn alarm(blocks: Vec<Vec<Vec<u8>>>) -> Alarm {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let (send, alarms) = channel();
    let send = move |alarm| send.send(alarm).unwrap();
    let every = NonZeroU64::new(MIGRATION).unwrap();
    let check = SelfCheck::start(chain.clone(), ledger_with(third), every, send).unwrap();
    for block in blocks {
        check.offer(&chain, &commit(&chain, block));
    }
    let counts = check.finish();
    assert_eq!((counts.checked, counts.skipped, counts.alarms), (1, 0, 1));
    alarms.recv().unwrap()
}

#[test]
fn a_result_that_differs_is_told_with_capsules() {
    // A half pays for it, and a third does not.
    let affordable = sign(4, body(4, 0, to_nine(400_000_000_000)));
    let last = vec![transfer(1, 0), affordable, transfer(2, 0)];
    let alarm = alarm(vec![Vec::new(), Vec::new(), Vec::new(), last]);
    assert_eq!(alarm.height, MIGRATION);
    let Disagreement::Result {
        index: 1,
        stored: Some(stored),
        found: Some(found),
    } = &alarm.difference
    else {
        panic!("{alarm:?}");
    };
    let code = |result: &[u8]| TransactionResult::decode(result).unwrap().code;
    assert_eq!((code(stored), code(found)), (0, 26));
    let [suspect] = &alarm.suspects[..] else {
        panic!("{alarm:?}");
    };
    assert_eq!(suspect.index, 1);
    assert!(suspect.by_chain.is_some());
    // For the other ledger, nothing of it runs.
    assert!(suspect.by_check.is_none());
}

#[test]
fn changes_that_differ_are_told_where_results_do_not() {
    let alarm = alarm(vec![
        Vec::new(),
        Vec::new(),
        Vec::new(),
        vec![transfer(1, 0)],
    ]);
    let Disagreement::Change {
        stored: Some(Some(stored)),
        found: Some(Some(found)),
        ..
    } = &alarm.difference
    else {
        panic!("{alarm:?}");
    };
    assert_ne!(stored, found);
    // The migration did it, and no transaction.
    assert!(alarm.suspects.is_empty(), "{alarm:?}");
}

#[test]
fn an_engine_that_fails_is_told_with_the_first_transaction_that_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    commit(&chain, vec![deploy()]);
    let calls = (1..4).map(|nonce| token_transfer(nonce, 2, 1));
    let block = [transfer(2, 0), transfer(3, 0), transfer(4, 0)];
    let block = commit(&chain, block.into_iter().chain(calls).collect());
    // It runs no wasm.
    let lane = polkavm_lanes().remove(0);
    let ledger = ledger_on(lane, third);
    let (send, alarms) = channel();
    let send = move |alarm| send.send(alarm).unwrap();
    let check = SelfCheck::start(chain.clone(), ledger, EACH, send).unwrap();
    check.offer(&chain, &block);
    assert_eq!(check.finish().alarms, 1);
    let alarm = alarms.recv().unwrap();
    assert!(
        matches!(alarm.difference, Disagreement::Fault(_)),
        "{alarm:?}"
    );
    let indexes: Vec<_> = alarm.suspects.iter().map(|it| it.index).collect();
    assert_eq!(indexes, [3]);
    assert!(alarm.suspects[0].by_chain.is_some());
}

#[test]
fn a_check_that_is_behind_skips_blocks_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let (send, alarms) = channel();
    let (go_on, waits) = channel::<()>();
    // The alarm of the first block holds the check up.
    let on_alarm = move |alarm: Alarm| {
        send.send(alarm.height).unwrap();
        let _ = waits.recv();
    };
    let ledger = ledger_on(polkavm_lanes().remove(0), third);
    let check = SelfCheck::start(chain.clone(), ledger, EACH, on_alarm).unwrap();
    check.offer(&chain, &commit(&chain, vec![deploy()]));
    assert_eq!(alarms.recv().unwrap(), 1);
    for _ in 0..10 {
        check.offer(&chain, &commit(&chain, Vec::new()));
    }
    // Two wait.
    assert_eq!(check.counts().skipped, 8);
    drop(go_on);
    assert_eq!(check.finish().checked, 3);
}

#[test]
fn a_node_has_its_blocks_checked() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let (send, alarms) = channel();
    let send = move |alarm: Alarm| send.send(alarm.height).unwrap();
    let every = NonZeroU64::new(MIGRATION).unwrap();
    let check = SelfCheck::start(chain.clone(), ledger_with(third), every, send).unwrap();
    let mut options = options(folder.path(), Production::ByHand);
    options.self_check = Some(check);
    let node = Node::start(chain, options).unwrap();
    for _ in 0..MIGRATION {
        node.produce().unwrap();
    }
    assert_eq!(alarms.recv().unwrap(), MIGRATION);
    assert_eq!(node.self_check().unwrap().counts().alarms, 1);
}
