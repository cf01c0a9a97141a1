//! `bindings`: clients in TypeScript.
//!
//! What a client does is tested where Node.js and the compiler of TypeScript are on the machine
//! (`tsc`, or what `npx` has in its cache); elsewhere these tests say that they are skipped.

use std::{fs, process::Command};

use expect_test::expect_file;
use fusee::interface::Interface;
use serde_json::{Value, json};

use crate::support::{Answer, Folder, guests};

/// The strictest rules that a project can compile the client by.
const TSC: &[&str] = &[
    "--target",
    "es2022",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
    "--lib",
    "es2022,dom",
    "--outDir",
    "js",
    "--strict",
    "--noUnusedLocals",
    "--noUnusedParameters",
    "--noImplicitReturns",
    "--noImplicitOverride",
    "--noUncheckedIndexedAccess",
    "--noPropertyAccessFromIndexSignature",
    "--exactOptionalPropertyTypes",
    "--isolatedModules",
    "--verbatimModuleSyntax",
    "--erasableSyntaxOnly",
];

/// Compiles a client. `None` if the machine has no Node.js or no compiler.
fn compile(folder: &Folder, file: &str) -> Option<()> {
    let runs = |command: &mut Command| {
        let ran = command.arg("--version").output();
        ran.is_ok_and(|answer| answer.status.success())
    };
    let npx: &[&str] = &["npx", "--yes", "--offline", "-p", "typescript", "tsc"];
    let compilers = [&["tsc"], npx];
    let compiler = compilers.into_iter().find(|words| {
        let mut command = Command::new(words[0]);
        runs(command.args(&words[1..]).current_dir(folder.path()))
    });
    let Some(compiler) = compiler.filter(|_| runs(&mut Command::new("node"))) else {
        eprintln!("SKIPPED: Node.js or the compiler of TypeScript is not on this machine");
        return None;
    };
    folder.write("package.json", r#"{"type":"module"}"#);
    let mut command = Command::new(compiler[0]);
    command.args(&compiler[1..]).args(TSC).arg(file);
    let answer = Answer::of(command.current_dir(folder.path()).output().unwrap());
    assert_eq!(answer.code, 0, "{answer:?}");
    Some(())
}

/// Runs a script by Node.js.
fn run(folder: &Folder, script: &str, arguments: &[&str]) {
    folder.write("main.mjs", script);
    let mut command = Command::new("node");
    command.arg("main.mjs").args(arguments);
    let answer = Answer::of(command.current_dir(folder.path()).output().unwrap());
    assert_eq!((answer.code, &*answer.stdout), (0, "done\n"), "{answer:?}");
}

/// Makes `client.ts` for an interface, and returns its text.
fn client(folder: &Folder, interface: &Value) -> String {
    folder.write("interface.json", interface.to_string());
    let embed = "interface counter.wasm --embed interface.json --output with.wasm";
    folder.json(embed, 0);
    folder.text("bindings with.wasm --out client.ts", 0);
    fs::read_to_string(folder.path().join("client.ts")).unwrap()
}

fn token() -> Value {
    let file = guests().join("../interfaces/token.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn the_client_of_the_token_is_golden() {
    let folder = Folder::new();
    let text = client(&folder, &token());
    expect_file!["./golden/token.ts"].assert_eq(&text);
    assert_eq!(folder.text("bindings with.wasm", 0), text);
    let answer = folder.json("bindings with.wasm", 0);
    assert_eq!(answer["contract"], "token");
    assert_eq!(answer["typescript"], text);
    let written = folder.json("bindings with.wasm --out client.ts", 0);
    let bytes = text.len();
    assert_eq!(
        written,
        json!({"contract": "token", "file": "client.ts", "bytes": bytes})
    );
    // A contract of the chain has the client of its code.
    let contract = folder.deploy("with.wasm --no-interface");
    assert_eq!(folder.text(&format!("bindings {contract}"), 0), text);
    let _ = compile(&folder, "client.ts");
}

#[test]
fn what_has_no_interface_has_no_client() {
    let folder = Folder::new();
    let contract = folder.deploy("counter.wasm");
    for (words, code, expected) in [
        ("bindings counter.wasm".to_owned(), 1, "has no interface"),
        (format!("bindings {contract}"), 1, "has no interface"),
        ("bindings none.wasm".to_owned(), 2, "does not exist"),
    ] {
        let answer = folder.fusee(&words);
        assert_eq!(answer.code, code, "{words}: {answer:?}");
        assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
        assert!(answer.stderr.contains("  next: "), "{words}: {answer:?}");
    }
    client(&folder, &token());
    let answer = folder.fusee("bindings with.wasm --out none/client.ts");
    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.stderr.contains("next: choose another file"));
}

#[test]
fn text_of_contracts_stays_text() {
    let folder = Folder::new();
    let out = "*/ globalThis.broken = 1; /*\n@ts-nocheck\n*/globalThis.broken = 1;//\u{2028}`${x}";
    let quote = "\"]]); globalThis.broken = 1; //\\\u{2029}";
    let words = [
        "0",
        "__proto__",
        "address",
        "arguments",
        "await",
        "class",
        "constructor",
        "delete",
        "eval",
        "get",
        "input",
        "let",
        "static",
        "then",
        "toString",
        "undefined",
    ];
    let types = [
        "Address",
        "Array",
        "ContractError",
        "ContractEvent",
        "Error",
        "ErrorMessage",
        "Map",
        "Object",
        "PreparedCall",
        "Promise",
        "Record",
        "Uint8Array",
        "Token",
    ];
    let field = |name: &str| json!({"name": name, "doc": "*/broken", "type": "u64"});
    let fields: Vec<Value> = words.iter().map(|word| field(word)).collect();
    let defined = types
        .iter()
        .map(|name| json!({"name": name, "doc": out, "struct": fields}));
    let variants = words
        .iter()
        .map(|word| json!({"name": word, "doc": out, "fields": fields}));
    let choice = json!({"name": "Choice", "doc": out, "enum": variants.collect::<Vec<_>>()});
    let methods = words.iter().enumerate().map(|(position, word)| {
        json!({"name": word, "doc": out, "args": fields, "returns": "Promise",
               "read_only": position % 2 == 0, "payable": position % 3 == 0})
    });
    let events = words
        .iter()
        .map(|word| json!({"name": word, "doc": out, "topics": fields, "data": fields}));
    let text = client(
        &folder,
        &json!({
            "name": format!("token{quote}"), "doc": out,
            "types": defined.chain([choice]).collect::<Vec<_>>(),
            "methods": methods.collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
            "errors": [{"name": quote, "doc": format!("{out}{quote}")}],
        }),
    );
    for broken in ["*/ globalThis", "*/globalThis", "*/broken"] {
        assert!(!text.contains(broken), "{broken}");
    }
    assert!(!text.contains("\"\"]]") && !text.contains(['\u{2028}', '\u{2029}']));
    assert!(!text.contains("\n@ts-nocheck") && !text.contains(" @ts-nocheck"));
    if compile(&folder, "client.ts").is_some() {
        run(&folder, include_str!("bindings/hostile.mjs"), &[]);
    }
}

/// A type, a value as the command line has it, and the same in JavaScript.
const VALUES: &[(&str, &str, &str)] = &[
    ("()", "null", "null"),
    ("bool", "true", "true"),
    ("u8", "255", "255"),
    ("u16", "258", "258"),
    ("u32", "4294967295", "4294967295"),
    ("u64", "\"18446744073709551615\"", "2n ** 64n - 1n"),
    (
        "u128",
        "\"340282366920938463463374607431768211455\"",
        "2n ** 128n - 1n",
    ),
    ("i8", "-128", "-128"),
    ("i16", "-2", "-2"),
    ("i32", "-2147483648", "-2147483648"),
    ("i64", "\"-9223372036854775808\"", "-(2n ** 63n)"),
    ("i128", "-5", "-5n"),
    (
        "string",
        "\"\u{feff}h\u{e9} \u{1f600}\"",
        "'\\ufeffh\\u00e9 \\u{1f600}'",
    ),
    ("bytes", "\"0x0102\"", "Uint8Array.of(1, 2)"),
    ("vec<u8>", "[1,2]", "Uint8Array.of(1, 2)"),
    ("[u8; 3]", "[1,2,3]", "Uint8Array.of(1, 2, 3)"),
    (
        "address",
        "\"0xabababababababababababababababababababababababababababababababab\"",
        "'0x' + 'ab'.repeat(32)",
    ),
    ("option<u16>", "null", "null"),
    ("option<u16>", "[7]", "7"),
    ("option<option<bool>>", "null", "null"),
    ("option<option<bool>>", "[null]", "{ some: null }"),
    ("option<option<bool>>", "[[true]]", "{ some: true }"),
    ("option<()>", "[null]", "{ some: null }"),
    (
        "vec<(u8, string)>",
        "[[1,\"a\"],[2,\"\"]]",
        "[[1, 'a'], [2, '']]",
    ),
    ("(i8,)", "[-1]", "[-1]"),
    ("[option<u8>; 2]", "[null,[1]]", "[null, 1]"),
    (
        "[[u8; 1]; 2]",
        "[[1],[2]]",
        "[Uint8Array.of(1), Uint8Array.of(2)]",
    ),
    (
        "Memo",
        "{\"text\":\"x\",\"__proto__\":1}",
        "{ text: 'x', ['__proto__']: 1n }",
    ),
    ("Reason", "\"Gift\"", "{ kind: 'Gift' }"),
    (
        "vec<Reason>",
        "[{\"Bill\":{\"number\":9,\"memo\":{\"text\":\"\",\"__proto__\":2}}}]",
        "[{ kind: 'Bill', fields: { number: 9n, memo: { text: '', ['__proto__']: 2n } } }]",
    ),
];

/// Values that the types do not have.
const NO_VALUES: &[(&str, &str)] = &[
    ("()", "undefined"),
    ("bool", "1"),
    ("u8", "256"),
    ("u8", "1n"),
    ("u32", "1.5"),
    ("u64", "-1n"),
    ("u64", "1"),
    ("u128", "2n ** 128n"),
    ("i8", "128"),
    ("i64", "2n ** 63n"),
    ("string", "'\\ud800'"),
    ("bytes", "[1]"),
    ("[u8; 3]", "Uint8Array.of(1)"),
    ("address", "'0xab'"),
    ("option<u16>", "undefined"),
    ("option<()>", "{}"),
    ("(i8,)", "[]"),
    ("[option<u8>; 2]", "[1]"),
    ("Memo", "{ text: 'x' }"),
    ("Reason", "{ kind: 'toString' }"),
    ("Reason", "{ kind: 'Bill' }"),
];

/// Bytes of no value, by type.
const NO_BYTES: &[(&str, &str)] = &[
    ("()", "00"),
    ("bool", "02"),
    ("u64", "00000000000000"),
    ("u8", "0000"),
    ("string", "01000000ff"),
    ("bytes", "ffffffff"),
    ("option<u16>", "020000"),
    ("vec<()>", "ffffffff"),
    ("[(); 4294967295]", ""),
    ("Reason", "02"),
];

#[test]
fn values_are_encoded_as_the_interface_does() {
    let folder = Folder::new();
    let listed = VALUES.iter().map(|(of, ..)| *of);
    let listed = listed.chain(NO_VALUES.iter().map(|(of, _)| *of));
    let mut types: Vec<&str> = listed.chain(NO_BYTES.iter().map(|(of, _)| *of)).collect();
    types.sort_unstable();
    types.dedup();
    let mut definitions = vec![
        json!({"name": "Memo", "struct": [
            {"name": "text", "type": "string"}, {"name": "__proto__", "type": "u64"}]}),
        json!({"name": "Reason", "enum": [{"name": "Gift"}, {"name": "Bill", "fields": [
            {"name": "number", "type": "u128"}, {"name": "memo", "type": "Memo"}]}]}),
    ];
    for (position, of) in types.iter().enumerate() {
        let name = format!("Of{position}");
        definitions.push(json!({"name": name, "struct": [{"name": "value", "type": of}]}));
    }
    let json = json!({"name": "all", "types": definitions});
    let interface: Interface = serde_json::from_value(json.clone()).unwrap();
    client(&folder, &json);
    let codec = |of: &str| {
        let position = types.iter().position(|known| *known == of).unwrap();
        format!("client.$type_Of{position}")
    };
    let mut script = include_str!("bindings/values.mjs").to_owned();
    for (of, value, literal) in VALUES {
        let value = serde_json::from_str(value).unwrap();
        let bytes = interface.write(&of.parse().unwrap(), &value).unwrap();
        let (codec, bytes) = (codec(of), hex::encode(bytes));
        script.push_str(&format!(
            "same({codec}, {{ value: {literal} }}, \"0x{bytes}\");\n"
        ));
    }
    for (of, literal) in NO_VALUES {
        script.push_str(&format!(
            "unwritten({}, {{ value: {literal} }});\n",
            codec(of)
        ));
    }
    for (of, bytes) in NO_BYTES {
        let decoded = hex::decode(bytes).unwrap();
        let read = interface.read(&of.parse().unwrap(), &decoded);
        assert!(read.is_err(), "{of} {bytes}");
        script.push_str(&format!("unread({}, \"0x{bytes}\");\n", codec(of)));
    }
    script.push_str("console.log(\"done\");\n");
    if compile(&folder, "client.ts").is_some() {
        run(&folder, &script, &[]);
    }
}

#[test]
#[cfg(unix)]
fn a_client_reads_and_sends_by_a_node() {
    use crate::node::{APART, start};

    let folder = Folder::new();
    let json = token().to_string();
    folder.write("token.json", json);
    let embed = "interface token.wasm --embed token.json --output mine.wasm";
    folder.json(embed, 0);
    let node = start(&folder, &format!("--dev {APART}"));
    let url = node.told["rpc"].as_str().unwrap();
    let deploy = format!("deploy mine.wasm --args 1000 --node {url}");
    let deployed = folder.json(&deploy, 0);
    let address = deployed["address"].as_str().unwrap();
    folder.text(
        &format!("bindings {address} --node {url} --out client.ts"),
        0,
    );
    if compile(&folder, "client.ts").is_some() {
        let accounts = node.told["accounts"].as_array().unwrap();
        let [alice, bob] = [0, 1].map(|index| accounts[index]["address"].as_str().unwrap());
        let script = include_str!("bindings/node.mjs");
        run(&folder, script, &[url, address, alice, bob]);
        let balance = format!("query {address} balance_of --account bob --node {url}");
        assert_eq!(folder.json(&balance, 0)["decoded"]["output"], 7);
    }
}
