//! Assembles WebAssembly text: `assemble IN.wat OUT.wasm`.
//!
//! It does not validate: some hostile guests are refused by validators, and are there for that.

use std::path::PathBuf;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [text, wasm] = arguments.as_slice() else {
        bail!("usage: assemble IN.wat OUT.wasm");
    };
    let bytes = wat::parse_file(text)?;
    std::fs::write(wasm, bytes).with_context(|| format!("cannot write {}", wasm.display()))
}
