//! The custom section of a wasm module that has its interface.

use thiserror::Error;
use wasm_encoder::{CustomSection, Module, RawSection};
use wasmparser::{Parser, Payload};

use crate::{Interface, InterfaceError};

/// The name of the section. It is the only one of its name.
pub const SECTION: &str = "fusee.interface";

/// Why a module has no interface that can be read, or none can be added.
#[derive(Debug, Error)]
pub enum SectionError {
    /// The bytes are no wasm module.
    #[error("this is not a wasm module")]
    Module(#[from] wasmparser::Error),
    /// The module has several interfaces.
    #[error("the module has several sections `{SECTION}`")]
    Several,
    /// The interface is malformed.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
}

/// The interface in a module. `None` if it has none.
///
/// # Errors
///
/// [`SectionError`] if this is no wasm module, or its interface is malformed.
pub fn extract(wasm: &[u8]) -> Result<Option<Interface>, SectionError> {
    let mut found = None;
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == SECTION
            && found.replace(section.data()).is_some()
        {
            return Err(SectionError::Several);
        }
    }
    Ok(found.map(Interface::decode).transpose()?)
}

/// The module with this interface, in place of any that it had. Everything else stays byte for
/// byte. The section is the last one.
///
/// # Errors
///
/// [`SectionError`] if this is no wasm module, or the interface contradicts itself.
pub fn embed(wasm: &[u8], interface: &Interface) -> Result<Vec<u8>, SectionError> {
    let data = interface.encode()?;
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if matches!(&payload, Payload::CustomSection(section) if section.name() == SECTION) {
            continue;
        }
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        let position = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let range = position(range.start)..position(range.end);
        module.section(&RawSection {
            id,
            data: wasm.get(range).unwrap_or_default(),
        });
    }
    module.section(&CustomSection {
        name: SECTION.into(),
        data: data.into(),
    });
    Ok(module.finish())
}
