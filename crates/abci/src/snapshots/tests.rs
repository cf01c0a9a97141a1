//! The format of what nodes tell each other of a snapshot.

use super::*;

#[test]
fn metadata_is_both_encodings_with_their_lengths() {
    let metadata = Metadata {
        manifest: vec![1, 2, 3],
        header: vec![4, 5],
    };
    let bytes = borsh::to_vec(&metadata).unwrap();
    assert_eq!(bytes, [3, 0, 0, 0, 1, 2, 3, 2, 0, 0, 0, 4, 5]);
}
