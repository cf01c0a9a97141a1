//! `inspect`: what is in a program, function by function.

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::Folder;

/// Everything that can be in a program.
const RICH: &str = r#"
(module
  (import "fusee" "gas_left" (func $gas_left (result i64)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2 3)
  (table (export "table") 4 funcref)
  (global $seen (mut i32) (i32.const 0))
  (global (export "seven") i64 (i64.const 7))
  (data (i32.const 8) "12345")
  (data "123")
  (elem (i32.const 1) $leaf $busy)
  (elem declare func $leaf)
  (func $leaf (export "leaf") (param i32 i64) (result i64 i32)
    (local.get 1) (local.get 0))
  (func $busy (export "busy") (local i32 funcref)
    (loop $again
      (br_if $again (i64.gt_s (call $gas_left) (i64.const 1000)))
      (loop (br_if 0 (i32.eqz (global.get $seen)))))
    (local.set 1 (ref.func $leaf)))
  (func (export "deploy")))
"#;

fn function<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let functions = answer["functions"].as_array().unwrap();
    functions
        .iter()
        .find(|function| function["name"] == name)
        .unwrap()
}

#[test]
fn everything_in_a_program_is_listed() {
    let folder = Folder::new();
    folder.write("rich.wat", RICH);
    let answer = folder.json("inspect rich.wat", 0);
    assert_eq!(answer["rules"]["name"], "contract-2-program");
    assert_eq!(answer["rules"]["id"].as_str().unwrap().len(), 64);
    assert_eq!(
        answer["memory"],
        json!({"initial_pages": 2, "maximum_pages": 3})
    );
    assert_eq!(
        answer["tables"],
        json!([{"initial_elements": 4, "maximum_elements": 16_384}])
    );
    assert_eq!(
        answer["globals"],
        json!([{"type": "i32", "mutable": true}, {"type": "i64", "mutable": false}])
    );
    assert_eq!(
        answer["data_segments"],
        json!([
            {"kind": "active", "target": 0, "offset": 8, "length": 5},
            {"kind": "passive", "target": null, "offset": null, "length": 3}
        ])
    );
    assert_eq!(
        answer["element_segments"],
        json!([
            {"kind": "active", "target": 0, "offset": 1, "length": 2},
            {"kind": "declared", "target": null, "offset": null, "length": 1}
        ])
    );
    assert_eq!(answer["custom_sections"][0]["name"], "name");
    assert_eq!(
        answer["exports"],
        json!([
            {"name": "memory", "kind": "memory", "index": 0},
            {"name": "table", "kind": "table", "index": 0},
            {"name": "seven", "kind": "global", "index": 1},
            {"name": "leaf", "kind": "func", "index": 2},
            {"name": "busy", "kind": "func", "index": 3},
            {"name": "deploy", "kind": "func", "index": 4}
        ])
    );
    assert_eq!(
        answer["imports"][1],
        json!({
            "index": 1, "module": "fusee", "name": "call", "params": vec!["i32"; 6], "results": ["i32"],
            "may_suspend": true, "base_gas": 5_000, "byte_gas": 1
        })
    );
}

