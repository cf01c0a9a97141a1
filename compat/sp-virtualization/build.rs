//! Finds the tests of `sc-virtualization` and hands them to ours, which include them. Nothing of
//! them is in this repository.

use std::{env, fs, path::Path};

use cargo_metadata::MetadataCommand;

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let metadata = MetadataCommand::new()
        .exec()
        .expect("cargo knows its packages");
    let mut packages = metadata.packages.iter();
    let reference = packages.find(|package| package.name.as_str() == "sc-virtualization");
    let reference = reference
        .expect("it is a dependency")
        .manifest_path
        .parent();
    let tests = reference
        .expect("a manifest is in a folder")
        .join("tests/host_tests.rs");
    let tests = fs::read_to_string(tests).expect("the package has tests");
    // An included file has no documentation of its own.
    let is_kept = |line: &&str| !line.starts_with("//!");
    let kept: Vec<_> = tests.lines().filter(is_kept).collect();
    let out = env::var_os("OUT_DIR").expect("a build script runs");
    let path = Path::new(&out).join("host_tests.rs");
    fs::write(path, kept.join("\n")).expect("it can be written");
}
