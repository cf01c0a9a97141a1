//! Messages are what `format!` writes, up to their end.

use std::{format, string::ToString};

use super::Message;

fn shown(value: &impl super::Show) -> std::string::String {
    let mut message = Message::new();
    message.show(value);
    str::from_utf8(message.as_bytes()).unwrap().to_string()
}

#[test]
fn numbers_are_decimal() {
    for number in [0, 1, 9, 10, 99, 12_345, u64::MAX] {
        assert_eq!(shown(&number), number.to_string());
    }
    for number in [i64::MIN, -1, 0, i64::MAX] {
        assert_eq!(shown(&number), number.to_string());
    }
    let ten = 10_u128.pow(19);
    for number in [
        0,
        ten - 1,
        ten,
        ten + 7,
        ten * ten,
        ten * 7 + ten / 10,
        u128::MAX,
    ] {
        assert_eq!(shown(&number), number.to_string());
    }
}

#[test]
fn what_does_not_fit_is_left_out() {
    let mut message = Message::new();
    message.text(&"x".repeat(255)).text("ä").text("");
    assert_eq!(str::from_utf8(message.as_bytes()).unwrap(), "x".repeat(255));
    message.text("y").text("z");
    assert_eq!(message.as_bytes().len(), 256);
}

#[test]
fn an_address_is_shown_in_hexadecimal() {
    let address = crate::Address::new([0xa5; 32]);
    assert_eq!(shown(&address), format!("0x{}", "a5".repeat(32)));
}
