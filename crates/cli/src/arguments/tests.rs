//! Which bytes a word becomes by the type that a method declares.

use fusee::{chain::Address, interface::Interface};
use serde_json::json;

use super::{Words, example};
use crate::{
    args::{Flag, Given},
    failure::{Exit, Failure},
};

fn resolve(name: &str) -> Result<Address, Failure> {
    match name {
        "@alice" | "alice" => Ok(Address::new([7; 32])),
        _ => Err(Failure::usage(format!("no {name}"))),
    }
}

fn encode(
    plain: &[String],
    given: &Given,
    interface: Option<&Interface>,
    method: &str,
) -> Result<Vec<u8>, Failure> {
    let words = Words {
        plain,
        given,
        by: None,
    };
    super::encode(words, interface, method, &resolve)
}

/// A method `f` with these arguments, among some types.
fn interface(types: &[&str]) -> Interface {
    let args = types.iter().zip('a'..);
    let args = args.map(|(of, name)| json!({"name": name.to_string(), "type": of}));
    let args: Vec<_> = args.collect();
    let interface = json!({
        "types": [
            {"name": "Pair", "struct": [
                {"name": "who", "type": "address"}, {"name": "n", "type": "option<u16>"}]},
            {"name": "Way", "enum": [
                {"name": "Up"}, {"name": "By", "fields": [{"name": "pair", "type": "Pair"}]}]},
        ],
        "methods": [{"name": "f", "args": args}],
    });
    serde_json::from_value(interface).unwrap()
}

fn encoded(types: &[&str], words: &[&str]) -> Result<String, String> {
    encoded_by_name(types, words, &[])
}

/// The same, with flags of the method.
fn encoded_by_name(types: &[&str], words: &[&str], flags: &[&str]) -> Result<String, String> {
    let words: Vec<_> = words.iter().map(ToString::to_string).collect();
    let flags = flags.iter().map(|flag| {
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (*flag, None),
        };
        let name = name.to_owned();
        Flag { name, value }
    });
    let given = Given {
        flags: flags.collect(),
        of_verb: vec!["b".to_owned(), "dry-run".to_owned()],
        ..Given::default()
    };
    let bytes = encode(&words, &given, Some(&interface(types)), "f");
    bytes.map(hex::encode).map_err(|failure| {
        assert_eq!(failure.exit(), Exit::Usage);
        failure.text()
    })
}

fn check(value_type: &str, word: &str, expected: &str) {
    let found = encoded(&[value_type], &[word]);
    assert_eq!(found.as_deref(), Ok(expected), "{word} as {value_type}");
}

fn check_refused(value_type: &str, word: &str, expected: &str) {
    let text = encoded(&["u8", value_type], &["1", word]).unwrap_err();
    let begin = "error: argument 2 of `f`: ";
    assert!(
        text.starts_with(begin) && text.contains(expected),
        "{word}: {text}"
    );
}

#[test]
fn words_are_read_as_the_declared_types() {
    check("u8", "255", "ff");
    check("u8", "0xff", "ff");
    check("u64", "1_000", "e803000000000000");
    check(
        "u128",
        "340,282,366,920,938,463,463,374,607,431,768,211,455",
        &"ff".repeat(16),
    );
    check("i16", "-2", "feff");
    check("bool", "true", "01");
    check("()", "()", "");
    let alice = "07".repeat(32);
    check("address", "@alice", &alice);
    check("address", "alice", &alice);
    check("bytes", "0x0102", "020000000102");
    check("bytes", "0x", "00000000");
    check("[u8; 2]", "0x0102", "0102");
    check("[u8; 2]", "0102", "0102");
    check("vec<[u8; 1]>", "[\"ff\", \"0x02\", [3]]", "03000000ff0203");
    check("vec<u8>", "0x0102", "020000000102");
    check("vec<u8>", "[1, 2]", "020000000102");
    check("vec<address>", "[\"@alice\"]", &format!("01000000{alice}"));
    check("(u8, bool)", "[1, true]", "0101");
    check("Way", "Up", "00");
    check(
        "Way",
        "{\"By\": {\"pair\": {\"who\": \"alice\", \"n\": null}}}",
        &format!("01{alice}00"),
    );
    check("Pair", "[\"@alice\", 1]", &format!("{alice}010100"));
}

