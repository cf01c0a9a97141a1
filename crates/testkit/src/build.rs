//! Building contracts for engines, with the toolchain of the test.
//!
//! Cargo builds the package again for the target, by the profile `contract` of its workspace, in
//! `target/contracts`. What is missing is told with the command that installs it.

mod names;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use polkavm_linker::{Config, TARGET_JSON_64_BIT_NEW, TargetInstructionSet, program_from_elf};
use thiserror::Error;

use crate::Program;

const WASM: &str = "wasm32v1-none";
const POLKAVM: &str = "riscv64emac-unknown-none-polkavm";

/// Bytes of stack. With the constants, a wasm contract starts with one page of memory.
const WASM_STACK: &str = "-Clink-arg=-zstack-size=61440";
const POLKAVM_STACK: u32 = 16 * 1024;

/// Why a contract was not built.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A part of the toolchain is not installed.
    #[error("the build needs {what}: {install}")]
    Missing {
        /// What it is.
        what: String,
        /// How it is installed.
        install: String,
    },
    /// The contract does not compile, or does not link.
    #[error("{package} is not built:\n{output}")]
    Failed {
        /// The package.
        package: String,
        /// What the compiler or linker says.
        output: String,
    },
}

/// What was built in this process. Cargo is not asked again: sources do not change while tests run.
static BUILT: Mutex<Programs> = Mutex::new(BTreeMap::new());

/// Programs by package and target.
type Programs = BTreeMap<(&'static str, &'static str), Result<Vec<u8>, BuildError>>;

/// The wasm module of a contract, with readable names of functions.
pub(crate) fn wasm(program: &Program) -> Result<Vec<u8>, BuildError> {
    once(program, WASM, || {
        let library = sysroot(program)?.join("lib/rustlib").join(WASM).join("lib");
        if !library.exists() {
            return Err(BuildError::Missing {
                what: format!("Rust's target {WASM}"),
                install: format!("rustup target add {WASM}"),
            });
        }
        let mut cargo = cargo(program, "build");
        cargo.args(["--target", WASM]);
        cargo.env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("{WASM_STACK}\x1f-Clink-arg=--compress-relocations"),
        );
        run(program, &mut cargo)?;
        let file = output(program).join(WASM).join("contract");
        let wasm = read(program, &file.join(format!("{}.wasm", program.library())))?;
        names::readable(&wasm).map_err(|error| failed(program, &error))
    })
}

/// The PolkaVM program of a contract.
pub(crate) fn polkavm(program: &Program) -> Result<Vec<u8>, BuildError> {
    once(program, POLKAVM, || {
        let sysroot = sysroot(program)?;
        if !sysroot
            .join("lib/rustlib/src/rust/library/core/Cargo.toml")
            .exists()
        {
            return Err(BuildError::Missing {
                what: "the sources of Rust's core library".to_owned(),
                install: "rustup component add rust-src".to_owned(),
            });
        }
        let linker = linker(&sysroot)?;
        let folder = output(program);
        let target = folder.join(format!("{POLKAVM}.json"));
        fs::create_dir_all(&folder)
            .and_then(|()| write_if_other(&target, TARGET_JSON_64_BIT_NEW))
            .map_err(|error| failed(program, &error))?;
        let mut cargo = cargo(program, "rustc");
        // The target is no part of Rust, so the compiler builds its core, and calls it unstable.
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", "")
            .args(["-Zbuild-std=core,alloc", "-Zjson-target-spec"])
            .args(["--crate-type", "staticlib"])
            .arg("--target")
            .arg(&target);
        run(program, &mut cargo)?;
        let folder = folder.join(POLKAVM).join("contract");
        let elf = folder.join(format!("{}.elf", program.library()));
        let mut link = Command::new(linker);
        link.args([
            "-flavor",
            "gnu",
            "--emit-relocs",
            "--unique",
            "-Bsymbolic",
            "--no-relax",
        ])
        .args([
            "--apply-dynamic-relocs",
            "-z",
            "notext",
            "--entry=0",
            "--whole-archive",
        ])
        .arg(folder.join(format!("lib{}.a", program.library())))
        .arg("-o")
        .arg(&elf);
        run(program, &mut link)?;
        let mut config = Config::default();
        config.set_strip(true).set_min_stack_size(POLKAVM_STACK);
        program_from_elf(
            config,
            TargetInstructionSet::ReviveV1,
            &read(program, &elf)?,
        )
        .map_err(|error| failed(program, &error))
    })
}

/// What a contract was built to before, or is built to now.
fn once(
    program: &Program,
    target: &'static str,
    build: impl FnOnce() -> Result<Vec<u8>, BuildError>,
) -> Result<Vec<u8>, BuildError> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built
        .entry((program.package, target))
        .or_insert_with(build)
        .clone()
}

fn cargo(program: &Program, command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(program.folder)
        .args([command, "--quiet", "--profile", "contract", "--lib"])
        .args(["--package", program.package])
        .arg("--target-dir")
        .arg(output(program));
    cargo
}

/// The folder of builds: `target/contracts` beside the lock file of the workspace.
fn output(program: &Program) -> PathBuf {
    let folders = Path::new(program.folder).ancestors();
    let mut roots = folders.filter(|folder| folder.join("Cargo.lock").exists());
    let root = roots.next().unwrap_or_else(|| Path::new(program.folder));
    root.join("target").join("contracts")
}

fn sysroot(program: &Program) -> Result<PathBuf, BuildError> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(program.folder)
        .args(["--print", "sysroot"]);
    let output = run(program, &mut rustc)?;
    Ok(PathBuf::from(output.trim()))
}

/// The linker that Rust brings.
fn linker(sysroot: &Path) -> Result<PathBuf, BuildError> {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib"))
        .into_iter()
        .flatten()
        .flatten();
    let mut linkers = hosts.map(|host| host.path().join("bin/rust-lld"));
    linkers
        .find(|linker| linker.exists())
        .ok_or_else(|| BuildError::Missing {
            what: "rust-lld, the linker of Rust's toolchains from rustup".to_owned(),
            install: "https://rustup.rs".to_owned(),
        })
}

/// Runs a command, and returns what it writes.
fn run(program: &Program, command: &mut Command) -> Result<String, BuildError> {
    let done = command.output().map_err(|error| failed(program, &error))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(failed(program, &String::from_utf8_lossy(&done.stderr)))
}

fn read(program: &Program, file: &Path) -> Result<Vec<u8>, BuildError> {
    let told = |error: io::Error| failed(program, &format!("{}: {error}", file.display()));
    fs::read(file).map_err(told)
}

/// Cargo compares the time of the file, so it is left as it is if it can.
fn write_if_other(file: &Path, text: &str) -> io::Result<()> {
    match fs::read_to_string(file) {
        Ok(found) if found == text => Ok(()),
        _ => fs::write(file, text),
    }
}

fn failed(program: &Program, error: &dyn ToString) -> BuildError {
    BuildError::Failed {
        package: program.package.to_owned(),
        output: error.to_string(),
    }
}
