//! What the page encodes and decodes, against the ledger and the crate of interfaces.

use fusee_interface::{Interface, ReadBudget, Type};
use fusee_ledger::{LedgerRules, Operation, SignedTransaction, TransactionBody};
use serde_json::{Value, json};

use super::{browser::DESKTOP, check};

const GOLDEN: &str = include_str!("../../../../ledger/tests/it/golden/transactions.txt");

/// The vectors: name, id and encoding.
fn vectors() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines: Vec<&str> = GOLDEN.lines().collect();
    lines
        .chunks_exact(5)
        .map(|lines| {
            let id = lines[2].trim().strip_prefix("id ").unwrap();
            (lines[0], id, lines[4].trim())
        })
        .collect()
}

/// A body in the form of the node's answers.
fn body_json(body: &TransactionBody) -> Value {
    let operations: Vec<Value> = body.operations.iter().map(operation_json).collect();
    json!({
        "chain_id": body.chain_id,
        "sender": body.sender.to_string(),
        "nonce": body.nonce,
        "expiry": body.expiry,
        "gas_limit": body.gas_limit.units(),
        "gas_price": body.gas_price.to_string(),
        "fee_payer": body.fee_payer.map(|it| it.to_string()),
        "operations": operations,
    })
}

fn operation_json(operation: &Operation) -> Value {
    let value = operation.value().to_string();
    match operation {
        Operation::Transfer { to, .. } => {
            json!({ "kind": "transfer", "to": to.to_string(), "value": value })
        }
        Operation::Call {
            to, method, input, ..
        } => json!({
            "kind": "call", "to": to.to_string(), "method": method, "input": hex::encode(input),
            "value": value,
        }),
        Operation::Upload { code } => json!({ "kind": "upload", "code": hex::encode(code) }),
        Operation::Deploy { code, input, .. } => json!({
            "kind": "deploy", "code": hex::encode(code), "input": hex::encode(input), "value": value,
        }),
        Operation::Create {
            code,
            salt,
            admin,
            input,
            ..
        } => json!({
            "kind": "create", "code_hash": hex::encode(code), "salt": salt.map(hex::encode),
            "admin": admin.map(|it| it.to_string()), "input": hex::encode(input), "value": value,
        }),
        Operation::Upgrade {
            contract,
            code,
            input,
            ..
        } => json!({
            "kind": "upgrade", "contract": contract.to_string(), "code_hash": hex::encode(code),
            "input": hex::encode(input), "value": value,
        }),
        Operation::SetAdmin { contract, admin } => json!({
            "kind": "set_admin", "contract": contract.to_string(),
            "admin": admin.map(|it| it.to_string()),
        }),
        Operation::RemoveCode { code } => {
            json!({ "kind": "remove_code", "code_hash": hex::encode(code) })
        }
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn transactions_are_encoded_as_the_ledger_does() {
    let rules = LedgerRules::latest().with_development_accounts();
    check(DESKTOP, |world, browser| {
        browser.show(&world.page(""));
        let mut seen = 0;
        for (name, id, encoded) in vectors() {
            let bytes = hex::decode(encoded).unwrap();
            let signed = SignedTransaction::decode(&bytes, &rules).unwrap();
            // As text, since a number of 64 bits does not pass through the driver as it is.
            let given = json!({ "body": body_json(signed.body()).to_string(), "encoded": encoded });
            let script = "
                const page = await import('/explorer/transaction.js');
                const { toHex } = await import('/explorer/format.js');
                const { parse } = await import('/explorer/rpc.js');
                const body = parse(given.body);
                const start = toHex(page.encodeBody(body));
                return [given.encoded.startsWith(start), await page.transactionId(body), await page.signForDevelopment('alice', body)];
            ";
            let answer = browser.run_async(script, &given);
            assert_eq!(answer[0], true, "{name}: {answer}");
            assert_eq!(answer[1], id, "{name}");
            if name == "development" {
                assert_eq!(answer[2], encoded, "{name}");
            }
            seen += 1;
        }
        assert_eq!(seen, 6);
    });
}

fn interface() -> Interface {
    let interface = json!({
        "types": [
            { "name": "Point", "struct": [{ "name": "x", "type": "i16" }, { "name": "y", "type": "u128" }] },
            { "name": "Shape", "enum": [
                { "name": "Nothing" },
                { "name": "Line", "fields": [{ "name": "from", "type": "Point" }, { "name": "to", "type": "Point" }] },
            ] },
        ],
    });
    serde_json::from_value(interface).unwrap()
}

/// Types and values: as the crate of interfaces has them, and as the page has them.
fn values() -> Vec<(&'static str, Value, Value)> {
    let number = |text: &str| json!({ "integer": text });
    let point =
        |x: i16, y: &str| json!({ "fields": [["x", number(&x.to_string())], ["y", number(y)]] });
    let most = "340282366920938463463374607431768211455";
    vec![
        ("()", json!(null), json!(null)),
        ("bool", json!(true), json!(true)),
        ("u8", json!(255), number("255")),
        ("i8", json!(-128), number("-128")),
        (
            "u64",
            json!("18446744073709551615"),
            number("18446744073709551615"),
        ),
        (
            "i64",
            json!("-9223372036854775808"),
            number("-9223372036854775808"),
        ),
        ("u128", json!(most), number(most)),
        ("i128", json!("-1"), number("-1")),
        (
            "string",
            json!("größer \u{202e}\u{feff}🦀"),
            json!("größer \u{202e}\u{feff}🦀"),
        ),
        ("string", json!("\u{feff}first"), json!("\u{feff}first")),
        ("bytes", json!("0x00ff10"), json!({ "hex": "00ff10" })),
        (
            "address",
            json!(format!("0x{}", "ab".repeat(32))),
            json!({ "address": "ab".repeat(32) }),
        ),
        ("option<u8>", json!(null), json!(null)),
        ("option<u8>", json!([7]), json!({ "some": number("7") })),
        ("option<option<u8>>", json!([null]), json!({ "some": null })),
        (
            "vec<u16>",
            json!([1, 2]),
            json!({ "items": [number("1"), number("2")] }),
        ),
        ("vec<u8>", json!("0x0102"), json!({ "hex": "0102" })),
        ("[u8; 3]", json!("0x010203"), json!({ "hex": "010203" })),
        (
            "[bool; 2]",
            json!([true, false]),
            json!({ "items": [true, false] }),
        ),
        (
            "(u8, string)",
            json!([1, "a"]),
            json!({ "items": [number("1"), "a"] }),
        ),
        ("(u8,)", json!([1]), json!({ "items": [number("1")] })),
        ("Point", json!({ "x": -3, "y": 4 }), point(-3, "4")),
        (
            "Shape",
            json!("Nothing"),
            json!({ "variant": "Nothing", "fields": [] }),
        ),
        (
            "Shape",
            json!({ "Line": { "from": { "x": 0, "y": 1 }, "to": { "x": 2, "y": 3 } } }),
            json!({ "variant": "Line", "fields": [["from", point(0, "1")], ["to", point(2, "3")]] }),
        ),
    ]
}

/// Values whose integers are texts, since JSON has none of 128 bits.
const CONVERT: &str = "
    const page = await import('/explorer/interface.js');
    const { toHex } = await import('/explorer/format.js');
    const given_value = (value) => {
        if (Array.isArray(value)) return value.map(given_value);
        if (value === null || typeof value !== 'object') return value;
        if (value.integer !== undefined) return BigInt(value.integer);
        return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, given_value(inner)]));
    };
    const shown = (value) => {
        if (typeof value === 'bigint') return { integer: String(value) };
        if (Array.isArray(value)) return value.map(shown);
        if (value === null || typeof value !== 'object') return value;
        return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shown(inner)]));
    };
