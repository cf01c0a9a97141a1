//! `interface`: what a contract tells of itself.

use std::path::Path;

use serde_json::json;

use crate::support::{Folder, guests};

#[test]
fn an_interface_is_written_into_a_program_and_shown() {
    let folder = Folder::new();
    let json = guests().join("../interfaces/token.json");
    let embed = format!(
        "interface token.wasm --embed {} --output mine.wasm",
        json.display()
    );
    let written = folder.json(&embed, 0);
    assert_eq!(written["interface"]["name"], "token");
    let text = folder.text("interface mine.wasm", 0);
    assert!(
        text.contains("transfer(to: address, amount: u64)\n    Moves"),
        "{text}"
    );
    assert!(
        text.contains("balance_of(account: address) -> u64, read-only"),
        "{text}"
    );
    assert!(text.contains("event transfer(from: address"), "{text}");
    let shown = folder.json("interface mine.wasm", 0);
    assert_eq!(shown, written["interface"]);

    // It is a contract as before, with one more section.
    let contract = folder.deploy("mine.wasm --args 1000");
    let supply = folder.json(&format!("query {contract} total_supply"), 0);
    assert_eq!(supply["output"], "0xe803000000000000");
    assert_eq!(supply["decoded"]["output"], 1_000);
    let sent = folder.json(&format!("call {contract} transfer --args @bob 7"), 0);
    let event = &sent["decoded"]["events"][0];
    assert_eq!(event["name"], "transfer");
    assert_eq!(event["fields"]["amount"], 7);
    let text = folder.text(&format!("call {contract} transfer --args @bob 7"), 0);
    let shown = "emitted      transfer(from: @alice, to: @bob, amount: 7)";
    assert!(text.contains(shown), "{text}");

    // A contract may be wrong about itself.
    let wrong = folder.text("interface mine.wasm --json", 0);
    folder.write("wrong.json", wrong.replace("u64", "u32"));
    folder.json(
        "interface mine.wasm --embed wrong.json --output liar.wasm",
        0,
    );
    let liar = folder.deploy("liar.wasm --args 1000 --no-interface");
    let supply = folder.json(&format!("query {liar} total_supply"), 0);
    assert_eq!(supply["output"], "0xe803000000000000");
    assert_eq!(supply.get("decoded"), None);

    let none = folder.fusee("interface token.wasm");
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("has no interface"), "{}", none.stderr);
    assert!(none.stderr.contains("--embed"), "{}", none.stderr);
}

/// A contract of the token's code with its interface in it, which is written to `mine.wasm`.
fn token(folder: &Folder) -> String {
    embed(folder, "token", "mine.wasm");
    folder.deploy("mine.wasm --args supply=1_000")
}

/// Writes a guest with its interface in it.
fn embed(folder: &Folder, guest: &str, file: &str) {
    let json = guests().join(format!("../interfaces/{guest}.json"));
    let json = json.display();
    folder.json(
        &format!("interface {guest}.wasm --embed {json} --output {file}"),
        0,
    );
}

