//! `--capsule` of the verbs that send transactions, and `replay`.

mod batches;

use std::fs;

use expect_test::expect;
use fusee::sandbox::CodeHash;
use serde_json::json;

use crate::support::{Folder, guests};
use batches::{increment, transfer};

/// Replays a capsule on every engine: equal, without the data folder.
fn assert_equal(folder: &Folder, capsule: &str) {
    let elsewhere = Folder::new();
    elsewhere.write(capsule, fs::read(folder.path().join(capsule)).unwrap());
    let answer = elsewhere.json(&format!("replay {capsule}"), 0);
    assert_eq!(answer["equal_on_all_engines"], json!(true), "{answer}");
    assert_eq!(answer["equal_to_recorded"], json!(true), "{answer}");
    assert!(answer["engines"].as_array().unwrap().len() >= 2, "{answer}");
    assert!(!elsewhere.path().join(".fusee").exists());
}

#[test]
fn transactions_of_every_kind_replay_equal_on_every_engine() {
    let folder = Folder::new();
    let send = |words: &str, capsule: &str, code: i32| {
        let words = format!("{words} --capsule {capsule}");
        let answer = folder.json(&words, code);
        assert_eq!(answer["capsule"], json!(capsule));
        assert_equal(&folder, capsule);
        answer
    };
    let address = |answer: &serde_json::Value| answer["address"].as_str().unwrap().to_owned();
    let token = address(&send(
        "deploy token.wasm --args 1000000",
        "deploy.capsule",
        0,
    ));
    send(
        &format!("call {token} transfer --args @bob 250 --engine all --trace"),
        "transfer.capsule",
        0,
    );
    send(
        &format!("call {token} transfer --args @bob 25000000"),
        "reverts.capsule",
        1,
    );
    send(
        &format!("call {token} transfer --args @bob 1 --gas 280000"),
        "out_of_gas.capsule",
        1,
    );
    send("call bob --value 1000 --dry-run", "value.capsule", 0);
    let caller = folder.deploy("caller.polkavm");
    let counter = folder.deploy("counter.wasm");
    send(
        &format!("call {caller} forward --args @{counter} increment {{\"bytes\":\"0x\"}}"),
        "both_formats.capsule",
        0,
    );
    let answer = send("upload counter.polkavm", "upload.capsule", 0);
    let hash = answer["code_hash"].as_str().unwrap();
    let answer = send(&format!("create {hash} --admin alice"), "create.capsule", 0);
    let contract = address(&answer);
    send(&format!("upgrade {contract} {hash}"), "upgrade.capsule", 0);
    send(&format!("call {contract} increment"), "polkavm.capsule", 0);
    send(&format!("admin {contract} --nobody"), "admin.capsule", 0);
    send(&format!("remove-code {hash}"), "remove.capsule", 1);
}

