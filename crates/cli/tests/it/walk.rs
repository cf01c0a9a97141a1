//! The walk of docs/book/src/first-contract.md, and the recipe of guests/README.md: their commands,
//! run as they are written.
//!
//! `.ci/run walk` runs it, since it compiles the engines for a package of its own. Output
//! blocks are compared line by line: `...` stands for any lines, and hashes and numbers only have
//! to be there, since compilers change them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use fusee_build::Toolchain;

/// Marks the begin of a block in the output.
const MARK: &str = "::block ";

/// A block of commands, and the output that is shown for it.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    commands: String,
    output: Option<String>,
}

#[test]
#[ignore = "compiles the engines for a package of its own: .ci/run walk"]
fn the_commands_of_the_page_do_what_it_says() {
    walk(&blocks(&fs::read_to_string(page()).unwrap()));
}

#[test]
fn a_contract_without_the_sdk_is_made_as_the_guests_say() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/README.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("## A contract without the SDK\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = blocks(section);
    assert_eq!(blocks.len(), 2);
    walk(&blocks);
}

/// Runs the commands of blocks in an empty folder, and compares what they print.
fn walk(blocks: &[Block]) {
    let folder = tempfile::tempdir().unwrap();
    if let Err(error) = Toolchain::find(folder.path()).and_then(|it| it.has_wasm()) {
        assert!(
            std::env::var_os("FUSEE_TEST_REQUIRE_ALL").is_none(),
            "{error}"
        );
        eprintln!("SKIPPED: the commands of a page were not run: {error}");
        return;
    }
    let mut script = String::from("set -euo pipefail\n");
    for (number, block) in blocks.iter().enumerate() {
        script.push_str(&format!("echo '{MARK}{number}'\n{}", block.commands));
    }
    fs::write(folder.path().join("walk.sh"), script).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_fusee")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(program.to_owned()).chain(std::env::split_paths(&path));
    // The engines of the last walk.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walk");
    let mut bash = Command::new("bash");
    bash.arg("walk.sh")
        .current_dir(folder.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("CARGO_TARGET_DIR", target)
        .stderr(Stdio::inherit());
    for variable in ["FUSEE_DATA", "FUSEE_NODE", "FUSEE_KEYS", "NO_COLOR"] {
        bash.env_remove(variable);
    }
    let done = bash.output().unwrap();
    let stdout = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}:\n{stdout}", done.status);
    let parts: Vec<_> = stdout.split(MARK).skip(1).collect();
    assert_eq!(parts.len(), blocks.len());
    for (block, part) in blocks.iter().zip(parts) {
        let (_, actual) = part.split_once('\n').unwrap();
        if let Some(expected) = &block.output
            && let Err(line) = compare(expected, actual)
        {
            panic!("line {} of the page: no `{line}` in\n{actual}", block.line);
        }
    }
}

/// The page. It moves with the other pages of the book.
fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src/first-contract.md")
}

/// The blocks of commands, each with the output that follows it.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = (1..).zip(page.lines());
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let text: String = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .map(|line| format!("{line}\n"))
            .collect();
        match language {
            "sh" => blocks.push(Block {
                line: number,
                commands: text,
                output: None,
            }),
            "text" => blocks.last_mut().unwrap().output = Some(text),
            other => panic!("line {number}: a block of `{other}`"),
        }
    }
    blocks
}

/// The first line that is not there, if there is one.
fn compare(expected: &str, actual: &str) -> Result<(), String> {
    let mut actual = actual.lines().map(plain).peekable();
    let mut may_skip = false;
    for line in expected.lines() {
        if line == "..." {
            may_skip = true;
            continue;
        }
        let wanted = plain(line);
        let found = match may_skip {
            true => actual.any(|line| line == wanted),
            // The tests and cargo put empty lines around what they say.
            false => {
                while !wanted.is_empty() && actual.next_if(String::is_empty).is_some() {}
                wanted.is_empty() || actual.next() == Some(wanted)
            }
        };
        if !found {
            return Err(line.to_owned());
        }
        may_skip = false;
    }
    Ok(())
}

/// A line without what changes with every compiler: numbers, hashes and the width of columns.
fn plain(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let letters = |character: char| !character.is_ascii_alphanumeric() && character != ',';
        let parts = word.split_inclusive(letters).map(|part| {
            let text = part.trim_end_matches(letters);
            let is_hash = text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_number =
                text.starts_with(|first: char| first.is_ascii_digit()) && text.len() > 2;
            match is_hash || is_number {
                true => format!("N{}", &part[text.len()..]),
                false => part.to_owned(),
            }
        });
        parts.collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_has_commands_and_their_output() {
    let page = fs::read_to_string(page()).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() > 8, "{}", blocks.len());
    let commands: String = blocks.iter().map(|block| block.commands.as_str()).collect();
    for verb in [
        "new", "test", "build", "create", "call", "trace", "gas", "upgrade", "verify",
    ] {
        assert!(commands.contains(&format!("fusee {verb}")), "{verb}");
    }
    let shown = blocks.iter().filter(|block| block.output.is_some()).count();
    assert!(shown + 3 > blocks.len(), "{shown} of {}", blocks.len());
}

#[test]
fn another_output_is_found() {
    let expected = "size  2,445 bytes\n...\nstatus success\nend\n";
    let actual = "\nsize       2,500 bytes\nmore\nstatus  success\n\nend\n";
    assert_eq!(compare(expected, actual), Ok(()));
    let failed = actual.replace("success", "reverted");
    assert_eq!(compare(expected, &failed), Err("status success".to_owned()));
    let longer = actual.replace("\nend", "\nmiddle\nend");
    assert_eq!(compare(expected, &longer), Err("end".to_owned()));
    assert_eq!(plain("hash 1344ca85c2dd  add 2"), "hash N add 2");
    assert_ne!(plain("returned 5"), plain("returned 4"));
}
