//! The index: made of the blocks, made anew when it is not of them, and listed page by page.

use std::{fs, path::Path};

use fusee_chain::Chain;
use fusee_ledger::TransactionResult;
use fusee_node::{EventFilter, EventPlace, Index, IndexError, Order, TransactionPlace};
use fusee_store::chain::{Retention, rollback};

use crate::world::{
    account, blocks, commit, deploy, genesis, id, ledger, open, open_with, token, token_transfer,
    transfer,
};

fn filter(order: Order) -> EventFilter {
    EventFilter {
        contract: token(),
        topic: Some(b"transfer".to_vec()),
        from: 0,
        to: u64::MAX,
        order,
    }
}

fn heights(index: &Index, filter: &EventFilter) -> Vec<u64> {
    let places = index.events(filter, None, 100).unwrap();
    places.into_iter().map(|place| place.height).collect()
}

/// Checks that the index has what `count` blocks of [`blocks`] have.
fn check(index: &Index, chain: &Chain, count: u64) {
    assert_eq!(index.height(), count);
    let place = |height, index| Some(TransactionPlace { height, index });
    assert_eq!(index.transaction(&id(&deploy())).unwrap(), place(1, 0));
    for height in 2..=count {
        let block = chain.block(height).unwrap();
        for (number, transaction) in (0_u32..).zip(&block.transactions) {
            let found = index.transaction(&id(transaction)).unwrap();
            let result = &block.results[usize::try_from(number).unwrap()];
            match TransactionResult::decode(result).unwrap().code {
                0 => assert_eq!(found, place(height, number)),
                // The invalid one is in all of them: the first is told.
                _ => assert_eq!(found, place(2, number)),
            }
        }
    }
    // One of account 1 in each block, and from the third on one of account 2.
    let mut expected: Vec<u64> = (2..=count).chain(3..=count).collect();
    expected.sort_unstable();
    assert_eq!(heights(index, &filter(Order::OldestFirst)), expected);
}

fn opened(folder: &Path, chain: &Chain) -> Index {
    Index::open(&folder.join("index"), chain).unwrap()
}

#[test]
fn an_index_that_is_missing_behind_or_damaged_is_made_of_the_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let blocks = blocks(6);
    for block in &blocks[..3] {
        commit(&chain, block.clone());
    }
    check(&opened(folder.path(), &chain), &chain, 3);
    for block in &blocks[3..5] {
        commit(&chain, block.clone());
    }
    let index = opened(folder.path(), &chain);
    check(&index, &chain, 5);
    let last = commit(&chain, blocks[5].clone());
    index.add(&chain, &last).unwrap();
    // What it has already is no error.
    index.add(&chain, &last).unwrap();
    check(&index, &chain, 6);
    drop(index);
    let damage = |path: &Path| {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_file() {
                fs::write(entry, "garbage").unwrap();
            }
        }
    };
    damage(&folder.path().join("index"));
    check(&opened(folder.path(), &chain), &chain, 6);
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    check(&opened(folder.path(), &chain), &chain, 6);
}

#[test]
fn blocks_that_were_rolled_back_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    for block in blocks(4) {
        commit(&chain, block);
    }
    check(&opened(folder.path(), &chain), &chain, 4);
    drop(chain);
    let options = Chain::options(&genesis());
    rollback(&folder.path().join("chain"), options, 2).unwrap();
    let chain = open(folder.path());
    // As many blocks as before, with other content.
    let moved = transfer(4, 0);
    commit(&chain, Vec::new());
    commit(&chain, vec![moved.clone()]);
    let index = opened(folder.path(), &chain);
    let place = index.transaction(&id(&moved)).unwrap().unwrap();
    assert_eq!((place.height, place.index), (4, 0));
    assert_eq!(heights(&index, &filter(Order::OldestFirst)), [2]);
    assert_eq!(
        index.transaction(&id(&token_transfer(2, 2, 250))).unwrap(),
        None
    );
}

#[test]
fn pages_of_events_join_to_the_whole_list_in_both_orders() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    for block in blocks(6) {
        commit(&chain, block);
    }
    let index = opened(folder.path(), &chain);
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let filter = filter(order);
        let whole = index.events(&filter, None, 100).unwrap();
        assert_eq!(whole.len(), 9);
        let is_ascending = whole.is_sorted();
        assert_eq!(is_ascending, order == Order::OldestFirst);
        for size in 1..4 {
            let mut pages: Vec<EventPlace> = Vec::new();
            loop {
                let page = index.events(&filter, pages.last().copied(), size).unwrap();
                assert!(page.len() <= size);
                if page.is_empty() {
                    break;
                }
                pages.extend(page);
            }
            assert_eq!(pages, whole);
        }
        let ranged = EventFilter {
            from: 3,
            to: 4,
            ..filter.clone()
        };
        assert_eq!(index.events(&ranged, None, 100).unwrap().len(), 4);
        let any = EventFilter {
            topic: None,
            ..filter.clone()
        };
        assert_eq!(index.events(&any, None, 100).unwrap(), whole);
        for none in [
            EventFilter {
                topic: Some(b"transfe".to_vec()),
                ..filter.clone()
            },
            EventFilter {
                contract: account(1),
                ..filter.clone()
            },
            EventFilter {
                from: 5,
                to: 4,
                ..filter
            },
        ] {
            assert_eq!(index.events(&none, None, 100).unwrap(), []);
        }
    }
}

#[test]
fn what_retention_deletes_leaves_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Chain::options(&genesis());
    options.retention = Retention::Last(2);
    options.versions = 1;
    options.checkpoint_keys = 1;
    options.segment_bytes = 4_096;
    let chain = open_with(folder.path(), options, ledger("wasmi"));
    let index = opened(folder.path(), &chain);
    for block in blocks(30) {
        let block = commit(&chain, block);
        index.add(&chain, &block).unwrap();
        chain.store().wait_for_checkpoints().unwrap();
    }
    index.add(&chain, &commit(&chain, Vec::new())).unwrap();
    let first = chain.store().first_height();
    assert!(first > 10, "{first}");
    assert_eq!(index.transaction(&id(&deploy())).unwrap(), None);
    let listed = heights(&index, &filter(Order::OldestFirst));
    let expected: Vec<_> = (first..=30).flat_map(|height| [height, height]).collect();
    assert_eq!(listed, expected);
}

#[test]
fn an_index_that_is_open_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    for block in blocks(3) {
        commit(&chain, block);
    }
    let index = opened(folder.path(), &chain);
    let error = Index::open(&folder.path().join("index"), &chain).unwrap_err();
    assert!(matches!(error, IndexError::InUse { .. }), "{error}");
    check(&index, &chain, 3);
}

#[test]
fn an_index_of_the_chain_is_kept_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mark = folder.path().join("index/mark");
    let mut blocks = blocks(1).into_iter();
    for height in 0..2 {
        assert_eq!(opened(folder.path(), &chain).height(), height);
        fs::write(&mark, "").unwrap();
        assert_eq!(opened(folder.path(), &chain).height(), height);
        assert!(mark.exists(), "made anew at height {height}");
        blocks.next().map(|block| commit(&chain, block));
    }
}
