//! Names of addresses in their file.

use std::fs;

use fusee::chain::Address;

use super::{Book, FILE, check};

const TOKEN: Address = Address::new([7; 32]);

#[test]
fn names_are_kept_by_chain() {
    let folder = tempfile::tempdir().unwrap();
    let read = |chain| Book::read(Some(folder.path()), chain).unwrap();
    let (mut one, mut other) = (read("one"), read("other"));
    one.set("token", TOKEN).unwrap();
    one.set("token", TOKEN).unwrap();
    other.set("token", Address::new([8; 32])).unwrap();
    assert_eq!(read("one").find("token"), Some(TOKEN));
    assert_eq!(read("other").find("token"), Some(Address::new([8; 32])));
    assert_eq!(read("third").names().count(), 0);

    let taken = one.set("token", Address::new([9; 32])).unwrap_err();
    assert!(
        taken
            .text()
            .contains(&format!("taken: it is that of {TOKEN}"))
    );
    let unknown = one.remove("tokn").unwrap_err().text();
    assert!(unknown.contains("did you mean `token`?"), "{unknown}");
    assert_eq!(one.remove("token").unwrap(), TOKEN);
    assert_eq!(read("one").find("token"), None);
    assert!(read("other").find("token").is_some());
}

#[test]
fn what_is_no_name_is_refused() {
    for name in ["token", "a", "abc", "my-token_2", "fade"] {
        check(name).unwrap();
    }
    for (name, expected) in [
        ("facade", "looks like an address"),
        ("0x12", "looks like an address"),
        ("", "is not a name"),
        ("Token", "is not a name"),
        ("-x", "is not a name"),
        ("2nd", "is not a name"),
        ("a b", "is not a name"),
        ("abcdefghijklmnopqrstuvwxyzabcdefg", "is not a name"),
        ("alice", "development account"),
    ] {
        let text = check(name).unwrap_err().text();
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[test]
fn a_damaged_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [
        "",
        "[]",
        "{\"chains\":{\"x\":{\"token\":\"12\"}}}",
        "{\"chains\":{\"x\":{\"facade\":\"0707070707070707070707070707070707070707070707070707070707070707\"}}}",
        "{\"chain\":{}}",
    ] {
        fs::write(folder.path().join(FILE), bytes).unwrap();
        let error = Book::read(Some(folder.path()), "x").unwrap_err();
        assert!(error.text().contains("no file of names"), "{bytes}");
    }
}
