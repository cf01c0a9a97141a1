//! Names and their texts.

use std::collections::BTreeSet;

use super::{escape, unescape};

/// Every name of up to two of the bytes that matter, and one of three.
fn names() -> Vec<Vec<u8>> {
    let bytes = [
        b'a', b'\\', b'x', b'5', b'c', 0, b'\n', 0x7f, 0x80, 0xc3, 0xa4, 0xff,
    ];
    let mut names = vec![Vec::new(), b"\\x5c".to_vec(), "\u{e4}\\".into()];
    for first in bytes {
        names.push(vec![first]);
        names.extend(bytes.map(|second| vec![first, second]));
    }
    names
}

#[test]
fn a_name_is_read_back_from_its_text() {
    for name in names() {
        assert_eq!(*unescape(&escape(&name)), *name, "{}", escape(&name));
    }
}

#[test]
fn no_two_names_have_the_same_text() {
    let texts: BTreeSet<_> = names()
        .iter()
        .map(|name| escape(name).into_owned())
        .collect();
    let distinct: BTreeSet<_> = names().into_iter().collect();
    assert_eq!(texts.len(), distinct.len());
}

#[test]
fn ordinary_names_are_themselves() {
    for name in ["", "call", "a b", "\n", "\u{e4}"] {
        assert_eq!(escape(name.as_bytes()), name);
    }
    assert_eq!(escape(b"\xff\\n"), "\\xff\\x5cn");
    // No name has this text.
    assert_eq!(*unescape("\\0"), *b"\\0");
}
