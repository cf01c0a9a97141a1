//! Contracts in folders of their own, with dependencies in others.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fusee_build::{BuildError, Contract, Lock, Names, Options, Toolchain, layout};

/// The manifest of a contract, with the profile of contracts.
const MANIFEST: &str = r#"
    [package]
    name = "lone"
    version = "0.1.0"
    edition = "2024"
    [lib]
    crate-type = ["cdylib", "rlib"]
    [workspace]
    [profile.contract]
    inherits = "release"
    opt-level = 2
    lto = "fat"
    codegen-units = 1
    panic = "abort"
    overflow-checks = true
    strip = "debuginfo"
"#;

const PANIC: &str = "#[cfg(target_os = \"none\")] #[panic_handler] \
    fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }";

/// Makes a package of files.
fn package(folder: &Path, files: &[(&str, &str)]) {
    for (file, text) in files {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
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

/// A contract whose panics tell where they are, and a library in a folder beside it, whose
/// constants and functions are in the program.
fn with_library(root: &Path) -> PathBuf {
    let contract = root.join("contract");
    package(
        &contract,
        &[
            (
                "Cargo.toml",
                &format!("{MANIFEST}\n[dependencies]\nbeside = {{ path = \"../beside\" }}"),
            ),
            (
                "src/lib.rs",
                &format!(
                    "#![cfg_attr(target_os = \"none\", no_std)] {PANIC}\n\
                    #[unsafe(no_mangle)] pub extern \"C\" fn place(at: usize) -> u8 {{\n\
                        beside::file().as_bytes()[at] + beside::table(at)[at % 7]\n\
                        + core::panic::Location::caller().file().as_bytes()[at] }}"
                ),
            ),
        ],
    );
    // Instances of a generic function are ordered by their symbols, which have cargo's hash.
    let functions = "trait Row { const ROW: [u8; 7]; }\n\
        struct At<const N: u8>;\n\
        impl<const N: u8> Row for At<N> { const ROW: [u8; 7] = [N, 1, 2, 3, 4, 5, N]; }\n\
        #[inline(never)] fn f<R: Row>(at: usize) -> &'static [u8] { &R::ROW[at % 3..] }";
    let arms: String = (0..40)
        .map(|number| format!("{number} => f::<At<{number}>>(at),"))
        .collect();
    package(
        &root.join("beside"),
        &[
            (
                "Cargo.toml",
                "[package]\nname = \"beside\"\nversion = \"0.1.0\"\nedition = \"2024\"",
            ),
            (
                "src/lib.rs",
                &format!(
                    "#![no_std]\n{functions}\n\
                    pub fn table(at: usize) -> &'static [u8] {{ match at {{ {arms} _ => &[] }} }}\n\
                    pub fn file() -> &'static str {{ core::panic::Location::caller().file() }}"
                ),
            ),
        ],
    );
    contract
}

#[test]
fn two_folders_make_the_same_bytes() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let deeper = other.path().join("deeper/and/deeper");
    let build = |root: &Path| {
        let contract = Contract::find(&with_library(root)).unwrap();
        contract.wasm(Names::Kept, Options::default()).unwrap()
    };
    let (first, second) = (build(one.path()), build(&deeper));
    let text = String::from_utf8_lossy(&first);
    assert!(
        !text.contains(one.path().to_str().unwrap()),
        "a path is in the program"
    );
    assert!(
        text.contains("/beside-0.1.0/src/lib.rs"),
        "the place of a library"
    );
    assert!(first == second, "the folder makes a difference");
    let compiler = layout(&first).unwrap().compiler.unwrap();
    let toolchain = Toolchain::find(one.path()).unwrap();
    assert_eq!(compiler, toolchain.version());
}

#[test]
fn two_folders_make_the_same_bytes_for_polkavm() {
    if !is_ready(Toolchain::has_polkavm) {
        return;
    }
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let build = |root: &Path| {
        let contract = Contract::find(&with_library(root)).unwrap();
        contract.polkavm(Options::default()).unwrap()
    };
    let (first, second) = (build(one.path()), build(&other.path().join("deeper")));
    assert!(first.starts_with(b"PVM"));
    assert!(first == second, "the folder makes a difference");
}

/// Scripts of common dependencies of macros run again where the variable has changed that the build
/// for PolkaVM sets, and all that depends on them is compiled again.
#[test]
fn a_build_for_one_target_leaves_what_is_built_for_the_other() {
    if !is_ready(Toolchain::has_wasm) || !is_ready(Toolchain::has_polkavm) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let manifest = format!("{MANIFEST}\n[dependencies]\nmacros = {{ path = \"macros\" }}");
    let macros = "[package]\nname = \"macros\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
        [lib]\nproc-macro = true";
    let script = "fn main() { println!(\"cargo:rerun-if-env-changed=RUSTC_BOOTSTRAP\"); }";
    package(
        root.path(),
        &[
            ("Cargo.toml", &manifest),
            (
                "src/lib.rs",
                &format!("#![cfg_attr(target_os = \"none\", no_std)]\n{PANIC}"),
            ),
            ("macros/Cargo.toml", macros),
            ("macros/build.rs", script),
            ("macros/src/lib.rs", ""),
        ],
    );
    let contract = Contract::find(root.path()).unwrap();
    let built = || {
        contract.wasm(Names::Kept, Options::default()).unwrap();
        contract.polkavm(Options::default()).unwrap();
        let file = contract.output.join("wasm32v1-none/contract/lone.wasm");
        fs::metadata(file).unwrap().modified().unwrap()
    };
    assert_eq!(built(), built(), "it is compiled again");
}

#[test]
fn names_are_kept_or_stripped_and_the_code_is_the_same() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let contract = Contract::find(&with_library(root.path())).unwrap();
    let kept = contract.wasm(Names::Kept, Options::default()).unwrap();
    let stripped = contract.wasm(Names::Stripped, Options::default()).unwrap();
    let (kept, stripped) = (layout(&kept).unwrap(), layout(&stripped).unwrap());
    let bodies = |layout: &fusee_build::Layout| -> Vec<Vec<u8>> {
        layout.functions.iter().map(|it| it.body.to_vec()).collect()
    };
    assert_eq!(bodies(&kept), bodies(&stripped));
    let is_named = |name: &str| {
        kept.functions
            .iter()
            .any(|it| it.name.as_deref() == Some(name))
    };
    assert!(is_named("place"), "{:?}", kept.functions);
    assert!(
        stripped
            .functions
            .iter()
            .all(|function| function.name.is_none())
    );
    assert!(
        stripped
            .sections
            .iter()
            .all(|section| section.name != "name")
    );
}

