//! A built module without what the linker leaves in it.
//!
//! A module keeps its interface, the section `producers`, which says what built it, and the names
//! of its functions if they are wanted: readable, and without what depends on the folder of the
//! build. Other custom sections are dropped.

use fusee_interface::SECTION;
use rustc_demangle::try_demangle;
use wasm_encoder::{CustomSection, Module, NameMap, NameSection, RawSection};
use wasmparser::{BinaryReaderError, KnownCustom, Name, Parser, Payload};

use crate::LayoutError;

/// The section of the tools that made a module.
const PRODUCERS: &str = "producers";

/// Digits of the hash at the end of a name that the linker has demangled.
const HASH_DIGITS: usize = 16;

/// Whether a module keeps the names of its functions, for profiles and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// It does.
    Kept,
    /// It does not: it is smaller, and the same otherwise.
    Stripped,
}

/// A module without the names of its functions, and without other custom sections that no chain or
/// tool needs.
///
/// # Errors
///
/// [`LayoutError`] if it is no module.
pub fn stripped(wasm: &[u8]) -> Result<Vec<u8>, LayoutError> {
    Ok(finished(wasm, Names::Stripped)?)
}

pub(crate) fn finished(wasm: &[u8], names: Names) -> Result<Vec<u8>, BinaryReaderError> {
    let mut module = Module::new();
    let mut functions = NameMap::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(custom) = &payload {
            if custom.name() == SECTION || custom.name() == PRODUCERS {
                module.section(&CustomSection {
                    name: custom.name().into(),
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
    if names == Names::Kept && !functions.is_empty() {
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