#[test]
fn arguments_are_read_as_the_interface_declares_them() {
    let folder = Folder::new();
    let token = token(&folder);
    let plain = folder.deploy("token.wasm --args 1000");
    // The same input as without an interface.
    for (typed, untyped) in [
        ("transfer --args bob 7", "transfer --args @bob 7"),
        (
            "transfer --args amount=0x7 to=@bob",
            "transfer --args @bob 7",
        ),
        ("approve --args @carol 1_0", "approve --args @carol 10"),
    ] {
        let [typed, untyped] = [(&token, typed), (&plain, untyped)].map(|(contract, words)| {
            let trace = folder.json(&format!("trace {contract} {words} --engine all"), 0);
            trace["trace"]["frames"][0]["input"].clone()
        });
        assert_eq!(typed, untyped);
    }
    folder.json(&format!("call {token} transfer --args bob 7"), 0);
    let balance = folder.json(&format!("query {token} balance_of --args bob"), 0);
    assert_eq!(balance["decoded"]["output"], 7);

    let refused = |words: &str, expected: &[&str]| {
        let answer = folder.fusee(words);
        assert_eq!(answer.code, 2, "{words}: {answer:?}");
        for expected in expected {
            assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
        }
    };
    let before = folder.json("accounts", 0);
    let signature = "the method is `transfer(to: address, amount: u64)`";
    for (arguments, expected) in [
        (
            "--args @bob",
            "`transfer` takes 2 arguments, and 1 is given",
        ),
        (
            "--args @bob 1 2",
            "`transfer` takes 2 arguments, and 3 are given",
        ),
        ("", "`transfer` takes 2 arguments, and none is given"),
        (
            "--args @bob many",
            "argument 2 of `transfer`: amount: \"many\" is no u64",
        ),
        (
            "--args @bob -1",
            "amount: \"-1\" is no u64 (0 to 18446744073709551615)",
        ),
        (
            "--args amount=1 amount=1",
            "the argument `to` of `transfer` is missing",
        ),
    ] {
        // By the flag, and behind the method.
        for arguments in [arguments, arguments.trim_start_matches("--args ")] {
            refused(
                &format!("call {token} transfer {arguments}"),
                &[expected, signature],
            );
        }
    }
    let unchanged = folder.json("accounts", 0);
    assert_eq!(
        unchanged["height"], before["height"],
        "nothing is committed"
    );
    refused(
        &format!("call {token} transfer --args @bobb 1"),
        &[
            "argument 1 of `transfer`: to: `@bobb` is neither",
            "did you mean `bob`?",
        ],
    );
    refused(
        &format!("query {token} balance --args @bob"),
        &[
            "has no method `balance`",
            "did you mean `balance_of(account: address) -> u64, read-only`?",
        ],
    );
    // The program that begins, too.
    let supply = [
        "`deploy` takes 1 argument",
        "the method is `deploy(supply: u64)`",
    ];
    refused("deploy mine.wasm", &supply);
    refused("gas mine.wasm --invoke deploy", &supply);
    refused("gas mine.wasm --invoke transfer @bob 250", &supply);
    folder.json(
        "gas mine.wasm --invoke transfer to=bob amount=250 --deploy-args 1000",
        0,
    );
    let hash = folder.json("upload mine.wasm", 0)["code_hash"].clone();
    let hash = hash.as_str().unwrap();
    refused(&format!("create {hash}"), &supply);
    folder.json(&format!("create {hash} --args supply=5"), 0);

    // Bytes, and the words of contracts without an interface.
    let raw = folder.json(&format!("call {token} transfer --input 0x01 --dry-run"), 1);
    assert_eq!(raw["revert"], "arguments end too early");
    let words = format!("query {token} balance_of --args @bob --no-interface");
    let untyped = folder.json(&words, 0);
    assert_eq!(untyped["output"], "0x0700000000000000");
    assert_eq!(untyped.get("decoded"), None);
    refused(
        &format!("call {token} transfer --args bob 1a --no-interface"),
        &["argument 2 (`1a`) is neither a number nor a word"],
    );
}

/// An upgrade runs a method of the new code.
#[test]
fn a_call_that_only_reads_is_told_to_be_a_query() {
    let folder = Folder::new();
    let token = token(&folder);
    let told = |words: &str| folder.fusee(&format!("{words} --json")).stderr;
    let note = format!("`fusee query {token} total_supply` needs no transaction");
    assert!(told(&format!("call {token} total_supply")).contains(&note));
    for quiet in [
        format!("call {token} total_supply --dry-run"),
        format!("call {token} transfer bob 1"),
        format!("query {token} total_supply"),
    ] {
        assert_eq!(told(&quiet), "", "{quiet}");
    }
}

