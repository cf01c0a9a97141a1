//! Reads the contents of a program section by section.

use fusee_engine::Gas;
use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, FuncType, FunctionBody, Operator, Parser,
    Payload, ValType,
};

use super::{
    names::{Names, exported, imported_functions},
    report::{CustomSection, Exported, Function, FunctionName, Global, Placement, Segment, Table},
};
use crate::{
    constant::{Constant, constant},
    plan::Plan,
    refusal::Refusal,
    rules::Rules,
    survey::Survey,
};

/// The contents of a program that is known to be valid.
#[derive(Default)]
pub(super) struct Contents {
    types: Vec<FuncType>,
    imported: u32,
    type_indices: Vec<u32>,
    pub(super) functions: Vec<Function>,
    pub(super) exports: Vec<Exported>,
    pub(super) tables: Vec<Table>,
    pub(super) globals: Vec<Global>,
    pub(super) element_segments: Vec<Segment>,
    pub(super) data_segments: Vec<Segment>,
    pub(super) custom_sections: Vec<CustomSection>,
    names: Names,
}

impl Contents {
    pub(super) fn read(wasm: &[u8], rules: &Rules) -> Result<Self, Refusal> {
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
                    let global = global?;
                    self.globals.push(Global {
                        value_type: global.ty.content_type.to_string(),
                        mutable: global.ty.mutable,
                        initial: constant(&global.init_expr).map(Constant::integer),
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
            metered_blocks: 0,
            gas: Gas::ZERO,
            frame_bytes: 0,
            work: 0,
            calls: 0,
            loops: 0,
        };
        for operator in body.get_operators_reader()? {
            count(&mut function, &operator?);
        }
        self.functions.push(function);
        Ok(())
    }

    /// Adds the plan of each function, and its size in the metered program `code`.
    pub(super) fn describe(&mut self, survey: &Survey, code: &[u8]) -> Result<(), Refusal> {
        for (function, plan) in self.functions.iter_mut().zip(&survey.plans) {
            add_plan(function, plan);
        }
        // The wrappers of the imports precede the guest's functions.
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

    pub(super) fn name_functions(&mut self) {
        for function in &mut self.functions {
            function.name.name = self.names.of(function.name.index);
        }
    }
}

/// Counts one operator.
fn count(function: &mut Function, operator: &Operator<'_>) {
    function.operators = function.operators.saturating_add(1);
    match operator {
        Operator::Call { .. }
        | Operator::CallIndirect { .. }
        | Operator::ReturnCall { .. }
        | Operator::ReturnCallIndirect { .. } => {
            function.calls = function.calls.saturating_add(1);
        }
        Operator::Loop { .. } => function.loops = function.loops.saturating_add(1),
        _ => {}
    }
}

/// Adds the numbers that the plan knows.
fn add_plan(function: &mut Function, plan: &Plan) {
    function.locals = u64::from(plan.locals);
    function.metered_blocks = plan.metered_blocks;
    function.gas = Gas::new(plan.gas);
    function.work = plan.work;
    function.frame_bytes = if plan.calls { plan.frame } else { 0 };
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
                offset: offset(offset_expr),
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
                offset: offset(offset_expr),
            },
        },
    })
}

/// The offset of an active segment. The survey admits constants only.
fn offset(begin: &ConstExpr<'_>) -> u32 {
    match constant(begin) {
        Some(Constant::I32(value)) => value.cast_unsigned(),
        _ => 0,
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
