//! Reads programs as their author made them, without metering.

use std::collections::BTreeMap;

use fusee_engine::PAGE_BYTES;
use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, Operator,
    Parser, Payload, TypeRef, ValType, Validator,
};

use super::{
    Result,
    body::Body,
    op::{NULL, Op, index, reference},
    prices::Prices,
    types::Types,
};

/// A program with the costs of its metered blocks.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) types: Types,
    /// Imported functions come first.
    pub(super) functions: Vec<Function>,
    pub(super) start: Option<usize>,
    /// The index of each exported function.
    pub(super) exports: BTreeMap<String, usize>,
    /// The initial state of an instance.
    pub(super) initial: State,
    /// Maximum size of the memory in pages.
    pub(super) memory_limit: u64,
    /// Maximum size of each table.
    pub(super) table_limits: Vec<u64>,
    /// The number of pages that are resident.
    pub(super) resident_pages: u64,
    has_memory: bool,
    export_count: u64,
    /// The price of an instance.
    pub(super) instance: u64,
    /// The stack height at the entry in bytes.
    pub(super) height: i64,
    segments: Segments,
}

/// Sizes of all segments together.
#[derive(Debug, Default)]
struct Segments {
    bytes: usize,
    elements: usize,
}

/// The mutable state of an instance.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) memory: Vec<u8>,
    pub(super) globals: Vec<u64>,
    pub(super) tables: Vec<Vec<u64>>,
    /// Dropped segments are empty.
    pub(super) data: Vec<Vec<u8>>,
    pub(super) elements: Vec<Vec<u64>>,
}

#[derive(Debug)]
pub(super) enum Function {
    /// The number of the syscall.
    Import(u32),
    Body(Body),
}

impl Program {
    /// Reads a program that the rules have admitted. `number` maps imports to syscall numbers.
    ///
    /// # Errors
    ///
    /// Describes what cannot be read.
    pub fn read(
        wasm: &[u8],
        prices: &Prices,
        number: impl Fn(&str, &str) -> Option<u32>,
    ) -> Result<Self> {
        Validator::new().validate_all(wasm).map_err(text)?;
        let mut program = Self {
            height: i64::try_from(prices.number("Limits", "stack_bytes")?)
                .map_err(|error| error.to_string())?,
            resident_pages: prices.number("Instance", "resident_pages")?,
            ..Self::default()
        };
        for payload in Parser::new(0).parse_all(wasm) {
            program.section(payload.map_err(text)?, prices, &number)?;
        }
        program.instance = program.instance_price(prices)?;
        Ok(program)
    }