#[test]
fn an_upgrade_has_the_arguments_of_the_new_code() {
    let folder = Folder::new();
    let program = r#"(module
      (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
      (import "fusee" "output_write" (func $output (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "migrate")
        (call $output (i32.const 0) (call $input (i32.const 0) (i32.const 100)))))"#;
    let methods =
        r#"{"methods": [{"name": "migrate", "args": [{"name": "step", "type": "u16"}]}]}"#;
    folder.write("old.wat", "(module (memory (export \"memory\") 1))");
    folder.write("new.wat", program);
    folder.write("new.json", methods);
    folder.json("interface new.wat --embed new.json --output new.wasm", 0);
    let [old, new] = ["old.wat", "new.wasm"].map(|file| {
        let hash = folder.json(&format!("upload {file}"), 0)["code_hash"].clone();
        hash.as_str().unwrap().to_owned()
    });
    let created = folder.json(&format!("create {old} --admin alice"), 0);
    let contract = created["address"].as_str().unwrap();
    let wrong = folder.fusee(&format!("upgrade {contract} {new} --args 65536"));
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(
        wrong
            .stderr
            .contains("step: \"65536\" is no u16 (0 to 65535)"),
        "{wrong:?}"
    );
    assert!(wrong.stderr.contains("`migrate(step: u16)`"), "{wrong:?}");
    let upgraded = folder.json(
        &format!("upgrade {contract} {new} --args 258 --engine all"),
        0,
    );
    assert_eq!(upgraded["output"], "0x0201");
}

/// A damaged or hostile interface is none: arguments are read as without one. A warning says so.
#[test]
fn a_damaged_interface_changes_no_arguments() {
    let folder = Folder::new();
    embed(&folder, "token", "mine.wasm");
    let good = std::fs::read(folder.path().join("mine.wasm")).unwrap();
    let plain = std::fs::read(folder.path().join("token.wasm")).unwrap();
    // The section has its length and its name before the interface.
    let at = good
        .windows(15)
        .position(|name| name == b"fusee.interface")
        .unwrap()
        + 15;
    let mut damaged = good.clone();
    damaged[at] = 2;
    let cut = {
        let mut module = plain.clone();
        module.extend([0, 20, 15]);
        module.extend(b"fusee.interface\x01\x05\x00\x00");
        module
    };
    let twice = [&good[..], &good[plain.len()..]].concat();
    for (name, bytes, why) in [
        ("damaged", damaged, "the interface is malformed: "),
        ("cut", cut, "the interface is malformed: "),
        ("twice", twice, "the module has several sections"),
    ] {
        folder.write("hostile.wasm", &bytes);
        let of_file = format!("the interface of `hostile.wasm` cannot be read: {why}");
        warned(&folder, "check hostile.wasm", 0, &[&of_file, "--embed"]);
        let deploy = "deploy hostile.wasm --args 1000";
        warned(&folder, &format!("{deploy} --dry-run"), 0, &[&of_file]);
        warned(&folder, "upload hostile.wasm --dry-run", 0, &[&of_file]);
        let contract = folder.deploy("hostile.wasm --args 1000");
        let of_contract = format!("the interface of the contract {}", &contract[..12]);
        for words in [
            format!("call {contract} transfer --args @bob 7 --dry-run"),
            format!("trace {contract} transfer --args @bob 7"),
            format!("query {contract} total_supply"),
        ] {
            let unread = format!("{of_contract} cannot be read: {why}");
            warned(&folder, &words, 0, &[&unread, "--input"]);
            unwarned(&folder, &format!("{words} --no-interface"), 0);
        }
        let shown = folder.fusee(&format!("interface {contract}"));
        assert_eq!(shown.code, 1, "{name}: {shown:?}");
        assert!(shown.stderr.contains(why), "{name}: {shown:?}");
        let sent = folder.json(
            &format!("call {contract} transfer --args @bob 7 --trace"),
            0,
        );
        assert_eq!(sent.get("decoded"), None, "{name}");
        assert_eq!(
            sent["trace"]["frames"][0]["input"].as_str().unwrap().len(),
            2 + 80,
            "{name}"
        );
        let wrong = folder.fusee(&format!("call {contract} transfer --args bob 7"));
        // A string, so the arguments end too early.
        assert_eq!(wrong.code, 1, "{name}: {wrong:?}");
    }
}

/// A command that warns, on standard error and in its JSON, and does what it does all the same.
fn warned(folder: &Folder, words: &str, code: i32, expected: &[&str]) {
    let answer = folder.fusee(words);
    assert_eq!(answer.code, code, "{words}: {answer:?}");
    let json = folder.json(words, code);
    let warnings = json["warnings"].as_array().expect(words);
    let [warning] = &warnings[..] else {
        panic!("{words}: {json}");
    };
    let text = |field: &str| warning[field].as_str().unwrap();
    let shown = format!("warning: {}\n  next: {}\n", text("message"), text("next"));
    assert_eq!(answer.stderr, shown, "{words}");
    for expected in expected {
        assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
    }
}

/// A command that has nothing to warn of.
fn unwarned(folder: &Folder, words: &str, code: i32) {
    let answer = folder.fusee(words);
    assert_eq!((answer.code, &*answer.stderr), (code, ""), "{words}");
    assert_eq!(folder.json(words, code).get("warnings"), None, "{words}");
}

/// An interface that names methods which the code does not have: that is told before anything
/// relies on it. The command goes on, because the rest may be true.
#[test]
fn an_interface_of_methods_that_are_not_there_is_told() {
    let folder = Folder::new();
    let json = std::fs::read(guests().join("../interfaces/token.json")).unwrap();
    let mut interface: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let methods = interface["methods"].as_array_mut().unwrap();
    // `memory` is an export, but no function.
    for name in ["memory", "mint", "transmit"] {
        methods.push(json!({"name": name}));
    }
    methods.sort_by_key(|method| method["name"].as_str().unwrap().to_owned());
    folder.write("liar.json", interface.to_string());
    let names = "names methods that its code does not have: `memory`, `mint`, `transmit`\n";
    let embed = "interface token.wasm --embed liar.json --output liar.wasm";
    let of_file = format!("the interface of `liar.wasm` {names}");
    warned(&folder, embed, 0, &[&of_file, "fusee check"]);
    let polkavm = "interface counter.polkavm --embed liar.json";
    warned(&folder, polkavm, 0, &["`mint`"]);
    warned(&folder, "check counter.polkavm", 0, &["`mint`"]);
    std::fs::remove_file(folder.path().join("counter.interface")).unwrap();
    warned(&folder, "check liar.wasm", 0, &[&of_file]);
    for words in ["interface liar.wasm", "bindings liar.wasm"] {
        let shown = folder.fusee(words);
        assert_eq!(shown.code, 0, "{words}: {shown:?}");
        assert!(shown.stderr.contains(&of_file), "{words}: {shown:?}");
    }
    let deploy = "deploy liar.wasm --supply 1000 --dry-run";
    warned(&folder, deploy, 0, &[&of_file]);
    let contract = folder.deploy("liar.wasm --supply 1000");
    let of_contract = format!("the interface of the contract {} {names}", &contract[..12]);
    for words in [
        format!("call {contract} transfer --to bob --amount 7"),
        format!("trace {contract} transfer --to bob --amount 7"),
        format!("query {contract} balance_of bob"),
    ] {
        warned(&folder, &words, 0, &[&of_contract, "--no-interface"]);
    }
    let query = format!("query {contract} total_supply --no-interface");
    unwarned(&folder, &query, 0);
    let missing = folder.fusee(&format!("call {contract} mint"));
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains(&of_contract), "{missing:?}");
    assert!(
        missing.stderr.contains("has no method `mint`"),
        "{missing:?}"
    );

    // Of many, the first.
    let many: Vec<_> = (10..40).map(|n| json!({"name": format!("f{n}")})).collect();
    folder.write("many.json", json!({"methods": many}).to_string());
    let embed = "interface token.wasm --embed many.json --output many.wasm";
    let listed = "`f10`, `f11`, `f12`, `f13`, `f14`, `f15`, `f16`, `f17` and 22 more\n";
    warned(&folder, embed, 0, &[listed]);

    // A true one is no reason to warn, nor is none.
    token(&folder);
    unwarned(&folder, "check mine.wasm", 0);
    unwarned(&folder, "deploy mine.wasm --supply 5 --dry-run", 0);
    unwarned(&folder, "deploy token.wasm --args 5 --dry-run", 0);
    unwarned(&folder, "check counter.polkavm", 0);
}

