//! Keys with one hash.

use std::sync::Arc;

use fusee_state::{Diff, Value};

use super::{Blocks, Epoch};

#[test]
fn keys_with_one_hash_keep_their_own_changes() {
    let change = |key: u8, value: u8| (vec![key], (value > 0).then(|| vec![value]));
    let blocks: Vec<Diff> = vec![
        (0..40).map(|key| change(key, 1)).collect(),
        (10..20).map(|key| change(key, 0)).collect(),
        (15..30).map(|key| change(key, 3)).collect(),
    ];
    for ignored in [0, !1, u64::MAX] {
        let epoch = Epoch {
            blocks: Blocks {
                ignored,
                ..Blocks::default()
            }
            .into(),
            ..Epoch::default()
        };
        for (height, changes) in (5..).zip(&blocks) {
            epoch.add(height, &Arc::new(changes.clone()));
        }
        for height in 4..9 {
            for key in 0..50 {
                let seen = blocks.iter().zip([5, 6, 7]);
                let seen = seen.filter(|(_, made)| *made <= height);
                let changes = seen.flat_map(|(changes, _)| changes.iter());
                let of_key = changes.filter(|(changed, _)| *changed == [key]);
                let expected = of_key.last().map(|(_, value)| value.map(Value::from));
                let found = epoch.read(&[key], height);
                assert_eq!(found, expected, "{key} at {height}, {ignored:#x}");
            }
        }
    }
}
