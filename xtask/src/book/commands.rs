//! Runs the shell commands of the book: each page in order, in a folder of its own.
//!
//! A page becomes one script of bash. Each command is in the line that it has in the page, so a
//! failure has the place in the page. The fence of a block says what becomes of it:
//!
//! - `sh`: it runs.
//! - `sh,serves-8645`: it runs beside what follows, which begins when the port of this machine
//!   accepts connections. It ends with the page.
//! - `sh,ignore`: it does not run. It needs a network, another machine, or much time.
//!
//! The folder has links to the guests and examples of the work tree and to what is built, and
//! `fusee` is on the path. A command of cargo runs at the root of the work tree, unless its folder
//! has a manifest.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

use super::PAGES;
use crate::finding::Finding;
use crate::workspace::{self, Page};

const RULE: &str = "commands";

/// Pages that another step of continuous integration runs. They run here if they are named.
const ELSEWHERE: &[&str] = &["first-contract.md"];

/// Where the pages have their folders, from the root.
const SCRATCH: &str = "target/book-commands";

/// Of the work tree, what pages can name.
const LINKED: &[&str] = &["examples", "guests", "packaging"];

/// The binaries that pages run with, in the order of preference, where cargo builds.
const BINARIES: &[&str] = &["release/fusee", "debug/fusee"];

/// Seconds that the commands of a page may take.
const SECONDS: u32 = 300;

/// What every script begins with. It is another file, since the lines of the script are the page's.
const PRELUDE: &str = include_str!("commands/prelude.sh");

/// Lines of the output of a page that failed, which are shown.
const SHOWN_LINES: usize = 40;

/// Runs the commands of the pages with these names, or of all pages. A flag `--fusee` names the
/// binary.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let (binary, names) = match arguments {
        ["--fusee", binary, names @ ..] => (PathBuf::from(binary), names),
        names => (built(root)?, names),
    };
    let binary = fs::canonicalize(&binary).with_context(|| binary.display().to_string())?;
    let pages: Vec<Page> = workspace::pages(root)?
        .into_iter()
        .filter(|page| page.path.starts_with(PAGES))
        .filter(|page| match names {
            [] => !ELSEWHERE.iter().any(|name| is_named(page, name)),
            names => names.iter().any(|name| is_named(page, name)),
        })
        .collect();
    anyhow::ensure!(!pages.is_empty(), "no page of {PAGES} has a name of these");

    let mut findings = Vec::new();
    let (mut ran, mut count) = (0_usize, 0_usize);
    for page in &pages {
        let script = match script(page) {
            Ok(script) if script.commands == 0 => continue,
            Ok(script) => script,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        println!("book: {}: {} commands", page.path, script.commands);
        findings.extend(execute(root, &binary, page, &script)?);
        ran = ran.saturating_add(1);
        count = count.saturating_add(script.commands);
    }
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "book: {ran} pages, {count} commands, {} findings",
        findings.len()
    );
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn built(root: &Path) -> anyhow::Result<PathBuf> {
    BINARIES
        .iter()
        .map(|binary| target(root).join(binary))
        .find(|binary| binary.exists())
        .context("there is no program to run: `cargo build --release`, or name one by --fusee")
}

/// Where cargo builds, which pages name as `target`.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it))
}

/// Whether a name, with its ending or without, is that of a page.
fn is_named(page: &Page, name: &str) -> bool {
    let path = page.path.strip_prefix(PAGES).unwrap_or(&page.path);
    path == name || path.strip_suffix(".md") == Some(name)
}

/// The commands of a page, as a program of bash.
#[derive(Debug, PartialEq, Eq)]
struct Script {
    /// A line for each line of the page.
    text: String,
    /// How many commands it has.
    commands: usize,
}

/// What becomes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Runs,
    Serves(u16),
    /// Not run, or no commands at all.
    Skipped,
}

