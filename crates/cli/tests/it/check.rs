//! `check`: what is in a program, or why it is refused.

use expect_test::expect;
use serde_json::json;

use crate::support::Folder;

#[test]
fn a_valid_contract_is_described() {
    let folder = Folder::new();
    let answer = folder.json("check counter.wasm", 0);
    assert_eq!(answer["valid"], true);
    assert_eq!(answer["size"], 513);
    assert!(answer["metered_size"].as_u64().unwrap() > 513);
    assert_eq!(
        answer["memory"],
        json!({"initial_pages": 1, "maximum_pages": 1024})
    );
    assert_eq!(
        answer["imports"][0],
        json!({"module": "fusee", "name": "input_read", "params": ["i32", "i32"], "results": ["i32"], "may_suspend": false})
    );
    assert_eq!(
        answer["exports"][0],
        json!({"name": "deploy", "params": [], "results": []})
    );
    assert_eq!(answer["code_hash"].as_str().unwrap().len(), 64);

    let text = folder.text("check caller.wasm", 0);
    let call = text
        .lines()
        .find(|line| line.contains("fusee.call("))
        .unwrap();
    assert!(call.ends_with("may suspend"), "{text}");
    assert!(text.contains("\n    write_then_trap()\n"), "{text}");
}

#[test]
fn a_needlessly_expensive_instance_is_told_the_flag() {
    let folder = Folder::new();
    let instance = |file: &str, wat: &str| {
        folder.write(file, wat);
        let text = folder.text(&format!("check {file}"), 0);
        let lines = text.lines().skip_while(|line| !line.contains("instance"));
        let lines = lines.take_while(|line| !line.contains("memory  "));
        lines
            .map(|line| format!("{}\n", line.strip_prefix("  ").unwrap()))
            .collect::<String>()
    };

    // As Rust links by default: a stack of 1 MiB, below the data.
    expect![[r#"
          instance   101,545 gas, 92.1% of it for resident pages
          hint       16 of 17 pages are stack; with a stack of 64 KiB an instance costs 82,500 gas less: RUSTFLAGS="-C link-arg=-zstack-size=65536", or `-Wl,-zstack-size=65536` in C
    "#]].assert_eq(&instance("default.wat", &linked(1_048_576, 17)));
    expect![[r#"
          instance   19,045 gas, 57.8% of it for resident pages
    "#]]
    .assert_eq(&instance("flag.wat", &linked(65_536, 2)));
    expect![[r#"
          instance   13,545 gas, 40.6% of it for resident pages
    "#]]
    .assert_eq(&instance("page.wat", &linked(8_192, 1)));
    // The stack is small, but the linker was asked for more memory.
    expect![[r#"
          instance   872,045 gas, 78.9% of it for far pages
          hint       stack and data take 2 of 40 pages; without `--initial-memory` an instance costs 853,000 gas less, and a call that needs more memory pays for `memory.grow`
    "#]].assert_eq(&instance("initial.wat", &linked(65_536, 40)));
    // The stack lies above the data, so its size is not known.
    let above = r#"(module (memory 17) (global (mut i32) (i32.const 1049824))
        (data (i32.const 1024) "abc"))"#;
    expect![[r#"
          instance   99,868 gas, 93.6% of it for resident pages
    "#]]
    .assert_eq(&instance("above.wat", above));
}

/// A module as `wasm-ld` links those of Rust, with this size of stack.
fn linked(stack: u32, pages: u32) -> String {
    let end = stack + 16;
    format!(
        r#"(module
          (memory (export "memory") {pages})
          (global (mut i32) (i32.const {stack}))
          (global (export "__data_end") i32 (i32.const {end}))
          (global (export "__heap_base") i32 (i32.const {end}))
          (data (i32.const {stack}) "abc")
          (func (export "deploy")))"#
    )
}

#[test]
fn a_refused_program_is_told_the_rule_and_where() {
    let folder = Folder::new();
    let answer = folder.json("check hostile_giant_br_table.wasm", 1);
    assert_eq!(answer["valid"], false);
    let refusal = &answer["refusal"];
    assert_eq!(refusal["rule"], "br_table_targets");
    assert_eq!(refusal["value"], 200_000);
    assert_eq!(refusal["limit"], 4_096);
    assert_eq!(refusal["offset"], 75);

    expect![[r#"
        hostile_floats.wasm: refused
          code hash  ff93b0f0cacf6805d66790c7a982bef181fc5a8bb1d9cdf498efb143d1c3c0a4
          size       114 bytes
          rule       floats
          offset     59 (0x3b)
          function   1, run
          why        floating point (`f64`) is not admitted
          next       use integers: these rules refuse floating point, because NaNs differ between machines; in Rust, `serde_json` and the formatting of numbers by `core::fmt` usually bring it
    "#]]
    .assert_eq(&folder.text("check hostile_floats.wasm --floats refused", 1));

    let admitted = folder.json("check hostile_floats.wasm", 0);
    assert_eq!(admitted["valid"], true);
}

#[test]
fn a_wasm_feature_that_is_not_admitted_is_named() {
    let folder = Folder::new();
    folder.write(
        "vectors.wat",
        "(module (func (export \"ones\") (result v128) (i8x16.splat (i32.const 1))))",
    );
    folder.write("shared.wat", "(module (memory 1 1 shared))");
    folder.write(
        "lanes.wat",
        "(module (func (unreachable) (f32x4.add) (drop)))",
    );
    let refusal = |words: &str| folder.json(&format!("check {words}"), 1)["refusal"].take();

    let vectors = refusal("vectors.wat");
    assert_eq!(vectors["rule"], "simd");
    assert_eq!(
        vectors["next"],
        "compile without the wasm feature `simd`, which is not supported"
    );
    let lanes = refusal("lanes.wat --floats canonical");
    assert_eq!(lanes["rule"], "simd");
    assert_eq!(lanes["message"], "operator `F32x4Add` is not admitted");
    assert!(lanes["offset"].is_u64());
    assert_eq!(refusal("shared.wat")["rule"], "threads");
}

#[test]
fn what_is_not_wasm_or_not_all_of_it_is_told_apart() {
    let folder = Folder::new();
    let token = std::fs::read(folder.path().join("token.wasm")).unwrap();
    folder.write("half.wasm", &token[..token.len() / 2]);
    folder.write("empty.wasm", "");
    folder.write("picture.wasm", "\u{89}PNG and so on");
    let next = |file: &str| {
        let refusal = folder.json(&format!("check {file}"), 1)["refusal"].take();
        assert_eq!(refusal["rule"], "valid");
        assert!(refusal["offset"].is_u64());
        refusal["next"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        next("half.wasm"),
        format!(
            "the file is truncated after {} bytes; build or copy it again",
            token.len() / 2
        )
    );
    assert_eq!(
        next("empty.wasm"),
        "the file is empty; build or copy it again"
    );
    assert!(next("picture.wasm").starts_with("the file is not wasm"));
}

#[test]
fn a_file_that_breaks_off_is_told_so_wherever_it_does() {
    let folder = Folder::new();
    let counter = std::fs::read(folder.path().join("counter.wasm")).unwrap();
    let mut valid = Vec::new();
    for end in 1..counter.len() {
        folder.write("cut.wasm", &counter[..end]);
        let answer = folder.fusee("check cut.wasm --json");
        if answer.code == 0 {
            valid.push(end);
            continue;
        }
        let next = format!("the file is truncated after {end} bytes");
        assert!(answer.stdout.contains(&next), "{end}: {}", answer.stdout);
    }
    // A header alone is a program, and so is what ends with a section where no function is promised
    // or missing.
    assert_eq!(valid, [8, 44, 164, 345, 384]);
}

#[test]
fn another_kind_of_wasm_is_told_so() {
    let folder = Folder::new();
    folder.write("component.wasm", b"\0asm\x0d\0\x01\0");
    folder.write("version.wasm", b"\0asm\x02\0\0\0");
    let refusal = folder.json("check component.wasm", 1)["refusal"].take();
    assert_eq!(refusal["offset"], 4);
    assert_eq!(refusal["message"], "a component, expected a module");
    assert!(
        refusal["next"]
            .as_str()
            .unwrap()
            .starts_with("pass the core module"),
        "{refusal}"
    );
    let refusal = folder.json("check version.wasm", 1)["refusal"].take();
    assert_eq!(refusal["message"], "wasm version 0x2, expected 0x1");
}

#[test]
fn a_refusal_in_a_function_names_it() {
    let folder = Folder::new();
    folder.write(
        "deep.wat",
        format!(
            "(module (func) (func $deep {}))",
            "block ".repeat(1_100) + &"end ".repeat(1_100)
        ),
    );
    let refusal = folder.json("check deep.wat", 1)["refusal"].take();
    assert_eq!(refusal["rule"], "nesting");
    assert_eq!(
        (&refusal["value"], &refusal["limit"]),
        (&json!(1_025), &json!(1_024))
    );
    assert_eq!(refusal["function"], json!({"index": 1, "name": "deep"}));
    assert_eq!(
        refusal["next"],
        "enable optimisations, or split the function"
    );
}

#[test]
fn a_segment_that_does_not_fit_is_the_programs_fault() {
    let folder = Folder::new();
    folder.write(
        "segment.wat",
        "(module (memory 1) (data (i32.const 65535) \"12\"))",
    );
    let refusal = folder.json("check segment.wat", 1)["refusal"].take();
    assert_eq!(refusal["rule"], "segment");
    assert!(
        refusal["next"]
            .as_str()
            .unwrap()
            .starts_with("increase the initial size"),
        "{refusal}"
    );
}

#[test]
fn a_file_of_any_size_is_answered() {
    let folder = Folder::new();
    let mut large = b"\0asm\x01\0\0\0".to_vec();
    large.resize(20 << 20, 0);
    folder.write("large.wasm", &large);
    let refusal = folder.json("check large.wasm", 1)["refusal"].take();
    assert_eq!(refusal["rule"], "program_bytes");
    assert_eq!(
        (&refusal["value"], &refusal["limit"]),
        (&json!(20 << 20), &json!(2_621_440))
    );

    let file = std::fs::File::create(folder.path().join("huge.wasm")).unwrap();
    file.set_len(65 << 20).unwrap();
    let error = folder.json("check huge.wasm", 2)["error"].take();
    assert_eq!(
        error["message"],
        "`huge.wasm` is larger than 67,108,864 bytes, the limit of program files"
    );
}

#[test]
fn everything_that_is_wrong_is_listed() {
    let folder = Folder::new();
    folder.write(
        "wrong.wat",
        r#"(module
          (import "env" "clock" (func (result i64)))
          (memory 5000)
          (func $adds (drop (f64.add (f64.const 1) (f64.const 2))))
          (func $tail (return_call $tail)))"#,
    );
    expect![[r#"
        wrong.wat: refused
          code hash  2ecba568ea422cd0f90a1982d1acecd0db370cb6c5f671b688976029133e698c
          size       97 bytes
          rule       unknown_import
          why        imports unknown functions: `env.clock`
          next       a contract may import syscalls from `fusee` and nested VM functions from `env`; a program in a nested VM may import what its contract provides
          also       memory_pages: 5000 exceeds the limit of 1024, at byte 0x29
          also       floats: floating point (`F64Const`) is not admitted, at byte 0x31, in function 1, adds
          also       tail_call: operator `ReturnCall` is not admitted, at byte 0x48, in function 2, tail
    "#]].assert_eq(&folder.text("check wrong.wat --floats refused", 1));
    let answer = folder.json("check wrong.wat --floats refused", 1);
    assert_eq!(answer["refusals"][0], answer["refusal"]);
    let rules: Vec<_> = answer["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| &refusal["rule"])
        .collect();
    assert_eq!(
        rules,
        ["unknown_import", "memory_pages", "floats", "tail_call"]
    );
    assert_eq!(answer["refusals"][3]["function"]["name"], "tail");
    assert_eq!(answer["more"], 0);
}

#[test]
fn a_constructor_that_cannot_run_is_refused() {
    let folder = Folder::new();
    folder.write(
        "unfit.wat",
        r#"(module (func (export "deploy") (param i32)))"#,
    );
    let answer = folder.json("check unfit.wat", 1);
    assert_eq!(answer["refusal"]["rule"], "export_signature");
    expect![[r#"
        unfit.wat: refused
          code hash  6a48e65c63c78e0c24068c8691bc22ea3fac839de1964f59d89f81dfb1728feb
          size       37 bytes
          rule       export_signature
          why        the export `deploy` has parameters or results, so it cannot run at deployment
          next       let it take and return nothing: it reads its arguments with `input_read`, and sets its output with `output_write`
    "#]]
    .assert_eq(&folder.text("check unfit.wat", 1));
    let deployed = folder.json("deploy unfit.wat", 1);
    let message = deployed["error"]["causes"][0].as_str().unwrap();
    assert!(message.contains("`export_signature`"), "{message}");
}
