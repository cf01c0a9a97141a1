//! Symbols of Rust in both manglings, of other languages, and hostile ones.

use super::{MAX_BYTES, demangled};

#[test]
fn rust_symbols_are_demangled_without_their_hash() {
    for (symbol, name) in [
        ("_ZN5token8transfer17h05af221e174051e9E", "token::transfer"),
        (
            "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
            "core::fmt::Formatter::pad",
        ),
        (
            "_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
            "<alloc::string::String as core::fmt::Display>::fmt",
        ),
        ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
        // As a linker demangles it.
        ("token::transfer::h05af221e174051e9", "token::transfer"),
    ] {
        assert_eq!(demangled(symbol), name);
    }
}

#[test]
fn other_names_stay_as_they_are() {
    for name in [
        "transfer",
        "",
        "_ZN",
        "_R",
        "token::hash",
        "token::h05AF221e174051e9",
        "memcpy",
    ] {
        assert_eq!(demangled(name), name);
    }
}

#[test]
fn a_symbol_that_expands_without_end_stays_as_it_is() {
    // Each tuple names the one before it twice.
    let mut symbol = "_RIC0".to_owned();
    let mut last = symbol.len() - 2;
    symbol.push_str("TTTTuuETuuEETTuuETuuEEE");
    for _ in 0..12 {
        let start = symbol.len() - 2;
        let back = format!("B{}_", base_62(last + 2));
        symbol.push_str(&format!("T{back}{back}E"));
        last = start;
    }
    symbol.push('E');
    let unbounded = rustc_demangle::try_demangle(&symbol).map(|name| format!("{name:#}"));
    assert!(
        unbounded.as_ref().is_ok_and(|name| name.len() > MAX_BYTES),
        "{symbol}: {unbounded:?}"
    );
    assert_eq!(demangled(&symbol), symbol);
}

/// The position of a back-reference.
fn base_62(position: usize) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let (mut rest, mut digits) = (position - 1, Vec::new());
    loop {
        digits.push(char::from(DIGITS[rest % 62]));
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}
