//! The parts of a module, to compare two of them.
//!
//! The module may be anybody's: what cannot be read is an error.

use thiserror::Error;
use wasmparser::{BinaryReaderError, KnownCustom, Name, Parser, Payload};

/// A module that cannot be read.
#[derive(Clone, Debug, Error)]
#[error("the module cannot be read")]
pub struct LayoutError(#[from] BinaryReaderError);

/// The parts of a module.
#[derive(Clone, Debug, Default)]
pub struct Layout<'a> {
    /// The sections, in order.
    pub sections: Vec<Section<'a>>,
    /// The functions that are not imported, in order.
    pub functions: Vec<FunctionBody<'a>>,
    /// The compiler that the section `producers` names.
    pub compiler: Option<String>,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// `code`, `data` and so on, or the name of a custom section.
    pub name: String,
    /// What it contains.
    pub data: &'a [u8],
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionBody<'a> {
    /// The name, if the module tells it.
    pub name: Option<String>,
    /// The index, imports included.
    pub index: u32,
    /// Its locals and operators.
    pub body: &'a [u8],
}

/// The parts of a module.
///
/// # Errors
///
/// [`LayoutError`] if it is none.
pub fn layout(wasm: &[u8]) -> Result<Layout<'_>, LayoutError> {
    let mut layout = Layout::default();
    let mut imported = 0_u32;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let is_function = matches!(import?.ty, wasmparser::TypeRef::Func(_));
                    imported = imported.saturating_add(u32::from(is_function));
                }
            }
            Payload::CodeSectionEntry(body) => {
                let count = u32::try_from(layout.functions.len()).unwrap_or(u32::MAX);
                layout.functions.push(FunctionBody {
                    name: None,
                    index: imported.saturating_add(count),
                    body: body.as_bytes(),
                });
            }
            Payload::CustomSection(custom) => {
                layout.sections.push(Section {
                    name: custom.name().to_owned(),
                    data: custom.data(),
                });
                match custom.as_known() {
                    KnownCustom::Name(subsections) => names = function_names(subsections),
                    KnownCustom::Producers(fields) => layout.compiler = compiler(fields),
                    _ => {}
                }
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section()
            && let Some(name) = section_name(id)
        {
            let position = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            let data = wasm.get(position(range.start)..position(range.end));
            layout.sections.push(Section {
                name: name.to_owned(),
                data: data.unwrap_or_default(),
            });
        }
    }
    for (index, name) in names {
        let mut functions = layout.functions.iter_mut();
        if let Some(function) = functions.find(|function| function.index == index) {
            function.name = Some(name);
        }
    }
    Ok(layout)
}

/// The names of functions, as far as they can be read.
fn function_names(subsections: wasmparser::NameSectionReader<'_>) -> Vec<(u32, String)> {
    let subsections = subsections.into_iter().flatten();
    let functions = subsections.filter_map(|subsection| match subsection {
        Name::Function(names) => Some(names),
        _ => None,
    });
    let named = functions.flat_map(IntoIterator::into_iter).flatten();
    named
        .map(|naming| (naming.index, naming.name.to_owned()))
        .collect()
}

/// The compiler that made a module, as `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler(fields: wasmparser::ProducersSectionReader<'_>) -> Option<String> {
    let field = fields
        .into_iter()
        .flatten()
        .find(|field| field.name == "processed-by")?;
    let mut values = field.values.into_iter().flatten();
    let rustc = values.find(|value| value.name == "rustc")?;
    Some(format!("rustc {}", rustc.version))
}

const fn section_name(id: u8) -> Option<&'static str> {
    Some(match id {
        1 => "type",
        2 => "import",
        3 => "function",
        4 => "table",
        5 => "memory",
        6 => "global",
        7 => "export",
        8 => "start",
        9 => "element",
        10 => "code",
        11 => "data",
        12 => "data count",
        _ => return None,
    })
}
