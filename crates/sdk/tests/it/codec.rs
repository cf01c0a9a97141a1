//! The encoding is borsh, and refuses what borsh refuses.

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_sdk::{
    Address,
    codec::{Codec, Malformed, from_slice, to_vec},
    key::Key,
};

#[derive(Codec, BorshSerialize, BorshDeserialize, Clone, Debug, PartialEq)]
struct Memo {
    text: String,
    tags: Vec<(u8, Option<i64>)>,
    pair: [u16; 2],
}

#[derive(Codec, BorshSerialize, BorshDeserialize, Clone, Debug, PartialEq)]
enum Reason {
    Gift,
    Bill(u128),
    Note { memo: Memo, is_last: bool },
}

fn check<T>(value: &T)
where
    T: Codec + BorshSerialize + BorshDeserialize + PartialEq + std::fmt::Debug,
{
    let bytes = to_vec(value);
    assert_eq!(bytes, borsh::to_vec(value).unwrap());
    assert_eq!(from_slice::<T>(&bytes).as_ref(), Ok(value));
    assert!(bytes.len() <= T::MAX_BYTES);
    for length in 0..bytes.len() {
        assert!(from_slice::<T>(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(from_slice::<T>(&longer), Err(Malformed::Long));
    // What one refuses, both refuse.
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1 << bit;
            let ours = from_slice::<T>(&other).ok();
            assert_eq!(ours, borsh::from_slice::<T>(&other).ok(), "{at} {bit}");
        }
    }
}

#[test]
fn values_are_encoded_as_by_borsh() {
    check(&0x0102_0304_0506_0708_u64);
    check(&(-5_i128));
    check(&true);
    check(&(1_u8, false, 3_u32));
    check(&Some(vec![1_u64, 2]));
    check(&"fusée".to_owned());
    let memo = Memo {
        text: "hi".into(),
        tags: vec![(1, Some(-1)), (2, None)],
        pair: [1, 2],
    };
    check(&memo);
    check(&Reason::Gift);
    check(&Reason::Bill(7));
    let is_last = true;
    check(&Reason::Note { memo, is_last });
}

#[test]
fn the_size_of_values_is_bounded_where_it_can_be() {
    assert_eq!(<(u64, Option<Address>) as Codec>::MAX_BYTES, 8 + 33);
    assert_eq!(<[u16; 3] as Codec>::MAX_BYTES, 6);
    assert_eq!(Reason::MAX_BYTES, usize::MAX);
}

fn key<K: Key>(key: &K) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode_key(&mut bytes);
    bytes
}

#[test]
fn keys_are_in_the_order_of_their_numbers() {
    let numbers = [0_u64, 1, 255, 256, 65_536, u64::MAX];
    let keys = numbers.map(|number| key(&(Address::new([1; 32]), number)));
    assert!(keys.is_sorted());
    for (number, key) in numbers.iter().zip(&keys) {
        let decoded = <(Address, u64)>::decode_key(key);
        assert_eq!(decoded, Some(((Address::new([1; 32]), *number), &[][..])));
    }
}

#[test]
fn no_key_begins_with_another_one() {
    let keys = ["", "a", "ab", "b"].map(|text| key(&(text.to_owned(), 1_u8)));
    for (at, one) in keys.iter().enumerate() {
        for other in keys.iter().skip(at + 1) {
            assert!(!one.starts_with(other) && !other.starts_with(one));
        }
    }
    assert_eq!(String::decode_key(&[0, 0, 0, 2, b'a']), None);
}