#[test]
fn a_string_is_the_word() {
    for word in [
        "hi",
        "5",
        "true",
        "null",
        "@alice",
        "0x01",
        "{\"a\":1}",
        "[1]",
        "\"",
        "",
    ] {
        let expected = [
            &u32::try_from(word.len()).unwrap().to_le_bytes()[..],
            word.as_bytes(),
        ];
        check("string", word, &hex::encode(expected.concat()));
    }
    check("string", "\"\\u0041\"", "0100000041");
    check("string", "{\"string\":\"A\"}", "0100000041");
}

#[test]
fn an_option_is_its_value_or_null() {
    check("option<u8>", "null", "00");
    check("option<u8>", "5", "0105");
    check("option<u8>", "[5]", "0105");
    check("option<u8>", "{\"some\": 5}", "0105");
    check("option<string>", "hi", "01020000006869");
    check("option<vec<u8>>", "[[5]]", "010100000005");
    check("vec<option<u8>>", "[null, 5, [6]]", "030000000001050106");
}

#[test]
fn a_type_may_be_given_with_the_value() {
    check("u8", "{\"u8\":1}", "01");
    check(
        "u128",
        "{\"u128\":\"1\"}",
        &format!("01{}", "00".repeat(15)),
    );
    check("bytes", "{\"bytes\":\"0x01\"}", "0100000001");
    check_refused("u8", "{\"u16\":1}", "is no u8");
}

#[test]
fn what_does_not_fit_is_refused_with_its_place_and_the_signature() {
    let text = encoded(&["address", "u8"], &["@alice", "256"]).unwrap_err();
    assert_eq!(
        text,
        "error: argument 2 of `f`: b: \"256\" is no u8 (0 to 255)\n  \
         next: `b` is for example 25; the method is `f(a: address, b: u8)`; see `fusee call --help`; if the interface is \
         wrong, pass raw bytes with --input, or --no-interface\n"
    );
    check_refused("u8", "-1", "b: \"-1\" is no u8 (0 to 255)");
    check_refused("i8", "0x80", "b: \"128\" is no i8 (-128 to 127)");
    check_refused(
        "u64",
        "1.5",
        "b: \"1.5\" is no u64 (0 to 18446744073709551615)",
    );
    check_refused("u64", "1-1", "b: \"1-1\" is no u64");
    check_refused("u64", "", "b: \"\" is no u64");
    check_refused("bool", "yes", "b: `yes` is no bool (true or false)");
    check_refused(
        "bytes",
        "hello",
        "b: \"hello\" is no bytes (0x and hexadecimal digits)",
    );
    for digits in ["0x01", "01", "010203", "0x010g", "01zz"] {
        let told = "is no [u8; 2] (0x and 4 hexadecimal digits)";
        check_refused("[u8; 2]", digits, &format!("b: \"{digits}\" {told}"));
    }
    check_refused("address", "@nobody", "b: no @nobody");
    check_refused("vec<address>", "[\"nobody\"]", "b: no nobody");
    check_refused("vec<u8>", "[1", "b: `[1` is not valid JSON: EOF");
    check_refused(
        "vec<u8>",
        "1",
        "b: \"1\" is no vec<u8> (0x and hexadecimal digits)",
    );
    check_refused(
        "vec<u16>",
        "x",
        "b: `x` is no vec<u16>, which is written as JSON",
    );
    check_refused("Way", "Left", "there is no `Left`");
    check_refused("Way", "{\"By\":{}}", "pair: it is missing");
    check_refused("Pair", "{\"x\":1}", "there is no `x`");
    check_refused("bytes", "{\"file\":\"/none\"}", "/none cannot be read");
}

