//! Builds the guests, as their SDK builds programs.

use std::{env, fs, path::Path, process::Command, sync::OnceLock};

/// The features that the SDK's own build turns on.
const FLAGS: &str = "-Ctarget-feature=+tail-call,+extended-const -Clink-arg=-zstack-size=131072";

const TARGET: &str = "wasm32-unknown-unknown";

/// The system guest. `None` where this machine cannot build it, which is said loudly.
pub fn system() -> Option<&'static [u8]> {
    static WASM: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    WASM.get_or_init(|| build("system")).as_deref()
}

fn build(name: &str) -> Option<Vec<u8>> {
    let installed = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: the target {TARGET} is not there, and cannot be installed");
        return None;
    }
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let folder = guests.join("target");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            TARGET,
            "--package",
            name,
        ])
        .current_dir(&guests)
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", FLAGS)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the guest `{name}` does not build");
    let wasm = folder
        .join(TARGET)
        .join("release")
        .join(format!("{name}.wasm"));
    Some(fs::read(&wasm).unwrap_or_else(|error| panic!("{}: {error}", wasm.display())))
}
