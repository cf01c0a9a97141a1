//! The verifier: what it accepts, and that it accepts nothing else.

mod vectors;

use fusee_proof::{
    DecodeError, EMPTY, End, MAX_DEPTH, Mismatch, Proof, VerifyError, bit, leaf, node, path,
    shared_bits, value_hash, verify,
};
use proptest::prelude::*;

/// A root and proofs of a state with `a` and `f`, whose paths differ in the first bit.
fn two() -> ([u8; 32], Proof) {
    assert!(!bit(&path(b"a"), 0) && bit(&path(b"f"), 0));
    let [a, f] = [b"a", b"f"].map(|key| leaf(&path(key), &value_hash(b"1")));
    (node(&a, &f), Proof::new(vec![f], End::Present))
}

#[test]
fn a_proof_shows_its_own_key_value_and_root_only() {
    let (root, proof) = two();
    assert_eq!(proof.verify(&root, b"a", Some(b"1")), Ok(()));
    assert_eq!(proof.verify(&root, b"a", None), Err(Mismatch::Presence));
    for (root, key, value) in [(root, b"a", b"2"), (root, b"b", b"1"), (EMPTY, b"a", b"1")] {
        let found = proof.verify(&root, key, Some(value));
        assert!(matches!(found, Err(Mismatch::Root { .. })), "{found:?}");
    }
}

/// Absence that is shown by the entry of another key, which has to be where this key would be.
#[test]
fn another_entry_shows_absence_on_its_own_path_only() {
    let (root, _) = two();
    let [a, f] = [b"a", b"f"].map(|key| path(key));
    let value_hash = value_hash(b"1");
    let other = |path| End::Other { path, value_hash };
    let absent = (0..=255_u8).map(|byte| [byte]);
    let absent: Vec<_> = absent
        .filter(|key| ![[b'a'], [b'f']].contains(key))
        .collect();
    for key in absent {
        let (mine, its_sibling, off) = match bit(&path(&key), 0) {
            true => (f, leaf(&a, &value_hash), a),
            false => (a, leaf(&f, &value_hash), f),
        };
        let proof = Proof::new(vec![its_sibling], other(mine));
        assert_eq!(proof.verify(&root, &key, None), Ok(()));
        assert_eq!(
            proof.verify(&root, &key, Some(b"1")),
            Err(Mismatch::Absence)
        );
        let proof = Proof::new(vec![its_sibling], other(off));
        assert_eq!(proof.verify(&root, &key, None), Err(Mismatch::OffPath));
    }
    // The entry of the key is no sign that it is absent.
    let proof = Proof::new(vec![leaf(&f, &value_hash)], other(a));
    assert_eq!(proof.verify(&root, b"a", None), Err(Mismatch::OffPath));
}

#[test]
fn bits_are_counted_from_the_root() {
    let mut one = [0; 32];
    assert_eq!(shared_bits(&one, &one), 256);
    one[0] = 0x80;
    assert!(bit(&one, 0) && !bit(&one, 1));
    assert_eq!(shared_bits(&one, &[0; 32]), 0);
    one = [0; 32];
    one[31] = 1;
    assert!(bit(&one, 255));
    assert_eq!(shared_bits(&one, &[0; 32]), 255);
}

#[test]
fn every_refusal_says_why() {
    let decode = Proof::decode;
    assert_eq!(decode(&[]), Err(DecodeError::Truncated { at: 0 }));
    let version = DecodeError::Version {
        found: 2,
        expected: 1,
    };
    assert_eq!(decode(&[2]), Err(version));
    assert_eq!(decode(&[1, 1, 1]), Err(DecodeError::Depth(257)));
    assert_eq!(decode(&[1, 0, 0, 3]), Err(DecodeError::End(3)));
    assert_eq!(decode(&[1, 0, 0, 0, 0]), Err(DecodeError::Trailing(1)));
    let empty_last = [[1, 1, 0, 0].as_slice(), &[0]].concat();
    let spelt = [[1, 1, 0, 0x80].as_slice(), &[0; 32], &[0]].concat();
    let unused = [[1, 1, 0, 0xc0].as_slice(), &[1; 32], &[0]].concat();
    for bytes in [empty_last, spelt, unused] {
        let found = decode(&bytes);
        assert!(
            matches!(found, Err(DecodeError::NotCanonical(_))),
            "{found:?}"
        );
    }
    let found = verify(&EMPTY, b"", None, &[9]);
    let Err(VerifyError::Decode(_)) = found else {
        panic!("{found:?}");
    };
    assert_eq!(
        found.unwrap_err().to_string(),
        "proof cannot be read: proof has encoding version 9, this program reads version 1"
    );
}

fn proofs() -> impl Strategy<Value = Proof> {
    let sibling = prop_oneof![Just(EMPTY), any::<[u8; 32]>()];
    let end = prop_oneof![
        Just(End::Present),
        Just(End::Empty),
        any::<([u8; 32], [u8; 32])>()
            .prop_map(|(path, value_hash)| End::Other { path, value_hash }),
    ];
    let last = any::<[u8; 32]>().prop_filter("a last sibling", |last| *last != EMPTY);
    let siblings = (
        prop::collection::vec(sibling, 0..MAX_DEPTH),
        prop::option::of(last),
    );
    (siblings, end).prop_map(|((mut siblings, last), end)| {
        match last {
            Some(last) => siblings.push(last),
            None => siblings.clear(),
        }
        Proof::new(siblings, end)
    })
}

proptest! {
    #[test]
    fn a_proof_has_one_encoding(proof in proofs(), at: usize, bit in 0..8_u8) {
        let bytes = proof.encode();
        let decoded = Proof::decode(&bytes);
        prop_assert_eq!(decoded.as_ref(), Ok(&proof));
        prop_assert!(Proof::decode(&bytes[..at % bytes.len()]).is_err());
        let mut flipped = bytes;
        let at = at % flipped.len();
        flipped[at] ^= 1 << bit;
        if let Ok(other) = Proof::decode(&flipped) {
            prop_assert_ne!(&other, &proof);
            prop_assert_eq!(other.encode(), flipped);
        }
    }

    #[test]
    fn any_bytes_are_a_proof_or_refused(bytes: Vec<u8>) {
        if let Ok(proof) = Proof::decode(&bytes) {
            prop_assert_eq!(proof.encode(), bytes);
        }
    }
}