#[test]
fn there_are_as_many_words_as_arguments() {
    let refused = |types: &[&str], words: &[&str], expected: &str| {
        let text = encoded(types, words).unwrap_err();
        assert!(text.contains(expected) && text.contains("`f("), "{text}");
    };
    refused(
        &["u8", "u8"],
        &["1"],
        "`f` takes 2 arguments, and 1 is given",
    );
    refused(&["u8"], &[], "`f` takes 1 argument, and none is given");
    refused(&[], &["1", "2"], "`f` takes no arguments, and 2 are given");
}

#[test]
fn words_may_have_names() {
    let found = encoded(&["u8", "u8"], &["b=2", "a=1"]);
    assert_eq!(found.as_deref(), Ok("0102"));
    // Only if all have one: a text may have the sign as well.
    let found = encoded(&["string", "u8"], &["a=1", "2"]);
    assert_eq!(found.as_deref(), Ok("03000000613d3102"));
    check("string", "x=1", "03000000783d31");
    let text = encoded(&["u8", "u8"], &["b=2", "b=1"]).unwrap_err();
    assert!(
        text.contains("the argument `a` of `f` is missing"),
        "{text}"
    );
    let text = encoded(&["u8", "u8"], &["b=2", "b=1", "a=1"]).unwrap_err();
    assert!(
        text.contains("the argument `b` of `f` is given twice"),
        "{text}"
    );
}

#[test]
fn without_the_method_words_are_values() {
    let words = ["5".to_owned()];
    let other = interface(&["u8"]);
    for (interface, method) in [(None, "f"), (Some(&other), "g")] {
        let bytes = encode(&words, &Given::default(), interface, method);
        assert_eq!(bytes.unwrap(), 5_u64.to_le_bytes());
    }
}

#[test]
fn arguments_may_be_flags() {
    let found = encoded_by_name(&["u8", "i8", "bool"], &[], &["b=-2", "c", "a=1"]);
    assert_eq!(found.as_deref(), Ok("01fe01"));
    let found = encoded_by_name(&["u8", "u8"], &["a=1"], &["b=2"]);
    assert_eq!(found.as_deref(), Ok("0102"));
    let refused = |words: &[&str], flags: &[&str], expected: &[&str]| {
        let text = encoded_by_name(&["u8", "u16"], words, flags).unwrap_err();
        for expected in expected {
            assert!(text.contains(expected), "{flags:?}: {text}");
        }
        assert!(text.contains("`f(a: u8, b: u16)`"), "{text}");
    };
    refused(&["1"], &["b=2"], &["`1` has no name", "each by its name"]);
    refused(&[], &["a"], &["`--a` of `f` has no value", "the type u8"]);
    refused(&[], &["a=1", "a=2", "b=1"], &["`a` of `f` is given twice"]);
    let missing = [
        "`b` of `f` is missing",
        "missing: b: u16; a flag `--b` before",
    ];
    refused(&[], &["a=1"], &missing);
    let unknown = ["no argument `--dry-rum`", "did you mean `--dry-run`?"];
    refused(&[], &["dry-rum=1"], &unknown);
    refused(&[], &["dry-run"], &["stands before `--`"]);
    let negative = ["b: \"-1\" is no u16 (0 to 65535)", "for example 250"];
    refused(&[], &["a=1", "b=-1"], &negative);
}

#[test]
fn an_example_is_a_value_of_its_type() {
    let interface = interface(&[]);
    for of in [
        "u8",
        "i64",
        "bool",
        "()",
        "string",
        "bytes",
        "vec<u8>",
        "[u8; 3]",
        "Way",
        "option<u16>",
        "(u8, bool)",
        "vec<(u8, string)>",
        "[u16; 2]",
    ] {
        let shown = example(&interface, &of.parse().unwrap()).unwrap();
        let word = shown.trim_matches('\'');
        encoded(&[of], &[word]).unwrap_or_else(|error| panic!("{of}: {shown}: {error}"));
    }
    let pair = example(&interface, &"Pair".parse().unwrap());
    assert_eq!(pair.as_deref(), Some("'{\"n\":250,\"who\":\"@bob\"}'"));
    // A type may be larger than anything.
    let large = "[[[[u16; 4000000000]; 4000000000]; 4000000000]; 4000000000]";
    assert_eq!(example(&interface, &large.parse().unwrap()), None);
}