#[test]
fn a_trace_is_told_by_the_interfaces_of_its_frames() {
    let folder = Folder::new();
    let token = token(&folder);
    let caller = folder.deploy("caller.wasm");
    let to = fusee::chain::Address::of_development_account("bob");
    let input = format!("0x{to}0700000000000000");
    let bytes = format!("{{\"bytes\":\"{input}\"}}");
    let forward = |method: &str| format!("trace {caller} forward --args @{token} {method} {bytes}");

    let words = forward("transfer");
    let text = folder.text(&words, 0);
    let short = |address: &str| address[..12].to_owned();
    let [caller_name, token_name] = [&caller, &token].map(|address| short(address));
    let call = format!("call {token_name}.transfer(to: @bob, amount: 7) from {caller_name}: ");
    assert!(text.contains(&call), "{text}");
    // The caller has no interface.
    assert!(text.contains(", input 0x"), "{text}");
    let trace = folder.json(&format!("{words} --engine all"), 0)["trace"].clone();
    let frames = trace["frames"].as_array().unwrap();
    assert_eq!(frames[0].get("decoded"), None);
    assert_eq!(frames[1]["input"], input);
    let arguments = json!({"to": format!("0x{to}"), "amount": 7});
    assert_eq!(frames[1]["decoded"], json!({"arguments": arguments}));

    // Outputs, and events with their bytes beside them.
    let supply = folder.text(&format!("query {token} total_supply --trace"), 0);
    assert!(
        supply.contains(&format!("call {token_name}.total_supply() from alice")),
        "{supply}"
    );
    assert!(supply.contains("  output 1000\n"), "{supply}");
    let words = format!("call {token} transfer --args bob 7 --trace");
    let text = folder.text(&words, 0);
    assert!(
        text.contains("  event_emit transfer(from: @alice, to: @bob, amount: 7)\n"),
        "{text}"
    );
    let answer = folder.json(&words, 0);
    let steps = answer["trace"]["frames"][0]["steps"].as_array().unwrap();
    let step = steps
        .iter()
        .find(|step| step["syscall"] == "event_emit")
        .unwrap();
    assert_eq!(step["decoded"], answer["decoded"]["events"][0]);
    assert_eq!(step["event"], answer["events"][0]);
    let untold = format!("trace {token} transfer --args @bob 7 --no-interface");
    let untold = folder.json(&untold, 0).to_string();
    assert!(!untold.contains("decoded"), "{untold}");

    // The code of a deployment that fails is in no state.
    let words = "deploy mine.wasm --args 5 --value 1 --trace";
    let text = folder.text(words, 1);
    assert!(text.contains(".deploy(supply: 5) from alice"), "{text}");
}

