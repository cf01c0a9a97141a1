//! The encoding of interfaces, their section, and values by them.

use fusee_interface::{
    EntryKey, Field, Interface, InterfaceError, MAX_BYTES, ReadBudget, SECTION, SectionError, Type,
    ValueError, embed, extract,
};
use serde_json::{Value, json};

fn token() -> Interface {
    serde_json::from_value(json!({
        "name": "token",
        "doc": "Coins that are counted.",
        "types": [
            {"name": "Memo", "struct": [
                {"name": "text", "type": "string"}, {"name": "tag", "type": "option<[u8; 2]>"}]},
            {"name": "Reason", "enum": [
                {"name": "Gift"}, {"name": "Bill", "fields": [
                    {"name": "number", "type": "u128"}, {"name": "memo", "type": "Memo"}]}]},
        ],
        "methods": [
            {"name": "balance_of", "args": [{"name": "of", "type": "address"}],
             "returns": "u64", "read_only": true},
            {"name": "transfer", "doc": "Sends coins.", "args": [
                {"name": "to", "type": "address"}, {"name": "amount", "type": "i64"},
                {"name": "reason", "type": "Reason"}, {"name": "more", "type": "vec<(bool, bytes)>"}]},
        ],
        "events": [{"name": "transfer", "topics": [{"name": "to", "type": "address"}],
                    "data": [{"name": "amount", "type": "u64"}]}],
        "errors": [{"name": "too little"}],
    }))
    .unwrap()
}

#[test]
fn an_interface_has_one_encoding() {
    let interface = token();
    let bytes = interface.encode().unwrap();
    assert_eq!(Interface::decode(&bytes).unwrap(), interface);
    // Its JSON says the same.
    let json = serde_json::to_string(&interface).unwrap();
    assert_eq!(serde_json::from_str::<Interface>(&json).unwrap(), interface);
    // Nothing else decodes to it: no shorter, longer or other bytes.
    for length in 0..bytes.len() {
        Interface::decode(&bytes[..length]).unwrap_err();
    }
    Interface::decode(&[&bytes[..], &[0]].concat()).unwrap_err();
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        if let Ok(found) = Interface::decode(&other) {
            assert_ne!(found, interface, "{at}");
            assert_eq!(found.encode().unwrap(), other, "{at}");
        }
    }
    assert_eq!(Interface::decode(&[]), Err(InterfaceError::Empty));
    assert_eq!(Interface::decode(&[3]), Err(InterfaceError::Version(3)));
    let large = Interface {
        doc: "x".repeat(MAX_BYTES),
        ..token()
    };
    assert!(matches!(large.encode(), Err(InterfaceError::TooLarge(_))));
}

#[test]
fn an_interface_does_not_contradict_itself() {
    let broken = |path: &str, value: Value| {
        let mut json = serde_json::to_value(token()).unwrap();
        *json.pointer_mut(path).unwrap() = value;
        let interface: Interface = serde_json::from_value(json).unwrap();
        interface.encode().unwrap_err()
    };
    let undefined = InterfaceError::Undefined("Reason".into());
    assert_eq!(broken("/types/0/struct/0/type", json!("Reason")), undefined);
    let own = broken("/types/1/enum/1/fields/0/type", json!("vec<Reason>"));
    assert_eq!(own, undefined);
    assert_eq!(
        broken("/methods/1/name", json!("approve")),
        InterfaceError::Order("approve".into())
    );
    assert_eq!(
        broken("/types/1/name", json!("Memo")),
        InterfaceError::Order("Memo".into())
    );
    for name in ["", "a b", "a\u{1b}[31m", "ä"] {
        let found = broken("/methods/1/name", json!(name));
        assert!(matches!(found, InterfaceError::Name(_)), "{found}");
    }
    for path in ["/doc", "/methods/1/doc", "/errors/0/name"] {
        let found = broken(path, json!("red: \u{1b}[31m"));
        assert!(matches!(found, InterfaceError::Text(_)), "{found}");
    }
    assert_eq!(
        broken("/methods/1/args/1/name", json!("to")),
        InterfaceError::Order("to".into())
    );
}

