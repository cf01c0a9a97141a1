//! A diff has one encoding, and no bytes make decoding do more than fail.

use fusee_state::{Diff, DiffError, MemoryState, StateReader};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

#[test]
fn the_encoding_is_as_documented() {
    let diff: Diff = [
        (b"key".to_vec(), Some(b"value".to_vec())),
        (b"gone".to_vec(), None),
        (b"".to_vec(), Some(Vec::new())),
    ]
    .into_iter()
    .collect();
    let expected = b"\x01\x03\0\0\0\
        \0\0\0\0\x01\0\0\0\0\
        \x04\0\0\0gone\0\
        \x03\0\0\0key\x01\x05\0\0\0value";
    assert_eq!(diff.encode(), expected);
    assert_eq!(Diff::decode(expected), Ok(diff));
    assert_eq!(Diff::default().encode(), [1, 0, 0, 0, 0]);
}

#[test]
fn bytes_that_are_no_diff_are_refused() {
    let check = |bytes: &[u8], error| assert_eq!(Diff::decode(bytes), Err(error));
    check(b"", DiffError::Truncated);
    check(b"\x01", DiffError::Truncated);
    check(b"\x01\x01\0\0\0", DiffError::Truncated);
    check(b"\x01\xff\xff\xff\xff", DiffError::Truncated);
    check(b"\x01\x01\0\0\0\xff\xff\xff\xffkey", DiffError::Truncated);
    check(b"\x01\x01\0\0\0\x01\0\0\0a", DiffError::Truncated);
    check(b"\x01\0\0\0\0more", DiffError::Trailing(4));
    check(b"\x01\x01\0\0\0\x01\0\0\0a\x02", DiffError::Kind(2));
    check(
        b"\x01\x02\0\0\0\x01\0\0\0b\0\x01\0\0\0a\0",
        DiffError::Order,
    );
    check(
        b"\x01\x02\0\0\0\x01\0\0\0a\0\x01\0\0\0a\0",
        DiffError::Order,
    );
}

#[test]
fn another_version_of_the_encoding_is_refused() {
    for found in [0, 2, 255] {
        let mut bytes = Diff::default().encode();
        bytes[0] = found;
        let refused = Diff::decode(&bytes).unwrap_err();
        assert_eq!(refused, DiffError::Version { found, expected: 1 });
        let text = format!("diff has encoding version {found}, this program reads version 1");
        assert_eq!(refused.to_string(), text);
    }
}

#[test]
fn collecting_keeps_the_later_change() {
    let diff: Diff = [
        (b"b".to_vec(), None),
        (b"a".to_vec(), Some(b"1".to_vec())),
        (b"b".to_vec(), Some(b"2".to_vec())),
    ]
    .into_iter()
    .collect();
    let expected: [(&[u8], Option<&[u8]>); 2] = [(b"a", Some(b"1")), (b"b", Some(b"2"))];
    assert!(diff.iter().eq(expected));
    assert_eq!(diff.len(), 2);
    assert!(!diff.is_empty());
}

#[test]
fn memory_state_takes_a_diff() {
    let mut state: MemoryState = [
        (b"a".to_vec(), b"1".to_vec()),
        (b"b".to_vec(), b"2".to_vec()),
    ]
    .into_iter()
    .collect();
    let diff: Diff = [(b"a".to_vec(), None), (b"c".to_vec(), Some(b"3".to_vec()))]
        .into_iter()
        .collect();
    state.apply(&diff);
    assert_eq!(state.read(b"a").unwrap(), None);
    let expected: [(&[u8], &[u8]); 2] = [(b"b", b"2"), (b"c", b"3")];
    assert!(state.iter().eq(expected));
}

proptest! {
    #[test]
    fn what_was_encoded_decodes(changes in btree_map(vec(any::<u8>(), 0..4), option::of(vec(any::<u8>(), 0..4)), 0..6)) {
        let diff: Diff = changes.into_iter().collect();
        prop_assert_eq!(Diff::decode(&diff.encode()), Ok(diff));
    }

    #[test]
    fn what_decodes_is_the_only_encoding(bytes in prop_oneof![entries(), pieces()]) {
        if let Ok(diff) = Diff::decode(&bytes) {
            prop_assert_eq!(diff.encode(), bytes);
        }
    }
}

/// Whole entries in any order, some of them twice.
fn entries() -> impl Strategy<Value = Vec<u8>> {
    let entry = (vec(0..2_u8, 0..3), option::of(vec(any::<u8>(), 0..2)));
    vec(entry, 0..4).prop_map(|entries| {
        let count = u32::try_from(entries.len()).unwrap();
        let mut bytes = [[1].as_slice(), &count.to_le_bytes()].concat();
        for entry in entries {
            let alone: Diff = [entry].into_iter().collect();
            bytes.extend_from_slice(&alone.encode()[5..]);
        }
        bytes
    })
}

/// Pieces of an encoding in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let length = (0..3_u32).prop_map(|length| length.to_le_bytes().to_vec());
    let piece = prop_oneof![length, vec(0..3_u8, 0..3)];
    vec(piece, 0..12).prop_map(|pieces| [vec![1], pieces.concat()].concat())
}
