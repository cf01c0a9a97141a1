//! Stands for `substrate-wasm-builder` 35 where `sp-virtualization-test-fixture` is built: with the
//! same compiler flags, the same linker and the same instruction set, `jamv1`.
//!
//! The original needs a git repository and a C++ compiler for parts that the fixture does not use.
//! Without the sources of the standard library there is no program: the fixture's `binary` then
//! panics, and the tests say that they are skipped.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use polkavm_linker::{Config, TargetInstructionSet, TargetJsonArgs};

/// What the fixture depends on, and the profile of Substrate's builder.
const MANIFEST: &str = r#"
[package]
name = "fixture"
version = "1.0.0"
edition = "2021"

[dependencies]
polkavm-derive = "=0.35.0"

[profile.release]
panic = "abort"
lto = "thin"

[workspace]
"#;

/// The fixture's source is included where it is.
const MAIN: &str = r#"
#![no_std]
#![no_main]
include!(concat!(env!("FIXTURE"), "/src/fixture.rs"));
"#;

/// Builds the program of the package whose build script calls it.
#[derive(Debug, Default)]
pub struct WasmBuilder;

impl WasmBuilder {
    /// Creates a builder.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Selects the package whose build script runs.
    #[must_use]
    pub fn with_current_project(self) -> Self {
        self
    }

    /// Builds the program, and writes `wasm_binary.rs` for it.
    pub fn build(self) {
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("a build script runs"));
        let program = out.join("fixture.polkavm");
        let constant = match build(&out.join("fixture"), &program) {
            Ok(()) => format!("Some(include_bytes!({program:?}))"),
            Err(why) => {
                println!("cargo:warning=SKIPPED: the fixture is not built: {why}");
                "None".to_owned()
            }
        };
        let constants = ["WASM_BINARY", "WASM_BINARY_BLOATY"]
            .map(|name| format!("pub const {name}: Option<&[u8]> = {constant};\n"));
        fs::write(out.join("wasm_binary.rs"), constants.concat()).expect("it can be written");
    }
}

fn build(project: &Path, program: &Path) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    fs::create_dir_all(project.join("src")).map_err(text)?;
    fs::write(project.join("Cargo.toml"), MANIFEST).map_err(text)?;
    fs::write(project.join("src/main.rs"), MAIN).map_err(text)?;
    let target = polkavm_linker::target_json_path(TargetJsonArgs::default())?;
    let source = env::var_os("CARGO_MANIFEST_DIR").ok_or("no build script runs")?;
    let built = Command::new(env::var_os("CARGO").ok_or("no build script runs")?)
        .current_dir(project)
        .args([
            "build",
            "--release",
            "-Zbuild-std=core,alloc",
            "-Zjson-target-spec",
            "--target",
        ])
        .arg(&target)
        .env("FIXTURE", source)
        .env("CARGO_TARGET_DIR", project.join("target"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "--cfg substrate_runtime")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .map_err(text)?;
    if !built.status.success() {
        return Err(format!(
            "try `rustup component add rust-src`: {}",
            String::from_utf8_lossy(&built.stderr).replace('\n', " / ")
        ));
    }
    let elf = project.join("target/riscv64emac-unknown-none-polkavm/release/fixture");
    let elf = fs::read(elf).map_err(text)?;
    let mut config = Config::default();
    config.set_strip(true);
    let linked = polkavm_linker::program_from_elf(config, TargetInstructionSet::JamV1, &elf);
    fs::write(program, linked.map_err(|error| error.to_string())?).map_err(text)
}
