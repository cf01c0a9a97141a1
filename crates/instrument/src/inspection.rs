//! Inspections: what is in a program, and what metering makes of it.
//!
//! A view for people and tools of what [`prepare`](crate::prepare) finds anyway: it refuses what
//! that refuses, and nothing that runs depends on it. Types are told in the words of the text
//! format.

use std::collections::BTreeMap;

use fusee_engine::{Format, Gas, Program};
use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FuncType, FunctionBody,
    KnownCustom, Name, Operator, Parser, Payload, TypeRef, ValType,
};

use crate::{
    Refusal, Rules,
    plan::Plan,
    survey::{Survey, survey},
};

/// What is in a program.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The metered program, with its imports, its memory and the price of an instance.
    pub program: Program,
    /// The functions that it defines, in the order of their indices.
    pub functions: Vec<Function>,
    /// What it exports, functions and others, in its order.
    pub exports: Vec<Exported>,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Its globals.
    pub globals: Vec<Global>,
    /// Its element segments, whose lengths are elements.
    pub element_segments: Vec<Segment>,
    /// Its data segments, whose lengths are bytes.
    pub data_segments: Vec<Segment>,
    /// Its custom sections. Metering keeps none of them but names.
    pub custom_sections: Vec<CustomSection>,
}

/// A function that the program defines.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its index and what it is called.
    pub name: FunctionName,
    /// The types of its parameters.
    pub params: Vec<String>,
    /// The types of its results.
    pub results: Vec<String>,
    /// Where its body begins: bytes from the beginning of the program.
    pub offset: u64,
    /// Bytes of its body.
    pub bytes: u64,
    /// Bytes of its body once it is metered.
    pub metered_bytes: u64,
    /// Parameters and locals.
    pub locals: u64,
    /// Operators, those that are never reached included.
    pub operators: u64,
    /// Places at which it is charged for the operators after them.
    pub regions: u64,
    /// What all its regions cost together: what it costs to run each of its operators once.
    pub gas: Gas,
    /// Bytes of stack that a call of it takes.
    pub frame_bytes: u64,
    /// The work that compiling it is, in the units of the limits `function_work` and `program_work`.
    pub work: u64,
    /// Calls of functions, imported ones included.
    pub calls: u64,
    /// Loops.
    pub loops: u64,
}

/// A function's index, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// The index, which counts imported functions first.
    pub index: u32,
    /// The name in the name section, or else the first under which it is exported.
    pub name: Option<String>,
}

/// Something that is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The name.
    pub name: String,
    /// What it is: `func`, `memory`, `table` or `global`.
    pub kind: &'static str,
    /// Its index among its kind.
    pub index: u32,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Elements from the start.
    pub initial: u64,
    /// Elements that it can grow to.
    pub maximum: u64,
}

/// A global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Its type.
    pub value_type: String,
    /// Whether it can be set.
    pub mutable: bool,
}

/// A segment of data or elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// How much is in it.
    pub length: u64,
    /// Where it goes.
    pub placement: Placement,
}

/// Where a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into a memory or a table, before anything runs.
    Active {
        /// The index of the memory or the table.
        target: u32,
        /// Where in it.
        offset: u32,
    },
    /// Where the program copies it to.
    Passive,
    /// Nowhere: it only declares what functions are referred to.
    Declared,
}

/// A custom section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomSection {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// Checks and meters a program as [`prepare`](crate::prepare) does, and says what is in it.
///
/// # Errors
///
/// [`Refusal`] names the rule that the program breaks.
pub fn inspect(bytes: &[u8], rules: &Rules) -> Result<Inspection, Refusal> {
    match Format::of(bytes) {
        Format::Wasm => inspect_wasm(bytes, rules),
        Format::PolkaVm => Ok(of_polkavm(crate::prepare(bytes, rules)?)),
    }
}

