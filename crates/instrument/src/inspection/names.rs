//! The names of functions.

use std::collections::BTreeMap;

use wasmparser::{ExternalKind, KnownCustom, Name, Parser, Payload, TypeRef};

use super::report::{Exported, FunctionName};

/// The function whose body contains the byte at `offset`.
///
/// The program need not be admitted or complete, so that a [`Refusal`](crate::Refusal) can be
/// traced to a function.
#[must_use]
pub fn function_at(wasm: &[u8], offset: u64) -> Option<FunctionName> {
    let mut imported = 0_u32;
    let mut defined = 0_u32;
    let mut found = None;
    let mut names = Names::default();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        match payload {
            Payload::ImportSection(section) => imported = imported_functions(section),
            Payload::ExportSection(section) => {
                let exports = section.into_iter().map_while(Result::ok);
                exports.for_each(|export| names.export(&exported(export)));
            }
            Payload::CodeSectionEntry(body) => {
                if body.range().contains(&offset) {
                    found = Some(imported.saturating_add(defined));
                }
                defined = defined.saturating_add(1);
            }
            Payload::CustomSection(section) => names.section(section.as_known()),
            _ => {}
        }
    }
    found.map(|index| FunctionName {
        index,
        name: names.of(index),
    })
}

/// The names of functions. If a function has several, the first one counts.
#[derive(Default)]
pub(super) struct Names {
    section: BTreeMap<u32, String>,
    exports: BTreeMap<u32, String>,
}

impl Names {
    /// Adds the names of a name section. A malformed section adds the names before the error.
    pub(super) fn section(&mut self, section: KnownCustom<'_>) {
        let KnownCustom::Name(subsections) = section else {
            return;
        };
        for subsection in subsections.into_iter().map_while(Result::ok) {
            if let Name::Function(map) = subsection {
                for naming in map.into_iter().map_while(Result::ok) {
                    let name = self.section.entry(naming.index);
                    name.or_insert_with(|| naming.name.to_owned());
                }
            }
        }
    }

    pub(super) fn export(&mut self, export: &Exported) {
        if export.kind == "func" {
            let name = self.exports.entry(export.index);
            name.or_insert_with(|| export.name.clone());
        }
    }

    pub(super) fn of(&self, index: u32) -> Option<String> {
        let name = self.section.get(&index);
        name.or_else(|| self.exports.get(&index)).cloned()
    }
}

/// Number of imported functions.
pub(super) fn imported_functions(section: wasmparser::ImportSectionReader<'_>) -> u32 {
    let imports = section.into_imports().map_while(Result::ok);
    let functions = imports.filter(|import| matches!(import.ty, TypeRef::Func(_)));
    u32::try_from(functions.count()).unwrap_or(u32::MAX)
}

/// Describes an export.
pub(super) fn exported(export: wasmparser::Export<'_>) -> Exported {
    Exported {
        name: export.name.to_owned(),
        kind: match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => "func",
            ExternalKind::Table => "table",
            ExternalKind::Memory => "memory",
            ExternalKind::Global => "global",
            ExternalKind::Tag => "tag",
        },
        index: export.index,
    }
}
