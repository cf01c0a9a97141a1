//! A wrong point would only make batches slow, so what is kept is looked at here.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;

use super::*;

type Key = [u8; ED25519_KEY_BYTES];

/// A key for each number, with its point.
fn key(number: u64) -> (Key, EdwardsPoint) {
    let point = ED25519_BASEPOINT_POINT * curve25519_dalek::Scalar::from(number);
    (point.compress().to_bytes(), point)
}

/// The numbers from 1 on whose points are kept.
fn kept(keys: &Ed25519Keys) -> Vec<u64> {
    let generations = keys.lock();
    (1..20)
        .filter(|number| {
            let (key, point) = key(*number);
            let found = generations.find(&key);
            assert!(found.is_none_or(|found| found == point), "{number}");
            found.is_some()
        })
        .collect()
}

fn keep(keys: &Ed25519Keys, numbers: impl IntoIterator<Item = u64>) {
    let (wanted, points): (Vec<_>, Vec<_>) = numbers.into_iter().map(key).unzip();
    let wanted: Vec<_> = wanted.iter().collect();
    assert_eq!(keys.points(&wanted), Some(points.clone()));
    keys.keep(&wanted, &points);
    assert_eq!(keys.points(&wanted), Some(points));
}

#[test]
fn points_of_the_last_keys_are_kept() {
    let keys = Ed25519Keys::new(8);
    keep(&keys, 1..=6);
    assert_eq!(kept(&keys), [1, 2, 3, 4, 5, 6]);
    // 2 is used again, so it outlives its neighbours.
    keep(&keys, [2]);
    keep(&keys, 7..=9);
    assert_eq!(kept(&keys), [2, 5, 6, 7, 8, 9]);
    assert_eq!(keys.len(), 6);
    keep(&Ed25519Keys::new(0), 1..=6);
    assert!(Ed25519Keys::new(0).is_empty());
}

#[test]
fn bytes_that_are_no_point_have_none() {
    let keys = Ed25519Keys::new(8);
    let (valid, _) = key(1);
    // No point has this `y`.
    let mut invalid = [0; 32];
    invalid[0] = 2;
    assert_eq!(keys.points(&[&valid, &invalid]), None);
    assert!(keys.is_empty());
}
