//! `blocks`, `block`, `genesis`, `init`, `doctor`, `rollback`, `backup`, `snapshot`, and `replay`
//! of a chain.

use std::fs;

use serde_json::{Value, json};

use crate::support::Folder;

/// A folder whose chain has these blocks: three transfers, a token, a transfer of tokens, and one
/// that is reverted.
fn chain() -> (Folder, String) {
    let folder = Folder::new();
    for value in 1..=3 {
        folder.json(&format!("call bob --value {value}"), 0);
    }
    let token = folder.deploy("token.wasm --args 1000");
    folder.json(&format!("call {token} transfer --args @bob 5"), 0);
    let poor = format!("call {token} transfer --args @bob 5 --from carol --send-anyway");
    folder.json(&poor, 1);
    (folder, token)
}

#[test]
fn blocks_are_listed_and_shown() {
    let (folder, token) = chain();
    let blocks = folder.json("blocks --last 4", 0)["blocks"].take();
    let heights: Vec<_> = blocks.as_array().unwrap().iter().collect();
    let heights: Vec<_> = heights.iter().map(|block| &block["height"]).collect();
    assert_eq!(heights, [3, 4, 5, 6]);
    for pair in blocks.as_array().unwrap().windows(2) {
        assert_eq!(pair[1]["parent"], pair[0]["hash"]);
    }
    let last = folder.json("block 6", 0);
    assert_eq!(last["hash"], blocks[3]["hash"]);
    let accounts = folder.json("accounts", 0);
    assert_eq!(last["state_root"], accounts["state_root"]);
    assert_eq!(accounts["height"], 6);
    let transaction = &last["transactions"][0];
    assert_eq!(transaction["code"], 0);
    assert_eq!(transaction["receipts"][0]["status"], "reverted");
    assert_eq!(
        transaction["operations"],
        json!([format!("call {}.transfer", &token[..12])])
    );
    let text = folder.text("block 6", 0);
    assert!(
        text.contains("  status     reverted: insufficient balance: has 0, needs 5\n"),
        "{text}"
    );
    let text = folder.text("blocks", 0);
    assert!(text.lines().count() == 7, "{text}");
    let missing = folder.fusee("block 7");
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("it has 1 to 6"), "{missing:?}");
}

#[test]
fn a_chain_replays_equal_on_every_engine_and_any_number_of_threads() {
    let (folder, _) = chain();
    for threads in [1, 3] {
        let replayed = folder.json(&format!("replay --threads {threads}"), 0);
        assert_eq!(replayed["equal"], true);
        let engines = replayed["engines"].as_array().unwrap();
        assert_eq!(engines.len(), 2);
        for engine in engines {
            assert_eq!(
                (&engine["blocks"], &engine["transactions"]),
                (&json!(6), &json!(6))
            );
        }
    }
    let text = folder.text("replay --engine wasmi", 0);
    assert!(text.contains("equal from height 1 to 6"), "{text}");
    let unknown = folder.fusee("replay --rules contract-0");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("`contract-1`"), "{unknown:?}");
}

