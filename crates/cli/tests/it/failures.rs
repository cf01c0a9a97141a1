//! Errors: what, where and what next, each with its exit code.

use std::{fs, process::Stdio};

use expect_test::{Expect, expect};
use fusee::chain::{ContractRules, DataFolder};
use fusee::ledger::{Genesis, Ledger, Rulebook};

use crate::support::{Folder, guests};

/// Checks what a command complains about, in text and in JSON.
fn check(folder: &Folder, words: &str, code: i32, expected: Expect) {
    let answer = folder.fusee(words);
    assert_eq!(answer.code, code, "{words}: {answer:?}");
    assert_eq!(answer.stdout, "", "{words}");
    expected.assert_eq(&answer.stderr);

    let error = folder.json(words, code)["error"].take();
    assert_eq!(error["exit_code"], code, "{words}");
    let message = error["message"].as_str().unwrap();
    assert!(
        answer.stderr.starts_with(&format!("error: {message}\n")),
        "{words}"
    );
    assert!(
        error["next"].is_string() && error["causes"].is_array(),
        "{words}: {error}"
    );
}

#[test]
fn files() {
    let folder = Folder::new();
    let token = fs::read(folder.path().join("token.wasm")).unwrap();
    folder.write("half.wasm", &token[..token.len() / 2]);
    folder.write("notes.txt", "to do");
    folder.write("broken.wat", "(module (func (nope)))");
    check(
        &folder,
        "run no.wasm",
        2,
        expect![[r#"
        error: `no.wasm` does not exist
          cause: No such file or directory (os error 2)
          next: check the path, or build the program
    "#]],
    );
    check(
        &folder,
        "check .",
        2,
        expect![[r#"
            error: `.` is a folder
              cause: is a directory
              next: pass a .wasm, .wat or .polkavm file
        "#]],
    );
    check(
        &folder,
        "deploy notes.txt",
        1,
        expect![[r#"
            error: invalid program `notes.txt`
              cause: refused by rule `valid`: not a wasm file: it does not begin with `\0asm` (at byte 0x0)
              next: the file is not wasm: pass a .wasm file, which begins with `\0asm`, or a .wat file
        "#]],
    );
    check(
        &folder,
        "run half.wasm",
        1,
        expect![[r#"
            error: invalid program `half.wasm`
              cause: refused by rule `valid`: unexpected end-of-file (at byte 0x808)
              next: the file is truncated after 2600 bytes; build or copy it again
        "#]],
    );
    check(
        &folder,
        "deploy half.wasm",
        1,
        expect![[r#"
            error: invalid program `half.wasm`
              cause: refused by rule `valid`: unexpected end-of-file (at byte 0x808)
              next: the file is truncated after 2600 bytes; build or copy it again
        "#]],
    );
    check(
        &folder,
        "run broken.wat",
        1,
        expect![[r#"
        error: syntax error in `broken.wat`
          cause: unknown operator or unexpected token
             --> broken.wat:1:16
              |
            1 | (module (func (nope)))
              |                ^
          next: correct the text at this position
    "#]],
    );
    check(
        &folder,
        "run counter.wasm",
        1,
        expect![[r#"
            error: invalid program `counter.wasm`
              cause: refused by rule `unknown_import`: imports unknown functions: `fusee.input_read`, `fusee.output_write`, `fusee.revert`, `fusee.storage_read`, `fusee.storage_write`, `fusee.event_emit`
              next: this is a contract: run it with `fusee deploy` and `fusee call`
        "#]],
    );
    assert!(
        !folder.path().join(".fusee").exists(),
        "a refused program makes no data folder"
    );
}

#[test]
fn functions_and_their_arguments() {
    let folder = Folder::new();
    folder.write(
        "few.wat",
        "(module (func (export \"hello\") (param i32 i64)) (func (export \"bye\")))",
    );
    check(
        &folder,
        "run few.wat",
        2,
        expect![[r#"
            error: the program exports several functions
              next: choose one with --invoke: the program exports hello(i32, i64), bye()
        "#]],
    );
    check(
        &folder,
        "run few.wat --invoke helo",
        2,
        expect![[r#"
            error: the program exports no function `helo`
              next: did you mean `hello`? If not, the program exports hello(i32, i64), bye()
        "#]],
    );
    check(
        &folder,
        "run few.wat --invoke hello 1",
        2,
        expect![[r#"
        error: `hello` takes 2 arguments, 1 given
          next: pass the arguments of `hello(i32, i64)` in order
    "#]],
    );
    check(
        &folder,
        "run few.wat --invoke hello 1 x",
        2,
        expect![[r#"
            error: `x` is not an i64: expected an integer from -9223372036854775808 to 18446744073709551615
              next: pass the arguments of `hello(i32, i64)` in order
        "#]],
    );
}

#[test]
fn names_of_accounts_contracts_and_methods() {
    let folder = Folder::new();
    check(
        &folder,
        "call abcdef12 go",
        2,
        expect![[r#"
        error: no contract at `abcdef12`
          next: the accounts are `alice`, `bob`, `carol`, `dave`, `erin`, and there are no contracts yet: deploy one with `fusee deploy FILE`
    "#]],
    );
    let counter = folder.deploy("counter.wasm");
    check(
        &folder,
        &format!("call {counter} increments"),
        2,
        expect![[r#"
            error: the contract 11b930664eee has no method `increments`
              next: did you mean `increment`? The methods are `increment`, `add`, `value`
        "#]],
    );
    check(
        &folder,
        &format!("query {counter} xyz"),
        2,
        expect![[r#"
            error: the contract 11b930664eee has no method `xyz`
              next: the methods are `increment`, `add`, `value`
        "#]],
    );
    check(
        &folder,
        &format!("call {counter} deploy"),
        2,
        expect![[r#"
            error: the contract 11b930664eee has no method `deploy`
              next: `deploy` runs once, at deployment; the other methods are `increment`, `add`, `value`
        "#]],
    );
    check(
        &folder,
        "call abcdef12 go",
        2,
        expect![[r#"
        error: no contract at `abcdef12`
          next: the accounts are `alice`, `bob`, `carol`, `dave`, `erin`, the contracts are `11b930664eee`
    "#]],
    );
    check(
        &folder,
        "query bob value",
        2,
        expect![[r#"
        error: no contract at `bob`
          next: the accounts are `alice`, `bob`, `carol`, `dave`, `erin`, the contracts are `11b930664eee`
    "#]],
    );
    check(
        &folder,
        "call alcie --value 1",
        2,
        expect![[r#"
            error: `alcie` is neither an account nor an address
              next: did you mean `alice`? If not, the accounts are `alice`, `bob`, `carol`, `dave`, `erin`, the contracts are `11b930664eee`
        "#]],
    );
    check(
        &folder,
        "call bob --from mallory",
        2,
        expect![[r#"
        error: `mallory` is neither an account nor an address
          next: the accounts are `alice`, `bob`, `carol`, `dave`, `erin`, the contracts are `11b930664eee`
    "#]],
    );
    check(
        &folder,
        &format!("call {counter} add --args 1.5"),
        2,
        expect![[r#"
            error: argument 1 (`1.5`) has 1.5, which is neither a u64 nor an i64; larger integers need a type, as in {"u128":"1"}
              next: arguments are numbers, true, false, null, strings, @NAME, 0xHEX, [..] and types as in {"u8":1}; see `fusee call --help`
        "#]],
    );
    assert_eq!(
        folder.json("accounts", 0)["height"],
        1,
        "nothing of this was committed"
    );
}

#[test]
fn a_locked_folder() {
    let folder = Folder::new();
    let genesis = Genesis::development(ContractRules::latest().id(), &[]);
    let data = DataFolder::create(&folder.path().join(".fusee"), genesis).unwrap();
    let ledger = Ledger::new(Rulebook::new());
    let _chain = data.chain(ledger, data.options()).unwrap();
    check(
        &folder,
        "accounts --wait 0",
        4,
        expect![[r#"
            error: .fusee/chain is in use by another process: end that process first
              next: give the other process longer with --wait, end it, or talk to it with --node if it is a node
        "#]],
    );
    check(
        &folder,
        "call bob --value 1 --wait 1",
        4,
        expect![[r#"
            error: .fusee/chain is in use by another process: end that process first
              next: give the other process longer with --wait, end it, or talk to it with --node if it is a node
        "#]],
    );
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let folder = Folder::new();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("letter.txt"), "dear").unwrap();
    check(
        &folder,
        "accounts --data home",
        4,
        expect![[r#"
            error: home/letter.txt is not a file of a chain: choose another folder
              next: choose an empty or new folder with --data; this folder was not modified
        "#]],
    );
    check(
        &folder,
        "deploy counter.wasm --data home",
        4,
        expect![[r#"
            error: home/letter.txt is not a file of a chain: choose another folder
              next: choose an empty or new folder with --data; this folder was not modified
        "#]],
    );
    assert_eq!(fs::read_dir(&home).unwrap().count(), 1);

    fs::remove_file(home.join("letter.txt")).unwrap();
    fs::write(home.join("state.redb"), "not a database").unwrap();
    check(
        &folder,
        "accounts --data home",
        4,
        expect![[r#"
            error: home/state.redb is a store of an older version, which had no blocks: choose another folder
              next: choose another folder with --data; this folder was not modified
        "#]],
    );
    assert_eq!(
        fs::read(home.join("state.redb")).unwrap(),
        b"not a database"
    );
}

#[test]
fn flags() {
    let folder = Folder::new();
    for words in [
        "",
        "fly",
        "run",
        "run arith.wasm --gas x",
        "call bob --args 1 --input 00",
        "query bob",
    ] {
        assert_eq!(folder.fusee(words).code, 2, "{words}");
    }
    let help = folder.text("--help", 0);
    assert!(
        help.contains("Exit codes:")
            && help.contains("3  the engines disagree")
            && help.contains("5  the transaction is invalid"),
        "{help}"
    );
    for verb in [
        "demo",
        "run",
        "check",
        "inspect",
        "gas",
        "deploy",
        "upload",
        "create",
        "upgrade",
        "admin",
        "remove-code",
        "call",
        "query",
        "trace",
        "accounts",
        "blocks",
        "block",
        "replay",
        "genesis",
        "init",
        "doctor",
        "rollback",
        "backup",
        "snapshot",
        "node",
    ] {
        let help = folder.text(&format!("{verb} --help"), 0);
        let examples = help
            .lines()
            .filter(|line| line.starts_with(&format!("  fusee {verb}")))
            .count();
        assert!(examples >= 2, "{help}");
    }
}

#[test]
fn the_flag_for_the_arguments_of_a_deployment_is_named() {
    let folder = Folder::new();
    let token = guests().join("example_token.wasm");
    fs::copy(token, folder.path().join("coin.wasm")).unwrap();
    for (words, expected) in [
        ("deploy coin.wasm", "next: missing: supply: u64; "),
        (
            "gas coin.wasm --invoke transfer @bob 5",
            "pass them with `--deploy-args`, missing: supply: u64; ",
        ),
    ] {
        let answer = folder.fusee(words);
        assert!(
            answer.code == 2 && answer.stderr.contains(expected),
            "{answer:?}"
        );
    }
    folder.deploy("coin.wasm --name coin --args 5");
    let answer = folder.fusee("call coin transfer @bob");
    let expected = "next: missing: amount: u64; ";
    assert!(
        answer.code == 2 && answer.stderr.contains(expected),
        "{answer:?}"
    );
}

#[test]
fn a_folder_with_a_contract_is_no_program_but_is_built() {
    let folder = Folder::new();
    folder.json("new adds", 0);
    for verb in ["check", "gas", "deploy", "bindings"] {
        let answer = folder.fusee(&format!("{verb} adds"));
        assert!(
            answer.code == 2 && answer.stderr.contains("`fusee build adds`"),
            "{answer:?}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    for words in ["demo", "accounts", "check token.wasm --json"] {
        let mut child = folder
            .command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words}");
        assert_eq!(output.stderr, b"", "{words}");
    }
}

#[test]
fn wrong_usage_is_told_in_json_too() {
    let folder = Folder::new();
    let error = folder.json("run arith.wasm --gas x", 2)["error"].take();
    assert!(
        error["message"].as_str().unwrap().contains("--gas"),
        "{error}"
    );
    assert_eq!(error["exit_code"], 2);
}

#[test]
fn misspelled_imports_and_numbers() {
    let folder = Folder::new();
    folder.write(
        "typo.wat",
        r#"(module
            (import "fusee" "storage_raed" (func (param i32 i32 i32 i32) (result i32)))
            (import "fusee" "nothing_like_it" (func))
            (memory (export "memory") 1))"#,
    );
    check(
        &folder,
        "deploy typo.wat",
        1,
        expect![[r#"
        error: invalid program `typo.wat`
          cause: refused by rule `unknown_import`: imports unknown functions: `fusee.storage_raed` (did you mean `fusee.storage_read`?), `fusee.nothing_like_it`
          next: a contract may import syscalls from `fusee` and nested VM functions from `env`; a program in a nested VM may import what its contract provides
    "#]],
    );
    folder.write(
        "types.wat",
        r#"(module
            (import "fusee" "input_read" (func (param i64) (result i64)))
            (memory (export "memory") 1))"#,
    );
    check(
        &folder,
        "deploy types.wat",
        1,
        expect![[r#"
            error: invalid program `types.wat`
              cause: refused by rule `import_signature`: imports `fusee.input_read` with the wrong signature (i64) -> (i64), expected (i32, i32) -> (i32) (at byte 0x13)
              next: declare the import with the signature that is expected: docs/book/src/syscalls.md has all of them
        "#]],
    );
    let call = "call alice greet --gas abc";
    let answer = folder.fusee(call);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("gas is an integer from 0 to"),
        "{answer:?}"
    );
    folder.deploy("token.wasm --args 1000000");
    check(
        &folder,
        "call ab12 transfer",
        2,
        expect![[r#"
        error: `ab12` is too short for an address
          next: give at least the first 6 of its digits; the accounts are `alice`, `bob`, `carol`, `dave`, `erin`, the contracts are `3c9b8513a90e`
    "#]],
    );
}