/// Frames of one contract before and after its upgrade have the interfaces of their own code.
#[test]
fn a_frame_is_told_by_the_code_that_it_ran() {
    let folder = Folder::new();
    for (name, value_type) in [("one", "u16"), ("two", "[u8; 2]")] {
        // Reverts with its input, unless that is empty.
        let program = format!(
            r#"(module
              (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
              (import "fusee" "revert" (func $revert (param i32 i32)))
              (memory (export "memory") 1)
              (data (i32.const 99) "{name}")
              (func (export "run")
                (call $revert (i32.const 0) (call $input (i32.const 0) (i32.const 100)))))"#
        );
        let run = json!({"name": "run", "args": [{"name": "x", "type": value_type}]});
        let errors = json!([
            {"name": "no", "doc": format!("It said\nno {name}.")},
            {"name": "red", "doc": ""},
        ]);
        let interface = json!({"methods": [run], "errors": errors});
        folder.write(&format!("{name}.wat"), program);
        folder.write(&format!("{name}.json"), interface.to_string());
        folder.json(
            &format!("interface {name}.wat --embed {name}.json --output {name}.wasm"),
            0,
        );
    }
    let [one, two] = ["one", "two"].map(|name| {
        let hash = folder.json(&format!("upload {name}.wasm"), 0)["code_hash"].clone();
        hash.as_str().unwrap().to_owned()
    });
    let created = folder.json(&format!("create {one} --admin alice"), 0);
    let contract = created["address"].as_str().unwrap();
    // "no", and a message that is not known.
    let told = |words: &str| {
        let words = format!("trace {contract} run {words} --engine all");
        let text = folder.text(&words, 1);
        let frame = folder.json(&words, 1)["trace"]["frames"][0].clone();
        (text, frame)
    };
    let (text, frame) = told("--args 0x6f6e");
    assert_eq!(frame["code"], one);
    let decoded = json!({
        "arguments": {"x": 0x6f6e},
        "error": {"name": "no", "doc": "It said\nno one."},
    });
    assert_eq!(frame["decoded"], decoded);
    assert_eq!(frame["output"], "0x6e6f");
    assert_eq!(
        text.matches("reverted: no (It said no one.)\n").count(),
        2,
        "{text}"
    );
    assert!(text.contains(".run(x: 28526) from alice"), "{text}");
    let (text, frame) = told("--input 0x726564");
    assert_eq!(
        frame["decoded"],
        json!({"error": {"name": "red", "doc": ""}})
    );
    assert!(
        text.contains("failed in") && text.contains(".run: reverted: red\n"),
        "{text}"
    );
    let called = folder.text(&format!("call {contract} run --input 0x6e6f --dry-run"), 1);
    assert!(called.contains("meaning    It said no one.\n"), "{called}");

    folder.json(&format!("upgrade {contract} {two}"), 0);
    let (text, frame) = told("--args 0x6e6f");
    assert_eq!(
        (&frame["code"], &frame["decoded"]["arguments"]),
        (&json!(two), &json!({"x": "0x6e6f"}))
    );
    assert!(text.contains(".run(x: \"0x6e6f\") from alice"), "{text}");
    assert!(text.contains("reverted: no (It said no two.)"), "{text}");
}

