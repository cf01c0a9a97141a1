//! `gas`: where the gas of a run went, to the last unit.

use std::collections::BTreeMap;

use expect_test::expect;
use serde_json::Value;

use crate::support::Folder;

const TRANSFER: &str = "gas token.wasm --invoke transfer @bob 250 --deploy-args 1000000";

/// What each kind of part comes to, and what they have to come to.
fn sums(answer: &Value) -> (u64, u64) {
    let number = |value: &Value| value.as_u64().unwrap();
    let single = ["transaction", "loading", "instance", "forfeited", "code"]
        .map(|part| number(&answer[part]));
    let listed = ["functions", "syscalls"].map(|parts| {
        let parts = answer[parts].as_array().unwrap();
        parts.iter().map(|part| number(&part["gas"])).sum::<u64>()
    });
    let sum = single.iter().chain(&listed).sum();
    (sum, number(&answer["total"]))
}

/// The stacks of `--folded`.
fn folded(text: &str) -> BTreeMap<&str, u64> {
    text.lines()
        .map(|line| {
            let (stack, gas) = line.rsplit_once(' ').unwrap();
            (stack, gas.parse().unwrap())
        })
        .collect()
}

/// Of each frame of an image: its name, its gas, and its own.
pub(crate) fn frames(svg: &str) -> Vec<(String, u64, u64)> {
    let number = |text: &str| text.replace(',', "").parse().unwrap();
    let frame = |title: &str| {
        let (title, _) = title.split_once("</title>").unwrap();
        let (name, rest) = title.rsplit_once(": ").unwrap();
        let (gas, rest) = rest.split_once(" gas (").unwrap();
        let own = rest.split_once("%), self ").unwrap().1;
        let own = own.strip_suffix(" gas").unwrap();
        (name.to_owned(), number(gas), number(own))
    };
    svg.split("<title>").skip(1).map(frame).collect()
}

#[test]
fn all_parts_are_the_gas_used_however_a_run_ends() {
    let folder = Folder::new();
    let traps = crate::support::guests().join("hostile_traps.wasm");
    let traps = traps.display();
    let polkavm = crate::support::guests().join("../polkavm");
    let [compute, polkavm_token] = ["compute", "token"].map(|name| {
        polkavm
            .join(format!("{name}.polkavm"))
            .display()
            .to_string()
    });
    for (words, outcome, code) in [
        ("arith.wasm --invoke fib 12".to_owned(), "finished", 0),
        (
            "arith.wasm --invoke fib 12 --gas 5000".to_owned(),
            "out_of_gas",
            1,
        ),
        (
            "arith.wasm --invoke fib 12 --gas 5".to_owned(),
            "out_of_gas",
            1,
        ),
        (
            "arith.wasm --invoke fib 12 --gas 0".to_owned(),
            "out_of_gas",
            1,
        ),
        (format!("{traps} --invoke unreachable"), "trapped", 1),
        (
            format!("{traps} --invoke burn_then_oob_load 99"),
            "trapped",
            1,
        ),
        (format!("{traps} --invoke stack_overflow"), "trapped", 1),
        (
            "token.wasm --invoke transfer @bob 250 --deploy-args 1000".to_owned(),
            "success",
            0,
        ),
        (
            "token.wasm --invoke transfer @bob 250 --deploy-args 100".to_owned(),
            "reverted",
            1,
        ),
        ("token.wasm --invoke deploy 1000".to_owned(), "success", 0),
        (
            "token.wasm --invoke transfer @bob 250 --gas 280000 --deploy-args 1000".to_owned(),
            "out_of_gas",
            1,
        ),
        (
            // The least with which it is valid.
            "token.wasm --invoke transfer @bob 250 --gas 265560 --deploy-args 1000".to_owned(),
            "out_of_gas",
            1,
        ),
        ("caller.wasm --invoke nest".to_owned(), "reverted", 1),
        (format!("{compute} --invoke fib 5"), "finished", 0),
        (
            format!("{compute} --invoke forever --gas 500000"),
            "out_of_gas",
            1,
        ),
        (
            format!("{polkavm_token} --invoke transfer @bob 250 --deploy-args 1000"),
            "success",
            0,
        ),
    ] {
        let answer = folder.json(&format!("gas {words}"), code);
        assert_eq!(answer["outcome"], outcome, "{words}: {answer}");
        let (sum, total) = sums(&answer);
        assert_eq!(sum, total, "{words}: {answer}");
        let stacks = folder.text(&format!("gas {words} --folded"), code);
        let folded = folded(&stacks);
        assert_eq!(folded.values().sum::<u64>(), total, "{words}");
        assert!(!folded.contains_key(""), "{words}: a stack has a name");
        folder.text(&format!("gas {words} --svg image.svg"), code);
        let svg = std::fs::read_to_string(folder.path().join("image.svg")).unwrap();
        let frames = frames(&svg);
        assert_eq!(frames[0].1, total, "{words}");
        assert_eq!(
            frames.iter().map(|frame| frame.2).sum::<u64>(),
            total,
            "{words}"
        );
    }
}

