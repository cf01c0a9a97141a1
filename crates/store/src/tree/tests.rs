//! The tree against a definition of the root that has no tree, and its proofs against the verifier.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use fusee_proof::{leaf, verify};
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

fn check_version(tree: &Tree, state: &State) -> Result<(), TestCaseError> {
    prop_assert_eq!(tree.root(), defined_root(state));
    for key in 0..=40_u8 {
        let value = state.get([key].as_slice()).map(Vec::as_slice);
        prop_assert_eq!(
            tree.prove(&[key]).verify(&tree.root(), &[key], value),
            Ok(())
        );
    }
    Ok(())
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
            let before = std::mem::take(&mut tree);
            tree = before.apply(&diff);
            // The memory of the others is used again.
            if block.len() % 2 == 0 {
                versions.push((before, state.clone()));
            }
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
        for (version, state) in versions {
            check_version(&version, &state)?;
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

fn numbered(numbers: impl IntoIterator<Item = u32>, value: Option<u8>) -> Diff {
    let entries = numbers.into_iter();
    entries
        .map(|number| {
            (
                number.to_be_bytes().to_vec(),
                value.map(|value| vec![value]),
            )
        })
        .collect()
}

/// More entries than are applied at once, and than one thread makes a tree of.
#[test]
fn large_batches_give_the_root_of_the_entries() {
    let mut state = State::new();
    let mut tree = Tree::default();
    let blocks = [
        numbered(0..25_000, Some(1)),
        numbered((0..40_000).step_by(3), Some(2)),
        numbered((0..25_000).filter(|number| number % 100 != 0), None),
        numbered(0..7, None),
        numbered(0..40_000, None),
    ];
    for diff in blocks {
        tree = tree.apply(&diff);
        for (key, value) in diff.iter() {
            match value {
                Some(value) => state.insert(key.to_vec(), value.to_vec()),
                None => state.remove(key),
            };
        }
        assert_eq!(tree.root(), defined_root(&state));
        assert_eq!(of(&state).root(), tree.root());
    }
    assert_eq!(tree.root(), EMPTY);
}

#[test]
fn threads_share_a_tree() {
    let tree = Tree::default().apply(&numbered(0..5_000, Some(1)));
    let apply = |tree: &Tree| {
        let mut tree = tree.clone();
        for value in 2..20 {
            tree = tree.apply(&numbered((0..5_000).step_by(7), Some(value)));
        }
        tree.root()
    };
    let alone = apply(&tree);
    let together = thread::scope(|scope| {
        let other = scope.spawn(|| apply(&tree));
        [apply(&tree), other.join().unwrap()]
    });
    assert_eq!(together, [alone; 2]);
}

#[test]
fn the_memory_of_dropped_versions_is_used_again() {
    let tree = Tree::default().apply(&numbered(0..1_000, Some(1)));
    let second = tree.apply(&numbered([5], Some(2)));
    assert_eq!(tree.pool.len(), 0);
    drop(tree);
    let dropped = second.pool.len();
    // The nodes on one way: the versions share the others.
    assert!((5..30).contains(&dropped), "{dropped}");
    let third = second.apply(&numbered([5], Some(3)));
    assert_eq!(third.pool.len(), 0);
    drop((second, third));
}

/// A write of the entry at a path.
fn write(path: Hash, value: u8) -> Write {
    Write {
        path,
        value_hash: Some([value; 32]),
    }
}

/// Writes with paths that share `shared` bits, and then count.
fn close(shared: u8, number: u32) -> Vec<Write> {
    let at = usize::from(shared / 8);
    let path = |number: u32| {
        let mut path = [0x5a; 32];
        path[at..at + 4].copy_from_slice(&number.reverse_bits().to_be_bytes());
        path
    };
    let mut paths: Vec<_> = (0..number).map(path).collect();
    paths.sort_unstable();
    paths.into_iter().map(|path| write(path, 1)).collect()
}

fn defined_of(writes: &[Write]) -> Hash {
    let leaves = writes.iter().map(|write| {
        let value_hash = write.value_hash.unwrap();
        (write.path, leaf(&write.path, &value_hash))
    });
    defined(&leaves.collect::<Vec<_>>(), 0)
}

/// Who looks for keys with close paths makes deep places, but no write costs more for it than a
/// hash for each level, and those of the leaves in one node.
#[test]
fn a_write_among_close_paths_takes_bounded_work() {
    for (shared, most) in [(24, 80), (64, 120), (224, 280)] {
        let mut writes = close(shared, 1_000);
        let top = update(&mut Batch::default(), None, &writes, 0);
        assert_eq!(top_hash(top.as_ref()), defined_of(&writes));
        writes[500].value_hash = Some([2; 32]);
        let mut batch = Batch::default();
        let changed = batch.subtree(top.as_ref(), &writes[500..501], 0);
        assert_eq!(top_hash(changed.as_ref()), defined_of(&writes));
        let hashed = batch.hashed();
        assert!(
            (usize::from(shared)..=most).contains(&hashed),
            "{shared}: {hashed}"
        );
        // All but two, which share all bits but the last, go.
        let (kept, gone) = writes.split_at_mut(2);
        let gone: Vec<_> = gone
            .iter()
            .map(|write| Write {
                value_hash: None,
                ..*write
            })
            .collect();
        let left = update(&mut Batch::default(), top.as_ref(), &gone, 0);
        assert_eq!(top_hash(left.as_ref()), defined_of(kept));
    }
}

#[test]
fn paths_that_differ_in_the_last_bit_alone_are_told_apart() {
    let mut paths = [[7; 32]; 2];
    paths[0][31] = 6;
    let writes = paths.map(|path| write(path, 1));
    let top = update(&mut Batch::default(), None, &writes, 0);
    assert_eq!(top_hash(top.as_ref()), defined_of(&writes));
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

/// The processor time of this thread in nanoseconds: on a shared machine, clocks tell little.
fn processor_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Time and memory of blocks on a large state. Not a test of anything.
#[test]
#[ignore = "prints times"]
#[expect(clippy::disallowed_methods, reason = "a person runs it")]
fn times() {
    const KEPT: usize = 8;
    let keys: u64 = env::var("KEYS").map_or(1_000_000, |keys| keys.parse().unwrap());
    let key = |number: u64| [b"key of an account ".as_slice(), &number.to_be_bytes()].concat();
    let all: Vec<_> = (0..keys).map(|number| (key(number), vec![1; 16])).collect();
    let (resident, begin) = (resident_bytes(), std::time::Instant::now());
    let tree = Tree::of(all.iter().map(|(key, value)| (key, value)));
    let taken = begin.elapsed().as_nanos() / u128::from(keys);
    let bytes = resident_bytes().saturating_sub(resident) / keys;
    eprintln!("{keys} keys: built in {taken} ns of the clock a key, {bytes} B a key");
    drop(all);
    let mut versions = std::collections::VecDeque::from([tree]);
    for size in [2_000, 10_000, 20_000] {
        let (mut word, mut applied, mut dropped): (u64, u64, u64) = (size, 0, 0);
        for version in 0..40_u8 {
            let diff: Diff = (0..size)
                .map(|_| {
                    word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (key((word >> 33) % keys), Some(vec![version; 16]))
                })
                .collect();
            let begin = processor_time();
            versions.push_back(versions.back().unwrap().apply(&diff));
            let end = processor_time();
            applied += end - begin;
            if versions.len() > KEPT {
                versions.pop_front();
            }
            dropped += processor_time() - end;
        }
        let each = |time: u64| time / 40 / size;
        let (applied, dropped) = (each(applied), each(dropped));
        eprintln!("{size} writes: {applied} ns each, {dropped} to drop the version {KEPT} before");
    }
    let tree = versions.back().unwrap();
    let begin = processor_time();
    let proofs: Vec<_> = (0..1_000)
        .map(|number| tree.prove(&key(number * 997 % keys)).encode())
        .collect();
    let (taken, bytes) = ((processor_time() - begin) / 1_000, proofs[0].len());
    eprintln!("proof: {taken} ns, {bytes} bytes");
    let (root, value) = (tree.root(), [0; 16]);
    let begin = processor_time();
    for (number, proof) in (0..).zip(&proofs) {
        let _ = verify(&root, &key(number * 997 % keys), Some(&value), proof);
    }
    eprintln!("verification: {} ns", (processor_time() - begin) / 1_000);
}
