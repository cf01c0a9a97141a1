//! BLS signatures: the vectors of Ethereum's consensus tests (ethereum/bls12-381-tests), and what
//! must not be valid.

use blst::min_pk::{AggregatePublicKey, AggregateSignature, PublicKey, SecretKey, Signature};
use fusee_crypto::{verify_aggregate_bls12_381, verify_bls12_381};

const CIPHERSUITE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/// The order of the subgroup.
const ORDER: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";

const KEYS: [&str; 3] = [
    "a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
    "b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81",
    "b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f",
];

/// By all three keys, of 32 bytes 0xab: `fast_aggregate_verify_valid_3d7576f3c0e3570a`.
const BY_ALL: &str = "9712c3edd73a209c742b8250759db12549b3eaf43b5ca61376d9f30e2747dbcf\
                      842d8b2ac0901d2a093713e20284a7670fcf6954e9ab93de991bb9b313e66478\
                      5a075fc285806fa5224c82bde146561b446ccfc706a64b8579513cfc4ff1d930";

/// By the third key, of the same: `verify_valid_case_195246ee3bd3b6ec`.
const BY_THIRD: &str = "ae82747ddeefe4fd64cf9cedb9b04ae3e8a43420cd255e3c7cd06a8d88b7c7f8\
                        638543719981c5d16fa3527c468c25f0026704a6951bde891360c7e8d12ddee0\
                        559004ccdbe6046b55bae1b257ee97f7cdb955773d7cf29adf3ccbb9975e4eb9";

/// By the second key, of 32 bytes 0: `sign_case_11b8c7cad5238946`.
const BY_SECOND_OF_ZEROS: &str = "b23c46be3a001c63ca711f87a005c200cc550b9429d5f4eb38d74322144f1b63\
                                  926da3388979e5321012fb1a0526bcd100b5ef5fe72628ce4cd5e904aeaa3279\
                                  527843fae5ca9ca675f4f51ed8f83bbf7155da9ecc9663100a885d5dc6df96d9";

const MESSAGE: [u8; 32] = [0xab; 32];

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

fn keys() -> Vec<[u8; 48]> {
    KEYS.iter().map(|key| bytes(key)).collect()
}

/// The point at infinity, compressed.
fn infinity<const N: usize>() -> [u8; N] {
    let mut point = [0; N];
    point[0] = 0xc0;
    point
}

#[test]
fn the_vectors_of_ethereum_are_valid() {
    let keys = keys();
    assert!(verify_bls12_381(&keys, &MESSAGE, &bytes(BY_ALL)));
    assert!(verify_bls12_381(&keys[2..], &MESSAGE, &bytes(BY_THIRD)));
    let of_zeros = bytes(BY_SECOND_OF_ZEROS);
    assert!(verify_bls12_381(&keys[1..2], &[0; 32], &of_zeros));
    let same = [&MESSAGE[..]; 3];
    assert!(verify_aggregate_bls12_381(&keys, &same, &bytes(BY_ALL)));
}

#[test]
fn another_key_message_or_signature_is_invalid() {
    let keys = keys();
    let all = bytes(BY_ALL);
    assert!(!verify_bls12_381(&keys[..2], &MESSAGE, &all));
    assert!(!verify_bls12_381(&[], &MESSAGE, &all));
    assert!(!verify_bls12_381(&keys, &[0xac; 32], &all));
    assert!(!verify_bls12_381(&keys, &MESSAGE, &bytes(BY_THIRD)));
    let twice = [keys[2], keys[2]];
    assert!(!verify_bls12_381(&twice, &MESSAGE, &bytes(BY_THIRD)));
    let same = [&MESSAGE[..]; 3];
    for (keys, messages) in [(&keys[..2], &same[..]), (&keys, &same[..2]), (&[], &[])] {
        assert!(!verify_aggregate_bls12_381(keys, messages, &all));
    }
}

#[test]
fn infinity_is_neither_a_key_nor_a_sum_of_keys() {
    let nobody = [infinity::<48>()];
    assert!(!verify_bls12_381(&nobody, &MESSAGE, &infinity()));
    let mut keys = keys();
    keys.push(infinity());
    assert!(!verify_bls12_381(&keys, &MESSAGE, &bytes(BY_ALL)));
    // A key and its negative, which differ in the sign of y.
    let mut negative = keys[0];
    negative[0] ^= 0x20;
    let rogue = [keys[0], negative];
    assert!(!verify_bls12_381(&rogue, &MESSAGE, &infinity()));
    assert!(verify_aggregate_bls12_381(
        &rogue,
        &[&MESSAGE, &MESSAGE],
        &infinity()
    ));
}

