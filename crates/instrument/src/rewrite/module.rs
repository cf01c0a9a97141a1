//! Encodes the metered module, section by section.

use fusee_engine::reserved;
use wasm_encoder::{
    BranchHints, CodeSection, DataCountSection, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, Function, GlobalSection, Module, NameSection, TableSection, TypeSection,
    reencode::Reencode,
};
use wasmparser::{ConstExpr, KnownCustom, Parser, Payload};

use super::{
    chunks,
    function::FunctionEncoder,
    layout::Layout,
    reindex::{Encoded, Reindex},
    runtime, sections, wrappers,
};
use crate::{
    constant::{Constant, constant},
    rules::Rules,
    survey::Survey,
};

pub(super) fn encode(wasm: &[u8], rules: &Rules, survey: &Survey) -> Encoded<Vec<u8>> {
    let layout = Layout::of(survey, rules);
    let reindex = Reindex {
        survey,
        shift: layout.shift,
    };
    let mut encoder = ModuleEncoder {
        rules,
        survey,
        layout: &layout,
        reindex,
        functions: FunctionEncoder::new(survey, &layout, reindex),
        exported: Vec::new(),
        reset: Function::new([]),
        sections: Sections::default(),
    };
    for wrapper in wrappers::imports(survey, &layout) {
        encoder.sections.code.function(&wrapper);
    }
    for payload in Parser::new(0).parse_all(wasm) {
        encoder.section(payload?)?;
    }
    Ok(encoder.assemble())
}

struct ModuleEncoder<'a> {
    rules: &'a Rules,
    survey: &'a Survey,
    layout: &'a Layout,
    reindex: Reindex<'a>,
    functions: FunctionEncoder<'a>,
    /// The guest functions with a wrapper: the exported ones and the start function.
    exported: Vec<u32>,
    /// The function that sets the guest's globals to their initial values.
    reset: Function,
    sections: Sections,
}

/// The sections that contain parts of the guest's program.
#[derive(Default)]
struct Sections {
    types: TypeSection,
    tables: TableSection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    data_count: Option<DataCountSection>,
    /// Begins with the wrappers of the imports.
    code: CodeSection,
    /// Marks the branches to `low` as unlikely.
    hints: BranchHints,
    data: DataSection,
    names: Option<NameSection>,
}

