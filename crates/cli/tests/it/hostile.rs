//! Programs for PolkaVM that are damaged, or made to do harm: a clear answer, and never a panic.

use std::{fs, path::PathBuf};

use expect_test::expect;

use crate::support::{Answer, Folder, guests};

/// Commands that take the program `it.polkavm`.
const COMMANDS: [&str; 4] = [
    "check it.polkavm",
    "inspect it.polkavm",
    "run it.polkavm --gas 100000",
    "deploy it.polkavm --gas 10000000 --dry-run",
];

fn polkavm() -> PathBuf {
    guests().join("../polkavm")
}

/// Holds an answer against what holds for all: an exit code that means it, and if it complains,
/// what is wrong and what to do.
fn hold(answer: &Answer, what: &str) {
    assert!((0..=2).contains(&answer.code), "{what}: {answer:?}");
    assert!(!answer.stderr.contains("panicked"), "{what}: {answer:?}");
    assert!(
        !answer.stderr.contains("a bug in Fusee"),
        "{what}: {answer:?}"
    );
    if answer.stderr.starts_with("error: ") {
        assert!(answer.stderr.contains("\n  next: "), "{what}: {answer:?}");
    } else {
        assert_eq!(answer.stderr, "", "{what}");
    }
    let texts = [&answer.stdout, &answer.stderr];
    for text in texts {
        assert!(!text.contains(['\u{1b}', '\r']), "{what}: {answer:?}");
    }
}

#[test]
fn programs_that_no_compiler_makes_are_answered() {
    let folder = Folder::new();
    let mut refused = 0;
    for file in fs::read_dir(polkavm()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("hostile_") {
            continue;
        }
        folder.write("it.polkavm", fs::read(&path).unwrap());
        let codes = COMMANDS.map(|words| {
            let answer = folder.fusee(words);
            hold(&answer, &format!("{name}: {words}"));
            answer.code
        });
        if codes[0] == 1 {
            assert_eq!(codes[3], 1, "{name}");
            refused += 1;
        }
    }
    assert_eq!(refused, 18);
}

#[test]
fn every_end_and_every_bit_of_a_program_is_answered() {
    let folder = Folder::new();
    let whole = fs::read(polkavm().join("hostile_export_no_name.polkavm")).unwrap();
    let cut = (0..whole.len()).map(|length| {
        let mut cut = whole[..length].to_vec();
        if let Some(told) = cut.get_mut(5..13) {
            told.copy_from_slice(&u64::try_from(length).unwrap().to_le_bytes());
        }
        cut
    });
    let flipped = (0..whole.len() * 8).map(|bit| {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    for bytes in cut.chain(flipped) {
        folder.write("it.polkavm", &bytes);
        // Whatever is refused is refused by all.
        let codes = COMMANDS.map(|words| {
            let answer = folder.fusee(words);
            hold(&answer, &format!("{bytes:x?}: {words}"));
            answer.code
        });
        assert_eq!(codes[0] == 1, codes[3] == 1, "{bytes:x?}: {codes:?}");
    }
}

#[test]
fn a_refused_program_says_what_where_and_what_next() {
    let folder = Folder::new();
    let answer = |name: &str, command: &str| {
        let file = format!("hostile_{name}.polkavm");
        fs::copy(polkavm().join(&file), folder.path().join(&file)).unwrap();
        let answer = folder.fusee(&format!("{command} {file}"));
        assert_eq!(answer.code, 1, "{answer:?}");
        answer.stderr
    };
    expect![[r#"
        error: invalid program `hostile_huge_stack.polkavm`
          cause: refused by rule `valid`: the stack is too large
          next: link it with version 0.37 of PolkaVM's linker, without growing memory
    "#]]
    .assert_eq(&answer("huge_stack", "deploy"));
    expect![[r#"
        error: invalid program `hostile_large_stack.polkavm`
          cause: refused by rule `memory_pages`: 16384 exceeds the limit of 1024
          next: reduce its data, or link it with a smaller stack
    "#]]
    .assert_eq(&answer("large_stack", "deploy"));
    expect![[r#"
        error: invalid program `hostile_import_long.polkavm`
          cause: refused by rule `unknown_import`: unknown imports: `a_name_of_thirty_three_bytes_long`
          next: a contract may import syscalls from `fusee` and nested VM functions from `env`; a program in a nested VM may import what its contract provides
    "#]].assert_eq(&answer("import_long", "deploy"));
    expect![[r#"
        error: invalid program `hostile_import_unknown.polkavm`
          cause: refused by rule `unknown_import`: unknown imports: `no_such`, `\n`
          next: a contract may import syscalls from `fusee` and nested VM functions from `env`; a program in a nested VM may import what its contract provides
    "#]]
    .assert_eq(&answer("import_unknown", "run"));
    expect![[r#"
        error: invalid program `hostile_export_twice.polkavm`
          cause: refused by rule `valid`: `run` is exported twice (at instruction 0)
          next: link it with version 0.37 of PolkaVM's linker, without growing memory
    "#]]
    .assert_eq(&answer("export_twice", "run"));
    expect![[r#"
        error: invalid program `hostile_sbrk_latest.polkavm`
          cause: refused by rule `instruction_set`: the instruction set is not admitted: link the program for `revivev1`
          next: link it for the instruction set `revivev1`
    "#]].assert_eq(&answer("sbrk_latest", "deploy"));
    assert!(!folder.path().join(".fusee").exists());
}
