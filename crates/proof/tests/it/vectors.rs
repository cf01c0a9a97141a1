//! Roots and proofs that every version of the verifier accepts, and that no changed bit passes.

use std::collections::BTreeMap;

use fusee_proof::verify;
use serde::Deserialize;

#[derive(Deserialize)]
struct State {
    entries: BTreeMap<String, String>,
    root: String,
    proofs: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    key: String,
    value: Option<String>,
    proof: String,
}

#[test]
fn the_vectors_hold_and_no_flipped_bit_does() {
    let bytes = |text: &str| hex::decode(text).unwrap();
    let states: Vec<State> = serde_json::from_str(include_str!("../../vectors.json")).unwrap();
    let (mut present, mut absent) = (0, 0);
    for state in states {
        let root = bytes(&state.root).try_into().unwrap();
        for vector in state.proofs {
            assert_eq!(state.entries.get(&vector.key), vector.value.as_ref());
            let (key, proof) = (bytes(&vector.key), bytes(&vector.proof));
            let value = vector.value.as_deref().map(bytes);
            assert_eq!(verify(&root, &key, value.as_deref(), &proof), Ok(()));
            *(if value.is_some() {
                &mut present
            } else {
                &mut absent
            }) += 1;
            for bit in 0..proof.len() * 8 {
                let mut flipped = proof.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    verify(&root, &key, value.as_deref(), &flipped).is_err(),
                    "bit {bit}"
                );
            }
        }
    }
    assert_eq!((present, absent), (10, 20));
}
