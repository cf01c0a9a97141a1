//! The lines of a contract that its tests run natively.
//!
//! Only the packages of the contract's workspace are instrumented: this program stands between
//! cargo and rustc for them, so the engines are those of other test runs. What runs as WebAssembly
//! or on PolkaVM is not counted.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use fusee_build::{Contract, Toolchain, llvm_tool};
use serde::Serialize;
use serde_json::Value;

use super::{
    Run,
    lcov::{self, File},
    run_to_end, tests,
};
use crate::{
    failure::{Exit, Failure},
    output::Output,
    profile::share,
    table::{Align, aligned},
};

/// The variable that makes this program a wrapper of rustc.
const ASKED: &str = "FUSEE_INSTRUMENT_COVERAGE";

/// The lines that tests ran.
#[derive(Serialize)]
pub(super) struct Coverage {
    lines: u64,
    covered: u64,
    files: Vec<FileJson>,
}

#[derive(Serialize)]
struct FileJson {
    file: String,
    lines: u64,
    covered: u64,
    /// The lines that no test ran.
    uncovered: Vec<u64>,
}

/// Compiles with instruments, if cargo started this process for it.
pub(crate) fn compile_if_asked() -> Option<ExitCode> {
    std::env::var_os(ASKED)?;
    let mut arguments = std::env::args_os().skip(1);
    let mut rustc = Command::new(arguments.next()?);
    rustc.args(arguments).arg("-Cinstrument-coverage");
    let code = rustc.status().ok().and_then(|status| status.code());
    let code = code.and_then(|code| u8::try_from(code).ok());
    Some(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs the tests, and counts the lines that they ran. Nothing is counted of tests that fail.
pub(super) fn measure(
    contract: &Contract,
    toolchain: &Toolchain,
    run: Run<'_>,
    output: &Output,
) -> Result<(bool, Option<Coverage>), Failure> {
    let merge = llvm_tool(toolchain, "llvm-profdata")?;
    let export = llvm_tool(toolchain, "llvm-cov")?;
    let scratch = tempfile::tempdir().map_err(|error| host(error, "a temporary folder"))?;
    let wrapper = std::env::current_exe().map_err(|error| host(error, "this program"))?;
    let instrumented = |mut cargo: Command| {
        cargo
            .env("RUSTC_WORKSPACE_WRAPPER", &wrapper)
            .env(ASKED, "1")
            .env("LLVM_PROFILE_FILE", scratch.path().join("%p-%m.profraw"));
        cargo
    };
    let Some(binaries) = binaries(&mut instrumented(tests(contract, run, output)))? else {
        return Ok((false, None));
    };
    if !run_to_end(&mut instrumented(tests(contract, run, output)))? {
        return Ok((false, None));
    }
    let profile = scratch.path().join("tests.profdata");
    let mut merge = Command::new(merge);
    merge.args(["merge", "-sparse", "-o"]).arg(&profile);
    merge.args(profiles(scratch.path())?);
    tool(&mut merge)?;
    let mut export = Command::new(export);
    export.args(["export", "--format=lcov", "--instr-profile"]);
    export.arg(&profile);
    for (number, binary) in binaries.iter().enumerate() {
        if number > 0 {
            export.arg("--object");
        }
        export.arg(binary);
    }
    let text = String::from_utf8_lossy(&tool(&mut export)?).into_owned();
    let files = lcov::parse(&text);
    let sources = contract.folder.join("src");
    let files: Vec<_> = files
        .into_iter()
        .filter(|file| Path::new(&file.path).starts_with(&sources))
        .collect();
    if let Some(file) = &run.args.lcov {
        let written = fs::write(file, lcov::write(&files));
        written.map_err(|error| host(error, &format!("`{}`", file.display())))?;
    }
    Ok((true, Some(Coverage::of(&files, &contract.folder))))
}

/// The test programs that cargo builds, or nothing if it fails, which it has told.
fn binaries(cargo: &mut Command) -> Result<Option<Vec<PathBuf>>, Failure> {
    // Before what is for the tests.
    let arguments: Vec<OsString> = cargo.get_args().map(ToOwned::to_owned).collect();
    let for_cargo = arguments.iter().take_while(|argument| *argument != "--");
    let mut build = Command::new(cargo.get_program());
    build
        .args(for_cargo)
        .args(["--no-run", "--message-format=json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if let Some(folder) = cargo.get_current_dir() {
        build.current_dir(folder);
    }
    for (variable, value) in cargo.get_envs() {
        match value {
            Some(value) => build.env(variable, value),
            None => build.env_remove(variable),
        };
    }
    let done = build.output().map_err(|error| host(error, "cargo"))?;
    if !done.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let programs = messages.filter_map(|message| {
        let is_test = message.pointer("/profile/test") == Some(&Value::Bool(true));
        let program = message.get("executable").and_then(Value::as_str);
        program.filter(|_| is_test).map(PathBuf::from)
    });
    Ok(Some(programs.collect()))
}

/// What the processes of the tests wrote.
fn profiles(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = fs::read_dir(folder).map_err(|error| host(error, "a temporary folder"))?;
    let paths = files.flatten().map(|file| file.path());
    let is_profile = |path: &PathBuf| path.extension().is_some_and(|it| it == "profraw");
    let mut profiles: Vec<_> = paths.filter(is_profile).collect();
    profiles.sort();
    match profiles.is_empty() {
        true => Err(
            Failure::usage("the contract has no tests that run natively")
                .next("add tests to the folder tests, as in a contract of `fusee new`"),
        ),
        false => Ok(profiles),
    }
}

/// What a tool of the toolchain writes.
fn tool(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let done = command
        .output()
        .map_err(|error| host(error, "llvm-tools"))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(Failure::new(
        Exit::Host,
        anyhow::anyhow!("{}", told.trim()).context("the coverage cannot be read"),
    )
    .next("install the component of this toolchain: rustup component add llvm-tools"))
}

fn host(error: std::io::Error, what: &str) -> Failure {
    let message = format!("{what} cannot be used");
    Failure::new(Exit::Host, anyhow::Error::new(error).context(message))
        .next("check its permissions, and the space on the disk")
}

impl Coverage {
    fn of(files: &[File], folder: &Path) -> Self {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                let uncovered: Vec<_> = file.uncovered().collect();
                let path = Path::new(&file.path);
                let lines = count(file.lines.len());
                FileJson {
                    file: path
                        .strip_prefix(folder)
                        .unwrap_or(path)
                        .display()
                        .to_string(),
                    lines,
                    covered: lines.saturating_sub(count(uncovered.len())),
                    uncovered,
                }
            })
            .collect();
        Self {
            lines: files.iter().map(|file| file.lines).sum(),
            covered: files.iter().map(|file| file.covered).sum(),
            files,
        }
    }

    pub(super) fn text(&self) -> String {
        let row = |file: &str, lines: u64, covered: u64, uncovered: String| {
            let numbers = [lines.to_string(), covered.to_string()];
            let [lines_text, covered_text] = numbers;
            [
                file.to_owned(),
                lines_text,
                covered_text,
                share(covered, lines),
                uncovered,
            ]
        };
        let mut rows = vec![["file", "lines", "run", "share", "not run"].map(str::to_owned)];
        rows.extend(self.files.iter().map(|file| {
            row(
                &file.file,
                file.lines,
                file.covered,
                ranges(&file.uncovered),
            )
        }));
        rows.push(row("all", self.lines, self.covered, String::new()));
        let columns = [
            Align::Left,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Left,
        ];
        aligned(0, columns, &rows)
    }
}

/// `3, 7-9`.
fn ranges(lines: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &line in lines {
        match ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(line) => *end = line,
            _ => ranges.push((line, line)),
        }
    }
    let texts = ranges.into_iter().map(|(start, end)| match start == end {
        true => start.to_string(),
        false => format!("{start}-{end}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}