#[test]
fn a_type_has_one_text() {
    for text in [
        "()",
        "bool",
        "u8",
        "i128",
        "string",
        "bytes",
        "address",
        "option<vec<u64>>",
        "[(u8, [bool; 3]); 0]",
        "(u8,)",
        "vec<Memo>",
    ] {
        let found: Type = text.parse().unwrap();
        assert_eq!(found.to_string(), text);
    }
    let deep = format!("{}u8{}", "vec<".repeat(17), ">".repeat(17));
    for text in [
        "",
        "u7",
        "u128 ",
        "vec<u8",
        "vec<>",
        "(u8)",
        "[u8;3]",
        "[u8; -1]",
        "[u8; 03]",
        "memo",
        "option",
        "u8,",
        "(u8,  u8)",
        &deep,
    ] {
        let error = text.parse::<Type>().unwrap_err();
        assert!(error.to_string().contains("is not a type"), "{error}");
    }
}

#[test]
fn values_are_what_borsh_has() {
    let interface = token();
    let transfer = interface.method("transfer").unwrap();
    let to = "0x".to_owned() + &"ab".repeat(32);
    let values = json!({
        "to": to,
        "amount": -5,
        "reason": {"Bill": {"number": "340282366920938463463374607431768211455",
                            "memo": {"text": "hi", "tag": ["0x0102"]}}},
        "more": [[true, "0x0102"], [false, "0x"]],
    });
    let bytes = interface.write_fields(&transfer.args, &values).unwrap();
    let expected = [
        &[0xab; 32][..],
        &(-5_i64).to_le_bytes(),
        &[1],
        &u128::MAX.to_le_bytes(),
        &[2, 0, 0, 0, b'h', b'i', 1, 1, 2],
        &[2, 0, 0, 0, 1, 2, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0],
    ];
    assert_eq!(bytes, expected.concat());
    let read = interface.read_fields(&transfer.args, &bytes).unwrap();
    assert_eq!(Value::Object(read), values);
    // Bytes may be told as numbers, too.
    let (tag, numbers) = ("[u8; 2]".parse().unwrap(), json!([1, 2]));
    assert_eq!(interface.write(&tag, &numbers).unwrap(), [1, 2]);
    let in_order = json!([to, "-5", "Gift", []]);
    let bytes = interface.write_fields(&transfer.args, &in_order).unwrap();
    assert_eq!(bytes.len(), 32 + 8 + 1 + 4);
    for length in 0..bytes.len() {
        interface
            .read_fields(&transfer.args, &bytes[..length])
            .unwrap_err();
    }
    let longer = [&bytes[..], &[0]].concat();
    let error = interface.read_fields(&transfer.args, &longer).unwrap_err();
    assert_eq!(error.to_string(), "the value: 1 bytes follow it");
}

#[test]
fn integers_have_their_ranges() {
    let interface = Interface::default();
    for (text, least, most) in [
        ("u8", "0", "255"),
        ("u64", "0", "18446744073709551615"),
        ("i8", "-128", "127"),
        ("i64", "-9223372036854775808", "9223372036854775807"),
        (
            "i128",
            "-170141183460469231731687303715884105728",
            "170141183460469231731687303715884105727",
        ),
    ] {
        let value_type: Type = text.parse().unwrap();
        for number in [least, most] {
            let bytes = interface.write(&value_type, &json!(number)).unwrap();
            let read = interface.read(&value_type, &bytes).unwrap();
            let shown = read
                .as_str()
                .map_or_else(|| read.to_string(), str::to_owned);
            assert_eq!(shown, number, "{text}");
        }
    }
    for (text, number) in [
        ("u8", "256"),
        ("u8", "-1"),
        ("i8", "128"),
        ("i8", "-129"),
        ("u64", "18446744073709551616"),
    ] {
        interface
            .write(&text.parse().unwrap(), &json!(number))
            .unwrap_err();
    }
    for value in [json!(1.5), json!(true), json!("one"), Value::Null] {
        interface
            .write(&"u64".parse().unwrap(), &value)
            .unwrap_err();
    }
}