/// Points of the curve outside the subgroup: the first ones by their abscissa. Multiplied by the
/// order of the subgroup, such a point pairs to 1 with everything. As a key, it would sign every
/// message with the signature at infinity, and could be added to any keys.
#[test]
fn keys_outside_the_subgroup_are_invalid() {
    let mut order: [u8; 32] = bytes(ORDER);
    order.reverse();
    let mut outside = 0;
    for x in 1..=40_u8 {
        let mut key = [0; 48];
        (key[0], key[47]) = (0x80, x);
        let Ok(point) = PublicKey::from_bytes(&key) else {
            continue;
        };
        assert!(!verify_bls12_381(&[key], &MESSAGE, &infinity()));
        let pairs_to_one =
            AggregatePublicKey::aggregate_with_randomness(&[point], &order, 255, false);
        let key = pairs_to_one.unwrap().to_public_key().to_bytes();
        assert!(!verify_bls12_381(&[key], &MESSAGE, &infinity()), "{x}");
        let keys = [bytes(KEYS[2]), key];
        assert!(!verify_bls12_381(&keys, &MESSAGE, &bytes(BY_THIRD)), "{x}");
        outside += 1;
    }
    assert!(outside > 10, "{outside}");
}

#[test]
fn signatures_outside_the_subgroup_are_invalid() {
    let valid = Signature::from_bytes(&bytes::<96>(BY_THIRD)).unwrap();
    let mut outside = 0;
    for x in 1..=40_u8 {
        let mut point = [0; 96];
        (point[0], point[95]) = (0x80, x);
        let Ok(outer) = Signature::from_bytes(&point) else {
            continue;
        };
        assert!(!verify_bls12_381(&keys()[2..], &MESSAGE, &point));
        let sum = AggregateSignature::aggregate(&[&valid, &outer], false).unwrap();
        let sum = sum.to_signature().to_bytes();
        assert!(!verify_bls12_381(&keys()[2..], &MESSAGE, &sum));
        outside += 1;
    }
    assert!(outside > 10, "{outside}");
}

#[test]
fn only_compressed_canonical_points_are_valid() {
    let third: [u8; 48] = bytes(KEYS[2]);
    let signature: [u8; 96] = bytes(BY_THIRD);
    // The flags: compressed, infinity, sign of y.
    for flags in 1..8_u8 {
        let (mut key, mut changed) = (third, signature);
        key[0] ^= flags << 5;
        changed[0] ^= flags << 5;
        assert!(!verify_bls12_381(&[key], &MESSAGE, &signature), "{flags}");
        assert!(!verify_bls12_381(&[third], &MESSAGE, &changed), "{flags}");
    }
    for other in [0, 0xff] {
        assert!(!verify_bls12_381(&[[other; 48]], &MESSAGE, &signature));
        assert!(!verify_bls12_381(&[third], &MESSAGE, &[other; 96]));
    }
    // An infinity with more than its flags.
    let mut dirty = infinity::<96>();
    dirty[95] = 1;
    assert!(!verify_bls12_381(&[third], &MESSAGE, &dirty));
}

#[test]
fn each_key_signs_its_own_message() {
    let messages: Vec<Vec<u8>> = (0..20_u8).map(|at| vec![at; usize::from(at)]).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let secrets: Vec<SecretKey> = (0..20_u8)
        .map(|at| SecretKey::key_gen(&[at; 32], &[]).unwrap())
        .collect();
    let keys: Vec<[u8; 48]> = secrets
        .iter()
        .map(|key| key.sk_to_pk().to_bytes())
        .collect();
    let signatures: Vec<Signature> = secrets
        .iter()
        .zip(&messages)
        .map(|(key, message)| key.sign(message, CIPHERSUITE, &[]))
        .collect();
    let signatures: Vec<&Signature> = signatures.iter().collect();
    let sum = AggregateSignature::aggregate(&signatures, false).unwrap();
    let sum = sum.to_signature().to_bytes();
    assert!(verify_aggregate_bls12_381(&keys, &messages, &sum));
    let mut swapped = messages.clone();
    swapped.swap(18, 19);
    assert!(!verify_aggregate_bls12_381(&keys, &swapped, &sum));
    assert!(!verify_bls12_381(&keys, messages[3], &sum));
}