/// A contract may claim anything of what it is given and what it emits: its trace takes no longer
/// and no more memory, and does not command the terminal.
#[test]
fn a_hostile_interface_bounds_what_is_told() {
    let folder = Folder::new();
    let program = r#"(module
      (import "fusee" "event_emit" (func $emit (param i32 i32 i32 i32)))
      (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "many" "text")
      (func $many (param $left i32)
        (loop $more
          (call $emit (i32.const 0) (i32.const 4) (i32.const 8) (i32.const 0))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $more (local.get $left))))
      (func (export "say")
        (call $emit (i32.const 4) (i32.const 4) (i32.const 64)
          (call $input (i32.const 64) (i32.const 1000))))
      (func (export "run") (call $many (i32.const 40))))"#;
    let interface = json!({
        "methods": [{"name": "run"}, {"name": "say", "args": [{"name": "text", "type": "string"}]}],
        "events": [
            {"name": "many", "data": [{"name": "units", "type": "[(); 16384]"}]},
            {"name": "text", "data": [{"name": "text", "type": "string"}]},
        ],
    });
    folder.write("hostile.wat", program);
    folder.write("hostile.json", interface.to_string());
    folder.json(
        "interface hostile.wat --embed hostile.json --output hostile.wasm",
        0,
    );
    let contract = folder.deploy("hostile.wasm");
    let answer = folder.json(&format!("call {contract} run --trace --dry-run"), 0);
    let steps = answer["trace"]["frames"][0]["steps"].as_array().unwrap();
    let told = steps
        .iter()
        .filter(|step| step.get("decoded").is_some())
        .count();
    // 131,072 values are read, of which one is the list.
    assert_eq!((steps.len(), told), (40, 7));
    assert_eq!(answer["decoded"]["events"].as_array().unwrap().len(), 7);
    let text = folder.text(&format!("trace {contract} run"), 0);
    assert!(text.lines().all(|line| line.len() < 400), "{text}");

    let escape = "\"\\u001b[31m\\u009b\\u202e\"";
    let words = format!("call {contract} say --args {escape} --trace");
    let text = folder.text(&words, 0);
    assert!(
        text.contains(r#"text(text: "\u{1b}[31m\u{9b}\u{202e}")"#),
        "{text}"
    );
    assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text}");
}

