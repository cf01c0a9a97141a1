//! `deploy`, `call`, `query` and `accounts`: contracts in a data folder.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Folder, guests};

#[test]
fn a_token_is_deployed_called_and_queried() {
    let folder = Folder::new();
    let deployed = folder.json("deploy token.wasm --args 1000000 --engine all", 0);
    assert_eq!(deployed["status"], "success");
    assert_eq!(deployed["engines"], json!(["wasmtime", "wasmi"]));
    assert_eq!(deployed["code_hash"].as_str().unwrap().len(), 64);
    assert!(deployed["gas_used"].as_u64().unwrap() > 0);
    let address = deployed["address"].as_str().unwrap();
    let token = &address[..6];

    let called = folder.json(
        &format!("call {token} transfer --args @bob 250 --engine all"),
        0,
    );
    assert_eq!(called["status"], "success");
    assert_eq!(called["output"], "0x");
    assert_eq!(called["committed"], true);
    assert_eq!(called["height"], 2);
    assert_eq!(called["transaction"].as_str().unwrap().len(), 64);
    assert_eq!(called["fee"], "0");
    let event = &called["events"][0];
    assert_eq!(event["address"], address);
    assert_eq!(event["topic"], "0x7472616e73666572");
    assert_eq!(event["topic_text"], "transfer");
    assert!(
        event["data"]
            .as_str()
            .unwrap()
            .ends_with("fa00000000000000")
    );

    for (account, balance) in [
        ("@bob", "0xfa00000000000000"),
        ("@alice", "0x46410f0000000000"),
    ] {
        let queried = folder.json(
            &format!("query {address} balance_of --args {account} --engine all"),
            0,
        );
        assert_eq!(queried["output"], balance);
    }
    let text = folder.text(&format!("query 0x{token} balance_of --args @bob"), 0);
    assert!(
        text.contains("output    0xfa00000000000000  (250)"),
        "{text}"
    );
    let text = folder.text(&format!("call {token} transfer --args @bob 1"), 0);
    assert!(
        text.contains("(alice bob 1)") && text.contains("in block 3"),
        "{text}"
    );
}

#[test]
fn arguments_can_stand_behind_the_method() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000000");
    for (positional, flagged) in [
        (
            "call TOKEN transfer @bob 250 --dry-run",
            "call TOKEN transfer --args @bob 250 --dry-run",
        ),
        (
            "call TOKEN transfer --dry-run @bob 250",
            "call TOKEN transfer --args @bob 250 --dry-run",
        ),
        (
            "query TOKEN balance_of @alice",
            "query TOKEN balance_of --args @alice",
        ),
        (
            "trace TOKEN transfer @bob 1_000",
            "trace TOKEN transfer --args @bob 1_000",
        ),
        (
            "call TOKEN transfer @bob -5 --dry-run",
            "call TOKEN transfer --args @bob -5 --dry-run",
        ),
    ] {
        let answers = [positional, flagged].map(|words| {
            let answer = folder.fusee(&format!("{} --json", words.replace("TOKEN", &token)));
            serde_json::from_str::<Value>(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"))
        });
        assert!(
            answers[0]["status"].is_string(),
            "{positional}: {}",
            answers[0]
        );
        assert_eq!(answers[0], answers[1], "{positional}");
    }
    let refused = folder.fusee(&format!("call {token} transfer @bob --args 250"));
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("cannot be used with"),
        "{refused:?}"
    );
}

#[test]
fn every_other_way_to_end_is_told_with_its_reason() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000");
    let caller = folder.deploy("caller.wasm");
    let check = |words: String, expected: Value| {
        let words = format!("call {words} --engine all --send-anyway");
        let answer = folder.json(&words, 1);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[key], value, "{words}: {answer}");
        }
        assert_eq!(
            answer["committed"], true,
            "{words}: its sender's nonce counts it"
        );
        assert_eq!(answer["events"], json!([]));
    };
    check(
        format!("{token} transfer --args @bob 5 --from carol"),
        json!({"status": "reverted", "revert": "insufficient balance: has 0, needs 5"}),
    );
    check(
        format!("{caller} write_then_trap"),
        json!({"status": "trapped", "trap": "unreachable"}),
    );
    check(
        format!("{token} transfer --args @bob 5 --gas 270_000"),
        json!({"status": "out_of_gas", "gas_used": 270_000}),
    );
    let text = folder.text(
        &format!("call {token} transfer --args @bob 5 --from carol --send-anyway"),
        1,
    );
    assert!(
        text.starts_with("status       reverted: insufficient balance: has 0, needs 5\n"),
        "{text}"
    );
    let text = folder.text(&format!("query {token} transfer --args @bob 5"), 1);
    assert!(text.contains("queries are read-only"), "{text}");
}

