//! Whatever happened to the bytes of the file, the store is right or says that it is damaged.

use std::fs;
use std::path::Path;

use fusee_store::{Store, StoreError};

use crate::support::{advance, check};

const PAGE: usize = 4096;

#[test]
fn a_file_cut_short_is_damaged() {
    let noticed = check_damage(30, |file, random| file.truncate(9 + random(file.len() - 9)));
    assert_eq!(noticed, 30);
}

#[test]
fn flipped_bits_are_noticed_where_they_matter() {
    let noticed = check_damage(60, |file, random| flip_bits(file, random));
    assert!(noticed > 0);
}

#[test]
fn a_damaged_header_is_noticed_where_it_matters() {
    let noticed = check_damage(60, |file, random| file[9 + random(311)] ^= 1 << random(8));
    assert!(noticed > 0);
}

#[test]
fn pages_of_noise_are_noticed_where_they_matter() {
    let noticed = check_damage(120, |file, random| overwrite_page(file, random));
    assert!(noticed > 0);
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

/// Damages the file of a store many times, each time anew, and says how often that was noticed.
/// Where it was not, everything is as it should be.
fn check_damage(
    cases: u64,
    damage: impl Fn(&mut Vec<u8>, &mut dyn FnMut(usize) -> usize),
) -> usize {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("state.redb");
    let store = Store::open(root.path()).unwrap();
    for sequence in 0..50 {
        advance(&store, sequence);
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let noticed = (0..cases).filter(|seed| {
        let mut file = whole.clone();
        damage(&mut file, &mut random(*seed));
        fs::write(&path, &file).unwrap();
        match use_in_every_way(root.path()) {
            // Not every byte of the file is in use.
            Ok(()) => false,
            Err(StoreError::Corrupt { .. }) => true,
            Err(other) => panic!("{other:?}"),
        }
    });
    noticed.count()
}

fn use_in_every_way(directory: &Path) -> Result<(), StoreError> {
    let store = Store::open(directory)?;
    let snapshot = store.snapshot()?;
    check(&snapshot);
    advance(&store, snapshot.sequence());
    check(&store.snapshot()?);
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
