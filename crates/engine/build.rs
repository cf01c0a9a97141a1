//! Tells the crate the optimisation level that it is compiled with.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script is a program, whose interface is the environment and its output"
)]

fn main() {
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=FUSEE_OPT_LEVEL={level}");
    println!("cargo::rerun-if-changed=build.rs");
}
