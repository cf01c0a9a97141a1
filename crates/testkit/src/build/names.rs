//! Names of functions that people can read, and that do not depend on the folder of the build.
//!
//! A module keeps them, its interface, and no other custom section.

use fusee::interface::SECTION;
use rustc_demangle::try_demangle;
use wasm_encoder::{CustomSection, Module, NameMap, NameSection, RawSection};
use wasmparser::{BinaryReaderError, KnownCustom, Name, Parser, Payload};

/// Digits of the hash at the end of a name that the linker has demangled.
const HASH_DIGITS: usize = 16;

pub(super) fn readable(wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut module = Module::new();
    let mut functions = NameMap::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(custom) = &payload {
            if custom.name() == SECTION {
                module.section(&CustomSection {
                    name: SECTION.into(),
                    data: custom.data().into(),
                });
            } else if let KnownCustom::Name(names) = custom.as_known() {
                for subsection in names {
                    let Name::Function(names) = subsection? else {
                        continue;
                    };
                    for naming in names {
                        let naming = naming?;
                        functions.append(naming.index, &demangled(naming.name));
                    }
                }
            }
        } else if let Some((id, range)) = payload.as_section() {
            let position = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            let data = wasm.get(position(range.start)..position(range.end));
            module.section(&RawSection {
                id,
                data: data.unwrap_or_default(),
            });
        }
    }
    if !functions.is_empty() {
        let mut names = NameSection::new();
        names.functions(&functions);
        module.section(&names);
    }
    Ok(module.finish())
}

fn demangled(symbol: &str) -> String {
    if let Ok(name) = try_demangle(symbol) {
        return format!("{name:#}");
    }
    match symbol.rsplit_once("::h") {
        Some((path, hash))
            if hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            path.to_owned()
        }
        _ => symbol.to_owned(),
    }
}