impl ModuleEncoder<'_> {
    /// Encodes a section of the guest.
    fn section(&mut self, payload: Payload<'_>) -> Encoded {
        let sections = &mut self.sections;
        match payload {
            Payload::TypeSection(section) => self
                .reindex
                .parse_type_section(&mut sections.types, section)?,
            Payload::TableSection(section) => self.tables(section)?,
            Payload::GlobalSection(section) => self.globals(section)?,
            Payload::ExportSection(section) => {
                for export in section {
                    self.export(export?)?;
                }
            }
            Payload::ElementSection(section) => self
                .reindex
                .parse_element_section(&mut sections.elements, section)?,
            Payload::DataCountSection { count, .. } => {
                sections.data_count = Some(DataCountSection { count });
            }
            Payload::CodeSectionEntry(body) => {
                self.functions
                    .encode(&body, &mut sections.code, &mut sections.hints)?;
            }
            Payload::DataSection(section) => self
                .reindex
                .parse_data_section(&mut sections.data, section)?,
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    // Names are for display: a malformed name section is dropped, not refused.
                    sections.names = self.reindex.custom_name_section(section).ok();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds the sections of the meter, and puts all sections in the order that wasm requires.
    fn assemble(mut self) -> Vec<u8> {
        let (survey, layout) = (self.survey, self.layout);
        sections::add_types(&mut self.sections.types, survey, layout);
        sections::add_globals(&mut self.sections.globals, survey);
        self.add_exports();
        self.declare_references();
        self.add_functions();
        let sections = self.sections;
        let mut module = Module::new();
        module
            .section(&sections.types)
            .section(&sections::imports(survey, layout))
            .section(&sections::functions(survey, layout, &self.exported))
            .section(&sections.tables);
        if let Some(memory) = sections::memory(survey) {
            module.section(&memory);
        }
        module
            .section(&sections.globals)
            .section(&sections.exports)
            .section(&sections.elements);
        if let Some(data_count) = &sections.data_count {
            module.section(data_count);
        }
        module
            .section(&sections.hints)
            .section(&sections.code)
            .section(&sections.data);
        if let Some(names) = &sections.names {
            module.section(names);
        }
        module.finish()
    }

    /// Adds the functions of the meter, in the order of the [`Layout`].
    fn add_functions(&mut self) {
        let (survey, rules, layout) = (self.survey, self.rules, self.layout);
        let code = &mut self.sections.code;
        code.function(&runtime::low(layout.packing));
        for length in &layout.lengths {
            code.function(&runtime::charge_length(
                *length,
                survey.memory.is_some(),
                rules,
                layout,
            ));
        }
        for bulk in &layout.bulk {
            code.function(&chunks::in_chunks(*bulk, layout));
        }
        for function in &self.exported {
            code.function(&wrappers::export(*function, survey, rules, layout));
        }
        if survey.is_resettable() {
            self.reset.instructions().end();
            code.function(&self.reset);
        }
    }

    /// Encodes the tables, with the maximum that the limits allow.
    fn tables(&mut self, section: wasmparser::TableSectionReader<'_>) -> Encoded {
        let cap = self.rules.limits().table_elements;
        for table in section {
            let mut table = table?;
            table.ty.maximum = Some(table.ty.maximum.map_or(cap, |declared| declared.min(cap)));
            self.reindex.parse_table(&mut self.sections.tables, table)?;
        }
        Ok(())
    }

    /// Encodes the globals, and what sets them to their initial values again.
    fn globals(&mut self, section: wasmparser::GlobalSectionReader<'_>) -> Encoded {
        for (index, global) in (0..).zip(section) {
            let global = global?;
            if global.ty.mutable {
                self.push_initial(&global.init_expr)?;
                self.reset.instructions().global_set(index);
            }
            self.reindex
                .parse_global(&mut self.sections.globals, global)?;
        }
        Ok(())
    }

    /// Pushes the initial value of a global, in the function that resets them.
    fn push_initial(&mut self, initial: &ConstExpr<'_>) -> Encoded {
        match constant(initial) {
            Some(Constant::I32(value)) => {
                self.reset.instructions().i32_const(value);
            }
            Some(Constant::I64(value)) => {
                self.reset.instructions().i64_const(value);
            }
            None => {
                let mut operators = initial.get_operators_reader();
                while !operators.is_end_then_eof() {
                    let operator = self.reindex.instruction(operators.read()?)?;
                    self.reset.instruction(&operator);
                }
            }
        }
        Ok(())
    }

    /// Encodes an export. The wrapper of a function is exported in its place.
    fn export(&mut self, export: wasmparser::Export<'_>) -> Encoded {
        if export.kind != wasmparser::ExternalKind::Func {
            return self
                .reindex
                .parse_export(&mut self.sections.exports, export);
        }
        let wrapper = self.wrapper_of(export.index);
        self.sections
            .exports
            .export(export.name, ExportKind::Func, wrapper);
        Ok(())
    }

    fn add_exports(&mut self) {
        let gas = self.layout.gas;
        let start = self.survey.start.map(|start| self.wrapper_of(start));
        let exports = &mut self.sections.exports;
        exports.export(reserved::GAS, ExportKind::Global, gas);
        if self.survey.memory.is_some() {
            exports.export(reserved::MEMORY, ExportKind::Memory, 0);
        }
        if self.layout.grow_table.is_some() {
            for table in 0..self.survey.tables {
                exports.export(&reserved::table(table), ExportKind::Table, table);
            }
        }
        if let Some(wrapper) = start {
            exports.export(reserved::START, ExportKind::Func, wrapper);
        }
        if self.survey.is_resettable() {
            let reset = self.layout.export_wrapper(self.exported.len());
            exports.export(reserved::RESET, ExportKind::Func, reset);
        }
    }

    /// Declares the functions that `ref.func` names in function bodies. In the guest's program the
    /// export of a function may declare it, but the metered program exports the wrapper.
    fn declare_references(&mut self) {
        let functions = self.functions.referenced();
        if !functions.is_empty() {
            self.sections
                .elements
                .declared(Elements::Functions(functions.into()));
        }
    }

    /// The index of a function's wrapper. Adds the wrapper if there is none yet.
    fn wrapper_of(&mut self, function: u32) -> u32 {
        let known = self.exported.iter().position(|known| *known == function);
        let position = known.unwrap_or_else(|| {
            self.exported.push(function);
            self.exported.len().saturating_sub(1)
        });
        self.layout.export_wrapper(position)
    }
}
