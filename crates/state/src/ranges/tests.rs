//! Ranges against a set of keys.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::Ranges;

const KEYS: u8 = 12;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn ranges_are_a_set(inserted in vec((0..KEYS, 0..=KEYS), 0..8)) {
        let mut ranges = Ranges::default();
        let mut set = BTreeSet::new();
        for (start, end) in &inserted {
            ranges.insert(vec![*start], vec![*end]);
            set.extend(*start..*end);
        }
        for key in 0..KEYS {
            prop_assert_eq!(ranges.contains(&[key]), set.contains(&key), "{}", key);
            let end = (key..=KEYS).find(|end| !set.contains(end));
            let end = end.filter(|_| set.contains(&key)).map(|end| vec![end]);
            prop_assert_eq!(ranges.end_of(&[key]), end.as_deref(), "{}", key);
            let start = (0..=key).rev().take_while(|key| set.contains(key)).last();
            let start = start.map(|start| vec![start]);
            prop_assert_eq!(ranges.start_of(&[key + 1]), start.as_deref(), "{}", key);
        }
        // No range touches the next one.
        let listed: Vec<_> = ranges.iter().collect();
        prop_assert!(listed.iter().all(|(start, end)| start < end));
        prop_assert!(listed.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}