    fn section(
        &mut self,
        payload: Payload<'_>,
        prices: &Prices,
        number: &impl Fn(&str, &str) -> Option<u32>,
    ) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for found in group.map_err(text)?.into_types() {
                        let CompositeInnerType::Func(function) = found.composite_type.inner else {
                            return Err("a type that is not a function type".to_owned());
                        };
                        self.types.types.push(function);
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(text)?;
                    let TypeRef::Func(type_index) = import.ty else {
                        return Err("an import that is not a function".to_owned());
                    };
                    let number = number(import.module, import.name);
                    self.types.functions.push(index(type_index));
                    self.functions
                        .push(Function::Import(number.ok_or_else(|| missing("import"))?));
                }
            }
            Payload::FunctionSection(section) => {
                for type_index in section {
                    self.types.functions.push(index(type_index.map_err(text)?));
                }
            }
            Payload::TableSection(section) => {
                let cap = prices.number("Limits", "table_elements")?;
                for table in section {
                    let table = table.map_err(text)?.ty;
                    self.initial.tables.push(vec![NULL; size(table.initial)?]);
                    self.table_limits
                        .push(table.maximum.map_or(cap, |declared| declared.min(cap)));
                }
            }
            Payload::MemorySection(section) => {
                let cap = prices.number("Limits", "memory_pages")?;
                self.has_memory = section.count() > 0;
                for memory in section {
                    let memory = memory.map_err(text)?;
                    let bytes = memory.initial.saturating_mul(PAGE_BYTES);
                    self.initial.memory = vec![0; size(bytes)?];
                    self.memory_limit = memory.maximum.map_or(cap, |declared| declared.min(cap));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let value = self.constant(&global.map_err(text)?.init_expr)?;
                    self.initial.globals.push(value);
                }
            }
            Payload::ExportSection(section) => {
                self.export_count = section.count().into();
                for export in section {
                    let export = export.map_err(text)?;
                    if export.kind == ExternalKind::Func {
                        self.exports
                            .insert(export.name.to_owned(), index(export.index));
                    }
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(index(func)),
            Payload::ElementSection(section) => {
                for element in section {
                    self.element(element.map_err(text)?)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    self.data(data.map_err(text)?)?;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let type_index = self.types.of_function(self.functions.len())?;
                let body = Body::read(&body, type_index, &self.types, prices)?;
                self.functions.push(Function::Body(body));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Program {
    fn element(&mut self, element: wasmparser::Element<'_>) -> Result<()> {
        let mut items = Vec::new();
        match element.items {
            ElementItems::Functions(functions) => {
                for function in functions {
                    items.push(reference(function.map_err(text)?));
                }
            }
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions {
                    items.push(self.constant(&expression.map_err(text)?)?);
                }
            }
        }
        self.segments.elements = self.segments.elements.saturating_add(items.len());
        match element.kind {
            ElementKind::Passive => self.initial.elements.push(items),
            ElementKind::Declared => self.initial.elements.push(Vec::new()),
            ElementKind::Active {
                table_index,
                offset_expr,
            } => {
                let start = size(self.constant(&offset_expr)?)?;
                let table = self
                    .initial
                    .tables
                    .get_mut(index(table_index.unwrap_or(0)))
                    .ok_or_else(|| missing("table"))?;
                copy_segment(table, start, &items)?;
                self.initial.elements.push(Vec::new());
            }
        }
        Ok(())
    }

    fn data(&mut self, data: wasmparser::Data<'_>) -> Result<()> {
        self.segments.bytes = self.segments.bytes.saturating_add(data.data.len());
        match data.kind {
            DataKind::Passive => self.initial.data.push(data.data.to_vec()),
            DataKind::Active { offset_expr, .. } => {
                let start = size(self.constant(&offset_expr)?)?;
                copy_segment(&mut self.initial.memory, start, data.data)?;
                self.initial.data.push(Vec::new());
            }
        }
        Ok(())
    }

    /// Evaluates a constant expression. Globals cannot be imported.
    fn constant(&self, expression: &ConstExpr<'_>) -> Result<u64> {
        let mut operands = Vec::new();
        for operator in expression.get_operators_reader() {
            let operator = operator.map_err(text)?;
            if matches!(operator, Operator::End) {
                break;
            }
            let result = match Op::plain(&operator)? {
                Op::Const(value) => Some(value),
                Op::Binary(function) => operands
                    .pop()
                    .zip(operands.pop())
                    .map(|(right, left)| function(left, right)),
                _ => None,
            };
            operands.push(result.ok_or_else(|| format!("{operator:?} is not a constant"))?);
        }
        operands.pop().ok_or_else(|| "an empty constant".to_owned())
    }

    fn instance_price(&self, prices: &Prices) -> Result<u64> {
        let tables = self.initial.tables.iter().map(Vec::len);
        let elements = tables.fold(self.segments.elements, usize::saturating_add);
        let pages = length(self.initial.memory.len()) / PAGE_BYTES;
        let resident = pages.min(self.resident_pages);
        let segments = self
            .initial
            .elements
            .len()
            .saturating_add(self.initial.data.len());
        let price = |name, count: u64| {
            let price = prices.number("Instance", name)?;
            Ok::<u64, String>(price.saturating_mul(count))
        };
        Ok(price("base", 1)?
            .saturating_add(price("memory", self.has_memory.into())?)
            .saturating_add(price("page", resident)?)
            .saturating_add(price("far_page", pages.saturating_sub(resident))?)
            .saturating_add(price("segment", length(segments))?)
            .saturating_add(price("table", length(self.initial.tables.len()))?)
            .saturating_add(price("function", length(self.functions.len()))?)
            .saturating_add(price("global", length(self.initial.globals.len()))?)
            .saturating_add(price("export", self.export_count)?)
            .saturating_add(price("data", length(self.segments.bytes).div_ceil(64))?)
            .saturating_add(price("element", length(elements))?))
    }

    /// The exported function of this name, if all its parameters and results are numbers.
    pub(super) fn entry(&self, name: &str) -> Option<usize> {
        let is_number = |found: &ValType| {
            matches!(
                found,
                ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64
            )
        };
        let function = *self.exports.get(name)?;
        let (params, results) = self.types.signature(function).ok()?;
        let enters = params.iter().chain(results).all(is_number);
        enters.then_some(function)
    }

    /// Whether the host can call an export of this name.
    #[must_use]
    pub fn has_entry(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }
}

/// Copies an active segment to its target.
fn copy_segment<T: Clone>(into: &mut [T], start: usize, segment: &[T]) -> Result<()> {
    let end = start.saturating_add(segment.len());
    let room = into.get_mut(start..end);
    room.ok_or("an active segment out of bounds")?
        .clone_from_slice(segment);
    Ok(())
}

fn size(number: u64) -> Result<usize> {
    usize::try_from(number).map_err(|error| error.to_string())
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn missing(what: &str) -> String {
    format!("the program names a {what} that does not exist")
}

fn text(error: wasmparser::Error) -> String {
    error.to_string()
}