#[test]
fn an_interface_for_polkavm_lies_beside_the_program() {
    let folder = Folder::new();
    let program = guests().join("../polkavm/counter.polkavm");
    std::fs::copy(program, folder.path().join("c.polkavm")).unwrap();
    folder.write(
        "c.json",
        r#"{"name": "c", "methods": [{"name": "increment", "returns": "u64"}]}"#,
    );
    folder.json("interface c.polkavm --embed c.json", 0);
    assert!(Path::new(&folder.path().join("c.interface")).exists());
    let text = folder.text("interface c.polkavm", 0);
    assert!(text.contains("increment() -> u64"), "{text}");

    // It is kept beside the state, unless nothing is committed, and tells of the contract.
    let dry = folder.json("deploy c.polkavm --dry-run --trace", 0);
    assert_eq!(dry["committed"], false);
    assert!(!folder.path().join(".fusee/interfaces").exists());
    let contract = folder.deploy("c.polkavm");
    std::fs::rename(
        folder.path().join("c.interface"),
        folder.path().join("moved"),
    )
    .unwrap();
    let words = format!("call {contract} increment --trace --engine all");
    let called = folder.json(&words, 0);
    assert_eq!(called["decoded"]["output"], 1);
    let decoded = json!({"arguments": {}, "output": 1});
    assert_eq!(called["trace"]["frames"][0]["decoded"], decoded);
    let more = folder.fusee(&format!("call {contract} increment --args 1"));
    assert!(
        more.stderr
            .contains("`increment` takes no arguments, and 1 is given"),
        "{more:?}"
    );
    // One that is damaged is none.
    let kept = std::fs::read_dir(folder.path().join(".fusee/interfaces")).unwrap();
    for file in kept {
        std::fs::write(file.unwrap().path(), [1; 70_000]).unwrap();
    }
    assert_eq!(folder.json(&words, 0).get("decoded"), None);
    warned(
        &folder,
        &words,
        0,
        &[
            "cannot be read",
            ".interface`: the interface has 65537 bytes",
        ],
    );

    folder.write("c.interface", [9]);
    warned(
        &folder,
        "check c.polkavm",
        0,
        &["`c.interface`: the interface has version 9"],
    );
    let broken = folder.fusee("interface c.polkavm");
    assert_eq!(broken.code, 1);
    assert!(broken.stderr.contains("version 9"), "{}", broken.stderr);
}

/// The example guests have interfaces, of the same methods as their programs of either format.
#[test]
fn the_interfaces_of_guests_are_those_of_their_programs() {
    let folder = Folder::new();
    for guest in ["caller", "counter", "playground", "relay", "token"] {
        let json = guests().join(format!("../interfaces/{guest}.json"));
        let interface: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        let mut described: Vec<_> = interface["methods"].as_array().unwrap().iter().collect();
        described.sort_by_key(|method| method["name"].as_str());
        let described = described.iter().map(|method| &method["name"]);
        let described: Vec<_> = described.collect();
        for format in ["wasm", "polkavm"] {
            let file = format!("{guest}.{format}");
            let from = guests().join(format!("../{format}/{file}"));
            std::fs::copy(from, folder.path().join(&file)).unwrap();
            let checked = folder.json(&format!("check {file}"), 0);
            let exports = checked["exports"].as_array().unwrap().iter();
            let mut exports: Vec<_> = exports.map(|export| &export["name"]).collect();
            exports.retain(|name| *name != "memory");
            exports.sort_by_key(|name| name.as_str());
            assert_eq!(exports, described, "{file}");
            let embed = format!("interface {file} --embed {}", json.display());
            let written = folder.json(&embed, 0);
            assert_eq!(written["interface"]["name"], guest);
        }
    }
    let deploy = |file: &str, words: &str| folder.deploy(&format!("{file} {words}"));
    for format in ["wasm", "polkavm"] {
        let caller = deploy(&format!("caller.{format}"), "");
        let who = folder.json(&format!("query {caller} who"), 0);
        assert_eq!(who["decoded"]["output"][1], format!("0x{caller}"));
        let nest = folder.json(&format!("call {caller} nest --args [\"@{caller}\"]"), 0);
        assert_eq!(nest["decoded"]["output"], 1);
        assert_eq!(nest["decoded"]["events"][0]["fields"], json!({"left": 1}));
        let reverted = folder.text(&format!("call {caller} write_then_revert"), 1);
        assert!(
            reverted.contains("meaning    `write_then_revert` was called."),
            "{reverted}"
        );
        let counter = deploy(&format!("counter.{format}"), "");
        let words =
            format!("call {caller} forward --args {counter} add 0x0500000000000000 --trace");
        let frames = folder.json(&words, 0)["trace"]["frames"].clone();
        assert_eq!(
            frames[1]["decoded"],
            json!({"arguments": {"n": 5}, "output": 5})
        );
        let relay = deploy(&format!("relay.{format}"), "");
        let words = format!("call {relay} relay --args {counter} 1_000_000 0 increment 0x --trace");
        let frames = folder.json(&words, 0)["trace"]["frames"].clone();
        assert_eq!(frames[1]["decoded"]["output"], 6);
        let playground = deploy(&format!("playground.{format}"), "");
        let script = guests().join("visits.wasm");
        let publish = format!(
            "call {playground} publish --args visits {{\"file\":\"{}\"}}",
            script.display()
        );
        let published = folder.json(&publish, 0);
        let name = &published["decoded"]["events"][0]["fields"]["name"];
        assert_eq!(name, "0x76697369747300000000000000000000");
        let run = format!("call {playground} run --args visits 5 100_000");
        let ran = folder.json(&run, 0)["decoded"]["output"].clone();
        assert_eq!(ran["ending"], "Finished", "{ran}");
    }
}