/// A PolkaVM program tells of its functions only those that it exports.
fn of_polkavm(program: Program) -> Inspection {
    let exports = (0..).zip(&program.exports);
    let exports = exports.map(|(index, export)| Exported {
        name: export.name.clone(),
        kind: "func",
        index,
    });
    Inspection {
        exports: exports.collect(),
        program,
        functions: Vec::new(),
        tables: Vec::new(),
        globals: Vec::new(),
        element_segments: Vec::new(),
        data_segments: Vec::new(),
        custom_sections: Vec::new(),
    }
}

fn inspect_wasm(wasm: &[u8], rules: &Rules) -> Result<Inspection, Refusal> {
    let mut survey = survey(wasm, rules)?;
    let code = crate::meter(wasm, rules, &survey)?;
    let mut contents = Contents::read(wasm, rules)?;
    contents.describe(&survey, &code)?;
    contents.name_functions();
    let Contents {
        functions,
        exports,
        tables,
        globals,
        element_segments,
        data_segments,
        custom_sections,
        ..
    } = contents;
    survey.plans.clear();
    Ok(Inspection {
        program: crate::program(wasm, rules, survey, code),
        functions,
        exports,
        tables,
        globals,
        element_segments,
        data_segments,
        custom_sections,
    })
}

/// The function whose body a byte of a program belongs to. The program need not be admitted, nor
/// be whole, so that a [`Refusal`] can be traced to a function.
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

/// What is read from a program that is known to be valid.
#[derive(Default)]
struct Contents {
    types: Vec<FuncType>,
    imported: u32,
    type_indices: Vec<u32>,
    functions: Vec<Function>,
    exports: Vec<Exported>,
    tables: Vec<Table>,
    globals: Vec<Global>,
    element_segments: Vec<Segment>,
    data_segments: Vec<Segment>,
    custom_sections: Vec<CustomSection>,
    names: Names,
}

/// What functions are called. The first name counts.
#[derive(Default)]
struct Names {
    section: BTreeMap<u32, String>,
    exports: BTreeMap<u32, String>,
}

impl Contents {
    fn read(wasm: &[u8], rules: &Rules) -> Result<Self, Refusal> {
        let mut contents = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            contents.payload(payload?, rules)?;
        }
        Ok(contents)
    }

    fn payload(&mut self, payload: Payload<'_>, rules: &Rules) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(section) => {
                for found in section.into_iter_err_on_gc_types() {
                    self.types.push(found?);
                }
            }
            Payload::ImportSection(section) => self.imported = imported_functions(section),
            Payload::FunctionSection(section) => {
                for type_index in section {
                    self.type_indices.push(type_index?);
                }
            }
            Payload::TableSection(section) => {
                let most = rules.limits().table_elements;
                for table in section {
                    let declared = table?.ty;
                    self.tables.push(Table {
                        initial: declared.initial,
                        maximum: declared.maximum.map_or(most, |maximum| maximum.min(most)),
                    });
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let declared = global?.ty;
                    self.globals.push(Global {
                        value_type: declared.content_type.to_string(),
                        mutable: declared.mutable,
                    });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = exported(export?);
                    self.names.export(&export);
                    self.exports.push(export);
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    self.element_segments.push(element_segment(&element?)?);
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    self.data_segments.push(data_segment(&data?)?);
                }
            }
            Payload::CodeSectionEntry(body) => self.body(&body)?,
            Payload::CustomSection(section) => {
                self.custom_sections.push(CustomSection {
                    name: section.name().to_owned(),
                    bytes: length(section.data()),
                });
                self.names.section(section.as_known());
            }
            _ => {}
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), Refusal> {
        let position = self.functions.len();
        let found = self
            .type_indices
            .get(position)
            .and_then(|type_index| self.types.get(usize::try_from(*type_index).ok()?));
        let list = |types: &[ValType]| types.iter().map(ToString::to_string).collect();
        let range = body.range();
        let mut function = Function {
            name: FunctionName {
                index: self
                    .imported
                    .saturating_add(u32::try_from(position).unwrap_or(u32::MAX)),
                name: None,
            },
            params: found.map(|found| list(found.params())).unwrap_or_default(),
            results: found.map(|found| list(found.results())).unwrap_or_default(),
            offset: range.start,
            bytes: range.end.saturating_sub(range.start),
            metered_bytes: 0,
            locals: 0,
            operators: 0,
            regions: 0,
            gas: Gas::ZERO,
            frame_bytes: 0,
            work: 0,
            calls: 0,
            loops: 0,
        };
        for operator in body.get_operators_reader()? {
            function.count(&operator?);
        }
        self.functions.push(function);
        Ok(())
    }

    /// Adds what the survey planned for each function, and what the rewrite made of it.
    fn describe(&mut self, survey: &Survey, code: &[u8]) -> Result<(), Refusal> {
        for (function, plan) in self.functions.iter_mut().zip(&survey.plans) {
            function.plan(plan);
        }
        // The wrappers of the imports come before the program's own functions.
        let mut wrappers = survey.imports.len();
        let mut functions = self.functions.iter_mut();
        for payload in Parser::new(0).parse_all(code) {
            let Payload::CodeSectionEntry(body) = payload? else {
                continue;
            };
            if let Some(fewer) = wrappers.checked_sub(1) {
                wrappers = fewer;
            } else if let Some(function) = functions.next() {
                let range = body.range();
                function.metered_bytes = range.end.saturating_sub(range.start);
            }
        }
        Ok(())
    }

    fn name_functions(&mut self) {
        for function in &mut self.functions {
            function.name.name = self.names.of(function.name.index);
        }
    }
}