#[test]
fn a_lock_file_that_has_to_hold_is_not_changed() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let contract = Contract::find(&with_library(root.path())).unwrap();
    let locked = Options {
        lock: Lock::Holds,
        ..Options::default()
    };
    let error = contract.wasm(Names::Kept, locked).unwrap_err();
    assert!(matches!(error, BuildError::Lock { .. }), "{error}");
    contract.wasm(Names::Kept, Options::default()).unwrap();
    contract.wasm(Names::Kept, locked).unwrap();
}

#[test]
fn a_folder_without_a_contract_is_told_what_it_lacks() {
    let root = tempfile::tempdir().unwrap();
    let find = |folder: &str| Contract::find(&root.path().join(folder)).unwrap_err();
    for folder in ["", "missing"] {
        let error = find(folder);
        assert!(matches!(error, BuildError::NoPackage { .. }), "{error}");
        assert!(error.next().contains("fusee new"), "{}", error.next());
    }
    fs::write(root.path().join("notes.txt"), "").unwrap();
    let error = find("notes.txt");
    assert!(matches!(error, BuildError::NoPackage { .. }), "{error}");

    let library = MANIFEST.replace("crate-type = [\"cdylib\", \"rlib\"]", "");
    package(
        &root.path().join("library"),
        &[("Cargo.toml", &library), ("src/lib.rs", "")],
    );
    let error = find("library");
    assert!(matches!(error, BuildError::NotAContract { .. }), "{error}");
    assert!(error.next().contains("cdylib"));

    package(&root.path().join("broken"), &[("Cargo.toml", "[package")]);
    let error = find("broken");
    assert!(matches!(error, BuildError::Manifest { .. }), "{error}");

    let member = MANIFEST.split("[workspace]").next().unwrap();
    package(
        &root.path().join("several"),
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"one\"]\nresolver = \"3\"",
            ),
            ("one/Cargo.toml", member),
            ("one/src/lib.rs", ""),
        ],
    );
    let error = find("several");
    assert!(error.next().ends_with(": one"), "{}", error.next());
    // Also by a file of the package.
    let manifest = root.path().join("several/one/Cargo.toml");
    let contract = Contract::find(&root.path().join("several/one/src")).unwrap();
    assert_eq!(Contract::find(&manifest).unwrap(), contract);
    assert_eq!(
        (contract.package.as_str(), contract.library.as_str()),
        ("lone", "lone")
    );
    assert!(contract.output.ends_with("several/target/contracts"));
    if is_ready(Toolchain::has_wasm) {
        let error = contract.wasm(Names::Kept, Options::default()).unwrap_err();
        assert!(matches!(error, BuildError::NoProfile { .. }), "{error}");
        assert!(error.next().contains("[profile.contract]"));
    }
}

#[test]
fn an_error_of_the_compiler_is_in_the_error() {
    if !is_ready(Toolchain::has_wasm) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    package(
        root.path(),
        &[
            ("Cargo.toml", MANIFEST),
            ("src/lib.rs", "pub fn f() -> u8 { 256 }"),
        ],
    );
    let contract = Contract::find(root.path()).unwrap();
    let error = contract.wasm(Names::Kept, Options::default()).unwrap_err();
    // Where the target lacks the standard library, and the number.
    assert!(matches!(error, BuildError::Failed { .. }));
    assert!(error.to_string().contains("error"), "{error}");
}
