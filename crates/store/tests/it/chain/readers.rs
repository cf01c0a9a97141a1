//! Readers on other threads never see a part of a block.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fusee_state::{Diff, Direction, KeyRange, StateReader};
use fusee_store::chain::ChainStore;

use super::options;

/// Each block sets all of these keys to its height.
const KEYS: u64 = 1_200;

fn key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn all(height: u64) -> Diff {
    let value = height.to_be_bytes().to_vec();
    (0..KEYS)
        .map(|number| (key(number), Some(value.clone())))
        .collect()
}

/// Reads everything that a version has, each key by its own way.
fn read_one(store: &ChainStore) -> u64 {
    let version = store.version(None).unwrap();
    let expected = version.height().to_be_bytes();
    for number in 0..KEYS {
        let value = version.read(&key(number)).unwrap();
        assert_eq!(value.as_deref(), Some(expected.as_slice()), "key {number}");
    }
    for number in (0..KEYS).step_by(97) {
        let end = key(number + 1);
        let range = KeyRange::new(&[], &end);
        let (found, value) = version.seek(range, Direction::Descending).unwrap().unwrap();
        assert_eq!((found, &*value), (key(number), expected.as_slice()));
    }
    let proof = version.prove(&key(7)).encode();
    fusee_proof::verify(&version.root(), &key(7), Some(&expected), &proof).unwrap();
    version.height()
}

#[test]
fn readers_never_see_half_of_a_block() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.checkpoint_keys = KEYS * 3;
    options.segment_bytes = 1 << 20;
    let store = ChainStore::open(folder.path(), options).unwrap();
    store.commit(store.stage(all(0)).unwrap(), b"").unwrap();
    let is_over = AtomicBool::new(false);
    let (rounds, heights) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut rounds, mut heights) = (0_u64, std::collections::BTreeSet::new());
            while !is_over.load(Ordering::Relaxed) {
                heights.insert(read_one(&store));
                rounds += 1;
            }
            (rounds, heights.len())
        });
        for height in 1..60 {
            store
                .commit(store.stage(all(height)).unwrap(), b"")
                .unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    store.wait_for_checkpoints().unwrap();
    assert!(store.checkpoint().unwrap() > 40, "{:?}", store.checkpoint());
    assert!(
        rounds > 10 && heights > 5,
        "{rounds} rounds, {heights} heights"
    );
    assert_eq!(read_one(&store), 59);
}