#[test]
fn a_profile_tells_what_run_and_call_tell() {
    let folder = Folder::new();
    let ran = folder.json("run arith.wasm --invoke fib 12", 0);
    let profiled = folder.json("gas arith.wasm --invoke fib 12", 0);
    assert_eq!(profiled["total"], ran[0]["gas_used"]);

    let address = folder.deploy("token.wasm --args 1000000");
    let called = folder.json(&format!("call {address} transfer --args @bob 250"), 0);
    let profiled = folder.json(TRANSFER, 0);
    assert_eq!(profiled["total"], called["gas_used"]);
    let (signature, bytes) = (250_000, 270);
    let body = 10_000 + 4 * (32 + 8);
    assert_eq!(profiled["transaction"], signature + 20 * bytes + body);
    assert_eq!(profiled["forfeited"], 0);
    // Its chain is not the one of the folder.
    let again = Folder::new();
    assert_eq!(again.json(TRANSFER, 0), profiled);
    assert!(!again.path().join(".fusee").exists());
}

#[test]
fn the_table_lists_what_costs_most() {
    let folder = Folder::new();
    expect![[r#"
        outcome   success
        gas used  300,328 of 1,000,000,000
        engines   wasmtime, wasmi

            gas   share  with callees  where
        265,560   88.4%                (transaction)
         16,236    5.4%                (instance)
         11,640    3.9%                fusee.storage_write
          4,148    1.4%                fusee.storage_read
          1,640    0.5%                fusee.event_emit
            482    0.2%        17,910  token::move_tokens
            294    0.1%        18,532  transfer
            140    0.0%                fusee.input_read
            132    0.0%                fusee.caller
             56    0.0%           196  <fusee_guest::buffer::Buffer<128>>::fill::<<fusee_guest::buffer::Buffer<128>>::input::{closure#0}>
        300,328  100.0%                total
    "#]]
    .assert_eq(&folder.text(TRANSFER, 0));
    expect![[r#"
        outcome   success
        gas used  300,328 of 1,000,000,000
        engines   wasmtime, wasmi

            gas   share  with callees  where
        265,560   88.4%                (transaction)
         16,236    5.4%                (instance)
         18,532    6.2%                8 more, see --top
        300,328  100.0%                total
    "#]]
    .assert_eq(&folder.text(&format!("{TRANSFER} --top 2"), 0));
    expect![[r#"
        (instance) 16236
        (transaction) 265560
        transfer 294
        transfer;<fusee_guest::buffer::Buffer<128>>::fill::<<fusee_guest::buffer::Buffer<128>>::input::{closure#0}> 56
        transfer;<fusee_guest::buffer::Buffer<128>>::fill::<<fusee_guest::buffer::Buffer<128>>::input::{closure#0}>;fusee.input_read 140
        transfer;fusee.caller 132
        transfer;token::move_tokens 482
        transfer;token::move_tokens;fusee.event_emit 1640
        transfer;token::move_tokens;fusee.storage_read 4148
        transfer;token::move_tokens;fusee.storage_write 11640
    "#]]
    .assert_eq(&folder.text(&format!("{TRANSFER} --folded"), 0));
}

/// Functions whose names are no good in a line or an image, or that have none.
const NAMES: &str = r#"(module
  (func $nameless)
  (func (@name "a;b\nc <&> d") (call $nameless))
  (func (export "main") (call 1) (call 0)))"#;

#[test]
fn names_break_neither_lines_nor_images() {
    let folder = Folder::new();
    folder.write("names.wat", NAMES);
    let text = folder.text("gas names.wat --folded --svg one.svg", 0);
    let stacks = folded(&text);
    assert!(stacks.contains_key("main;a:b?c <&> d"), "{text}");
    let read = |file| std::fs::read_to_string(folder.path().join(file)).unwrap();
    assert!(
        read("one.svg").contains("a:b?c &lt;&amp;&gt; d"),
        "{}",
        read("one.svg")
    );
    folder.text("gas names.wat --svg two.svg", 0);
    assert_eq!(read("one.svg"), read("two.svg"));
}

/// Functions of Rust, as the compiler and the linker name them.
const MANGLED: &str = r#"(module
  (func $_ZN5token7balance17h05af221e174051e9E (drop (i32.add (i32.const 1) (i32.const 2))))
  (func $token::credit::h05af221e174051e9 (call 0))
  (func (export "main") (call 1)))"#;

#[test]
fn names_of_rust_functions_are_demangled() {
    let folder = Folder::new();
    folder.write("mangled.wat", MANGLED);
    let stack = "main;token::credit;token::balance";
    let text = folder.text("gas mangled.wat --folded --svg image.svg", 0);
    // The names of a stack are separated by `;`, and `::` is a part of a name.
    assert!(folded(&text).contains_key(stack), "{text}");
    let svg = std::fs::read_to_string(folder.path().join("image.svg")).unwrap();
    assert!(svg.contains("<title>token::balance: "), "{svg}");
    let table = folder.text("gas mangled.wat", 0);
    assert!(table.contains("  token::credit\n"), "{table}");
    let profile = folder.json("gas mangled.wat", 0);
    assert_eq!(profile["functions"][0]["name"], "token::balance");
    let inspected = folder.json("inspect mangled.wat", 0);
    assert_eq!(inspected["functions"][0]["name"], "token::balance");
    let listed = folder.text("inspect mangled.wat", 0);
    assert!(listed.contains("token::credit()"), "{listed}");
}

#[test]
fn what_cannot_be_profiled_is_told() {
    let folder = Folder::new();
    folder.write("bad.wasm", "\0asm");
    for (words, code, said) in [
        ("gas nothing.wasm", 2, "does not exist"),
        ("gas bad.wasm", 1, "truncated"),
        ("gas hostile_floats.wasm --floats refused", 1, "floating"),
        ("gas arith.wasm", 2, "--invoke"),
        ("gas arith.wasm --invoke add 1", 2, "takes 2 arguments"),
        ("gas caller.wasm", 2, "--invoke"),
        (
            "gas token.wasm --invoke transfre --deploy-args 1",
            2,
            "did you mean `transfer`",
        ),
        (
            "gas token.wasm --invoke transfer @bob 1",
            1,
            "--deploy-args",
        ),
        (
            "gas arith.wasm --invoke add 1 2 --svg no/such/folder",
            2,
            "cannot write",
        ),
    ] {
        let answer = folder.fusee(words);
        assert_eq!(answer.code, code, "{words}: {answer:?}");
        assert!(answer.stderr.contains(said), "{words}: {answer:?}");
    }
}
