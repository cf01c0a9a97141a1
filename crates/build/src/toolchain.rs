//! The toolchain of the machine: its programs, targets and sources.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::BuildError;

/// The target of WebAssembly.
pub const WASM: &str = "wasm32v1-none";

/// The target of PolkaVM, whose description is that of the linker.
pub const POLKAVM: &str = "riscv64emac-unknown-none-polkavm";

/// The compiler that builds the packages of a folder.
#[derive(Clone, Debug)]
pub struct Toolchain {
    sysroot: PathBuf,
    version: String,
}

impl Toolchain {
    /// The toolchain that `rustc` is in a folder: rustup chooses it by files there.
    ///
    /// # Errors
    ///
    /// [`BuildError::Missing`] without cargo or rustc.
    pub fn find(folder: &Path) -> Result<Self, BuildError> {
        output(command("cargo").current_dir(folder).arg("--version"))?;
        let ask = |arguments: &[&str]| {
            let done = output(Command::new("rustc").current_dir(folder).args(arguments))?;
            match done.status.success() {
                true => Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned()),
                false => Err(BuildError::Manifest {
                    folder: folder.to_owned(),
                    output: String::from_utf8_lossy(&done.stderr).into_owned(),
                }),
            }
        };
        Ok(Self {
            sysroot: ask(&["--print", "sysroot"])?.into(),
            version: ask(&["--version"])?,
        })
    }

    /// What the compiler calls itself: `rustc 1.95.0 (59807616e 2026-04-14)`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder of the toolchain.
    pub(crate) fn sysroot(&self) -> &Path {
        &self.sysroot
    }

    /// Whether it builds contracts for WebAssembly.
    ///
    /// # Errors
    ///
    /// [`BuildError::Missing`] if it does not.
    pub fn has_wasm(&self) -> Result<(), BuildError> {
        let library = self.sysroot.join("lib/rustlib").join(WASM).join("lib");
        if library.exists() {
            return Ok(());
        }
        Err(BuildError::Missing {
            what: format!("Rust's target {WASM}"),
            install: format!("rustup target add {WASM}"),
        })
    }

    /// Whether it builds contracts for PolkaVM.
    ///
    /// # Errors
    ///
    /// [`BuildError::Missing`] if it does not.
    pub fn has_polkavm(&self) -> Result<(), BuildError> {
        let core = "lib/rustlib/src/rust/library/core/Cargo.toml";
        if !self.sysroot.join(core).exists() {
            return Err(BuildError::Missing {
                what: "the sources of Rust's core library".to_owned(),
                install: "rustup component add rust-src".to_owned(),
            });
        }
        self.linker().map(drop)
    }

    /// The linker that Rust brings.
    pub(crate) fn linker(&self) -> Result<PathBuf, BuildError> {
        self.program("rust-lld").ok_or_else(|| BuildError::Missing {
            what: "rust-lld, the linker of Rust's toolchains from rustup".to_owned(),
            install: "https://rustup.rs".to_owned(),
        })
    }

    /// A program that is part of the toolchain and not on the path.
    fn program(&self, name: &str) -> Option<PathBuf> {
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let hosts = fs::read_dir(self.sysroot.join("lib/rustlib")).ok()?;
        let mut programs = hosts
            .flatten()
            .map(|host| host.path().join("bin").join(&name));
        programs.find(|program| program.exists())
    }
}

/// A program of the component `llvm-tools`, such as `llvm-cov`.
///
/// # Errors
///
/// [`BuildError::Missing`] without the component.
pub fn llvm_tool(toolchain: &Toolchain, name: &str) -> Result<PathBuf, BuildError> {
    toolchain.program(name).ok_or_else(|| BuildError::Missing {
        what: format!("{name}, of Rust's component llvm-tools"),
        install: "rustup component add llvm-tools".to_owned(),
    })
}

/// Cargo, as it is called here: `CARGO` comes first, as in tests.
#[must_use]
pub fn command(name: &str) -> Command {
    let program = match name {
        "cargo" => std::env::var_os("CARGO"),
        _ => None,
    };
    Command::new(program.unwrap_or_else(|| name.into()))
}

/// Runs a program of the toolchain to its end.
pub(crate) fn output(command: &mut Command) -> Result<Output, BuildError> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| missing(&name, &error))
}

/// The failure to start a program.
pub(crate) fn missing(name: &str, error: &io::Error) -> BuildError {
    match error.kind() {
        io::ErrorKind::NotFound => BuildError::Missing {
            what: format!("`{name}`, which is not on the PATH"),
            install: "install Rust as https://rustup.rs describes".to_owned(),
        },
        _ => BuildError::Missing {
            what: format!("`{name}`, which does not start ({error})"),
            install: "install Rust as https://rustup.rs describes".to_owned(),
        },
    }
}
