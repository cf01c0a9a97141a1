//! The layout of the keys, and that their order is that of the chain.

use proptest::prelude::*;

use super::*;

fn event_place() -> impl Strategy<Value = EventPlace> {
    // Small numbers meet often, large ones have other bytes.
    let number = || prop_oneof![0_u32..3, any::<u32>()];
    let height = prop_oneof![0_u64..3, any::<u64>()];
    (height, number(), number()).prop_map(|(height, result, event)| EventPlace {
        height,
        result,
        event,
    })
}

proptest! {
    #[test]
    fn keys_are_in_the_order_of_places(one in event_place(), other in event_place()) {
        prop_assert_eq!(place(one).cmp(&place(other)), one.cmp(&other));
        prop_assert_eq!(decode_place(&place(one)), Some(one));
        prop_assert!(after(one).is_none_or(|next| next > one && before(next) == Some(one)));
    }
}

#[test]
fn the_layout_is_version_two() {
    let contract = Address::new([7; 32]);
    let at = EventPlace {
        height: 0x0102,
        result: 3,
        event: 4,
    };
    let tail = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4];
    assert_eq!(place(at), tail);
    assert_eq!(events(contract, None), [&[2][..], &[7; 32]].concat());
    let topic = [&[3][..], &[7; 32], &[0, 0, 0, 2], b"ab"].concat();
    assert_eq!(events(contract, Some(b"ab")), topic);
    // Two topics that are equal as far as keys go differ in length.
    let long = [[9; 1_024], [8; 1_024]].concat();
    assert_eq!(events(contract, Some(&long)).len(), 1 + 32 + 4 + 1_024);
    let id = TransactionId::from_bytes([5; 32]);
    assert_eq!(transaction(&id), [&[1][..], &[5; 32]].concat());
    let in_block = TransactionPlace {
        height: 0x0102,
        index: 6,
    };
    let value = encode_transaction(in_block, true);
    assert_eq!(value, [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 6, 1]);
    assert_eq!(decode_transaction(&value), Some((in_block, true)));
    let progress = Progress {
        version: VERSION,
        first: 1,
        height: 2,
        hash: [3; 32],
    };
    let encoded = [
        &[2, 0, 0, 0][..],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[2, 0, 0, 0, 0, 0, 0, 0],
        &[3; 32],
    ];
    assert_eq!(progress.encode(), encoded.concat());
    assert_eq!(
        height(&[&[2][..], &[7; 32], &tail].concat(), &[]),
        Some(0x0102)
    );
    assert_eq!(height(&transaction(&id), &value), Some(0x0102));
    let hash = HeaderHash::from_bytes([6; 32]);
    let of_header = encode_height(0x0102);
    assert_eq!(header(&hash), [&[4][..], &[6; 32]].concat());
    assert_eq!(of_header, [0, 0, 0, 0, 0, 0, 1, 2]);
    assert_eq!(height(&header(&hash), &of_header), Some(0x0102));
    assert_eq!(height(&PROGRESS, &progress.encode()), None);
}