#[test]
fn a_replay_says_what_is_equal() {
    let folder = Folder::new();
    let counter = folder.deploy("counter.wasm");
    folder.text(&format!("call {counter} increment --capsule c.capsule"), 0);
    let text = folder.text("replay c.capsule", 0);
    expect![[r#"
        transaction  call COUNTER increment from alice
        overhead     254,620 gas
        rules        contract-2
        block        2 of `fusee-dev`, time 2,000
        status       success
        gas used     32,472 of 999,745,380
        output       0x0100000000000000  (1)
        event        COUNTER count 0x0100000000000000  (1)
        changes      0x037f7d766b3d0b68239df93ea6a2e9e2fb45d563b5166d7091a1e3a0a6321814
        engines      wasmtime, wasmi
        equal        on all engines, and to the recorded outcome
    "#]]
    .assert_eq(&text.replace(&counter[..12], "COUNTER"));
    let text = folder.text("replay c.capsule --engine wasmi", 0);
    assert!(
        text.ends_with("engines      wasmi\nequal        to the recorded outcome\n"),
        "{text}"
    );
}

/// A capsule whose state has another count. Its checksum is right.
fn counted_on(capsule: &[u8], from: u64, to: u64) -> Vec<u8> {
    let entry = |number: u64| {
        let value = [[1, 8, 0, 0, 0].as_slice(), &number.to_le_bytes()].concat();
        [b"count".as_slice(), &value].concat()
    };
    let place = capsule.windows(18).position(|window| window == entry(from));
    let mut altered = capsule[..capsule.len() - 32].to_vec();
    altered[place.unwrap()..][..18].copy_from_slice(&entry(to));
    let checksum = CodeHash::of(&altered);
    altered.extend_from_slice(checksum.as_bytes());
    altered
}

/// A capsule whose state says that the counter was at 7 and not at 0. Its checksum is right.
#[test]
fn a_replay_that_differs_shows_the_first_syscall_of_both_sides() {
    let folder = Folder::new();
    let counter = folder.deploy("counter.wasm");
    folder.text(&format!("call {counter} increment"), 0);
    folder.text(&format!("call {counter} increment --capsule c.capsule"), 0);
    let bytes = fs::read(folder.path().join("c.capsule")).unwrap();
    folder.write("altered.capsule", counted_on(&bytes, 1, 7));

    let text = folder.text("replay altered.capsule", 3);
    expect![[r#"
        transaction  call COUNTER increment from alice
        overhead     254,620 gas
        rules        contract-2
        block        3 of `fusee-dev`, time 3,000
        recorded     success, 287,092 gas, 1 events, changes 0xb9f9a33702d76ae0
        wasmtime     success, 287,092 gas, 1 events, changes 0xa1944a5d5a3f7bd2
        wasmi        success, 287,092 gas, 1 events, changes 0xa1944a5d5a3f7bd2
        equal        on all engines, and not to the recorded outcome
        differ       recorded and wasmtime, in output, events, changes
        first        step 2 in COUNTER increment
          recorded   storage_read = 8 with 999,721,446 gas left, 2,026 used, arguments 0x91f9ef30a5fce91a, result 0xd74243a247f30928
          wasmtime   storage_read = 8 with 999,721,446 gas left, 2,026 used, arguments 0x91f9ef30a5fce91a, result 0x83fe3b3722f22fcf
    "#]].assert_eq(&text.replace(&counter[..12], "COUNTER"));
    let answer = folder.json("replay altered.capsule", 3);
    assert_eq!(answer["equal_on_all_engines"], json!(true));
    assert_eq!(answer["equal_to_recorded"], json!(false));
    let [difference] = answer["differences"].as_array().unwrap().as_slice() else {
        panic!("{answer}");
    };
    assert_eq!(difference["between"], json!(["recorded", "wasmtime"]));
    assert_eq!(difference["equal_steps"], json!(1));
    assert_eq!(difference["is_exact"], json!(true));
    assert_eq!(difference["address"], json!(counter));
    assert_eq!(difference["method"], json!("increment"));
    let [recorded, replayed] = [0, 1].map(|side| difference["steps"][side].clone());
    assert_eq!(recorded["name"], json!("storage_read"));
    assert_eq!(recorded["gas_left"], replayed["gas_left"]);
    assert_eq!(recorded["arguments"], replayed["arguments"]);
    assert_ne!(recorded["result"], replayed["result"]);
}

#[test]
fn a_replay_shows_the_receipt_of_each_operation() {
    let folder = Folder::new();
    let operations = |counter| {
        let nothing = batches::call(counter, "nothing");
        vec![transfer(5), increment(counter), nothing, increment(counter)]
    };
    let (counter, capsule) = batches::recorded(operations);
    folder.write("batch.capsule", capsule);
    let text = folder.text("replay batch.capsule", 0);
    expect![[r#"
        transaction  4 operations from alice
        overhead     1,500 gas
        gas price    2, paid by bob
        rules        contract-2
        block        0 of ``, time 0
        operation 0  call bob with 5
          status     success
          gas used   10,000 of 998,500
        operation 1  call COUNTER increment
          status     success
          gas used   22,472 of 988,500
          output     0x0200000000000000  (2)
        operation 2  call COUNTER nothing
          status     rejected: the contract has no such method
          gas used   0 of 966,028
        operation 3  call COUNTER increment
          status     did not begin
        gas used     33,972
        fee          67,944
        changes      0x668caf6f867686dd060cdb848a6bbf6be212c46aafbf5eba1817750919ac35df
        engines      wasmtime, wasmi
        equal        on all engines, and to the recorded outcome
    "#]]
    .assert_eq(&text.replace(&counter.to_string()[..12], "COUNTER"));
    let answer = folder.json("replay batch.capsule", 0);
    let receipts = answer["recorded"]["receipts"].as_array().unwrap();
    let statuses: Vec<_> = receipts.iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, ["success", "success", "rejected"]);
    assert_eq!(answer["operations"].as_array().unwrap().len(), 4);
    let engine = &answer["engines"][1];
    assert_eq!(answer["recorded"]["receipts"], engine["receipts"]);
    assert_eq!(answer["recorded"]["fee"], engine["fee"]);

    folder.write("system.capsule", batches::recorded_system());
    let text = folder.text("replay system.capsule", 0);
    expect![[r#"
        system call  call COUNTER increment
        rules        contract-2
        block        0 of ``, time 0
        status       success
        gas used     22,472 of 100,000
        output       0x0200000000000000  (2)
        event        COUNTER count 0x0200000000000000  (2)
        changes      0x4425ee7e4e4af84219d5906bebde19bd6688cb1c550de092229d177f4122b289
        engines      wasmtime, wasmi
        equal        on all engines, and to the recorded outcome
    "#]]
    .assert_eq(&text.replace(&counter.to_string()[..12], "COUNTER"));
}

#[test]
fn a_difference_names_operation_syscall_and_gas() {
    let folder = Folder::new();
    let operations = |counter| vec![transfer(5), transfer(6), increment(counter)];
    let (counter, capsule) = batches::recorded(operations);
    folder.write("altered.capsule", counted_on(&capsule, 1, 7));
    let text = folder.text("replay altered.capsule", 3);
    expect![[r#"
        transaction  3 operations from alice
        overhead     1,500 gas
        gas price    2, paid by bob
        rules        contract-2
        block        0 of ``, time 0
        recorded     3 operations, success, 33,972 gas, 1 events, changes 0xcfd62c64bcd3e21c
        wasmtime     3 operations, success, 33,972 gas, 1 events, changes 0xff866b3ac7dd7af5
        wasmi        3 operations, success, 33,972 gas, 1 events, changes 0xff866b3ac7dd7af5
        equal        on all engines, and not to the recorded outcome
        differ       recorded and wasmtime, in output of operation 2, events of operation 2, changes
        first        step 6 in operation 2, COUNTER increment
          recorded   storage_read = 8 with 974,566 gas left, 2,026 used, arguments 0x91f9ef30a5fce91a, result 0xd74243a247f30928
          wasmtime   storage_read = 8 with 974,566 gas left, 2,026 used, arguments 0x91f9ef30a5fce91a, result 0x83fe3b3722f22fcf
    "#]].assert_eq(&text.replace(&counter.to_string()[..12], "COUNTER"));
    let answer = folder.json("replay altered.capsule", 3);
    let difference = &answer["differences"][0];
    assert_eq!(difference["operation"], json!(2));
    assert_eq!(difference["steps"][0]["operation"], json!(2));
    assert_eq!(difference["steps"][0]["name"], json!("storage_read"));
}

#[test]
fn code_that_was_left_out_has_to_be_given() {
    let folder = Folder::new();
    let token = folder.deploy("token.wasm --args 5");
    let words = "transfer --args @bob 1 --dry-run --capsule small.capsule --capsule-without-code";
    folder.text(&format!("call {token} {words}"), 0);
    let bytes = fs::read(folder.path().join("small.capsule")).unwrap();
    assert!(bytes.len() < 2_000, "{}", bytes.len());
    let answer = folder.fusee("replay small.capsule");
    assert_eq!(answer.code, 2);
    let hash = CodeHash::of(&fs::read(guests().join("token.wasm")).unwrap());
    assert_eq!(
        answer.stderr,
        format!(
            "error: the capsule was recorded without the code {hash}\n  next: pass the program \
             with --code FILE\n"
        )
    );
    folder.text("replay small.capsule --code token.wasm", 0);
    let answer = folder.fusee("replay small.capsule --code counter.wasm");
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.ends_with(&format!("next: it names {hash}\n")),
        "{answer:?}"
    );
}

#[test]
fn what_is_no_capsule_is_refused_with_advice() {
    let folder = Folder::new();
    let failure = |words: &str| {
        let answer = folder.fusee(words);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
        answer.stderr
    };
    expect![[r#"
        error: this is no capsule: it does not begin with `fuseecap`
          next: pass a file that `--capsule` wrote
    "#]]
    .assert_eq(&failure("replay token.wasm"));
    expect![[r#"
        error: cannot read `nothing.capsule`
          cause: No such file or directory (os error 2)
          next: pass a file that `--capsule` wrote
    "#]]
    .assert_eq(&failure("replay nothing.capsule"));
    folder.text("call bob --value 1 --capsule c.capsule", 0);
    let mut bytes = fs::read(folder.path().join("c.capsule")).unwrap();
    bytes[20] ^= 1;
    folder.write("damaged.capsule", &bytes);
    expect![[r#"
        error: the capsule is damaged or cut off: the checksum in its last 32 bytes is not that of the 652 bytes before it
          next: record it again, or get the file again
    "#]].assert_eq(&failure("replay damaged.capsule"));
    bytes[8] = 9;
    folder.write("later.capsule", &bytes);
    expect![[r#"
        error: the capsule has version 9, this program reads version 2
          next: use the version of fusee that wrote it
    "#]]
    .assert_eq(&failure("replay later.capsule"));
}

#[test]
fn a_capsule_that_cannot_be_written_commits_nothing() {
    let folder = Folder::new();
    let answer = folder.fusee("call bob --value 1 --capsule missing/c.capsule");
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("nothing was committed"),
        "{answer:?}"
    );
    let answer = folder.json("call bob --value 1", 0);
    assert_eq!(answer["height"], json!(1), "the first one");
    // No block can include it, so there is nothing to replay.
    folder.text("call bob --value 1 --gas 1 --capsule c.capsule", 5);
    assert!(!folder.path().join("c.capsule").exists());
}