#[test]
fn an_invalid_transaction_has_its_own_exit_code_and_commits_nothing() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000");
    let before = folder.json("accounts", 0);
    let check = |words: &str, invalid: Value, message: &str, next: &str| {
        for flags in ["", " --dry-run", " --engine wasmi"] {
            let answer = folder.json(&format!("{words}{flags}"), 5);
            let error = &answer["error"];
            assert_eq!(error["invalid"], invalid, "{words}: {answer}");
            assert_eq!(error["message"], "the transaction is invalid");
            assert_eq!(error["causes"], json!([message]));
            assert_eq!(error["next"], next);
            assert_eq!(error["exit_code"], 5);
        }
        let told = folder.fusee(words).stderr;
        let expected =
            format!("error: the transaction is invalid\n  cause: {message}\n  next: {next}\n");
        assert_eq!(told, expected);
        assert_eq!(folder.json("accounts", 0), before, "{words}");
    };
    check(
        "call bob --value 99_000_000_000_000",
        json!({"reason": "cannot_pay", "has": "99000000000000", "bound": "1000000000000"}),
        "the sender has to pay up to 99000000000000, its balance is 1000000000000",
        "`alice` has a balance of 1,000,000,000,000: lower --value, --gas or --gas-price, or choose another account with --from",
    );
    check(
        &format!("call {token} transfer --args @bob 5 --gas 265_559"),
        json!({"reason": "gas_limit_too_low", "has": "265559", "bound": "265560"}),
        "the gas limit is 265559, the transaction costs 265560 gas before anything runs",
        "set --gas above 265,560",
    );
    check(
        "deploy token.wasm --args 1000 --gas 1",
        json!({"reason": "gas_limit_too_low", "has": "1", "bound": "357980"}),
        "the gas limit is 1, signatures and bytes cost 357980",
        "set --gas above 357,980",
    );
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let folder = Folder::new();
    let before = folder.json("accounts", 0);
    for command in [
        "deploy token.wasm --args 1000000",
        "deploy counter.wasm --from bob",
        "call bob --value 5",
    ] {
        let mut dry = folder.json(&format!("{command} --dry-run"), 0);
        assert_eq!(folder.json("accounts", 0), before, "{command}");
        let again = Folder::new();
        let mut real = again.json(command, 0);
        assert_ne!(again.json("accounts", 0), before, "{command}");
        for answer in [&mut dry, &mut real] {
            let answer = answer.as_object_mut().unwrap();
            answer.remove("committed");
            answer.remove("height");
            answer.remove("transaction");
        }
        assert_eq!(dry, real);
    }
}

