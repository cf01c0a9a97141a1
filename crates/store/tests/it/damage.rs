//! Whatever happens to the bytes of the file, the store answers or says that it is damaged.

use std::fs;
use std::path::Path;

use fusee_store::{Commit, Store, StoreError};

use crate::support::{advance, diff};

const PAGE: usize = 4096;

#[test]
fn a_file_cut_short_is_damaged() {
    check_damage(
        40,
        |file, random| file.truncate(9 + random(file.len() - 9)),
        |outcome| {
            assert!(
                matches!(outcome, Err(StoreError::Corrupt { .. })),
                "{outcome:?}"
            );
        },
    );
}

#[test]
fn flipped_bits_do_not_panic() {
    check_damage(100, |file, random| flip_bits(file, random), no_other_error);
}

#[test]
fn a_damaged_header_does_not_panic() {
    check_damage(
        100,
        |file, random| file[9 + random(311)] ^= 1 << random(8),
        no_other_error,
    );
}

#[test]
fn pages_of_noise_do_not_panic() {
    check_damage(
        200,
        |file, random| overwrite_page(file, random),
        no_other_error,
    );
}

fn overwrite_page(file: &mut [u8], random: &mut dyn FnMut(usize) -> usize) {
    let start = PAGE * (1 + random(file.len() / PAGE - 1));
    // Sometimes only where a page says what is in it.
    let length = if random(2) == 0 { PAGE } else { 64 };
    for byte in &mut file[start..start + length] {
        *byte = u8::try_from(random(256)).unwrap();
    }
}

fn flip_bits(file: &mut [u8], random: &mut dyn FnMut(usize) -> usize) {
    for _ in 0..=random(8) {
        let at = 9 + random(file.len() - 9);
        file[at] ^= 1 << random(8);
    }
}

fn no_other_error(outcome: Result<(), StoreError>) {
    match outcome {
        // Not every byte of the file is in use.
        Ok(()) | Err(StoreError::Corrupt { .. }) => {}
        // The damage may be in what says that it is a store.
        Err(StoreError::Format { .. } | StoreError::Foreign { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
}

/// Damages the file of a store many times, each time anew, and uses it in every way.
fn check_damage(
    cases: u64,
    damage: impl Fn(&mut Vec<u8>, &mut dyn FnMut(usize) -> usize),
    check: impl Fn(Result<(), StoreError>),
) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    let store = Store::open(root.path()).unwrap();
    for sequence in 0..50 {
        advance(&store, sequence);
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    for seed in 0..cases {
        let mut random = random(seed);
        let mut file = whole.clone();
        damage(&mut file, &mut random);
        fs::write(&path, &file).unwrap();
        check(use_in_every_way(root.path()));
    }
}

fn use_in_every_way(directory: &Path) -> Result<(), StoreError> {
    let store = Store::open(directory)?;
    let snapshot = store.snapshot()?;
    snapshot.digest()?;
    snapshot.scan(b"own/")?.collect::<Result<Vec<_>, _>>()?;
    snapshot
        .receipts(0..u64::MAX)?
        .collect::<Result<Vec<_>, _>>()?;
    snapshot.receipt(7)?;
    store.commit(Commit {
        sequence: snapshot.sequence(),
        diff: &diff(snapshot.sequence()),
        receipt: b"",
    })?;
    Ok(())
}

/// Numbers below a bound, the same for the same seed.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % bound
    }
}
