//! Arguments by their names, and help on methods.

use crate::support::{Folder, guests};

/// A token with its interface, and its address.
fn token() -> (Folder, String) {
    let folder = Folder::new();
    let json = guests().join("../interfaces/token.json");
    let json = json.display();
    folder.json(
        &format!("interface token.wasm --embed {json} --output mine.wasm"),
        0,
    );
    let token = folder.deploy("mine.wasm --supply 1_000");
    (folder, token)
}

#[test]
fn arguments_have_names() {
    let (folder, token) = token();
    let input = |words: &str| {
        let text = folder.text(&format!("--json trace {token} {words}"), 0);
        let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
        trace["trace"]["frames"][0]["input"].clone()
    };
    let expected = input("transfer @bob 250");
    for words in [
        "transfer --to bob --amount 250",
        "transfer --amount=250 --to=@bob",
        "--amount 250 transfer to=bob",
        "transfer -- --to bob --amount 250",
        "transfer --gas 100000000 --to bob --from alice -- --amount 250",
        "transfer bob -- 250",
    ] {
        assert_eq!(input(words), expected, "{words}");
    }
    // A flag of both is the command's before `--`, and the method's behind it.
    folder.json(&format!("call {token} approve --spender bob --amount 9"), 0);
    let words = "transfer_from --from bob --to carol --amount 4 -- --from alice";
    let moved = folder.text(&format!("call {token} {words}"), 0);
    assert!(
        moved.contains("from: @alice, to: @carol, amount: 4"),
        "{moved}"
    );
    let balance = format!("query {token} balance_of --account carol");
    assert_eq!(folder.json(&balance, 0)["decoded"]["output"], 4);
    assert_eq!(
        folder.json(&format!("--json {balance}"), 0)["output"],
        "0x0400000000000000"
    );

    let gas = "gas mine.wasm --invoke transfer --deploy-args 1000 --top 3";
    folder.json(&format!("{gas} --to bob --amount 250"), 0);
    let hash = folder.json("upload mine.wasm", 0)["code_hash"].clone();
    let hash = hash.as_str().unwrap();
    // What the verb takes before the arguments makes no difference.
    for begin in ["deploy mine.wasm".to_owned(), format!("create {hash}")] {
        for words in ["5", "supply=5", "--supply 5", "--args 5", "--value 0 5"] {
            let made = folder.json(&format!("{begin} {words}"), 0);
            let made = made["address"].as_str().unwrap();
            let supply = folder.json(&format!("query {made} total_supply"), 0);
            assert_eq!(supply["decoded"]["output"], 5, "{begin} {words}");
        }
        let twice = folder.fusee(&format!("{begin} 5 --args 5"));
        assert!(
            twice.code == 2 && twice.stderr.contains("cannot be used with"),
            "{twice:?}"
        );
    }
}

#[test]
fn wrong_names_are_refused_before_anything_is_sent() {
    let (folder, token) = token();
    let plain = folder.deploy("token.wasm --args 1000");
    let height = || folder.json("status", 0)["height"].clone();
    let before = height();
    let transfer = format!("call {token} transfer");
    for (words, expected) in [
        (
            format!("{transfer} --to bob"),
            &["`amount` of `transfer` is missing", "missing: amount: u64"][..],
        ),
        (
            transfer.clone(),
            &[
                "takes 2 arguments, and none is given",
                "missing: to: address, amount: u64",
            ],
        ),
        (
            format!("{transfer} @bob"),
            &["and 1 is given", "missing: amount: u64"],
        ),
        (
            format!("{transfer} --to bob --amuont 5"),
            &["no argument `--amuont`", "did you mean `--amount`?"],
        ),
        (
            format!("{transfer} --to bob --amount 5 --dry-rum"),
            &["no argument `--dry-rum`", "did you mean `--dry-run`?"],
        ),
        (
            format!("{transfer} --to bob --amount -5"),
            &[
                "argument 2 of `transfer`: amount: \"-5\" is no u64",
                "for example 250",
            ],
        ),
        (format!("{transfer} @bob -5"), &["amount: \"-5\" is no u64"]),
        (
            format!("{transfer} --to bob --amount many"),
            &["\"many\" is no u64", "`amount` is for example 250"],
        ),
        (
            format!("{transfer} --to bob --amount"),
            &["`--amount` of `transfer` has no value", "u64"],
        ),
        (format!("{transfer} --to bob 5"), &["`5` has no name"]),
        (
            format!("{transfer} --to bob --amount 5 --amount 6"),
            &["given twice"],
        ),
        (
            format!("{transfer} --to bob --args 5"),
            &["given twice: by --args"],
        ),
        (
            format!("{transfer} --to bob --input 0x00"),
            &["given twice: by --input"],
        ),
        (
            format!("call {token} transfer_from --from alice --to bob --amount 5"),
            &[
                "`from` of `transfer_from` is missing",
                "behind it, as in `-- --from VALUE`",
            ],
        ),
        (
            format!("{transfer} -- --to bob --amount 5 --dry-run"),
            &["stands before `--`: `--dry-run`"],
        ),
        (
            format!("call {plain} transfer --to bob --amount 5"),
            &["`--to` is no flag, and no interface"],
        ),
        (
            "call bob --vlaue 5".to_owned(),
            &["`--vlaue` is no flag", "did you mean `--value`?"],
        ),
        (
            "deploy mine.wasm --suply 5".to_owned(),
            &["no argument `--suply`", "`--supply`?"],
        ),
    ] {
        let answer = folder.fusee(&words);
        assert_eq!(answer.code, 2, "{words}: {answer:?}");
        for expected in expected {
            assert!(answer.stderr.contains(expected), "{words}: {answer:?}");
        }
    }
    assert_eq!(height(), before, "nothing is committed");
    // Words that begin with dashes are passed on where there are no names.
    let words = format!("trace {plain} transfer @bob -- -7");
    assert!(folder.fusee(&words).code < 2);
}

#[test]
fn help_lists_methods_and_arguments() {
    let (folder, token) = token();
    for verb in ["call", "query", "trace"] {
        let text = folder.text(&format!("{verb} {token} -- --help"), 0);
        let method = "transfer(to: address, amount: u64)\n    Moves the caller's tokens.\n";
        assert!(text.contains(method), "{text}");
        assert!(!text.contains("deploy("), "{text}");
    }
    let text = folder.text(&format!("call {token} transfer -- --help"), 0);
    assert!(text.contains("--amount u64  for example 250"), "{text}");
    assert!(!text.contains("balance_of"), "{text}");
    let one = folder.text(&format!("call {token} transfer --json -- --help"), 0);
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["methods"][0]["args"][1]["name"], "amount");
    for words in [
        "deploy mine.wasm -- --help",
        "gas mine.wasm --invoke deploy -- --help",
    ] {
        let text = folder.text(words, 0);
        assert!(text.contains("--supply u64  for example 250"), "{text}");
    }
    let wrong = folder.fusee(&format!("call {token} transfr -- --help"));
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("did you mean `transfer("),
        "{wrong:?}"
    );
    let plain = folder.deploy("token.wasm --args 1000");
    let text = folder.text(&format!("call {plain} -- --help"), 0);
    assert!(text.contains("`balance_of`"), "{text}");
    assert_eq!(
        folder
            .fusee(&format!("call {plain} transfer -- --help"))
            .code,
        1
    );
}