#[test]
fn engines_leave_the_same_state() {
    let digest = |engine: &str| {
        let folder = Folder::new();
        let counter = folder.deploy(&format!("counter.wasm --engine {engine}"));
        folder.text(
            &format!("call {counter} add --args 41 --engine {engine}"),
            0,
        );
        folder.text(
            &format!("call {counter} add --input 0x01 --engine {engine}"),
            1,
        );
        folder.json("accounts", 0)["state_root"].take()
    };
    let digests = ["wasmtime", "wasmi", "all"].map(digest);
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn accounts_have_funds_and_send_value_to_each_other() {
    let folder = Folder::new();
    folder.text("call bob --value 1,000 --from alice", 0);
    let answer = folder.json("accounts", 0);
    let accounts = answer["accounts"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shown = accounts.map(|account| {
        (
            text(&account["name"]),
            text(&account["balance"]),
            account["nonce"].clone(),
        )
    });
    let shown: Vec<_> = shown.take(3).collect();
    let expected = [
        ("alice", "999999999000", 1),
        ("bob", "1000000001000", 0),
        ("carol", "1000000000000", 0),
    ];
    assert_eq!(
        shown,
        expected.map(|(name, balance, nonce)| (name.to_owned(), balance.to_owned(), json!(nonce)))
    );
    assert_eq!(answer["contracts"], json!([]));

    let counter = folder.deploy("counter.wasm");
    let text = folder.text("accounts", 0);
    assert!(
        text.contains("999,999,999,000") && text.contains(&counter),
        "{text}"
    );
}

#[test]
fn the_folder_is_named_by_a_flag_or_the_environment() {
    let folder = Folder::new();
    folder.text("call bob --value 1 --data deep/in/it", 0);
    assert!(folder.path().join("deep/in/it").is_dir());
    assert!(!folder.path().join(".fusee").exists());
    let output = folder
        .command("accounts --json")
        .env("FUSEE_DATA", "deep/in/it")
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["height"], 1);
}

#[test]
fn arguments_reach_the_contract_in_their_types() {
    let folder = Folder::new();
    let counter = folder.deploy("counter.wasm");
    let caller = folder.deploy("caller.wasm");
    let short = &counter[..8];
    let forwarded = folder.json(
        &format!("call {caller} forward --args @{short} add {{\"bytes\":\"0x0700000000000000\"}} --engine all"),
        0,
    );
    assert_eq!(forwarded["output"], "0x080000000700000000000000");
    assert_eq!(
        folder.json(&format!("query {counter} value"), 0)["output"],
        "0x0700000000000000"
    );
}

/// Outputs the height and the time of its block.
const READS_ITS_BLOCK: &str = r#"(module
  (import "fusee" "block_height" (func $height (result i64)))
  (import "fusee" "block_time" (func $time (result i64)))
  (import "fusee" "output_write" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "block")
    (i64.store (i32.const 0) (call $height))
    (i64.store (i32.const 8) (call $time))
    (call $output (i32.const 0) (i32.const 16))))"#;

#[test]
fn each_transaction_has_a_block_whose_time_can_be_set() {
    let folder = Folder::new();
    folder.write("block.wat", READS_ITS_BLOCK);
    let contract = folder.deploy("block.wat");
    let block = |words: &str| {
        let answer = folder.json(&format!("{words} --engine all"), 0);
        let digits = answer["output"].as_str().unwrap().to_owned();
        let bytes = hex::decode(&digits[2..]).unwrap();
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        (number(0), number(8))
    };
    // The deployment is in block 1.
    assert_eq!(block(&format!("query {contract} block")), (1, 1_000));
    assert_eq!(
        block(&format!("call {contract} block --dry-run")),
        (2, 2_000)
    );
    assert_eq!(block(&format!("call {contract} block")), (2, 2_000));
    assert_eq!(block(&format!("query {contract} block")), (2, 2_000));
    let later = format!("call {contract} block --time 1790000000000");
    assert_eq!(block(&later), (3, 1_790_000_000_000));
}

#[test]
fn what_contracts_log_is_shown_and_is_no_part_of_the_receipt() {
    let folder = Folder::new();
    folder.write(
        "logs.wat",
        r#"(module
          (import "fusee" "debug_log" (func $log (param i32 i32)))
          (import "fusee" "revert" (func $revert (param i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "so far\0a\1b[2J\ff")
          (func (export "go") (call $log (i32.const 0) (i32.const 12)))
          (func (export "fail") (call $log (i32.const 0) (i32.const 6))
            (call $revert (i32.const 0) (i32.const 2))))"#,
    );
    let contract = folder.deploy("logs.wat");
    let called = folder.json(&format!("call {contract} go --engine all"), 0);
    let log = json!([{"address": contract, "text": "so far\n\u{1b}[2J\u{fffd}"}]);
    assert_eq!(called["log"], log);
    assert_eq!(called["output"], "0x");
    for words in ["call", "query"] {
        let text = folder.text(&format!("{words} {contract} go"), 0);
        assert!(text.contains(" so far\\n\\u{1b}[2J\u{fffd}\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let failed = folder.text(&format!("call {contract} fail"), 1);
    assert!(failed.contains("reverted: so\n"), "{failed}");
    assert!(failed.contains(" so far\n"), "{failed}");
}

#[test]
fn a_panic_is_told_with_its_place() {
    let folder = Folder::new();
    folder.write(
        "panics.wasm",
        fs::read(guests().join("panics.wasm")).unwrap(),
    );
    let contract = folder.deploy("panics.wasm");
    let words = format!(
        "call {contract} checked --input 0x{}{}",
        "01".repeat(8),
        "02".repeat(8)
    );
    let told = folder.text(&words, 1);
    assert!(
        told.contains("reverted: panicked at panics/src/lib.rs:18:9: 72340172838076673 is less"),
        "{told}"
    );
}
