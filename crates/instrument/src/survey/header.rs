//! Checks that come before validation: the header of the module, and the declared section lengths.

use wasmparser::Payload;

use crate::{
    refusal::{Refusal, Rule, check_limit},
    rules::Rules,
};

/// The first bytes of every wasm file.
const MAGIC: &[u8] = b"\0asm";

/// The version field of a module.
const MODULE: [u8; 4] = [1, 0, 0, 0];

/// The second half of the version field of a component.
const COMPONENT_LAYER: [u8; 2] = [1, 0];

/// Refuses other formats, components, and other versions of wasm with a message of their own.
pub(super) fn check_header(wasm: &[u8]) -> Result<(), Refusal> {
    let refuse = |offset, message: String| Err(Refusal::new(Rule::Valid, offset, message));
    let Some(rest) = wasm.strip_prefix(MAGIC) else {
        return refuse(
            0,
            "not a wasm file: it does not begin with `\\0asm`".to_owned(),
        );
    };
    match rest.first_chunk() {
        // The parser reports the unexpected end.
        None | Some(&MODULE) => Ok(()),
        Some([_, _, layer @ ..]) if *layer == COMPONENT_LAYER => {
            refuse(4, "a component, expected a module".to_owned())
        }
        Some(version) => {
            let version = u32::from_le_bytes(*version);
            refuse(4, format!("wasm version {version:#x}, expected 0x1"))
        }
    }
}

/// Checks the declared length of a section against the limits, before memory is allocated for it:
/// how many items it has, or how many bytes of code.
pub(super) fn check_counts(
    payload: &Payload<'_>,
    imports: usize,
    rules: &Rules,
) -> Result<(), Refusal> {
    let limits = rules.limits();
    let (name, count, limit, range) = match payload {
        Payload::TypeSection(section) => ("types", section.count(), limits.types, section.range()),
        Payload::ImportSection(section) => {
            ("imports", section.count(), limits.imports, section.range())
        }
        Payload::FunctionSection(section) => {
            let imported = u32::try_from(imports).unwrap_or(u32::MAX);
            (
                "functions",
                section.count().saturating_add(imported),
                limits.functions,
                section.range(),
            )
        }
        Payload::TableSection(section) => {
            ("tables", section.count(), limits.tables, section.range())
        }
        Payload::GlobalSection(section) => {
            ("globals", section.count(), limits.globals, section.range())
        }
        Payload::ExportSection(section) => {
            ("exports", section.count(), limits.exports, section.range())
        }
        Payload::ElementSection(section) => (
            "element_segments",
            section.count(),
            limits.element_segments,
            section.range(),
        ),
        Payload::DataSection(section) => (
            "data_segments",
            section.count(),
            limits.data_segments,
            section.range(),
        ),
        Payload::CodeSectionStart {
            unchecked_range: range,
            ..
        } => {
            let bytes = range.end.saturating_sub(range.start);
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            ("code_bytes", bytes, limits.code_bytes, range.clone())
        }
        _ => return Ok(()),
    };
    check_limit(name, u64::from(count), limit, Some(range.start))
}
