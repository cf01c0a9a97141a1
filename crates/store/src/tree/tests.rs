//! The tree against a definition of the root that has no tree, and its proofs against the verifier.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use fusee_proof::verify;
use proptest::prelude::*;

use super::*;

type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// The root by its definition: of the leaves below a subtree, which ascend by path.
fn defined(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    match leaves {
        [] => EMPTY,
        [(_, leaf)] => *leaf,
        _ => {
            let (left, right): (Vec<_>, Vec<_>) = leaves
                .iter()
                .copied()
                .partition(|(path, _)| !bit(path, depth));
            node(&defined(&left, depth + 1), &defined(&right, depth + 1))
        }
    }
}

fn defined_root(state: &State) -> Hash {
    let leaves = state.iter().map(|(key, value)| {
        let path = path(key);
        (path, leaf(&path, &value_hash(value)))
    });
    let mut leaves: Vec<_> = leaves.collect();
    leaves.sort_unstable();
    defined(&leaves, 0)
}

fn of(state: &State) -> Tree {
    Tree::of(state)
}

fn changes() -> impl Strategy<Value = Vec<Vec<(u8, Option<u8>)>>> {
    let change = (0..40_u8, prop::option::weighted(0.6, 0..3_u8));
    prop::collection::vec(prop::collection::vec(change, 0..12), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_root_is_a_function_of_the_entries(blocks in changes()) {
        let (mut state, mut tree) = (State::new(), Tree::default());
        let mut versions = Vec::new();
        for block in blocks {
            let diff: Diff = block
                .iter()
                .map(|(key, value)| (vec![*key], value.map(|value| vec![value])))
                .collect();
            versions.push((tree.clone(), tree.root()));
            tree = tree.apply(&diff);
            for (key, value) in diff.iter() {
                match value {
                    Some(value) => state.insert(key.to_vec(), value.to_vec()),
                    None => state.remove(key),
                };
            }
            prop_assert_eq!(tree.root(), defined_root(&state));
            prop_assert_eq!(tree.root(), of(&state).root());
        }
        // What came after a version did not change it.
        for (version, root) in versions {
            prop_assert_eq!(version.root(), root);
        }
        let root = tree.root();
        for key in 0..=40_u8 {
            let value = state.get([key].as_slice());
            let proof = tree.prove(&[key]).encode();
            prop_assert_eq!(verify(&root, &[key], value.map(Vec::as_slice), &proof), Ok(()));
            for other in [None, Some([0]), Some([1]), Some([2]), Some([3])] {
                let other = other.as_ref().map(<[u8; 1]>::as_slice);
                if other != value.map(Vec::as_slice) {
                    prop_assert!(verify(&root, &[key], other, &proof).is_err());
                }
            }
            // A proof of one key shows nothing of another one, unless their paths end alike.
            let neighbour = [key.wrapping_add(1)];
            if state.contains_key(neighbour.as_slice()) {
                prop_assert!(verify(&root, &neighbour, None, &proof).is_err());
            }
        }
    }
}

#[test]
fn an_empty_state_proves_absence() {
    let tree = Tree::default();
    assert_eq!(tree.root(), EMPTY);
    let proof = tree.prove(b"a").encode();
    assert_eq!(proof, [1, 0, 0, 1]);
    assert_eq!(verify(&EMPTY, b"a", None, &proof), Ok(()));
    assert!(verify(&EMPTY, b"a", Some(b""), &proof).is_err());
}

#[test]
fn an_empty_value_is_a_value() {
    let with = of(&State::from([(b"a".to_vec(), Vec::new())]));
    assert_ne!(with.root(), EMPTY);
    let proof = with.prove(b"a");
    assert_eq!(proof.verify(&with.root(), b"a", Some(b"")), Ok(()));
    assert!(proof.verify(&with.root(), b"a", None).is_err());
}

/// Roots and proofs that every version of the verifier has to accept. `UPDATE_EXPECT=1` writes
/// them.
#[test]
fn the_vectors_of_the_verifier_are_of_this_tree() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../proof/vectors.json");
    let states = [0_u16, 1, 2, 7, 300].map(|entries| {
        let entries = (0..entries).map(|number| {
            let value = number.to_be_bytes().repeat(usize::from(number % 4));
            (format!("key {number}").into_bytes(), value)
        });
        entries.collect::<State>()
    });
    let states = states.map(|state| {
        let tree = of(&state);
        let proofs = ["key 0", "key 1", "key 5", "key 299", "absent", ""].map(|key| {
            serde_json::json!({
                "key": hex::encode(key),
                "value": state.get(key.as_bytes()).map(hex::encode),
                "proof": hex::encode(tree.prove(key.as_bytes()).encode()),
            })
        });
        let entries = state.iter();
        let entries: BTreeMap<_, _> = entries
            .map(|(key, value)| (hex::encode(key), hex::encode(value)))
            .collect();
        serde_json::json!({
            "entries": entries,
            "root": hex::encode(tree.root()),
            "proofs": proofs,
        })
    });
    let text = serde_json::to_string_pretty(&states).unwrap() + "\n";
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), text);
}

/// The time and memory of a block on a large state. Not a test of anything.
#[test]
#[ignore = "prints times"]
#[expect(clippy::disallowed_methods, reason = "a person runs it")]
fn times() {
    const KEYS: u64 = 1_000_000;
    let key = |number: u64| [b"key of an account ".as_slice(), &number.to_be_bytes()].concat();
    let begin = std::time::Instant::now();
    let all: Diff = (0..KEYS)
        .map(|number| (key(number), Some(vec![1; 16])))
        .collect();
    let mut tree = Tree::default().apply(&all);
    eprintln!("built {KEYS} in {:?}", begin.elapsed());
    for size in [2_000, 20_000] {
        let mut word = 1_u64;
        let mut taken = std::time::Duration::ZERO;
        for version in 0..20_u8 {
            let diff: Diff = (0..size)
                .map(|_| {
                    word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (key((word >> 33) % KEYS), Some(vec![version; 16]))
                })
                .collect();
            let begin = std::time::Instant::now();
            tree = tree.apply(&diff);
            taken += begin.elapsed();
        }
        eprintln!("{size} writes: {:?} each", taken / 20 / size);
    }
    let begin = std::time::Instant::now();
    let proofs: Vec<_> = (0..1_000)
        .map(|number| tree.prove(&key(number)).encode())
        .collect();
    eprintln!(
        "proof: {:?}, {} bytes",
        begin.elapsed() / 1_000,
        proofs[0].len()
    );
    let (root, value) = (tree.root(), [0; 16]);
    let begin = std::time::Instant::now();
    for (number, proof) in (0..).zip(&proofs) {
        let _ = verify(&root, &key(number), Some(&value), proof);
    }
    eprintln!("verification: {:?}", begin.elapsed() / 1_000);
}