#[test]
fn the_price_of_an_instance_adds_up() {
    let folder = Folder::new();
    folder.write("rich.wat", RICH);
    for file in ["rich.wat", "counter.wasm", "token.wasm", "counter.polkavm"] {
        let answer = folder.json(&format!("inspect {file}"), 0);
        let parts = answer["instance"]["parts"].as_array().unwrap();
        let gas = parts.iter().map(|part| part["gas"].as_u64().unwrap());
        assert_eq!(answer["instance_gas"], gas.clone().sum::<u64>(), "{file}");
        let largest = parts.iter().max_by_key(|part| part["gas"].as_u64());
        assert_eq!(answer["instance"]["largest"], largest.unwrap()["part"]);
        let checked = folder.json(&format!("check {file}"), 0);
        assert_eq!(checked["instance"], answer["instance"]);
    }
    expect![[r#"
        instance   20,828 gas, 52.8% of it for resident pages
             gas  share  count   each  part
          11,000  52.8%      2  5,500  resident pages
           3,700  17.8%      1  3,700  the instance itself
           2,400  11.5%      1  2,400  its memory
           1,980   9.5%      6    330  exports
             750   3.6%      1    750  tables
             340   1.6%      4     85  segments
             330   1.6%      2    165  globals
             175   0.8%      7     25  table elements
             135   0.6%      5     27  functions
              18   0.1%      1     18  data, by 64 bytes
    "#]]
    .assert_eq(&instance(&folder, "rich.wat"));
    expect![[r#"
          instance   106,743 gas, 80.6% of it for far pages
               gas  share  count    each  part
            86,000  80.6%      1  86,000  far pages
            12,625  11.8%    101     125  instructions
             3,700   3.5%      1   3,700  the instance itself
             2,400   2.2%      1   2,400  its memory
             2,000   1.9%      8     250  basic blocks
                18   0.0%      1      18  data, by 64 bytes
    "#]]
    .assert_eq(&instance(&folder, "counter.polkavm"));
}

/// What the text of an inspection says about an instance.
fn instance(folder: &Folder, file: &str) -> String {
    let text = folder.text(&format!("inspect {file}"), 0);
    let lines = text.lines().skip_while(|line| !line.contains("instance"));
    let lines = lines.take_while(|line| !line.contains("functions  "));
    lines
        .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap()))
        .collect()
}

#[test]
fn a_hint_names_what_the_linker_was_told() {
    let folder = Folder::new();
    folder.write(
        "stack.wat",
        r#"(module (memory 40) (global (mut i32) (i32.const 2097152))
            (data (i32.const 2097152) "abc"))"#,
    );
    expect![[r#"
          instance   870,368 gas, 79.0% of it for far pages
                gas  share  count    each  part
            688,000  79.0%      8  86,000  far pages
            176,000  20.2%     32   5,500  resident pages
              3,700   0.4%      1   3,700  the instance itself
              2,400   0.3%      1   2,400  its memory
                165   0.0%      1     165  globals
                 85   0.0%      1      85  segments
                 18   0.0%      1      18  data, by 64 bytes
            hint: 32 of 40 pages are stack; with a stack of 64 KiB an instance costs 814,500 gas less: RUSTFLAGS="-C link-arg=-zstack-size=65536", or `-Wl,-zstack-size=65536` in C
    "#]].assert_eq(&instance(&folder, "stack.wat"));
    let hint = folder.json("inspect stack.wat", 0)["instance"]["hint"].take();
    assert_eq!(hint["flag"], "-zstack-size=65536");

    folder.write(
        "exports.wat",
        r#"(module (memory 1)
            (global (export "__dso_handle") i32 (i32.const 0))
            (global (export "__stack_low") i32 (i32.const 0)))"#,
    );
    expect![[r#"
          instance   12,590 gas, 43.7% of it for resident pages
              gas  share  count   each  part
            5,500  43.7%      1  5,500  resident pages
            3,700  29.4%      1  3,700  the instance itself
            2,400  19.1%      1  2,400  its memory
              660   5.2%      2    330  exports
              330   2.6%      2    165  globals
            hint: 2 exports are symbols of the linker; without `--export-all` an instance costs at least 660 gas less
    "#]].assert_eq(&instance(&folder, "exports.wat"));

    let functions = "(func)".repeat(1_000);
    folder.write("functions.wat", format!("(module {functions})"));
    expect![[r#"
          instance   30,700 gas, 87.9% of it for functions
               gas  share  count   each  part
            27,000  87.9%  1,000     27  functions
             3,700  12.1%      1  3,700  the instance itself
            hint: have fewer functions: in Rust, `lto = true` in the profile; for any program, `wasm-opt -Oz`
    "#]].assert_eq(&instance(&folder, "functions.wat"));
}

#[test]
fn functions_are_counted_and_priced() {
    let folder = Folder::new();
    folder.write("rich.wat", RICH);
    let answer = folder.json("inspect rich.wat", 0);

    let leaf = function(&answer, "leaf");
    assert_eq!(leaf["index"], 2);
    assert_eq!(
        (&leaf["params"], &leaf["results"]),
        (&json!(["i32", "i64"]), &json!(["i64", "i32"]))
    );
    assert_eq!(
        (&leaf["operators"], &leaf["gas"], &leaf["metered_blocks"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(
        (&leaf["frame_bytes"], &leaf["calls"]),
        (&json!(0), &json!(0))
    );

    let busy = function(&answer, "busy");
    assert_eq!(
        (&busy["loops"], &busy["calls"], &busy["locals"]),
        (&json!(2), &json!(1), &json!(2))
    );
    // Metered blocks: the entry, the loop, the inner loop, and the code after each loop.
    assert_eq!(
        (&busy["metered_blocks"], &busy["gas"]),
        (&json!(5), &json!(187))
    );
    // Nine to sixteen operators take eight bytes.
    assert_eq!(busy["frame_bytes"], 64 + 8 * (2 + 2) + 8);
    assert!(busy["metered_bytes"].as_u64() > busy["bytes"].as_u64());

    // The bodies lie where they are said to, before and after metering.
    let wasm = std::fs::read(folder.path().join("token.wasm")).unwrap();
    let answer = folder.json("inspect token.wasm", 0);
    let functions = answer["functions"].as_array().unwrap();
    let sum = |field: &str| {
        functions
            .iter()
            .map(|function| function[field].as_u64().unwrap())
            .sum::<u64>()
    };
    assert!(sum("bytes") < u64::try_from(wasm.len()).unwrap());
    assert!(sum("metered_bytes") < answer["metered_size"].as_u64().unwrap());
    for pair in functions.windows(2) {
        let [offset, bytes] = ["offset", "bytes"].map(|field| pair[0][field].as_u64().unwrap());
        assert!(offset + bytes < pair[1]["offset"].as_u64().unwrap());
    }
}

#[test]
fn text_lists_the_largest_functions() {
    let folder = Folder::new();
    let text = folder.text("inspect counter.wasm --functions 2", 0);
    // These two change with every change of the rules.
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("  rules") && !line.starts_with("  size"));
    expect![[r#"
        counter.wasm
          code hash  dd841d3acbabb1c9aafa6c24d49f8f2553b231b65a99e09ff6834f33cfa20918
          format     wasm
          memory     1 to 1,024 pages of 64 KiB
          start      none
          instance   13,816 gas, 39.8% of it for resident pages
              gas  share  count   each  part
            5,500  39.8%      1  5,500  resident pages
            3,700  26.8%      1  3,700  the instance itself
            2,400  17.4%      1  2,400  its memory
            1,650  11.9%      5    330  exports
              378   2.7%     14     27  functions
              170   1.2%      2     85  segments
               18   0.1%      1     18  data, by 64 bytes
          functions  8, the largest first
            index  bytes  metered  operators  loops  calls  blocks  gas  frame  work  function
               10     31       88         15      0      4       1   80    112   326  add(i64)
                8     27      100         14      0      3       3   66     88   330  add()
            and 6 more, 49 bytes in total; --functions 8 lists all
          imports    6
            0  fusee.input_read(i32, i32) -> i32              100 gas, 1 per byte
            1  fusee.output_write(i32, i32)                   100 gas, 1 per byte
            2  fusee.revert(i32, i32)                         100 gas, 1 per byte
            3  fusee.storage_read(i32, i32, i32, i32) -> i32  2,000 gas, 2 per byte
            4  fusee.storage_write(i32, i32, i32, i32)        5,000 gas, 20 per byte
            5  fusee.event_emit(i32, i32, i32, i32)           1,000 gas, 8 per byte
          exports    5
            memory 0  memory
            func 6    deploy
            func 7    increment
            func 8    add
            func 9    value
          tables     0
          globals    0
          elements   0
          data       2
            0  5 bytes   to memory 0 at 16
            1  21 bytes  to memory 0 at 32
          custom     1
            name  122 bytes
    "#]]
    .assert_eq(&lines.map(|line| format!("{line}\n")).collect::<String>());

    let all = folder.text("inspect counter.wasm --functions 99", 0);
    assert!(!all.contains(" bytes in total"), "{all}");
}

#[test]
fn the_metered_program_is_printed_as_text() {
    let folder = Folder::new();
    let text = folder.text("inspect counter.wasm --text", 0);
    assert!(text.starts_with("(module"), "{text}");
    let printed = wasmprinter::print_bytes(wat::parse_str(&text).unwrap()).unwrap();
    assert_eq!(printed, text);
    assert!(text.contains("\"fusee:host\""), "{text}");

    let answer = folder.json("inspect counter.wasm --text", 2);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--text")
    );
}

#[test]
fn a_refused_program_is_told_as_by_check() {
    let folder = Folder::new();
    for options in ["", "--json", "--text", "--functions 3"] {
        let common = if options == "--json" { options } else { "" };
        let inspected = folder.text(
            &format!("inspect hostile_floats.wasm --floats refused {options}"),
            1,
        );
        assert_eq!(
            inspected,
            folder.text(
                &format!("check hostile_floats.wasm --floats refused {common}"),
                1
            )
        );
    }
}
