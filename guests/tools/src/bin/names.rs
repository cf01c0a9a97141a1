//! Makes the names of functions readable, and the same on every machine: `names FILE.wasm...`.
//!
//! Symbols of Rust contain hashes that depend on the folder of the build. The files keep the names
//! of their functions, demangled and without hashes, and no other custom section.

use std::path::Path;

use anyhow::Context;
use rustc_demangle::try_demangle;
use wasm_encoder::{Module, NameMap, NameSection, RawSection};
use wasmparser::{KnownCustom, Name, Parser, Payload};

/// Digits of the hash at the end of a name that the linker has demangled.
const HASH_DIGITS: usize = 16;

fn main() -> anyhow::Result<()> {
    for path in std::env::args_os().skip(1) {
        let path = Path::new(&path);
        let wasm = std::fs::read(path)?;
        let named = rename(&wasm).with_context(|| format!("cannot read {}", path.display()))?;
        std::fs::write(path, named)?;
    }
    Ok(())
}

fn rename(wasm: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut module = Module::new();
    let mut functions = NameMap::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(custom) = &payload {
            if let KnownCustom::Name(names) = custom.as_known() {
                for subsection in names {
                    if let Name::Function(names) = subsection? {
                        for naming in names {
                            let naming = naming?;
                            functions.append(naming.index, &readable(naming.name));
                        }
                    }
                }
            }
        } else if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = wasm.get(range).context("a section ends outside the file")?;
            module.section(&RawSection { id, data });
        }
    }
    if !functions.is_empty() {
        let mut names = NameSection::new();
        names.functions(&functions);
        module.section(&names);
    }
    Ok(module.finish())
}

fn readable(symbol: &str) -> String {
    if let Ok(name) = try_demangle(symbol) {
        return format!("{name:#}");
    }
    match symbol.rsplit_once("::h") {
        Some((path, hash))
            if hash.len() == HASH_DIGITS && hash.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            path.to_owned()
        }
        _ => symbol.to_owned(),
    }
}
