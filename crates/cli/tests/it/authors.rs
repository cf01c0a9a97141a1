//! `new`, `build`, `test` and `verify build`: contracts from nothing to a chain.

mod build;
mod new;
mod sizes;
mod storage;
mod test;
mod verify;

use std::{fs, path::Path};

use fusee_build::{BuildError, Toolchain};

use crate::support::{Answer, Folder};

/// The profile of contracts, in the manifest of a package with its own workspace.
const PROFILE: &str = r#"
    [lib]
    crate-type = ["cdylib", "rlib"]
    [workspace]
    [profile.contract]
    inherits = "release"
    opt-level = 2
    lto = "fat"
    codegen-units = 1
    panic = "abort"
    strip = "debuginfo"
"#;

/// What a contract without the SDK needs.
const BARE: &str = "#![cfg_attr(target_os = \"none\", no_std)]\n\
    #[cfg(target_os = \"none\")] #[panic_handler] \
    fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }\n\
    #[unsafe(no_mangle)] pub extern \"C\" fn deploy() {}\n";

/// Writes a contract without the SDK.
fn bare(folder: &Folder, name: &str, code: &str) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.join("src")).unwrap();
    let package =
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    fs::write(path.join("Cargo.toml"), package + PROFILE).unwrap();
    fs::write(path.join("src/lib.rs"), format!("{BARE}{code}")).unwrap();
}

/// Whether the toolchain builds contracts, which is told if it does not.
fn is_ready(check: fn(&Toolchain) -> Result<(), BuildError>) -> bool {
    let toolchain = Toolchain::find(Path::new(".")).unwrap();
    match check(&toolchain) {
        Ok(()) => true,
        Err(error) => {
            assert!(
                std::env::var_os("FUSEE_TEST_REQUIRE_ALL").is_none(),
                "{error}"
            );
            eprintln!("SKIPPED: {error}");
            false
        }
    }
}

/// A command that runs without cargo and rustc.
fn without_rust(folder: &Folder, words: &str) -> Answer {
    let mut command = folder.command(words);
    command.env_remove("CARGO").env("PATH", folder.path());
    Answer::of(command.output().unwrap())
}
