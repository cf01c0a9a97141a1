//! Keys in files: made, listed, unlocked; never overwritten; wrong passwords and damage told apart.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

use std::fs;

use fusee_keystore::{KeyDerivation, Keystore, KeystoreError};
use fusee_ledger::{Scheme, SecretKey};
use tempfile::TempDir;

/// Cheap, for tests.
const CHEAP: KeyDerivation = KeyDerivation {
    memory_kib: 8,
    passes: 1,
};

fn keystore() -> (TempDir, Keystore) {
    let folder = tempfile::tempdir().unwrap();
    let keystore = Keystore::new(folder.path().join("keys"));
    (folder, keystore)
}

#[test]
fn keys_are_made_and_unlocked() {
    let (_folder, keystore) = keystore();
    assert!(keystore.list().unwrap().is_empty());
    for (name, scheme) in [("a", Scheme::Ed25519), ("b-2", Scheme::Secp256k1)] {
        let info = keystore.generate(name, scheme, b"secret").unwrap();
        assert_eq!(info.public_key.scheme(), scheme);
        let key = keystore.unlock(name, b"secret").unwrap();
        assert_eq!(key.public_key(), info.public_key);
        assert_eq!(info.address, info.public_key.address());
        assert_eq!(keystore.info(name).unwrap(), info);
    }
    let listed: Vec<_> = keystore
        .list()
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let names: Vec<_> = listed.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["a", "b-2"]);
    assert_ne!(listed[0].address, listed[1].address);
}

#[test]
fn a_wrong_password_is_told_from_damage() {
    let (_folder, keystore) = keystore();
    let key = SecretKey::ed25519([7; 32]);
    keystore.add("mine", &key, b"right", CHEAP).unwrap();
    for password in [b"wrong".as_slice(), b"", b"right "] {
        let error = keystore.unlock("mine", password).unwrap_err();
        assert!(
            matches!(error, KeystoreError::WrongPassword { .. }),
            "{error}"
        );
    }
    assert_eq!(
        *keystore
            .unlock("mine", b"right")
            .unwrap()
            .to_bytes()
            .unwrap(),
        [7; 32]
    );
}

/// Each byte of the file, changed: nothing is unlocked, and nothing is taken for a wrong password.
#[test]
fn each_changed_byte_is_damage() {
    let (_folder, keystore) = keystore();
    let key = SecretKey::ed25519([7; 32]);
    keystore.add("mine", &key, b"right", CHEAP).unwrap();
    let path = keystore.path("mine").unwrap();
    let text = fs::read(&path).unwrap();
    for at in 0..text.len() {
        // White space between members is no content.
        if text[at].is_ascii_whitespace() {
            continue;
        }
        let mut changed = text.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let error = keystore.unlock("mine", b"right").unwrap_err();
        let expected = matches!(
            error,
            KeystoreError::Damaged { .. } | KeystoreError::Version { .. }
        );
        assert!(expected, "byte {at}: {error}");
        fs::write(&path, &text[..at]).unwrap();
        let error = keystore.unlock("mine", b"right").unwrap_err();
        assert!(
            matches!(error, KeystoreError::Damaged { .. }),
            "cut at {at}"
        );
    }
}

#[test]
fn the_secret_is_not_in_the_file() {
    let (_folder, keystore) = keystore();
    let key = SecretKey::ed25519([0xa7; 32]);
    keystore.add("mine", &key, b"right", CHEAP).unwrap();
    let text = fs::read_to_string(keystore.path("mine").unwrap()).unwrap();
    assert!(
        !text.contains("a7a7a7a7") && !text.contains("right"),
        "{text}"
    );
    // Neither salt nor nonce repeat.
    keystore.add("again", &key, b"right", CHEAP).unwrap();
    let again = fs::read_to_string(keystore.path("again").unwrap()).unwrap();
    for member in ["salt", "nonce", "encrypted"] {
        let line = |text: &str| {
            let mut lines = text.lines();
            lines.find(|line| line.contains(member)).unwrap().to_owned()
        };
        assert_ne!(line(&text), line(&again), "{member}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, keystore) = keystore();
    let key = SecretKey::ed25519([7; 32]);
    keystore.add("mine", &key, b"right", CHEAP).unwrap();
    let metadata = fs::metadata(keystore.path("mine").unwrap()).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn no_file_is_overwritten() {
    let (_folder, keystore) = keystore();
    let key = SecretKey::ed25519([7; 32]);
    keystore.add("mine", &key, b"right", CHEAP).unwrap();
    let path = keystore.path("mine").unwrap();
    let text = fs::read(&path).unwrap();
    let error = keystore
        .generate("mine", Scheme::Ed25519, b"other")
        .unwrap_err();
    assert!(matches!(error, KeystoreError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), text);
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn names_versions_and_costs_are_checked() {
    let (_folder, keystore) = keystore();
    let key = SecretKey::ed25519([7; 32]);
    for name in ["", "../x", "A", "a b", "a.b", &"x".repeat(33)] {
        let error = keystore.add(name, &key, b"right", CHEAP).unwrap_err();
        assert!(matches!(error, KeystoreError::Name { .. }), "{error}");
    }
    let error = keystore.unlock("none", b"right").unwrap_err();
    assert!(matches!(error, KeystoreError::Missing { .. }), "{error}");
    let alice = SecretKey::development("alice");
    let error = keystore.add("alice", &alice, b"right", CHEAP).unwrap_err();
    assert!(matches!(error, KeystoreError::Development), "{error}");
    for (memory_kib, passes) in [(7, 1), ((1 << 20) + 1, 1), (8, 0), (8, 65)] {
        let cost = KeyDerivation { memory_kib, passes };
        let error = keystore.add("mine", &key, b"right", cost).unwrap_err();
        assert!(matches!(error, KeystoreError::Cost), "{error}");
    }
    keystore.add("mine", &key, b"right", CHEAP).unwrap();
    let path = keystore.path("mine").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    let error = keystore.unlock("mine", b"right").unwrap_err().to_string();
    assert!(
        error.ends_with("has version 2 of the format, this program reads 1"),
        "{error}"
    );
    assert!(keystore.list().unwrap()[0].is_err());
}

/// All of them find no file at first, and derive for a while.
#[test]
fn of_keys_that_are_made_at_once_one_is_kept() {
    let (_folder, keystore) = keystore();
    let slow = KeyDerivation {
        memory_kib: 16 << 10,
        passes: 2,
    };
    let add = |number: u8| {
        let key = SecretKey::ed25519([number; 32]);
        keystore.add("mine", &key, b"right", slow).is_ok()
    };
    let made: Vec<u8> = std::thread::scope(|scope| {
        let add = &add;
        let threads: Vec<_> = (1..=4)
            .map(|number| scope.spawn(move || add(number).then_some(number)))
            .collect();
        let results = threads.into_iter();
        results
            .filter_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(made.len(), 1, "{made:?}");
    let kept = keystore.unlock("mine", b"right").unwrap();
    assert_eq!(*kept.to_bytes().unwrap(), [made[0]; 32]);
}