#[test]
fn other_rules_are_rehearsed() {
    let (folder, _) = chain();
    let rules = "ledger-1-development";
    assert_eq!(
        folder.json(&format!("replay --rules {rules}"), 0)["equal"],
        true
    );
    // Those without development accounts admit none of the transactions.
    let differing = folder.json("replay --engine wasmi --rules ledger-1", 3);
    let differences = differing["engines"][0]["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 6);
    for difference in differences {
        assert_eq!(difference["what"], "result");
        assert_eq!(difference["transaction"].as_str().unwrap().len(), 64);
        assert_eq!(
            difference["replayed"],
            "invalid: scheme_not_admitted (reason 12)"
        );
    }
    let text = folder.text("replay --engine wasmi --rules ledger-1", 3);
    assert!(text.contains("results would differ"), "{text}");
}

/// No program can list all rules with a deposit: their ids tell it.
#[test]
fn a_chain_with_a_deposit_for_storage_is_known_by_its_rules() {
    for rules in [
        "contract-2-deposit-7",
        "contract-2-wasi-large-deposit-18446744073709551615",
        "contract-2-deposit-7-wasi",
    ] {
        let folder = Folder::new();
        let genesis = folder.text(&format!("genesis --rules {rules}"), 0);
        folder.write("genesis.json", genesis);
        folder.json("init --genesis genesis.json", 0);
        folder.json("call bob --value 5", 0);
        assert_eq!(folder.json("replay --engine wasmi", 0)["equal"], true);
    }
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 1000000");
    folder.json(&format!("call {token} transfer --args @bob 5"), 0);
    // Nothing is free to be held on the contract.
    let rehearsed = folder.json("replay --engine wasmi --rules contract-2-deposit-7", 3);
    assert_eq!(rehearsed["rules"], json!(["contract-2-deposit-7"]));
    assert_eq!(folder.fusee("replay --rules contract-2-deposit").code, 2);
}

#[test]
fn the_state_of_an_earlier_height_is_read_and_proven() {
    let (folder, token) = chain();
    let accounts = folder.json("accounts --height 2", 0);
    assert_eq!(accounts["height"], 2);
    assert_eq!(accounts["accounts"][1]["balance"], "1000000000003");
    let root = folder.json("block 2", 0)["state_root"].clone();
    assert_eq!(accounts["state_root"], root);
    let proof = folder.text("prove bob --height 2 --json", 0);
    folder.write("bob.json", &proof);
    let root = root.as_str().unwrap();
    folder.json(&format!("verify proof bob.json --root {root}"), 0);
    let balance = |height: u64| {
        let words = format!("query {token} balance_of --args @bob --height {height}");
        folder.json(&words, 0)["output"].clone()
    };
    assert_eq!(
        (balance(4), balance(5)),
        (json!("0x0000000000000000"), json!("0x0500000000000000"))
    );
    let missing = folder.fusee("accounts --height 7");
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("heights 0 to 6 are"), "{missing:?}");
}

#[test]
fn a_rollback_goes_back_and_the_chain_goes_on() {
    let (folder, token) = chain();
    let before = folder.json("block 5", 0);
    let rolled = folder.json("rollback 4", 0);
    assert_eq!(rolled["height"], 4);
    let again = format!("call {token} transfer --args @bob 5");
    folder.json(&again, 0);
    assert_eq!(folder.json("block 5", 0), before);
    let beyond = folder.fusee("rollback 9");
    assert_eq!(beyond.code, 2);
    assert!(beyond.stderr.contains("heights 0 to 5 are"), "{beyond:?}");
    assert_eq!(folder.json("accounts", 0)["height"], 5);
    folder.json("rollback 0", 0);
    assert_eq!(folder.json("blocks", 0)["blocks"], json!([]));
}

#[test]
fn a_backup_is_a_data_folder() {
    let (folder, _) = chain();
    let backup = folder.json("backup kept", 0);
    assert_eq!(backup["height"], 6);
    let copied = folder.json("accounts --data kept", 0);
    assert_eq!(copied, folder.json("accounts", 0));
    folder.json("call bob --value 1 --data kept", 0);
    assert_eq!(
        folder.json("replay --data kept --engine wasmi", 0)["equal"],
        true
    );
    let again = folder.fusee("backup kept");
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("kept exists"), "{again:?}");
}

