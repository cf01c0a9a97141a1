//! `trace`, and `--trace` of the verbs that run contracts.

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::Folder;

/// Calls the contract that its input begins with, by the method that follows, and reverts if that
/// fails.
const PASSES_ON: &str = r#"(module
  (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\ff\ff\ff\ff\ff\ff\ff\ff")
  (data (i32.const 32) "so far")
  (func (export "pass_on")
    (if (i32.lt_s (call $call (i32.const 64) (i32.const 96)
        (i32.sub (call $input (i32.const 64) (i32.const 1000)) (i32.const 32))
        (i32.const 64) (i32.const 0) (i32.const 0)) (i32.const 0))
      (then (call $revert (i32.const 32) (i32.const 6))))))"#;

/// The input of `pass_on`.
fn input(address: &str, method: &str) -> String {
    format!("--input 0x{address}{}", hex::encode(method))
}

/// The sum of the numbers in the first column of a tree.
fn sum(text: &str) -> u64 {
    let (_, tree) = text.split_once(" gas\n").unwrap();
    let first = tree.lines().map(|line| line.split_whitespace().next());
    let number = |word: &str| word.replace(',', "").parse::<u64>().ok();
    first.filter_map(|word| number(word?)).sum()
}

/// The text with each address replaced.
fn without(text: &str, addresses: &[(&str, &str)]) -> String {
    addresses
        .iter()
        .fold(text.to_owned(), |text, (address, name)| {
            text.replace(address, name).replace(&address[..12], name)
        })
}