impl Function {
    fn count(&mut self, operator: &Operator<'_>) {
        self.operators = self.operators.saturating_add(1);
        match operator {
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                self.calls = self.calls.saturating_add(1);
            }
            Operator::Loop { .. } => self.loops = self.loops.saturating_add(1),
            _ => {}
        }
    }

    fn plan(&mut self, plan: &Plan) {
        self.locals = u64::from(plan.locals);
        self.regions = plan.regions;
        self.gas = Gas::new(plan.gas);
        self.work = plan.work;
        self.frame_bytes = if plan.calls { plan.frame } else { 0 };
    }
}

impl Names {
    /// Takes down the names that a name section gives. A broken one gives those before the break.
    fn section(&mut self, section: KnownCustom<'_>) {
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

    fn export(&mut self, export: &Exported) {
        if export.kind == "func" {
            let name = self.exports.entry(export.index);
            name.or_insert_with(|| export.name.clone());
        }
    }

    fn of(&self, index: u32) -> Option<String> {
        let name = self.section.get(&index);
        name.or_else(|| self.exports.get(&index)).cloned()
    }
}

fn imported_functions(section: wasmparser::ImportSectionReader<'_>) -> u32 {
    let imports = section.into_imports().map_while(Result::ok);
    let functions = imports.filter(|import| matches!(import.ty, TypeRef::Func(_)));
    u32::try_from(functions.count()).unwrap_or(u32::MAX)
}

fn exported(export: wasmparser::Export<'_>) -> Exported {
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

fn element_segment(element: &wasmparser::Element<'_>) -> Result<Segment, Refusal> {
    Ok(Segment {
        length: match &element.items {
            ElementItems::Functions(items) => u64::from(items.count()),
            ElementItems::Expressions(_, items) => u64::from(items.count()),
        },
        placement: match &element.kind {
            ElementKind::Passive => Placement::Passive,
            ElementKind::Declared => Placement::Declared,
            ElementKind::Active {
                table_index,
                offset_expr,
            } => Placement::Active {
                target: table_index.unwrap_or(0),
                offset: constant(offset_expr)?,
            },
        },
    })
}

fn data_segment(data: &wasmparser::Data<'_>) -> Result<Segment, Refusal> {
    Ok(Segment {
        length: length(data.data),
        placement: match &data.kind {
            DataKind::Passive => Placement::Passive,
            DataKind::Active {
                memory_index,
                offset_expr,
            } => Placement::Active {
                target: *memory_index,
                offset: constant(offset_expr)?,
            },
        },
    })
}

/// Where an active segment begins: the survey admits nothing but a constant.
fn constant(begin: &ConstExpr<'_>) -> Result<u32, Refusal> {
    match begin.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value.cast_unsigned()),
        _ => Ok(0),
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
