//! Tests of the cache: values, their heights, and the bound of its bytes.

use super::*;

const BYTES: usize = SHARDS * 10_000;

fn key(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn value(byte: u8) -> Option<Value> {
    Some(Value::from([byte; 10].as_slice()))
}

fn diff(keys: impl IntoIterator<Item = u32>, byte: u8) -> Diff {
    let keys = keys.into_iter();
    keys.map(|number| (key(number), value(byte))).collect()
}

#[test]
fn a_version_does_not_take_a_later_value() {
    let hot = Hot::new(BYTES, Some(0));
    hot.advance(1, &diff([7], 1));
    assert_eq!(hot.read(&key(7), 1), Some(value(1)));
    hot.advance(2, &diff([7], 2));
    assert_eq!(hot.read(&key(7), 1), None);
    assert_eq!(hot.read(&key(7), 2), Some(value(2)));
}

#[test]
fn reads_are_counted() {
    let hot = Hot::new(BYTES, Some(0));
    hot.advance(1, &diff(0..5, 1));
    for number in 0..8 {
        hot.read(&key(number), 1);
    }
    // As it was before.
    hot.read(&key(0), 0);
    assert_eq!(hot.counts(), CacheCounts { hits: 5, misses: 4 });
}

#[test]
fn what_an_older_version_has_read_is_not_remembered() {
    let hot = Hot::new(BYTES, Some(0));
    hot.advance(1, &diff([7], 1));
    hot.add(&key(8), value(0), 0);
    assert_eq!(hot.read(&key(8), 1), None);
    hot.add(&key(8), None, 1);
    assert_eq!(hot.read(&key(8), 1), Some(None));
}

#[test]
fn a_full_cache_keeps_what_is_read() {
    let hot = Hot::new(BYTES, Some(0));
    hot.advance(1, &diff(0..10, 1));
    for height in 2..100 {
        let first = u32::try_from(height).unwrap() * 100;
        hot.advance(height, &diff(first..first + 100, 2));
        for number in 0..10 {
            assert_eq!(hot.read(&key(number), height), Some(value(1)));
        }
    }
    let held = (0..10_000).filter(|number| hot.read(&key(*number), 100).is_some());
    let most = BYTES / size(&key(0), value(0).as_ref());
    let held = held.count();
    assert!((most / 2..=most).contains(&held), "{held} of {most}");
    for shard in &hot.shards {
        let shard = lock(shard);
        let entries = shard.entries.iter();
        let bytes: usize = entries.map(|(key, it)| size(key, it.value.as_ref())).sum();
        assert_eq!(shard.bytes, bytes);
        assert!(bytes <= shard.budget);
    }
}
