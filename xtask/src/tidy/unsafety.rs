//! `unsafe` is only where a reader expects it, and everywhere else the compiler refuses it.
//!
//! A crate's root forbids it. A crate with an excepted file or folder, which only guests compile,
//! forbids it on every other target.

use super::Finding;
use crate::rust_text;
use crate::workspace::Source;

const RULE: &str = "unsafety";
const FORBID: &str = "#![forbid(unsafe_code)]";
const FORBID_ON_HOSTS: &str = r#"#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]"#;
const FORBID_BUT_IN_GUESTS: &str = r#"#![cfg_attr(not(target_os = "none"), forbid(unsafe_code))]"#;

/// The crate whose guests are of both formats.
const SDK: &str = "crates/sdk/";

/// Where `unsafe` may stand, as the beginning of a path, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "crates/engine-",
        "a backend trusts its own compiled artifacts and suspends native stacks",
    ),
    (
        "crates/abi/src/table.rs",
        "declares the host's functions for wasm guests",
    ),
    (
        "crates/sdk/src/guest",
        "a contract hands pointers to the host, and has an allocator",
    ),
    ("guests/", "a guest hands pointers to the host"),
    (
        "bench/src/peers/wasmtime/artifact.rs",
        "Wasmtime trusts compiled artifacts",
    ),
    (
        "bench/cosmwasm/",
        "Wasmer trusts compiled artifacts, and cosmwasm-vm its folder",
    ),
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let path = source.path.as_str();
    if EXCEPTIONS
        .iter()
        .any(|(prefix, _)| path.starts_with(prefix))
    {
        return Vec::new();
    }
    let code = rust_text::code(&source.text);
    let mut findings = Vec::new();
    for (line, _) in (1..)
        .zip(code.lines())
        .filter(|(_, text)| rust_text::uses(text, "unsafe"))
    {
        findings.push(Finding::new(
            path,
            line,
            RULE,
            "`unsafe` outside the excepted places",
        ));
    }
    if let Some(wanted) = attribute_of_root(path)
        && !source.text.lines().any(|text| text.trim_end() == wanted)
    {
        findings.push(Finding::new(
            path,
            1,
            RULE,
            format!("the crate's root lacks `{wanted}`"),
        ));
    }
    findings
}

/// What the file must say about `unsafe` if it is the root of a crate of this workspace.
fn attribute_of_root(path: &str) -> Option<&'static str> {
    let folder = path
        .strip_suffix("src/lib.rs")
        .or_else(|| path.strip_suffix("src/main.rs"))?;
    if !folder.starts_with("crates/") && !folder.starts_with("xtask/") {
        return None;
    }
    let has_exception = EXCEPTIONS
        .iter()
        .any(|(prefix, _)| prefix.starts_with(folder));
    Some(match has_exception {
        true if folder == SDK => FORBID_BUT_IN_GUESTS,
        true => FORBID_ON_HOSTS,
        false => FORBID,
    })
}

#[cfg(test)]
mod tests;
