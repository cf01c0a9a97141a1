//! Keys and the addresses of their accounts.

use expect_test::expect_file;
use fusee_contract::Address;
use fusee_ledger::{KeyError, PublicKey, Scheme, SecretKey};

use crate::samples::{Passkey, ed25519, secp256k1};

#[test]
fn addresses_are_golden() {
    let mut text = String::new();
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        let key = SecretKey::development(name).public_key();
        assert_eq!(key.address(), Address::of_development_account(name));
        text.push_str(&format!("development {name} {}\n", key.address()));
    }
    for key in [ed25519().public_key(), secp256k1().public_key()] {
        let (scheme, bytes) = (key.scheme().name(), hex::encode(key.as_bytes()));
        text.push_str(&format!("{scheme} {bytes} {}\n", key.address()));
    }
    text.push_str(&format!("webauthn {}\n", Passkey::new().address()));
    expect_file!["golden/addresses.txt"].assert_eq(&text);
}

/// The scheme is part of the address, so a key of one scheme never signs for another.
#[test]
fn the_same_bytes_have_an_address_in_each_scheme() {
    let key = [2; 33];
    let secp256k1 = PublicKey::Secp256k1(key).address();
    assert_ne!(secp256k1, PublicKey::WebAuthn(key).address());
}

#[test]
fn tags_are_numbers_in_order() {
    let tags = Scheme::ALL.map(Scheme::tag);
    assert_eq!(tags, [0, 1, 2, 3]);
    for scheme in Scheme::ALL {
        assert_eq!(borsh::to_vec(&scheme).unwrap(), [scheme.tag()]);
    }
}

#[test]
fn secrets_out_of_range_are_refused() {
    let refused = |secret| SecretKey::secp256k1(secret).err();
    assert_eq!(refused([0; 32]), Some(KeyError::OutOfRange));
    assert_eq!(refused([0xff; 32]), Some(KeyError::OutOfRange));
    assert_eq!(refused([1; 32]), None);
}

#[test]
fn secrets_are_not_printed() {
    let text = format!("{:?} {:?}", ed25519(), secp256k1());
    assert!(text.contains("Ed25519") && text.contains("Secp256k1"));
    assert!(
        !text.contains("1, 1, 1, 1") && !text.contains("2, 2, 2, 2"),
        "{text}"
    );
    assert_eq!(*ed25519().to_bytes().unwrap(), [1; 32]);
    assert_eq!(*secp256k1().to_bytes().unwrap(), [2; 32]);
    assert!(SecretKey::development("alice").to_bytes().is_none());
}