/// A contract may claim anything of its outputs.
#[test]
fn no_bytes_are_read_to_more_than_a_bound() {
    let interface = Interface::default();
    let error = |text: &str, bytes: &[u8]| {
        interface
            .read(&text.parse().unwrap(), bytes)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("vec<()>", &[0xff; 4]),
        "the value: there are too many values"
    );
    assert_eq!(
        error("[[(); 4294967295]; 4294967295]", &[]),
        "the value: there are too many values"
    );
    assert_eq!(error("bytes", &[0xff; 4]), "the value: bytes are missing");
    error("vec<u8>", &[0xff; 4]);
    error("string", &[0xff; 4]);
    error("string", &[1, 0, 0, 0, 0xff]);
    error("bool", &[2]);
    error("option<u8>", &[2, 0]);
    error("Memo", &[]);
}

#[test]
fn a_module_keeps_all_but_the_section() {
    let module = wat::parse_str(
        r#"(module (@custom "other" "abc") (func (export "f")) (memory 1) (data "x"))"#,
    )
    .unwrap();
    assert_eq!(extract(&module).unwrap(), None);
    let with = embed(&module, &token()).unwrap();
    assert!(with.starts_with(&module));
    assert_eq!(extract(&with).unwrap(), Some(token()));
    // In place of the one before.
    let renamed = Interface {
        name: "coin".into(),
        ..token()
    };
    let again = embed(&with, &renamed).unwrap();
    assert_eq!(extract(&again).unwrap(), Some(renamed));
    assert_eq!(again.len(), with.len() - 1);
    // Twice, or none at all.
    let section = with.strip_prefix(module.as_slice()).unwrap();
    let twice = [&with[..], section].concat();
    assert!(matches!(extract(&twice), Err(SectionError::Several)));
    assert!(matches!(extract(b"\0asm"), Err(SectionError::Module(_))));
    let empty = wat::parse_str(format!(r#"(module (@custom "{SECTION}" "\07"))"#)).unwrap();
    let error = extract(&empty).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the interface has version 7, and only versions 1 and 2 are known"
    );
}

/// Types may be defined in a long chain, and each may have deep types.
#[test]
fn no_value_is_deeper_than_a_bound() {
    // As deep as an interface can be: each struct has the one before it, in as many options as a
    // type can have.
    let deep = |inner: &str| format!("{}{inner}{}", "option<".repeat(15), ">".repeat(15));
    let chain = |length: usize| {
        let types = (0..length).map(|number| {
            let inner = match number.checked_sub(1) {
                None => "u8".to_owned(),
                Some(before) => deep(&format!("T{before}")),
            };
            json!({"name": format!("T{number}"), "struct": [{"name": "a", "type": inner}]})
        });
        let types: Vec<Value> = types.collect();
        let interface: Interface = serde_json::from_value(json!({"types": types})).unwrap();
        Interface::decode(&interface.encode().unwrap()).unwrap()
    };
    let too_deep = |error: ValueError| {
        assert!(
            error
                .to_string()
                .contains("more than 64 values inside each other"),
            "{error}"
        );
    };
    let bytes = [1; 16_000];
    let interface = chain(400);
    too_deep(
        interface
            .read(&"T399".parse().unwrap(), &bytes)
            .unwrap_err(),
    );
    // 3 types of 17 values inside each other and the innermost.
    let interface = chain(5);
    let bytes = [1; 15 * 3 + 1];
    let value = interface.read(&"T3".parse().unwrap(), &bytes).unwrap();
    assert_eq!(
        interface.write(&"T3".parse().unwrap(), &value).unwrap(),
        bytes
    );
    let bytes = [1; 15 * 4 + 1];
    too_deep(interface.read(&"T4".parse().unwrap(), &bytes).unwrap_err());
    let deeper = (0..15).fold(value, |inner, _| json!([inner]));
    let deeper = json!({"a": deeper});
    too_deep(
        interface
            .write(&"T4".parse().unwrap(), &deeper)
            .unwrap_err(),
    );
}

/// One limit holds for all values that are read from a trace or a block.
#[test]
fn a_budget_is_for_several_reads() {
    let interface = token();
    let of = |text: &str| text.parse::<Type>().unwrap();
    let mut budget = ReadBudget::new(6);
    let bytes = [1, 0, 0, 0, 1];
    let mut read = || interface.read_within(&of("vec<bool>"), &bytes, &mut budget);
    assert_eq!(read().unwrap(), json!([true]));
    assert_eq!(read().unwrap(), json!([true]));
    assert_eq!(read().unwrap(), json!([true]));
    assert_eq!(
        read().unwrap_err().to_string(),
        "the value: there are too many values"
    );
    // What fails is paid as well.
    let mut budget = ReadBudget::new(100);
    let many = of("[(); 200]");
    interface.read_within(&many, &[], &mut budget).unwrap_err();
    interface
        .read_within(&Type::Unit, &[], &mut budget)
        .unwrap_err();
    // Fields that are not values cost nothing.
    let fields = interface.read_fields_within(&[], &[], &mut budget);
    assert!(fields.unwrap().is_empty());
}

#[test]
fn a_number_out_of_range_is_told_with_the_range() {
    let interface = token();
    let told = |text: &str, value: Value| {
        let field = Field {
            name: "amount".into(),
            doc: String::new(),
            value_type: text.parse().unwrap(),
        };
        let error = interface
            .write_fields(&[field], &json!([value]))
            .unwrap_err();
        error.to_string()
    };
    assert_eq!(told("u8", json!(256)), "amount: 256 is no u8 (0 to 255)");
    assert_eq!(
        told("u8", json!("-1")),
        "amount: \"-1\" is no u8 (0 to 255)"
    );
    assert_eq!(
        told("i16", json!(40_000)),
        "amount: 40000 is no i16 (-32768 to 32767)"
    );
    let most = u128::MAX;
    assert_eq!(
        told("u128", json!(true)),
        format!("amount: true is no u128 (0 to {most})")
    );
    let most = i128::MAX;
    let least = i128::MIN;
    assert_eq!(
        told("i128", json!(null)),
        format!("amount: null is no i128 ({least} to {most})")
    );
    for given in [json!([1]), json!("0x01"), json!("0102")] {
        let told = told("[u8; 2]", given.clone());
        let form = "is no [u8; 2] (0x and 4 hexadecimal digits)";
        assert_eq!(told, format!("amount: {given} {form}"));
    }
    assert_eq!(told("[u16; 2]", json!([1])), "amount: [1] is no [u16; 2]");
    assert_eq!(
        told("vec<u8>", json!([1, 300])),
        "amount: 300 is no u8 (0 to 255)"
    );
}

/// A contract with fields of every kind.
fn stored() -> Interface {
    let json = json!({
        "name": "stored",
        "types": [{"name": "Pair", "struct": [
            {"name": "a", "type": "u8"}, {"name": "b", "type": "string"}]}],
        "storage": [
            {"name": "supply", "doc": "All of it.", "position": 0, "value": "u64"},
            {"name": "balances", "position": 1, "map": {"key": "address", "value": "u64"}},
            {"name": "names", "position": 3, "map": {"key": "(u16, string, bool)", "value": "Pair"}},
            {"name": "members", "position": 4, "set": "[u8; 2]"},
            {"name": "history", "position": 255, "vector": "option<u8>"},
        ],
    });
    serde_json::from_value(json).unwrap()
}

#[test]
fn fields_of_storage_are_version_2() {
    let interface = stored();
    let bytes = interface.encode().unwrap();
    assert_eq!(bytes[0], 2);
    assert_eq!(Interface::decode(&bytes).unwrap(), interface);
    let json = serde_json::to_string(&interface).unwrap();
    assert_eq!(serde_json::from_str::<Interface>(&json).unwrap(), interface);
    let without = Interface {
        storage: Vec::new(),
        ..stored()
    };
    let old = without.encode().unwrap();
    assert_eq!(old[0], 1);
    assert_eq!(Interface::decode(&old).unwrap(), without);
    assert_eq!(bytes[1..old.len()], old[1..]);
    // There is one encoding for each.
    let empty = [&[2], &old[1..], &[0; 4]].concat();
    assert!(matches!(
        Interface::decode(&empty),
        Err(InterfaceError::Malformed(_))
    ));
    let first = [&[1], &bytes[1..]].concat();
    assert!(matches!(
        Interface::decode(&first),
        Err(InterfaceError::Malformed(_))
    ));
}

#[test]
fn hostile_fields_of_storage_are_refused() {
    let bytes = stored().encode().unwrap();
    for length in 0..bytes.len() {
        Interface::decode(&bytes[..length]).unwrap_err();
    }
    Interface::decode(&[&bytes[..], &[0]].concat()).unwrap_err();
    for at in 0..bytes.len() {
        for flipped in [1, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= flipped;
            if let Ok(found) = Interface::decode(&other) {
                assert_eq!(found.encode().unwrap(), other, "{at}");
            }
        }
    }
    let refused = |at: &str, value: Value| {
        let mut json = serde_json::to_value(stored()).unwrap();
        *json.pointer_mut(at).unwrap() = value;
        let interface: Interface = serde_json::from_value(json).unwrap();
        interface.encode().unwrap_err()
    };
    let order = InterfaceError::Order("balances".into());
    assert_eq!(refused("/storage/1/position", json!(0)), order);
    assert_eq!(refused("/storage/2/name", json!("balances")), order);
    let key = |text: &str| InterfaceError::Key(text.into());
    for of in [
        "Pair",
        "vec<u8>",
        "i8",
        "[u16; 2]",
        "option<u8>",
        "bytes",
        "()",
    ] {
        assert_eq!(refused("/storage/1/map/key", json!(of)), key(of));
    }
    assert_eq!(
        refused("/storage/3/set", json!("(u8, bytes)")),
        key("bytes")
    );
    let undefined = InterfaceError::Undefined("None".into());
    assert_eq!(refused("/storage/0/value", json!("None")), undefined);
    assert_eq!(
        refused("/storage/0/name", json!("a b")),
        InterfaceError::Name("a b".into())
    );
}

#[test]
fn entries_are_read_by_their_fields() {
    let interface = stored();
    let read = |key: &[u8], value: &[u8]| {
        let mut budget = ReadBudget::new(100);
        let entry = interface.read_entry(key, value, &mut budget)?;
        Some((entry.field.name.as_str(), entry.key, entry.value))
    };
    let seven = 7_u64.to_le_bytes();
    let supply = read(&[0], &seven).unwrap();
    assert_eq!(supply, ("supply", EntryKey::Only, json!(7)));
    let address = [&[1][..], &[9; 32]].concat();
    let key = EntryKey::Key(json!(format!("0x{}", "09".repeat(32))));
    assert_eq!(read(&address, &seven).unwrap(), ("balances", key, json!(7)));
    let tuple = [3, 1, 2, 0, 0, 0, 2, b'h', b'i', 1];
    let key = EntryKey::Key(json!([258, "hi", true]));
    let pair = json!({"a": 5, "b": "x"});
    assert_eq!(
        read(&tuple, &[5, 1, 0, 0, 0, b'x']).unwrap(),
        ("names", key, pair)
    );
    let key = EntryKey::Key(json!("0x0102"));
    assert_eq!(
        read(&[4, 1, 2], &[]).unwrap(),
        ("members", key, Value::Null)
    );
    let length = read(&[255], &[3, 0, 0, 0]).unwrap();
    assert_eq!(length, ("history", EntryKey::Length, json!(3)));
    let key = EntryKey::Key(json!(258));
    assert_eq!(
        read(&[255, 0, 0, 1, 2], &[1, 9]).unwrap(),
        ("history", key, json!([9]))
    );

    // What fits no field.
    for (key, value) in [
        (&[][..], &[][..]),
        (&[2], &seven),
        (&[0, 0], &seven),
        (&[0], &seven[1..]),
        (&[0], &[0; 9]),
        (&address[1..], &seven),
        (&address[..32], &seven),
        (&tuple[..9], &[]),
        (&[3, 1, 2, 0, 0, 0, 2, b'h', b'i', 2], &[5, 0, 0, 0, 0]),
        (&[3, 1, 2, 255, 255, 255, 255, 1], &[5, 0, 0, 0, 0]),
        (&[4, 1, 2], &[0]),
        (&[255, 0, 0, 1], &[0]),
    ] {
        assert_eq!(read(key, value), None, "{key:?}");
    }
    let mut budget = ReadBudget::new(1);
    assert!(
        interface
            .read_entry(&address, &seven, &mut budget)
            .is_none()
    );
}
