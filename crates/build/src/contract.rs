//! A contract, and its builds.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use polkavm_linker::{Config, TARGET_JSON_64_BIT_NEW, TargetInstructionSet, program_from_elf};

use crate::{
    BuildError, Names, POLKAVM, Toolchain, WASM, module, package,
    toolchain::{command, missing},
    wrapper,
};

/// Bytes of stack. With the constants, a wasm contract starts with one page of memory.
const WASM_STACK: &str = "-Clink-arg=-zstack-size=61440";
const POLKAVM_STACK: u32 = 16 * 1024;

/// What cargo has of its environment when it builds for this machine, and not for a chain.
const FOREIGN: [&str; 5] = [
    "CARGO_BUILD_TARGET",
    "LLVM_PROFILE_FILE",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// A package with a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The name of the package.
    pub package: String,
    /// The name of its library.
    pub library: String,
    /// The folder of the package, or one in its workspace.
    pub folder: PathBuf,
    /// The folder for what is built.
    pub output: PathBuf,
}

/// How a contract is built.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Where the compiler's messages go.
    pub messages: Messages,
    /// Whether the lock file may change.
    pub lock: Lock,
}

/// Where the compiler's messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Messages {
    /// Into the error, if there is one.
    #[default]
    Kept,
    /// To standard error, with cargo's progress.
    Shown,
}

/// Whether the lock file may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// It follows the manifests.
    #[default]
    Follows,
    /// The build fails if it does not match them.
    Holds,
}

impl Contract {
    /// The contract whose package a folder belongs to.
    ///
    /// # Errors
    ///
    /// [`BuildError`] without cargo or a package, or if the package is no contract.
    pub fn find(folder: &Path) -> Result<Self, BuildError> {
        package::find(folder)
    }

    /// The folder for what is built of a workspace: `target/contracts` beside its lock file.
    #[must_use]
    pub fn output_beside_lock(folder: &Path) -> PathBuf {
        let mut roots = folder
            .ancestors()
            .filter(|folder| folder.join("Cargo.lock").exists());
        let root = roots.next().unwrap_or(folder);
        root.join("target").join("contracts")
    }

    /// The wasm module, with its interface, and what it was built with.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the toolchain is missing, or the contract does not compile.
    pub fn wasm(&self, names: Names, options: Options) -> Result<Vec<u8>, BuildError> {
        let toolchain = Toolchain::find(&self.folder)?;
        toolchain.has_wasm()?;
        let mut cargo = self.cargo(&self.output, &toolchain, options)?;
        cargo.args(["--target", WASM, "--crate-type", "cdylib"]);
        cargo.env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("{WASM_STACK}\x1f-Clink-arg=--compress-relocations"),
        );
        self.run(&mut cargo, options.messages)?;
        let file = self.output.join(WASM).join("contract");
        let wasm = self.read(&file.join(format!("{}.wasm", self.library)))?;
        module::finished(&wasm, names).map_err(|error| self.failed(&error))
    }

    /// The PolkaVM program. Its interface is a part of the wasm module alone.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the toolchain is missing, or the contract does not compile or link.
    pub fn polkavm(&self, options: Options) -> Result<Vec<u8>, BuildError> {
        let toolchain = Toolchain::find(&self.folder)?;
        toolchain.has_polkavm()?;
        let linker = toolchain.linker()?;
        // A folder of its own. Build scripts of dependencies run again where `RUSTC_BOOTSTRAP` has
        // changed, so in one folder the two targets would have each other compile everything anew.
        let output = self.output.join("polkavm");
        let target = output.join(format!("{POLKAVM}.json"));
        let mut cargo = self.cargo(&output, &toolchain, options)?;
        write_if_other(&target, TARGET_JSON_64_BIT_NEW).map_err(|error| self.failed(&error))?;
        // The target is no part of Rust, so the compiler builds its core, and calls it unstable.
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", "")
            .args(["-Zbuild-std=core,alloc", "-Zjson-target-spec"])
            .args(["--crate-type", "staticlib"])
            .arg("--target")
            .arg(&target);
        self.run(&mut cargo, options.messages)?;
        let folder = output.join(POLKAVM).join("contract");
        let elf = folder.join(format!("{}.elf", self.library));
        let mut link = Command::new(linker);
        link.args(["-flavor", "gnu", "--emit-relocs", "--unique", "-Bsymbolic"])
            .args(["--no-relax", "--apply-dynamic-relocs", "-z", "notext"])
            .args(["--entry=0", "--whole-archive"])
            .arg(folder.join(format!("lib{}.a", self.library)))
            .arg("-o")
            .arg(&elf);
        self.run(&mut link, Messages::Kept)?;
        let mut config = Config::default();
        config.set_strip(true).set_min_stack_size(POLKAVM_STACK);
        program_from_elf(config, TargetInstructionSet::ReviveV1, &self.read(&elf)?)
            .map_err(|error| self.failed(&error))
    }

    /// Cargo, which builds the library into a folder. The caller names the one `--crate-type` that
    /// it needs: with the `rlib` of the manifest beside it, cargo would not optimise the crates as
    /// a whole, and say nothing.
    fn cargo(
        &self,
        output: &Path,
        toolchain: &Toolchain,
        options: Options,
    ) -> Result<Command, BuildError> {
        let wrapper = fs::create_dir_all(output)
            .and_then(|()| wrapper::write(output))
            .map_err(|error| self.failed(&format!("{}: {error}", output.display())))?;
        let mut cargo = command("cargo");
        cargo
            .current_dir(&self.folder)
            .args(["rustc", "--profile", "contract", "--lib"])
            .args(["--package", &self.package])
            .arg("--target-dir")
            .arg(output);
        for variable in FOREIGN {
            cargo.env_remove(variable);
        }
        if let Some(wrapper) = wrapper {
            cargo
                .env("RUSTC_WRAPPER", wrapper)
                .env("FUSEE_SYSROOT", toolchain.sysroot())
                .env("FUSEE_TARGET", output);
        }
        if options.messages == Messages::Kept {
            cargo.arg("--quiet");
        }
        if options.lock == Lock::Holds {
            cargo.arg("--locked");
        }
        Ok(cargo)
    }

    /// Runs a command to its end.
    fn run(&self, command: &mut Command, messages: Messages) -> Result<(), BuildError> {
        let name = command.get_program().to_string_lossy().into_owned();
        if messages == Messages::Shown {
            command.stderr(Stdio::inherit());
        }
        let done = command.stdin(Stdio::null()).stdout(Stdio::piped()).output();
        let done = done.map_err(|error| missing(&name, &error))?;
        if done.status.success() {
            return Ok(());
        }
        Err(match messages {
            Messages::Kept => self.failed(&String::from_utf8_lossy(&done.stderr)),
            Messages::Shown => self.failed(&"the messages are above"),
        })
    }

    fn read(&self, file: &Path) -> Result<Vec<u8>, BuildError> {
        let told = |error: io::Error| self.failed(&format!("{}: {error}", file.display()));
        fs::read(file).map_err(told)
    }

    fn failed(&self, error: &dyn ToString) -> BuildError {
        BuildError::failed(&self.package, error)
    }
}

/// Cargo compares the time of the file, so it is left as it is if it can.
fn write_if_other(file: &Path, text: &str) -> io::Result<()> {
    match fs::read_to_string(file) {
        Ok(found) if found == text => Ok(()),
        _ => fs::write(file, text),
    }
}
