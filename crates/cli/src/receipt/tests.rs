//! What bytes are taken for.

use super::{hint, hinted};
use crate::names;

#[test]
fn bytes_that_look_like_something_get_a_hint() {
    let check = |bytes: &[u8], expected: Option<&str>| {
        assert_eq!(hint(bytes).as_deref(), expected, "{bytes:?}")
    };
    check(b"", None);
    check(b"\x01", None);
    check(b"hello", Some("\"hello\""));
    check(b"\x02\0\0\0hi", Some("\"hi\""));
    check(b"\x03\0\0\0hi", None);
    check(&1_000_000_u64.to_le_bytes(), Some("1,000,000"));
    check(&7_u32.to_le_bytes(), Some("7"));
    check(&[0xff; 32], None);
    let alice = names::account("alice");
    check(alice.as_bytes(), Some("alice"));
    check(
        &[alice.as_bytes().as_slice(), &5_u64.to_le_bytes()].concat(),
        Some("alice 5"),
    );
}

#[test]
fn control_characters_never_reach_a_terminal() {
    assert_eq!(hinted(b"\x1b[2Jbye"), "0x1b5b324a627965");
    assert_eq!(hint(b"\x1b[2J!"), None);
}

#[test]
fn long_bytes_are_cut_in_text() {
    assert!(hinted(&[0xff; 100]).ends_with(".. (100 bytes)"));
}
