//! What the program tells of itself to shells, manuals and bug reports, and its standard input.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use crate::support::Folder;

#[test]
fn completions_are_scripts_of_the_shell() {
    let folder = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.text(&format!("completions {shell}"), 0);
        for word in ["bindings", "remove-code", "fee-payer"] {
            assert!(script.contains(word), "{shell} completes {word}");
        }
    }
    // The one shell that is everywhere reads what is for it.
    folder.write("fusee.bash", folder.text("completions bash", 0));
    let mut checked = Command::new("bash");
    checked
        .args(["-n", "fusee.bash"])
        .current_dir(folder.path());
    assert!(checked.status().unwrap().success());
}

#[test]
fn each_command_has_a_page_of_the_manual() {
    let folder = Folder::new();
    let pages = folder.json("man pages/man1", 0)["pages"].as_u64().unwrap();
    let files = fs::read_dir(folder.path().join("pages/man1")).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(u64::try_from(names.len()).unwrap(), pages);
    let page = fs::read_to_string(folder.path().join("pages/man1/fusee-call.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("Call a method of a contract"));

    folder.write("file", "");
    let refused = folder.fusee("man file");
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("next: choose a folder"));
}

#[test]
fn the_version_has_the_commit_of_a_build_in_a_repository() {
    let folder = Folder::new();
    let version = folder.text("--version", 0);
    let package = format!("fusee {}", env!("CARGO_PKG_VERSION"));
    let commit = version.trim_end().strip_prefix(&package).unwrap();
    let is_commit = |text: &str| text.len() >= 12 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let within = commit
        .strip_prefix(" (")
        .and_then(|it| it.strip_suffix(')'));
    assert!(
        commit.is_empty() || within.is_some_and(is_commit),
        "{version}"
    );
}

#[test]
fn programs_come_from_standard_input() {
    let folder = Folder::new();
    let mut command = folder.command("run - --invoke add 2 3 --json");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let program = fs::read(folder.path().join("arith.wasm")).unwrap();
    child.stdin.take().unwrap().write_all(&program).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let expected = folder.text("run arith.wasm --invoke add 2 3 --json", 0);
    let results = |text: &str| {
        let runs: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        let result = |run: &serde_json::Value| (run["values"].clone(), run["gas_used"].clone());
        runs.iter().map(result).collect::<Vec<_>>()
    };
    assert_eq!(results(&text), results(&expected));
    assert_eq!(results(&text)[0].0, serde_json::json!([5]));
}
