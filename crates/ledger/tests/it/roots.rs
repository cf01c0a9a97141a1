//! Roots of lists, and proofs of their items.

use expect_test::expect_file;
use fusee_ledger::{InclusionProof, list_root, prove_inclusion};
use proptest::{collection::vec, prelude::*};

fn items(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|number| vec![number; 3]).collect()
}

fn slices(items: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    items.iter().map(Vec::as_slice)
}

#[test]
fn roots_are_golden() {
    let mut text = String::new();
    for count in [0, 1, 2, 3, 4, 5, 8, 9] {
        let items = items(count);
        let root = hex::encode(list_root(slices(&items)));
        text.push_str(&format!("{count} items: {root}\n"));
        let last = usize::from(count).saturating_sub(1);
        for sibling in prove_inclusion(slices(&items), last).map_or(vec![], |it| it.siblings) {
            text.push_str(&format!("  {}\n", hex::encode(sibling)));
        }
    }
    expect_file!["golden/roots.txt"].assert_eq(&text);
}

/// Neither a node as an item, nor an item more, nor an empty one has the same root.
#[test]
fn lists_that_differ_have_other_roots() {
    let lists: [&[&[u8]]; 6] = [
        &[],
        &[b""],
        &[b"", b""],
        &[b"a"],
        &[b"a", b"b"],
        &[b"a", b"b", b"b"],
    ];
    let mut roots = lists.map(|list| list_root(list.iter().copied())).to_vec();
    // The leaf of an item as an item.
    let inner = prove_inclusion([b"a".as_slice(), b"b"], 0)
        .unwrap()
        .siblings[0];
    roots.push(list_root([b"a".as_slice(), &inner]));
    let count = roots.len();
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), count);
}

#[test]
fn every_item_of_a_list_is_proven() {
    for count in 1..=33 {
        let items = items(count);
        let root = list_root(slices(&items));
        for (index, item) in items.iter().enumerate() {
            let proof = prove_inclusion(slices(&items), index).unwrap();
            assert!(proof.verify(&root, item), "{index} of {count}");
            assert!(!proof.verify(&root, b"other"), "{index} of {count}");
        }
        assert_eq!(prove_inclusion(slices(&items), items.len()), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// A proof holds for its item at its place in its list, and for nothing else.
    #[test]
    fn a_proof_proves_nothing_else(
        items in vec(vec(any::<u8>(), 0..4), 1..20),
        index in any::<prop::sample::Index>(),
        other in (any::<u64>(), any::<u64>()),
        count_only in any::<bool>(),
    ) {
        let index = index.index(items.len());
        let root = list_root(slices(&items));
        let proof = prove_inclusion(slices(&items), index).unwrap();
        let (other_index, other_count) = (other.0 % 24, 1 + other.1 % 24);
        let forged = InclusionProof {
            index: if count_only { proof.index } else { other_index },
            count: other_count,
            siblings: proof.siblings.clone(),
        };
        let item = &items[index];
        // Equal items have several places, whose proofs may have the same siblings.
        let place = usize::try_from(forged.index).unwrap();
        let is_there = items.get(place) == Some(item)
            && prove_inclusion(slices(&items), place).as_ref() == Some(&forged);
        prop_assert_eq!(forged.verify(&root, item), is_there);
        let mut cut = proof.clone();
        if cut.siblings.pop().is_some() {
            prop_assert!(!cut.verify(&root, item));
        }
        let mut longer = proof.clone();
        longer.siblings.push([0; 32]);
        prop_assert!(!longer.verify(&root, item));
        let huge = InclusionProof { count: u64::MAX, ..proof };
        prop_assert!(!huge.verify(&root, item));
    }
}
