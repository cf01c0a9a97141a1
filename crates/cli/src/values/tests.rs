//! Which bytes an argument becomes.

use fusee::chain::Address;

use super::encode;
use crate::failure::{Exit, Failure};

fn resolve(name: &str) -> Result<Address, Failure> {
    match name {
        "alice" => Ok(Address::new([7; 32])),
        _ => Err(Failure::usage(format!("no {name}"))),
    }
}

fn encoded(args: &[&str]) -> Result<String, String> {
    let args: Vec<_> = args.iter().map(ToString::to_string).collect();
    encode(&args, &resolve).map(hex::encode).map_err(|failure| {
        assert_eq!(failure.exit(), Exit::Usage);
        failure.text()
    })
}

fn check(args: &[&str], expected: &str) {
    assert_eq!(encoded(args).as_deref(), Ok(expected), "{args:?}");
}

fn check_refused(arg: &str, expected: &str) {
    let text = encoded(&["1", arg]).unwrap_err();
    assert!(
        text.contains("argument 2 (`") && text.contains(expected) && text.contains("next: "),
        "{arg}: {text}"
    );
}

#[test]
fn plain_values_have_the_obvious_types() {
    check(&["5"], "0500000000000000");
    check(&["18446744073709551615"], "ffffffffffffffff");
    check(&["-1"], "ffffffffffffffff");
    check(&["true", "false", "null"], "010000");
    check(&["hi"], "020000006869");
    check(&["\"5\""], "0100000035");
    check(&[""], "00000000");
    check(&["0x0a0B"], "0a0b");
    check(&["@alice"], &"07".repeat(32));
    check(&["[1, \"a\"]"], "0200000001000000000000000100000061");
    check(&["1_000", "1,000"], &"e803000000000000".repeat(2));
}

#[test]
fn types_can_be_named() {
    check(
        &["{\"u8\":1}", "{\"u16\":1}", "{\"u32\":1}"],
        "01010001000000",
    );
    check(
        &["{\"u128\":\"340282366920938463463374607431768211455\"}"],
        &"ff".repeat(16),
    );
    check(&["{\"i32\":-1}", "{\"i8\":\"-2\"}"], "fffffffffe");
    check(&["{\"bytes\":\"0x0102\"}"], "020000000102");
    check(&["{\"string\":\"@x\"}"], "020000004078");
    check(&["{\"some\":{\"u8\":9}}"], "0109");
}

#[test]
fn what_has_no_encoding_is_refused_with_its_place() {
    check_refused("1.5", "neither a u64 nor an i64");
    check_refused("18446744073709551616", "neither a u64 nor an i64");
    check_refused("{\"u8\":1", "not valid JSON");
    check_refused("{\"u8\":256}", "has 256, which is not a `u8`");
    check_refused("{\"u8\":-1}", "has -1, which is not a `u8`");
    check_refused("{\"u9\":1}", "the unknown type `u9`");
    check_refused("{\"u8\":1,\"u16\":1}", "does not name one type");
    check_refused("{}", "does not name one type");
    check_refused("0x1", "hexadecimal");
    check_refused("007", "neither a number nor a word");
    check_refused("9ccfaeb0", "addresses begin with @");
    check_refused("{\"bytes\":[1]}", "a JSON string");
}

#[test]
fn an_unknown_name_says_so() {
    assert!(encoded(&["@nobody"]).unwrap_err().contains("no nobody"));
}

#[test]
fn a_file_is_its_bytes_with_their_length() {
    let path = std::env::temp_dir().join(format!("fusee-values-{}", std::process::id()));
    std::fs::write(&path, [1, 2, 255]).unwrap();
    let named = serde_json::json!({ "file": path }).to_string();
    check(&[&named], "030000000102ff");
    std::fs::remove_file(&path).unwrap();
    check_refused(&named, "cannot be read");
    check_refused("{\"file\":1}", "expected a JSON string");
}
