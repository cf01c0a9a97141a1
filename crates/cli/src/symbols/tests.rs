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
fn a_symbol_that_expands_to_a_megabyte_stays_as_it_is() {
    let symbol = "_RMC0FGZZZ_Eu";
    let unbounded = rustc_demangle::try_demangle(symbol).unwrap();
    assert!(format!("{unbounded:#}").len() > 1_000 * MAX_BYTES / 2);
    assert_eq!(demangled(symbol), symbol);
}