";

#[test]
#[ignore = "needs chromium and chromedriver"]
fn values_are_those_of_the_interface_crate() {
    let interface = interface();
    check(DESKTOP, |world, browser| {
        browser.show(&world.page(""));
        for (name, value, shown) in values() {
            let value_type: Type = name.parse().unwrap();
            let bytes = hex::encode(interface.write(&value_type, &value).unwrap());
            let given =
                json!({ "interface": interface, "type": name, "bytes": bytes, "value": shown });
            let script = format!(
                "{CONVERT} return [toHex(page.writeValue(given.interface, given.type, given_value(given.value))), shown(page.readValue(given.interface, given.type, given.bytes))];"
            );
            let answer = browser.run_async(&script, &given);
            assert_eq!(answer[0], bytes, "{name} written: {answer}");
            assert_eq!(answer[1], shown, "{name} read: {answer}");
        }
    });
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn bytes_that_are_no_value_are_refused_as_the_interface_crate_does() {
    let interface = interface();
    let refused = [
        ("u32", "010203"),
        ("u8", "0102"),
        ("bool", "02"),
        ("option<u8>", "02"),
        ("string", "02000000ffff"),
        ("bytes", "ffffffff00"),
        ("Shape", "02"),
        ("vec<()>", "ffffffff"),
        ("vec<Shape>", "ffffffff00"),
        ("Unknown", "00"),
    ];
    check(DESKTOP, |world, browser| {
        browser.show(&world.page(""));
        for (name, bytes) in refused {
            let value_type: Type = name.parse().unwrap();
            let refused = interface
                .read(&value_type, &hex::decode(bytes).unwrap())
                .is_err();
            assert!(refused, "{name} of {bytes}");
            let given = json!({ "interface": interface, "type": name, "bytes": bytes });
            let script = "
                const page = await import('/explorer/interface.js');
                try {
                    return ['read', JSON.stringify(page.readValue(given.interface, given.type, given.bytes))];
                } catch (error) {
                    return [error instanceof page.ValueError ? 'refused' : 'failed', error.message];
                }
            ";
            let answer = browser.run_async(script, &given);
            assert_eq!(answer[0], "refused", "{name} of {bytes}: {answer}");
        }
    });
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn entries_of_storage_are_those_of_the_interface_crate() {
    let interface: Interface = serde_json::from_value(json!({
        "types": [{ "name": "Pair", "struct": [{ "name": "a", "type": "u8" }] }],
        "storage": [
            { "name": "supply", "position": 0, "value": "u64" },
            { "name": "names", "position": 1, "map": { "key": "(address, u16)", "value": "Pair" } },
            { "name": "members", "position": 2, "set": "(string, bool, [u8; 2])" },
            { "name": "history", "position": 255, "vector": "u8" },
        ],
    }))
    .unwrap();
    let number = |text: &str| json!({ "integer": text });
    let address = "ab".repeat(32);
    let read = [
        (
            "00".to_owned(),
            "0700000000000000",
            json!({ "field": "supply", "value": number("7") }),
        ),
        (
            format!("01{address}0102"),
            "05",
            json!({
                "field": "names",
                "key": { "items": [{ "address": address }, number("258")] },
                "value": { "fields": [["a", number("5")]] },
            }),
        ),
        (
            "02000000026869010304".to_owned(),
            "",
            json!({
                "field": "members",
                "key": { "items": ["hi", true, { "hex": "0304" }] },
                "value": null,
            }),
        ),
        (
            "ff".to_owned(),
            "02000000",
            json!({ "field": "history", "isLength": true, "value": number("2") }),
        ),
        (
            "ff00000001".to_owned(),
            "09",
            json!({ "field": "history", "key": number("1"), "value": number("9") }),
        ),
    ];
    let none = [
        ("", ""),
        ("03", "00"),
        ("00", "07"),
        ("0000", "0700000000000000"),
        ("01ab", "05"),
        ("0200000002ffff010304", ""),
        ("02000000026869020304", ""),
        ("02ffffffff", ""),
        ("02000000026869010304", "00"),
        ("ff000001", "09"),
    ];
    let none = none.map(|(key, value)| (key.to_owned(), value, json!(null)));
    check(DESKTOP, |world, browser| {
        browser.show(&world.page(""));
        for (key, value, shown) in read.iter().chain(&none) {
            let mut budget = ReadBudget::new(100);
            let bytes = |text: &str| hex::decode(text).unwrap();
            let entry = interface.read_entry(&bytes(key), &bytes(value), &mut budget);
            let name = entry.map_or_else(String::new, |entry| entry.field.name.clone());
            assert_eq!(
                json!(name),
                shown.get("field").cloned().unwrap_or(json!(""))
            );
            let given = json!({ "interface": interface, "key": key, "value": value });
            let script =
                format!("{CONVERT} return [shown(page.readEntry(given.interface, given))];");
            let answer = browser.run_async(&script, &given);
            assert_eq!(answer[0], *shown, "{key}: {answer}");
        }
    });
}