#[test]
fn copies_leave_everything_else_alone() {
    let (folder, _) = chain();
    let precious = folder.path().join("kept.unfinished");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("letter.txt"), "dear").unwrap();
    folder.json("backup kept.1", 0);
    folder.json("snapshot export kept/", 0);
    assert_eq!(fs::read(precious.join("letter.txt")).unwrap(), b"dear");
    for target in [".fusee", ".fusee/chain/copy", ".fusee/copy"] {
        for verb in ["backup", "snapshot export"] {
            let refused = folder.fusee(&format!("{verb} {target}"));
            assert_eq!(refused.code, 2, "{refused:?}");
            assert!(
                refused.stderr.contains("within the data folder"),
                "{refused:?}"
            );
        }
    }
    let missing = folder.fusee("backup no/such/place");
    assert_eq!(missing.code, 4, "{missing:?}");
    let hidden = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name());
    let hidden: Vec<_> = hidden
        .filter(|it| it.to_string_lossy().starts_with(".unfinished"))
        .collect();
    assert!(hidden.is_empty(), "{hidden:?}");
    // A capsule takes the place of a capsule only.
    let call = "call bob --value 1 --dry-run --capsule";
    folder.json(&format!("{call} c.capsule"), 0);
    folder.json(&format!("{call} c.capsule"), 0);
    let before = fs::read(folder.path().join(".fusee/genesis")).unwrap();
    let refused = folder.fusee(&format!("{call} .fusee/genesis"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is no capsule"), "{refused:?}");
    assert_eq!(
        fs::read(folder.path().join(".fusee/genesis")).unwrap(),
        before
    );
}

#[test]
fn a_replay_begins_with_the_same_chain_only() {
    let (folder, _) = chain();
    folder.write("g.json", folder.text("genesis --chain-id other", 0));
    folder.json("init --genesis g.json --data other", 0);
    for (from, told) in [
        ("typo", "has no chain"),
        ("other", "has another chain"),
        (".fusee", "is the folder that is replayed"),
    ] {
        let refused = folder.fusee(&format!("replay --from {from}"));
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
    assert!(!folder.path().join("typo").exists());
}

#[test]
fn a_snapshot_begins_another_node() {
    let (folder, token) = chain();
    let exported = folder.json("snapshot export shot --height 4 --chunk-bytes 500", 0);
    assert!(exported["chunks"].as_u64().unwrap() > 1);
    let header = exported["header"].as_str().unwrap();
    assert_eq!(folder.json("block 4", 0)["hash"], header);

    // Nothing is trusted but the hash.
    let other = "ab".repeat(32);
    let refused = folder.fusee(&format!(
        "snapshot import shot --header {other} --data second"
    ));
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains(header), "{refused:?}");
    let chunk = folder.path().join("shot/00001.chunk");
    let good = fs::read(&chunk).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::write(&chunk, &bad).unwrap();
    let import = format!("snapshot import shot --header {header} --data second");
    let refused = folder.fusee(&import);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("chunk 1 is refused"), "{refused:?}");
    fs::write(&chunk, &good).unwrap();
    let imported = folder.json(&import, 0);
    assert_eq!(imported["state_root"], exported["state_root"]);

    // The genesis is compared before a folder is made.
    folder.write("g.json", folder.text("genesis --chain-id other", 0));
    let elsewhere = import.replace("--data second", "--data third");
    let wrong = folder.fusee(&format!("{elsewhere} --genesis g.json"));
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("another genesis"), "{wrong:?}");
    assert!(!folder.path().join("third").exists());
    let whole = folder.fusee("replay --data second");
    assert_eq!(whole.code, 2);
    assert!(whole.stderr.contains("--from"), "{whole:?}");

    // It goes on as the chain did, and can be the beginning of a replay.
    folder.json(
        &format!("call {token} transfer --args @bob 5 --data second"),
        0,
    );
    let block = |data: &str| folder.json(&format!("block 5 --data {data}"), 0);
    assert_eq!(block("second"), block(".fusee"));
    let replayed = folder.json("replay --from second --engine wasmi", 0);
    assert_eq!(
        (&replayed["first_height"], &replayed["equal"]),
        (&json!(6), &json!(true))
    );
}

