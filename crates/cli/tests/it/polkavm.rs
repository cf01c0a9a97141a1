//! PolkaVM programs, in every command that takes a program.

use std::{fs, path::Path, process::Command};

use serde_json::json;

use crate::support::{Answer, Folder, guests};

#[test]
fn a_polkavm_program_runs_on_its_engine() {
    let folder = Folder::new();
    let answer = folder.json("run compute.polkavm --invoke fib 20", 0);
    let engines = answer.as_array().unwrap();
    assert_eq!(engines.len(), 1);
    assert_eq!(engines[0]["engine"], "polkavm");
    assert_eq!(engines[0]["values"], json!([6_765]));
    assert!(engines[0]["gas_used"].as_u64().unwrap() > 100_000);
    let answer = folder.json("run compute.polkavm --invoke six 1 2 3 4 5 -6", 0);
    assert_eq!(answer[0]["values"], json!([-545_679]));
    let answer = folder.json("run compute.polkavm --invoke load 0", 1);
    assert_eq!(answer[0]["trap"], "memory_out_of_bounds");
    let answer = folder.json("run compute.polkavm --invoke forever --gas 1000000", 1);
    assert_eq!(answer[0]["outcome"], "out_of_gas");
    assert_eq!(answer[0]["gas_used"], 1_000_000);
    let failed = folder.fusee("run compute.polkavm --invoke add 1 2 3 4 5 6 7");
    assert!(failed.stderr.contains("up to 6 arguments"), "{failed:?}");
    let failed = folder.fusee("run counter.polkavm --invoke value");
    assert!(failed.stderr.contains("fusee deploy"), "{failed:?}");
}

#[test]
fn a_polkavm_program_is_checked_and_inspected() {
    let folder = Folder::new();
    let checked = folder.json("check counter.polkavm", 0);
    assert_eq!(checked["valid"], true);
    assert_eq!(checked["format"], "polkavm");
    assert_eq!(checked["imports"].as_array().unwrap().len(), 6);
    let inspected = folder.json("inspect counter.polkavm", 0);
    assert_eq!(inspected["format"], "polkavm");
    assert_eq!(inspected["exports"][0]["name"], "deploy");
    let text = folder.text("check counter.polkavm", 0);
    assert!(text.contains("increment(..)"), "{text}");
    folder.write("cut.polkavm", b"PVM\0\0");
    let refused = folder.json("check cut.polkavm", 1);
    assert_eq!(refused["refusal"]["rule"], "valid");
}

#[test]
fn a_contract_in_polkavm_counts_as_the_one_in_wasm() {
    let folder = Folder::new();
    let eight = "0x0800000000000000";
    let mut outputs = Vec::new();
    for file in ["counter.polkavm", "counter.wasm"] {
        let deployed = folder.json(&format!("deploy {file} --engine all"), 0);
        assert_eq!(deployed["status"], "success", "{file}");
        let address = deployed["address"].as_str().unwrap();
        let call = |method: &str, code| {
            folder.json(&format!("call {address} {method} --engine all"), code)
        };
        let added = call(&format!("add --input {eight}"), 0);
        assert_eq!(added["events"][0]["topic_text"], "count");
        let incremented = call("increment", 0);
        let reverted = call("add --input 0x01", 1);
        let value = folder.json(&format!("query {address} value --engine all"), 0);
        outputs.push([
            added["output"].clone(),
            incremented["output"].clone(),
            reverted["output"].clone(),
            reverted["status"].clone(),
            value["output"].clone(),
        ]);
    }
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0][4], "0x0900000000000000");
}

#[test]
fn contracts_of_both_formats_call_each_other_as_their_page_says() {
    let page = fs::read_to_string(guests().join("../README.md")).unwrap();
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let (commands, _) = rest.split_once("```").unwrap();
    let folder = Folder::new();
    let program = Path::new(env!("CARGO_BIN_EXE_fusee")).parent().unwrap();
    let script = format!("PATH=\"$1:$PATH\"\n{commands}");
    let output = Command::new("sh")
        .args(["-euc", &script, "sh"])
        .arg(program)
        .current_dir(guests().join("../.."))
        .env("FUSEE_DATA", folder.path().join("data"))
        .output();
    let answer = Answer::of(output.unwrap());
    assert_eq!(answer.code, 0, "{answer:?}");
    let outputs: Vec<&str> = answer
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("output"))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let seven = "0x080000000700000000000000";
    assert_eq!(outputs, [seven, "0x02000000", seven]);
}

#[test]
fn a_contract_in_polkavm_can_be_what_calls() {
    let folder = Folder::new();
    let mut outputs = Vec::new();
    for [from, to] in [["wasm", "polkavm"], ["polkavm", "wasm"]] {
        let caller = folder.deploy(&format!("caller.{from} --engine all"));
        let middle = folder.deploy(&format!("caller.{to} --engine all"));
        let counter = folder.deploy(&format!("counter.{from} --engine all"));
        let call = |words: &str| {
            let answer = folder.json(&format!("call {caller} {words} --engine all"), 0);
            answer["output"].clone()
        };
        let added = call(&format!("forward --args @{counter} increment []"));
        assert_eq!(added, "0x080000000100000000000000");
        let nested = call(&format!("nest --args [\"@{middle}\"]"));
        assert_eq!(nested, "0x02000000");
        for method in [
            "write_then_revert",
            "write_then_trap",
            "write_then_loop --gas 3000000",
        ] {
            let (method, gas) = method.split_once(' ').unwrap_or((method, ""));
            outputs.push(call(&format!(
                "try_and_write --args @{middle} {method} [] {gas}"
            )));
        }
    }
    let failures = ["0xfeffffff", "0xfdffffff", "0xfcffffff"];
    assert_eq!(outputs, failures.repeat(2));
}