#[test]
fn a_trace_is_a_tree_of_calls_and_syscalls() {
    let folder = Folder::new();
    let caller = folder.deploy("caller.wasm");
    let counter = folder.deploy("counter.polkavm");
    let words = format!("trace {caller} forward --args @{counter} increment --input 0x");
    let usage = folder.fusee(&words);
    assert_eq!(usage.code, 2, "--args and --input exclude each other");
    let words = format!("trace {caller} forward --args @{counter} increment {{\"bytes\":\"0x\"}}");
    let text = folder.text(&format!("{words} --engine all"), 0);
    expect![[r#"
        status     success
        gas used   409,065 of 1,000,000,000
        output     0x080000000100000000000000
        event      COUNTER count 0x0100000000000000  (1)
        engine     wasmtime and wasmi, equal results
        committed  nothing (dry run)

            gas
        265,756  transaction
         18,518  call CALLER.forward from alice: 143,309 of 999,734,244 gas, forwarded 984,089,815 and got 983,970,958 back, input 0xCOUNTER.. (49 bytes)
            149    input_read = 49
          5,565    call = 8
        110,359      call COUNTER.increment from CALLER: 118,857 of 984,089,815 gas
          2,026        storage_read 0x636f756e74  ("count"): 0x0000000000000000  (0) = 8
          5,260        storage_write 0x636f756e74  ("count"): 0x0000000000000000  (0) -> 0x0100000000000000  (1)
          1,104        event_emit COUNTER count 0x0100000000000000  (1)
            108        output_write
                       output 0x0100000000000000  (1)
            108    return_data_read = 8
            112    output_write
                   output 0x080000000100000000000000
    "#]]
    .assert_eq(&without(
        &text,
        &[(&caller, "CALLER"), (&counter, "COUNTER")],
    ));
    let answer = folder.json(&words, 0);
    assert_eq!(sum(&text), answer["gas_used"]);
    assert_eq!(answer["committed"], false);
    // Nothing was committed.
    let again = folder.json(&words, 0);
    assert_eq!(again, answer);

    let trace = &answer["trace"];
    let frames = trace["frames"].as_array().unwrap();
    let own = frames
        .iter()
        .map(|frame| frame["own_gas"].as_u64().unwrap());
    let intrinsic = trace["intrinsic_gas"].as_u64().unwrap();
    assert_eq!(answer["gas_used"], intrinsic + own.sum::<u64>());
    assert_eq!(frames[0]["address"], caller);
    assert_eq!(frames[1]["caller"], caller);
    assert_eq!(
        (&frames[1]["address"], &frames[1]["method"]),
        (&json!(counter), &json!("increment"))
    );
    let back = ["gas_forwarded", "gas_refunded"].map(|name| frames[0][name].as_u64().unwrap());
    assert_eq!(frames[1]["gas_limit"], back[0]);
    assert_eq!(frames[1]["gas_used"], back[0] - back[1]);
    let steps = |frame: &Value| frame["steps"].as_array().unwrap().clone();
    assert!(steps(&frames[0]).contains(&json!({"frame": 1})), "{trace}");
    let storage = json!([{
        "store": "persistent",
        "key": "0x636f756e74",
        "before": "0x0000000000000000",
        "after": "0x0100000000000000",
    }]);
    let wrote = steps(&frames[1])
        .into_iter()
        .find(|step| step["syscall"] == "storage_write");
    assert_eq!(wrote.unwrap()["storage"], storage);
}

#[test]
fn a_failure_is_told_from_its_innermost_frame_on() {
    let folder = Folder::new();
    folder.write("passes_on.wat", PASSES_ON);
    let [outer, inner] = [0, 1].map(|_| folder.deploy("passes_on.wat"));
    let caller = folder.deploy("caller.wasm");
    let names = [(&*outer, "OUTER"), (&*inner, "INNER"), (&*caller, "CALLER")];
    let nested = input(&inner, "pass_on");
    // The inner one has no input, so it calls nobody.
    let text = folder.text(&format!("trace {outer} pass_on {nested} --engine all"), 1);
    let text = without(&text, &names);
    let told = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("failed in") || line.starts_with("called by"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&text),
        [
            "failed in  INNER.pass_on: trapped: a syscall was passed more bytes than the rules allow",
            "called by  OUTER.pass_on: reverted: so far",
        ]
    );
    for (method, more, first) in [
        (
            "write_then_trap",
            "",
            "trapped: the guest ran `unreachable`",
        ),
        ("write_then_loop", "", "out_of_gas"),
        ("write_then_revert", "", "reverted: as asked"),
        ("nothing", "", "rejected: the contract has no such method"),
        ("who", "--gas 265_780", ""),
    ] {
        let words = format!("trace {outer} pass_on {} {more}", input(&caller, method));
        let text = folder.text(&words, 1);
        let used = folder.json(&words, 1);
        assert_eq!(sum(&text), used["gas_used"], "{text}");
        let text = without(&text, &names);
        let expected = match more {
            "" => vec![
                format!("failed in  CALLER.{method}: {first}"),
                "called by  OUTER.pass_on: reverted: so far".to_owned(),
            ],
            _ => vec!["failed in  OUTER.pass_on: out_of_gas".to_owned()],
        };
        assert_eq!(told(&text), expected);
        let failure = &used["trace"]["failure"];
        assert_eq!(failure.as_array().unwrap().len(), expected.len());
        let exhausted = (first == "out_of_gas" || !more.is_empty()).then_some("gas");
        assert_eq!(failure[0]["exhausted"].as_str(), exhausted, "{failure}");
    }
}

#[test]
fn verbs_trace_what_they_run() {
    let folder = Folder::new();
    let traced = |words: &str, kind: &str| {
        let plain = folder.json(&format!("{words} --engine all --dry-run"), 0);
        assert_eq!(plain.get("trace"), None, "{words}");
        let mut answer = folder.json(&format!("{words} --engine all --trace"), 0);
        assert_eq!(answer["gas_used"], plain["gas_used"], "{words}");
        let trace = answer["trace"].take();
        assert_eq!(trace["frames"][0]["kind"], kind, "{words}");
        answer
    };
    traced("deploy token.wasm --args 1000", "create");
    let hash = folder.json("upload counter.wasm", 0)["code_hash"].clone();
    let hash = hash.as_str().unwrap();
    let created = traced(&format!("create {hash} --admin alice"), "create");
    let contract = created["address"].as_str().unwrap();
    traced(&format!("upgrade {contract} {hash}"), "upgrade");
    let called = traced(&format!("call {contract} increment"), "call");
    assert_eq!(called["committed"], true);
    let query = format!("query {contract} value");
    assert_eq!(folder.json(&query, 0).get("trace"), None);
    let queried = folder.json(&format!("{query} --trace --engine all"), 0);
    let frame = &queried["trace"]["frames"][0];
    assert_eq!(
        (&frame["read_only"], &frame["kind"]),
        (&json!(true), &json!("call"))
    );
    assert_eq!(frame["gas_used"], queried["gas_used"]);
    for words in [query, format!("call {contract} increment")] {
        let text = folder.text(&format!("{words} --trace"), 0);
        let expected = folder.json(&words, 0)["gas_used"].clone();
        assert_eq!(sum(&text), expected, "{text}");
    }
}

#[test]
fn a_flame_graph_of_a_trace_has_the_gas_used() {
    let folder = Folder::new();
    let caller = folder.deploy("caller.wasm");
    let other = folder.deploy("caller.polkavm");
    for (method, gas) in [("who", "1_300_000"), ("write_then_loop", "500_000")] {
        let words = format!(
            "trace {caller} try_and_write --args @{other} {method} {{\"bytes\":\"0x\"}} --gas {gas}"
        );
        let answer = folder.fusee(&format!("{words} --svg one.svg --json"));
        let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
        let svg = std::fs::read_to_string(folder.path().join("one.svg")).unwrap();
        let frames = crate::gas::frames(&svg);
        let own: u64 = frames.iter().map(|(_, _, own)| own).sum();
        assert_eq!(
            (frames[0].1, own),
            (answer["gas_used"].as_u64().unwrap(), frames[0].1)
        );
        let name = |address: &str, method| format!("{}.{method}", &address[..12]);
        for name in [
            name(&caller, "try_and_write"),
            name(&other, method),
            "call".to_owned(),
        ] {
            assert!(frames.iter().any(|frame| frame.0 == name), "{frames:?}");
        }
    }
    let failure = folder.fusee(&format!("trace {caller} who --svg none/one.svg"));
    assert_eq!(failure.code, 2);
    assert!(
        failure.stderr.contains("cannot write `none/one.svg`"),
        "{failure:?}"
    );
}

/// Functions of the caller, of which two call, and of the callee have the gas of the receipt
/// between them, however the callee ends.
#[test]
fn a_flame_graph_tells_the_functions_of_every_contract_apart() {
    let folder = Folder::new();
    let callee = |rest: &str| {
        format!(
            r#"(module
              (memory (export "memory") 1)
              (func $work (param $left i32)
                (loop $more
                  (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
              (func (export "run") (call $work (i32.const 1000)) {rest}))"#
        )
    };
    // Its input is the address of the callee.
    let caller = r#"(module
      (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
      (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\ff\ff\ff\ff\ff\ff\ff\ff")
      (data (i32.const 32) "run")
      (func $pass (drop (call $call (i32.const 64) (i32.const 32) (i32.const 3)
        (i32.const 64) (i32.const 0) (i32.const 0))))
      (func $first (call $pass))
      (func $second (call $pass) (call $pass))
      (func (export "run")
        (drop (call $input (i32.const 64) (i32.const 32)))
        (call $first)
        (call $second)))"#;
    folder.write("caller.wat", caller);
    let caller = folder.deploy("caller.wat");
    let loops = "(loop $ever (br $ever))";
    for (name, rest, gas) in [
        ("returns", "", 10_000_000),
        ("traps", "unreachable", 10_000_000),
        ("loops", loops, 600_000),
    ] {
        folder.write(&format!("{name}.wat"), callee(rest));
        let callee = folder.deploy(&format!("{name}.wat"));
        let words = format!("trace {caller} run --input 0x{callee} --gas {gas} --engine all");
        let plain = folder.fusee(&format!("{words} --json"));
        let drawn = folder.fusee(&format!("{words} --svg run.svg --json"));
        // The second run, by function, shows nothing.
        assert_eq!(plain.stdout, drawn.stdout);
        let answer: Value = serde_json::from_str(&drawn.stdout).unwrap();
        let used = answer["gas_used"].as_u64().unwrap();
        let svg = std::fs::read_to_string(folder.path().join("run.svg")).unwrap();
        let frames = crate::gas::frames(&svg);
        let own: u64 = frames.iter().map(|(_, _, own)| own).sum();
        assert_eq!((frames[0].1, own), (used, used), "{name}");
        let total = |name: &str| {
            let found = frames.iter().filter(|frame| frame.0 == name);
            found.map(|(_, total, _)| *total).collect::<Vec<_>>()
        };
        let place = format!("{}.run", &callee[..12]);
        if name == "loops" {
            assert!(total("first")[0] > used / 2, "{frames:?}");
            continue;
        }
        // Once below the first function, and twice below the second.
        let ([first], [second]) = (&total("first")[..], &total("second")[..]) else {
            panic!("{frames:?}")
        };
        let [below_first, below_second] = &total(&place)[..] else {
            panic!("{frames:?}")
        };
        assert!(below_first < first && below_second < second, "{frames:?}");
        let calls = answer["trace"]["frames"].as_array().unwrap();
        let calls: Vec<u64> = calls[1..]
            .iter()
            .map(|call| call["gas_used"].as_u64().unwrap())
            .collect();
        assert_eq!(
            [*below_first, *below_second],
            [calls[0], calls[1] + calls[2]]
        );
        let [work, again] = total("work")[..] else {
            panic!("{frames:?}")
        };
        assert_eq!(2 * work, again, "{frames:?}");
    }
}
