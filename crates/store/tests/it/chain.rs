//! The chain store at its boundary.

mod damage;
mod faults;
#[cfg(unix)]
mod full;
#[cfg(unix)]
mod kill;
#[cfg(unix)]
mod life;
mod model;
mod opening;
mod readers;
mod refusals;
mod repair;
mod snapshot;
mod speed;
#[cfg(unix)]
mod told;
#[cfg(target_os = "linux")]
mod torture;

use std::collections::BTreeMap;

use fusee_state::{Diff, Direction, KeyRange, StateReader};
use fusee_store::Tree;
use fusee_store::chain::{ChainStore, Head, Options, Version};

const IDENTITY: [u8; 32] = [9; 32];

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Epochs of a few small blocks, so that a short test has checkpoints and several segments.
fn options() -> Options {
    let mut options = Options::new(IDENTITY);
    options.versions = 4;
    options.checkpoint_keys = 20;
    options.segment_bytes = 2_000;
    options.cache_bytes = 20_000;
    options
}

/// What the block at a height changes: keys of its own, shared ones, and removals.
fn changes(height: u64) -> Diff {
    let own = |height: u64| format!("own/{height:06}").into_bytes();
    let mut changes = vec![
        (b"latest".to_vec(), Some(height.to_le_bytes().to_vec())),
        (own(height), Some(vec![height.to_le_bytes()[0]; 30])),
        (
            format!("shared/{}", height % 7).into_bytes(),
            Some(own(height)),
        ),
        (format!("shared/{}", height % 5).into_bytes(), None),
    ];
    if let Some(earlier) = height.checked_sub(10) {
        changes.push((own(earlier), None));
    }
    changes.into_iter().collect()
}

fn body(height: u64) -> Vec<u8> {
    format!("body of {height}").into_bytes()
}

fn apply(model: &mut Model, changes: &Diff) {
    for (key, value) in changes.iter() {
        match value {
            Some(value) => model.insert(key.to_vec(), value.to_vec()),
            None => model.remove(key),
        };
    }
}

/// The state after a height of the stream.
fn model(height: u64) -> Model {
    let mut model = Model::new();
    for height in 0..=height {
        apply(&mut model, &changes(height));
    }
    model
}

/// The height of the next block of the stream.
fn next(store: &ChainStore) -> u64 {
    store.head().map_or(0, |head| head.height + 1)
}

/// Commits the next block of the stream.
fn advance(store: &ChainStore) -> Head {
    let height = next(store);
    let staged = store.stage(changes(height)).unwrap();
    store.commit(staged, &body(height)).unwrap()
}

fn advance_until(store: &ChainStore, end: u64) {
    while next(store) < end {
        advance(store);
    }
}

/// Checks everything that a version says against a model.
fn check_version(version: &Version, model: &Model) {
    let entries = version.entries().map(Result::unwrap);
    let entries: Model = entries.map(|(key, value)| (key, value.to_vec())).collect();
    assert_eq!(&entries, model, "entries at height {}", version.height());
    let root = Tree::of(model.iter()).root();
    assert_eq!(version.root(), root, "root at height {}", version.height());
    let absent = [b"".to_vec(), b"own/".to_vec(), b"shared/9".to_vec()];
    for key in model.keys().chain(&absent) {
        let expected = model.get(key).map(Vec::as_slice);
        assert_eq!(version.read(key).unwrap().as_deref(), expected);
        let proof = version.prove(key).encode();
        fusee_proof::verify(&root, key, expected, &proof).unwrap();
    }
}

/// Checks the searches of a version around some of its keys.
fn check_seeks(version: &Version, model: &Model, bounds: &[Vec<u8>]) {
    for (start, end) in bounds
        .iter()
        .flat_map(|a| bounds.iter().map(move |b| (a, b)))
    {
        let range = KeyRange::new(start, end);
        let mut inside = model.range::<[u8], _>(range.bounds());
        let (first, last) = (inside.clone().next(), inside.next_back());
        for (direction, expected) in [(Direction::Ascending, first), (Direction::Descending, last)]
        {
            let found = version.seek(range, direction).unwrap();
            let found = found.map(|(key, value)| (key, value.to_vec()));
            let expected = expected.map(|(key, value)| (key.clone(), value.clone()));
            assert_eq!(found, expected, "{start:?} to {end:?}, {direction:?}");
        }
    }
}

/// As [`check`], but of the state only its entries.
fn check_quickly(store: &ChainStore) {
    let Some(head) = store.head() else {
        return;
    };
    let version = store.version(None).unwrap();
    assert_eq!((version.height(), version.root()), (head.height, head.root));
    let entries = version.entries().map(Result::unwrap);
    let entries: Model = entries.map(|(key, value)| (key, value.to_vec())).collect();
    assert_eq!(entries, model(head.height));
    let first = store.first_height();
    for (block, height) in store.blocks(first).zip(first..=head.height) {
        let block = block.unwrap();
        assert_eq!((block.height, block.body), (height, body(height)));
    }
}

/// Checks the head, the versions that are served and the blocks of a store that runs the stream.
fn check(store: &ChainStore) {
    let Some(head) = store.head() else {
        return;
    };
    let model = model(head.height);
    let version = store.version(None).unwrap();
    assert_eq!((version.height(), version.root()), (head.height, head.root));
    check_version(&version, &model);
    let first = store.first_height();
    let mut expected = first;
    for block in store.blocks(first) {
        let block = block.unwrap();
        assert_eq!(block.height, expected);
        assert_eq!(block.changes, changes(expected));
        assert_eq!(block.body, body(expected));
        expected += 1;
    }
    assert_eq!(expected, head.height + 1);
}
