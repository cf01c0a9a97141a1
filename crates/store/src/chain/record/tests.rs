//! Tests of the record of a block.

use expect_test::expect;
use fusee_state::Diff;

use super::{Block, decode, encode};
use crate::log::{LogError, Record};

fn changes() -> Diff {
    [(b"a".to_vec(), Some(b"1".to_vec())), (b"b".to_vec(), None)]
        .into_iter()
        .collect()
}

#[test]
fn a_record_is_read_as_it_was_written_and_the_encoding_is_frozen() {
    let payload = encode(&[2; 32], &changes(), b"body").unwrap();
    expect!["0102020202020202020202020202020202020202020202020202020202020202021600000001020000000100000061010100000031010000006200626f6479"].assert_eq(&hex::encode(&payload));
    let record = Record { height: 5, payload };
    let expected = Block {
        height: 5,
        root: [2; 32],
        changes: changes(),
        body: b"body".to_vec(),
    };
    assert_eq!(decode(&record).unwrap(), expected);
}

#[test]
fn other_bytes_are_refused_with_the_height() {
    let good = encode(&[2; 32], &changes(), b"").unwrap();
    for end in 0..good.len() {
        let payload = good[..end].to_vec();
        let error = decode(&Record { height: 5, payload }).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("the record at height 5 is not that of a block"),
            "{text}"
        );
    }
    let mut newer = good;
    newer[0] = 2;
    let error = decode(&Record {
        height: 5,
        payload: newer,
    })
    .unwrap_err();
    assert!(error.to_string().contains("it has version 2"), "{error}");
}

#[test]
fn a_block_that_no_record_can_have_is_refused() {
    let body = vec![0; 1 << 30];
    let error = encode(&[0; 32], &changes(), &body).unwrap_err();
    assert!(matches!(error, LogError::TooLarge { .. }), "{error}");
}