#[test]
fn a_chain_is_made_of_a_genesis_file_and_driven_by_a_key() {
    let folder = Folder::new();
    folder.write("password", "secret\n");
    let key = folder.json("keys new treasury --password-file password", 0);
    let poor = folder.json("keys new poor --password-file password", 0);
    let address = |key: &Value| key["address"].as_str().unwrap().to_owned();
    let genesis = folder.text(
        &format!(
            "genesis --chain-id acme-1 --account {}=5000000000 --minimum-price 2",
            address(&key)
        ),
        0,
    );
    folder.write("genesis.json", &genesis);
    let made = folder.json("init --genesis genesis.json", 0);
    assert_eq!(made["chain_id"], "acme-1");
    let again = folder.json("init --genesis genesis.json", 0);
    assert_eq!(
        (&made["is_new"], &again["is_new"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(made["identity"], again["identity"]);
    let other = folder.fusee("init");
    assert_eq!(other.code, 4);
    assert!(other.stderr.contains("another genesis"), "{other:?}");

    let from = "--from treasury --password-file password --gas 1000000";
    let deployed = folder.json(&format!("deploy counter.wasm {from}"), 0);
    let gas = deployed["gas_used"].as_u64().unwrap();
    assert_eq!(deployed["fee"], (2 * gas).to_string());
    let counter = deployed["address"].as_str().unwrap();
    // Another account calls, and the first one pays for it.
    let called = format!(
        "call {counter} increment --from poor --fee-payer treasury --password-file password \
         --gas 1000000"
    );
    assert_eq!(folder.json(&called, 0)["status"], "success");
    let accounts = folder.json("accounts", 0)["accounts"].take();
    let nonce = |key: &Value| {
        let mut accounts = accounts.as_array().unwrap().iter();
        let account = accounts.find(|it| it["address"] == key["address"]);
        account.unwrap()["nonce"].clone()
    };
    assert_eq!((nonce(&key), nonce(&poor)), (json!(1), json!(1)));
    assert_eq!(accounts.as_array().unwrap().len(), 2, "{accounts}");

    for (words, code, told) in [
        ("call bob --value 1", 2, "neither an account nor an address"),
        (
            "call bob --value 1 --from treasury --password-file password",
            2,
            "neither",
        ),
        (
            "call treasury --value 1 --from poor --password-file password --gas 1000000",
            5,
            "balance of 0",
        ),
        (
            "call poor --value 1 --from treasury --password-file password --gas-price 1",
            5,
            "minimum is 2",
        ),
        (
            "call poor --value 1 --from treasury --password-file no",
            2,
            "--password-file",
        ),
        (
            &format!("call poor --value 1 --from {}", "0".repeat(64)),
            2,
            "no key of",
        ),
        (
            "call poor --value 1 --time 1 --from treasury --password-file password --gas 1000000",
            2,
            "--time",
        ),
    ] {
        let answer = folder.fusee(words);
        assert_eq!(answer.code, code, "{words}: {answer:?}");
        assert!(answer.stderr.contains(told), "{words}: {answer:?}");
    }
    // A dry run needs neither password nor key.
    let dry = folder.json(
        &format!("call {counter} increment --from treasury --dry-run --gas 1000000"),
        0,
    );
    assert_eq!(dry["committed"], false);
    assert_eq!(folder.json("replay --engine wasmi", 0)["equal"], true);
}

#[test]
fn contracts_can_be_there_from_the_beginning() {
    let folder = Folder::new();
    let mut genesis: Value = serde_json::from_str(&folder.text("genesis", 0)).unwrap();
    let token = |code: &str, input: &str| json!([{"name": "token", "code": {"path": code}, "input": input, "gas": 10_000_000}]);
    genesis["contracts"] = token("token.wasm", "e803000000000000");
    folder.write("genesis.json", genesis.to_string());
    let made = folder.json("init --genesis genesis.json", 0);
    let contracts = folder.json("accounts", 0)["contracts"].take();
    let address = contracts[0]["address"].as_str().unwrap();
    let supply = folder.json(&format!("query {address} total_supply --engine all"), 0);
    assert_eq!(supply["output"], "0xe803000000000000");
    folder.json("call bob --value 1", 0);
    assert_eq!(folder.json("replay", 0)["equal"], true);
    assert_eq!(folder.json("doctor", 0)["is_healthy"], true);
    assert_eq!(
        folder.json("init --genesis genesis.json", 0)["identity"],
        made["identity"]
    );

    // One that cannot be deployed, or is not there, makes no folder.
    for (code, told) in [
        ("token.wasm", "`token`"),
        ("none.wasm", "none.wasm"),
        ("hostile_giant_br_table.wasm", "`token`"),
    ] {
        genesis["contracts"] = token(code, "");
        folder.write("bad.json", genesis.to_string());
        let refused = folder.fusee("init --genesis bad.json --data bad");
        assert_eq!(refused.code, 2, "{code}: {refused:?}");
        assert!(refused.stderr.contains(told), "{code}: {refused:?}");
        assert!(!folder.path().join("bad").exists(), "{code}");
    }
}

#[test]
fn a_damaged_folder_is_told_by_the_doctor() {
    let (folder, _) = chain();
    let healthy = folder.json("doctor", 0);
    assert_eq!(
        (&healthy["is_healthy"], &healthy["height"]),
        (&json!(true), &json!(6))
    );
    let log = folder.path().join(".fusee/chain/log");
    let mut files: Vec<_> = fs::read_dir(&log)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.retain(|file| fs::metadata(file).unwrap().len() > 1_000);
    let file = &files[0];
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, &bytes).unwrap();
    let sick = folder.json("doctor", 4);
    assert_eq!(sick["is_healthy"], false);
    assert!(!sick["findings"].as_array().unwrap().is_empty(), "{sick}");
    let text = folder.text("doctor", 4);
    assert!(text.contains("finding "), "{text}");
    let refused = folder.fusee("accounts");
    assert_eq!(refused.code, 4);
    assert!(refused.stderr.contains("fusee doctor"), "{refused:?}");
    bytes[middle] ^= 1;
    fs::write(file, &bytes).unwrap();
    assert_eq!(folder.json("doctor", 0), healthy);
    let none = folder.fusee("doctor --data nothing");
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("`nothing` has no chain"), "{none:?}");
    assert!(!folder.path().join("nothing").exists());
}

#[test]
fn what_is_missing_or_not_finished_makes_no_new_chain() {
    let (folder, _) = chain();
    let exported = folder.json("snapshot export shot --chunk-bytes 500", 0);
    let header = exported["header"].as_str().unwrap();
    let import = format!("snapshot import shot --header {header} --data second");
    let chunk = folder.path().join("shot/00000.chunk");
    let good = fs::read(&chunk).unwrap();
    fs::remove_file(&chunk).unwrap();
    assert_eq!(folder.fusee(&import).code, 2);
    for words in ["accounts", "call bob --value 1", "doctor", "replay"] {
        let refused = folder.fusee(&format!("{words} --data second"));
        assert_eq!(refused.code, 4, "{words}: {refused:?}");
        assert!(
            refused.stderr.contains("snapshot import"),
            "{words}: {refused:?}"
        );
    }
    fs::write(&chunk, good).unwrap();
    folder.json(&import, 0);
    assert_eq!(folder.json("accounts --data second", 0)["height"], 6);

    fs::create_dir(folder.path().join("copy")).unwrap();
    for part in ["chain/log", "chain", "genesis"] {
        folder.json(&format!("backup copy/{}", part.replace('/', "-")), 0);
        let copy = format!("copy/{}", part.replace('/', "-"));
        let lost = folder.path().join(&copy).join(part);
        match lost.is_dir() {
            true => fs::remove_dir_all(lost).unwrap(),
            false => fs::remove_file(lost).unwrap(),
        }
        let refused = folder.fusee(&format!("accounts --data {copy}"));
        assert_eq!(refused.code, 4, "{part}: {refused:?}");
        assert!(refused.stderr.contains("is missing"), "{part}: {refused:?}");
    }
}