/// Makes a script of a page.
fn script(page: &Page) -> Result<Script, Finding> {
    let mut script = Script {
        text: String::new(),
        commands: 0,
    };
    let mut open: Option<Block> = None;
    let mut continues = false;
    for (number, line) in (1..).zip(page.text.lines()) {
        let fence = line.trim_start().strip_prefix("```");
        let content = match (open, fence) {
            (None, Some(language)) => {
                let block = block(language.trim())
                    .map_err(|message| Finding::new(&page.path, number, RULE, message))?;
                open = Some(block);
                match block {
                    Block::Serves(port) => format!("is_free {port}; set -m; {{ trap - ERR"),
                    Block::Runs | Block::Skipped => String::new(),
                }
            }
            (Some(block), Some(_)) => {
                open = None;
                match block {
                    Block::Serves(port) => format!("}} & set +m; await {port} $!"),
                    Block::Runs | Block::Skipped => String::new(),
                }
            }
            (Some(Block::Runs | Block::Serves(_)), None) => {
                let command = line.trim();
                if !continues && !command.is_empty() && !command.starts_with('#') {
                    script.commands = script.commands.saturating_add(1);
                }
                continues = command.ends_with('\\');
                line.to_owned()
            }
            (Some(Block::Skipped) | None, None) => String::new(),
        };
        script.text.push_str(&content);
        script.text.push('\n');
    }
    Ok(script)
}

/// What the words behind a fence say.
fn block(language: &str) -> Result<Block, String> {
    let (name, attribute) = language.split_once(',').unwrap_or((language, ""));
    match (name, attribute) {
        ("sh", "") => Ok(Block::Runs),
        ("sh", "ignore") => Ok(Block::Skipped),
        ("sh", attribute) => attribute
            .strip_prefix("serves-")
            .and_then(|port| port.parse().ok())
            .map(Block::Serves)
            .ok_or_else(|| format!("`{attribute}` is neither `ignore` nor `serves-` and a port")),
        ("bash" | "shell" | "console" | "zsh", _) => Err(format!(
            "blocks of commands are `sh`, or `sh,ignore` if they do not run, and not `{name}`"
        )),
        _ => Ok(Block::Skipped),
    }
}

/// Runs a script, and says where it failed.
fn execute(
    root: &Path,
    binary: &Path,
    page: &Page,
    script: &Script,
) -> anyhow::Result<Option<Finding>> {
    let name = page.path.strip_prefix(PAGES).unwrap_or(&page.path);
    let place = root.join(SCRATCH).join(name.trim_end_matches(".md"));
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| place.display().to_string())?;
    }
    let folder = place.join("folder");
    let programs = place.join("bin");
    fs::create_dir_all(&folder)?;
    fs::create_dir_all(&programs)?;
    for linked in LINKED {
        symlink(root.join(linked), folder.join(linked))?;
    }
    symlink(target(root), folder.join("target"))?;
    symlink(binary, programs.join("fusee"))?;
    fs::write(place.join("prelude.sh"), PRELUDE)?;
    fs::write(place.join("script.sh"), &script.text)?;
    let output = fs::File::create(place.join("output"))?;

    let before = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&before)))?;
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=10", &SECONDS.to_string(), "bash"])
        .arg(place.join("script.sh"))
        .current_dir(&folder)
        .env("BASH_ENV", place.join("prelude.sh"))
        .env("BOOK_ROOT", root)
        .env("BOOK_FAILED", place.join("failed"))
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("FUSEE_") {
            command.env_remove(variable);
        }
    }
    let status = command.status().context("cannot start timeout and bash")?;
    if status.success() {
        fs::remove_dir_all(&place)?;
        return Ok(None);
    }
    let output = String::from_utf8_lossy(&fs::read(place.join("output"))?).into_owned();
    let lines: Vec<&str> = output.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)) {
        println!("    {line}");
    }
    let failed = fs::read_to_string(place.join("failed")).unwrap_or_default();
    let (line, command) = failed.split_once('\t').unwrap_or(("1", "the page"));
    let (line, command) = (line.parse().unwrap_or(1), command.trim());
    let message = match status.code() {
        Some(124 | 137) => format!("`{command}` or what follows takes more than {SECONDS} s"),
        _ => format!("`{command}` failed, in {}", folder.display()),
    };
    Ok(Some(Finding::new(&page.path, line, RULE, message)))
}

#[cfg(test)]
mod tests;
