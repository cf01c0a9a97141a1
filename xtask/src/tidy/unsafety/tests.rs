//! `unsafe` in and out of place, and roots with and without their attribute.

use super::check;
use crate::tidy::printed;
use crate::workspace::Source;

fn check_text(path: &str, text: &str, expected: &[&str]) {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(printed(check(&source)), expected);
}

#[test]
fn code_out_of_place() {
    let text = "fn f() {\n    unsafe { g() }\n}\n";
    let expected = &["crates/state/src/a.rs:2: unsafety: `unsafe` outside the excepted places"];
    check_text("crates/state/src/a.rs", text, expected);
    check_text("crates/engine-wasmtime/src/a.rs", text, &[]);
    check_text("guests/token/src/lib.rs", text, &[]);
    check_text("crates/abi/src/table.rs", text, &[]);
    check_text("bench/cosmwasm/src/cache.rs", text, &[]);
}

#[test]
fn prose_is_no_code() {
    check_text(
        "crates/state/src/a.rs",
        "// unsafe\nlet x = \"unsafe\";\n",
        &[],
    );
}

#[test]
fn roots_forbid() {
    check_text(
        "crates/state/src/lib.rs",
        "//! State.\n#![forbid(unsafe_code)]\n",
        &[],
    );
    check_text(
        "crates/state/src/lib.rs",
        "//! State.\n// #![forbid(unsafe_code)]\n",
        &["crates/state/src/lib.rs:1: unsafety: the crate's root lacks `#![forbid(unsafe_code)]`"],
    );
    check_text(
        "crates/cli/src/main.rs",
        "",
        &["crates/cli/src/main.rs:1: unsafety: the crate's root lacks `#![forbid(unsafe_code)]`"],
    );
    check_text("crates/engine-wasmi/src/lib.rs", "", &[]);
    check_text("bench/src/main.rs", "", &[]);
}

#[test]
fn roots_of_crates_for_guests_forbid_on_hosts() {
    let attribute = "#![cfg_attr(not(target_family = \"wasm\"), forbid(unsafe_code))]";
    check_text("crates/abi/src/lib.rs", attribute, &[]);
    check_text(
        "crates/abi/src/lib.rs",
        "#![forbid(unsafe_code)]\n",
        &[&format!(
            "crates/abi/src/lib.rs:1: unsafety: the crate's root lacks `{attribute}`"
        )],
    );
}
