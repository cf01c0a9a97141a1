//! Random blocks, reopenings, reads and searches, against a map.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use fusee_state::Diff;
use fusee_store::chain::{ChainStore, ChainStoreError, Version};

use super::{Model, apply, check_seeks, check_version, options};

#[derive(Clone, Debug)]
enum Action {
    Commit(Diff),
    Reopen,
    Keep,
    Wait,
}

/// Keys of few letters, so that they meet, the empty key among them.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0), Just(1), Just(b'a'), Just(0xff)], 0..4)
}

fn diff() -> impl Strategy<Value = Diff> {
    btree_map(
        key(),
        proptest::option::weighted(0.6, vec(any::<u8>(), 0..40)),
        0..12,
    )
    .prop_map(|changes| changes.into_iter().collect())
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        12 => diff().prop_map(Action::Commit),
        1 => Just(Action::Reopen),
        2 => Just(Action::Keep),
        1 => Just(Action::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_a_map_for_each_height(
        actions in vec(action(), 1..60),
        mut bounds in vec(key(), 1..6),
    ) {
        bounds.push(vec![0xff; 4]);
        let folder = tempfile::tempdir().unwrap();
        let mut store = ChainStore::open(folder.path(), options()).unwrap();
        let mut models: Vec<Model> = Vec::new();
        let mut kept: Vec<Version> = Vec::new();
        for action in actions {
            match action {
                Action::Commit(changes) => {
                    let mut model = models.last().cloned().unwrap_or_default();
                    apply(&mut model, &changes);
                    let staged = store.stage(changes).unwrap();
                    let root = staged.root();
                    let head = store.commit(staged, b"").unwrap();
                    prop_assert_eq!(head.height, u64::try_from(models.len()).unwrap());
                    prop_assert_eq!(head.root, root);
                    models.push(model);
                }
                Action::Reopen => {
                    kept.clear();
                    drop(store);
                    store = ChainStore::open(folder.path(), options()).unwrap();
                }
                Action::Keep => kept.extend(store.version(None)),
                Action::Wait => store.wait_for_checkpoints().unwrap(),
            }
            check(&store, &models, &bounds);
        }
        // They were kept while checkpoints moved what they read.
        for version in kept {
            let at = usize::try_from(version.height()).unwrap();
            check_version(&version, &models[at]);
            check_seeks(&version, &models[at], &bounds);
        }
    }
}

/// Checks every version that has to be served, and that no other one is.
fn check(store: &ChainStore, models: &[Model], bounds: &[Vec<u8>]) {
    let served = 4;
    for (height, model) in models.iter().enumerate() {
        let version = store.version(Some(u64::try_from(height).unwrap()));
        if height + served < models.len() {
            assert!(matches!(version, Err(ChainStoreError::NotServed { .. })));
            continue;
        }
        let version = version.unwrap();
        check_version(&version, model);
        check_seeks(&version, model, bounds);
    }
    let above = u64::try_from(models.len()).unwrap();
    assert!(store.version(Some(above)).is_err());
}
