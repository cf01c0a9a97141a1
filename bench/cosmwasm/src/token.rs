//! The token in `token/`, which cargo compiles to wasm when it is first asked for.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use crate::contender::Guest;

/// The target that cosmwasm-std needs: it uses the standard library.
const TARGET: &str = "wasm32-unknown-unknown";

/// What cosmwasm-vm admits of the target. The compiled standard library of the toolchain has more,
/// such as bulk memory, so cargo builds that too.
const FEATURES: &str = "-Ctarget-cpu=mvp -Ctarget-feature=+mutable-globals,+sign-ext";

pub(crate) fn guest() -> Result<Guest> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("token");
    let output = folder.join("target");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--target",
            TARGET,
        ])
        .arg("-Zbuild-std=std,panic_abort")
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&output)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FEATURES)
        // The input of this process are its questions.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ensure!(
        status.success(),
        "cannot compile the token; `rustup component add rust-src` installs what it needs"
    );
    let wasm = output
        .join(TARGET)
        .join("release/fusee_bench_cosmwasm_token.wasm");
    Ok(Guest {
        wasm: fs::read(wasm)?,
        entry: String::new(),
        argument: 0,
        answer: 0,
    })
}
