//! Keys with one hash.

use std::sync::Arc;

use super::StackedState;
use crate::{Diff, MemoryState, StateReader, Value};

#[test]
fn keys_with_one_hash_keep_their_own_changes() {
    let change = |key: u8, value: u8| (vec![key], (value > 0).then(|| vec![value]));
    let diffs: Vec<Diff> = vec![
        (0..40).map(|key| change(key, 1)).collect(),
        (10..20).map(|key| change(key, 0)).collect(),
        (15..30).map(|key| change(key, 3)).collect(),
    ];
    let mut base = MemoryState::new();
    base.apply(&(30..60).map(|key| change(key, 9)).collect());
    let mut expected = base.clone();
    diffs.iter().for_each(|diff| expected.apply(diff));
    let diffs: Vec<_> = diffs.into_iter().map(Arc::new).collect();
    for ignored in [0, !1, u64::MAX] {
        let stacked = StackedState::ignoring(ignored, Arc::new(base.clone()), diffs.clone());
        for key in 0..70 {
            let read = |state: &dyn StateReader| -> Option<Value> { state.read(&[key]).unwrap() };
            assert_eq!(read(&stacked), read(&expected), "{key}, {ignored:#x}");
        }
    }
}