#[test]
fn a_wrong_interface_is_told() {
    let folder = Folder::new();
    for (json, why) in [
        ("{", "EOF"),
        (r#"{"nam": "x"}"#, "unknown field `nam`"),
        (
            r#"{"methods": [{"name": "f", "returns": "u7"}]}"#,
            "`u7` is not a type",
        ),
        (
            r#"{"methods": [{"name": "b"}, {"name": "a"}]}"#,
            "not in order",
        ),
    ] {
        folder.write("wrong.json", json);
        let answer = folder.fusee("interface token.wasm --embed wrong.json --output x.wasm");
        assert!([1, 2].contains(&answer.code), "{json}");
        assert!(answer.stderr.contains(why), "{}", answer.stderr);
        assert!(!folder.path().join("x.wasm").exists());
    }
}

/// Entries are told by the fields of the interface, and those that fit none are bytes.
#[test]
fn storage_is_told_by_the_interface() {
    let folder = Folder::new();
    folder.write(
        "store.wat",
        r#"(module
          (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\00\01\00\00\00\02\02\07\03text")
          (data (i32.const 100) "\05\00\00\00\00\00\00\00")
          (func (export "deploy")
            (call $write (i32.const 0) (i32.const 1) (i32.const 100) (i32.const 8))
            (call $write (i32.const 1) (i32.const 5) (i32.const 100) (i32.const 8))
            (call $write (i32.const 6) (i32.const 2) (i32.const 100) (i32.const 0))
            (call $write (i32.const 8) (i32.const 5) (i32.const 100) (i32.const 8))))"#,
    );
    let fields = json!({"name": "store", "storage": [
        {"name": "supply", "doc": "All.", "position": 0, "value": "u64"},
        {"name": "counts", "position": 1, "map": {"key": "u32", "value": "u64"}},
        {"name": "members", "position": 2, "set": "u8"},
        {"name": "list", "position": 3, "vector": "u64"},
    ]});
    folder.write("store.json", fields.to_string());
    folder.json(
        "interface store.wat --embed store.json --output store.wasm",
        0,
    );
    let shown = folder.text("interface store.wasm", 0);
    assert!(
        shown.contains("storage counts: map of u32 to u64"),
        "{shown}"
    );
    assert!(shown.contains("storage supply: u64\n    All."), "{shown}");
    let store = folder.deploy("store.wasm");
    let text = folder.text(&format!("storage {store}"), 0);
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for row in [["supply", "5"], ["counts[2]", "5"], ["members[7]", "-"]] {
        assert!(rows.iter().any(|found| found[..] == row), "{row:?}: {text}");
    }
    let answer = folder.json(&format!("storage {store}"), 0);
    let decoded: Vec<_> = answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["decoded"].clone())
        .collect();
    assert_eq!(
        decoded,
        [
            json!({"field": "supply", "value": 5}),
            json!({"field": "counts", "key": 2, "value": 5}),
            json!({"field": "members", "key": 7}),
            json!({"field": "list", "key": 1952807028, "value": 5}),
        ]
    );
    assert_eq!(answer["entries"][1]["key"], "0x0100000002");
    let raw = folder.json(&format!("storage {store} --no-interface"), 0);
    assert!(!raw.to_string().contains("decoded"), "{raw}");
}
