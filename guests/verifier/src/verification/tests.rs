//! Signatures in pieces, held against the rule for whole messages.

use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha512};

use super::{KEYS, Keys, Verification};

fn verify(keys: &mut Keys, head: &[u8; 96], pieces: &[&[u8]]) -> bool {
    let Some(mut verification) = Verification::begin(keys, head) else {
        return false;
    };
    for piece in pieces {
        verification.absorb(piece);
    }
    verification.finish()
}

fn head(key: &[u8; 32], signature: &[u8; 64]) -> [u8; 96] {
    let mut head = [0; 96];
    head[..32].copy_from_slice(key);
    head[32..].copy_from_slice(signature);
    head
}

/// A signature of its parts.
fn joined(point: &[u8; 32], scalar: &Scalar) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(point);
    signature[32..].copy_from_slice(scalar.as_bytes());
    signature
}

/// What the crate says of the whole message.
fn strictly(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        let signature = Signature::from_bytes(signature);
        key.verify_strict(message, &signature).is_ok()
    })
}

#[test]
fn pieces_are_verified_as_the_whole_is_by_the_strict_rule() {
    let signer = SigningKey::from_bytes(&[5; 32]);
    let message: Vec<u8> = (0..200).collect();
    let signature = signer.sign(&message).to_bytes();
    let key = signer.verifying_key().to_bytes();

    let mut cases = vec![(key, signature, true)];
    for bit in [0, 100, 255, 256, 300, 511] {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        cases.push((key, changed, false));
    }
    for byte in [0, 31] {
        let mut changed = key;
        changed[byte] ^= 1;
        cases.push((changed, signature, false));
    }
    // Points of small order: the neutral one, one of order 2, and one of order 8.
    let mut order_2 = [0xff; 32];
    order_2[0] = 0xec;
    order_2[31] = 0x7f;
    let order_8 = curve25519_dalek::constants::EIGHT_TORSION[1].compress().0;
    let mut neutral = [0; 32];
    neutral[0] = 1;
    for weak in [neutral, order_2, order_8] {
        cases.push((weak, signature, false));
    }
    // Whatever the message is, [S]B and S are a signature by the neutral key: for those who do not
    // look at keys.
    let scalar = Scalar::from(7_u64);
    let point = EdwardsPoint::mul_base(&scalar).compress();
    cases.push((neutral, joined(&point.0, &scalar), false));
    // The neutral point and [k]a are a signature that takes no secret but the key: for those who do
    // not look at points.
    let hash = Sha512::new().chain_update(neutral).chain_update(key);
    let hash = hash.chain_update(&message).finalize();
    let scalar = Scalar::from_bytes_mod_order_wide(&hash.into()) * signer.to_scalar();
    cases.push((key, joined(&neutral, &scalar), false));
    // The same signature with a scalar that is not reduced.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut larger = signature;
    let mut carry = 0;
    for (byte, added) in larger[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + added + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    cases.push((key, larger, false));

    let mut keys = Keys::new();
    for (key, signature, expected) in cases {
        let head = head(&key, &signature);
        assert_eq!(strictly(&key, &signature, &message), expected);
        for _ in 0..2 {
            assert_eq!(verify(&mut keys, &head, &[&message]), expected);
            let pieces = [&message[..1], &[], &message[1..150], &message[150..]];
            assert_eq!(verify(&mut keys, &head, &pieces), expected);
            assert!(!verify(&mut keys, &head, &pieces[..3]));
        }
    }
}

#[test]
fn more_keys_than_are_remembered_are_verified_all_the_same() {
    let mut keys = Keys::new();
    for round in 0..3 {
        for seed in 0..12 {
            let signer = SigningKey::from_bytes(&[seed; 32]);
            let other = SigningKey::from_bytes(&[seed + 1; 32]);
            let message = [round, seed];
            let signature = signer.sign(&message).to_bytes();
            let signed_by =
                |signer: &SigningKey| head(signer.verifying_key().as_bytes(), &signature);
            assert!(verify(&mut keys, &signed_by(&signer), &[&message]));
            assert!(!verify(&mut keys, &signed_by(&other), &[&message]));
        }
    }
    assert_eq!(keys.known.iter().flatten().count(), KEYS);
}
