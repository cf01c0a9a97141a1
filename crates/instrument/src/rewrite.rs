//! The second pass: the program encoded anew, with its plan carried out.
//!
//! The metered program imports `low` and one function for each import of the guest's; then come
//! wrappers, one for each import, that hand over the gas; then the guest's functions. So every
//! function index of the guest moves by the same distance. Types, globals and exports of ours come
//! after the guest's, so that their indices do not move.

mod body;
mod floats;

use std::convert::Infallible;

use fusee_engine::{MAX_SYSCALL_ARGS, reserved};
use wasm_encoder::{
    BranchHints, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, EntityType,
    ExportKind, ExportSection, FunctionSection, GlobalSection, GlobalType, ImportSection,
    MemorySection, MemoryType, Module, NameSection, TableSection, TypeSection, ValType,
    reencode::{self, Reencode},
};
use wasmparser::{Parser, Payload};

use crate::{
    Refusal, Rule, Rules,
    plan::check_limit,
    survey::{FunctionType, Survey},
};

/// Where in the metered program things of ours are.
struct Layout {
    /// How far the guest's function indices move.
    shift: u32,
    /// The function of ours that calls the import `low`: the last function.
    low: u32,
    /// The type `(i64, i64) -> (i64)` of `low`.
    low_type: u32,
    /// The types of the syscall imports, by how many arguments they take.
    syscall_types: [u32; MAX_SYSCALL_ARGS + 1],
    /// The types `() -> results` that wrap the bodies of functions with several results, by the
    /// function's type.
    body_types: Vec<Option<u32>>,
    gas: u32,
    height: u32,
}

/// The index of the function `low`: the first import.
const LOW: u32 = 0;

struct Rewriter<'a> {
    rules: &'a Rules,
    survey: &'a Survey,
    layout: Layout,
    module: Module,
    /// The next function to be rewritten.
    next_body: usize,
}

pub(crate) fn rewrite(wasm: &[u8], rules: &Rules, survey: &Survey) -> Result<Vec<u8>, Refusal> {
    let mut rewriter = Rewriter {
        rules,
        survey,
        layout: Layout::of(survey),
        module: Module::new(),
        next_body: 0,
    };
    rewriter.module(wasm).map_err(internal)?;
    let code = rewriter.module.finish();
    let bytes = u64::try_from(code.len()).unwrap_or(u64::MAX);
    check_limit("output_bytes", bytes, rules.limits().output_bytes, None)?;
    Ok(code)
}

/// The survey has validated everything, so encoding it anew cannot fail. Were it to, the program
/// is refused: what cannot be metered does not run.
fn internal(error: reencode::Error<Infallible>) -> Refusal {
    Refusal {
        rule: Rule::Metered,
        value: None,
        limit: None,
        offset: None,
        message: error.to_string(),
    }
}

type Encoded<T = ()> = Result<T, reencode::Error<Infallible>>;

impl Layout {
    fn of(survey: &Survey) -> Self {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let low_type = count(survey.types.len());
        let mut next = low_type.saturating_add(1);
        let mut take = || {
            let index = next;
            next = next.saturating_add(1);
            index
        };
        let shift = count(survey.imports.len()).saturating_add(1);
        Self {
            shift,
            low: count(survey.imports.len())
                .saturating_add(count(survey.functions.len()))
                .saturating_add(shift),
            low_type,
            syscall_types: std::array::from_fn(|_| take()),
            body_types: survey
                .types
                .iter()
                .map(|found| found.has_many_results().then(&mut take))
                .collect(),
            gas: survey.globals,
            height: survey.globals.saturating_add(1),
        }
    }
}

impl FunctionType {
    fn has_many_results(&self) -> bool {
        self.result_types.len() > 1
    }
}

impl Reencode for Rewriter<'_> {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Encoded<u32> {
        Ok(function.saturating_add(self.layout.shift))
    }

    /// Labels are numbered by the blocks of a function, among which there are blocks of ours now.
    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        section: wasmparser::Name<'_>,
    ) -> Encoded {
        match section {
            wasmparser::Name::Label(_) => Ok(()),
            kept => reencode::utils::parse_custom_name_subsection(self, names, kept),
        }
    }
}

impl Rewriter<'_> {
    /// Sections come in a fixed order, and some of ours are there even where the guest has none.
    fn module(&mut self, wasm: &[u8]) -> Encoded {
        let mut sections = Sections::default();
        let mut names = None;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    self.parse_type_section(&mut sections.types, section)?
                }
                Payload::TableSection(section) => self.tables(&mut sections.tables, section)?,
                Payload::GlobalSection(section) => {
                    self.parse_global_section(&mut sections.globals, section)?
                }
                Payload::ExportSection(section) => {
                    self.parse_export_section(&mut sections.exports, section)?
                }
                Payload::ElementSection(section) => {
                    self.parse_element_section(&mut sections.elements, section)?
                }
                Payload::DataCountSection { count, .. } => {
                    sections.data_count = Some(DataCountSection { count })
                }
                Payload::CodeSectionEntry(body) => self.body(&mut sections.code, &body)?,
                Payload::DataSection(section) => {
                    self.parse_data_section(&mut sections.data, section)?
                }
                Payload::CustomSection(section) => {
                    if let wasmparser::KnownCustom::Name(section) = section.as_known() {
                        // Names are for people: a broken name section is dropped, not refused.
                        names = self.custom_name_section(section).ok();
                    }
                }
                _ => {}
            }
        }
        self.assemble(sections);
        if let Some(names) = names {
            self.module.section(&names);
        }
        Ok(())
    }

    fn assemble(&mut self, mut sections: Sections) {
        self.add_types(&mut sections.types);
        self.add_globals(&mut sections.globals);
        self.add_exports(&mut sections.exports);
        let (imports, functions, wrappers) = (self.imports(), self.functions(), self.wrappers());
        self.module
            .section(&sections.types)
            .section(&imports)
            .section(&functions)
            .section(&sections.tables);
        if let Some(memory) = self.survey.memory {
            let mut memories = MemorySection::new();
            memories.memory(MemoryType {
                minimum: u64::from(memory.initial),
                maximum: Some(u64::from(memory.maximum)),
                memory64: false,
                shared: false,
                page_size_log2: None,
            });
            self.module.section(&memories);
        }
        self.module
            .section(&sections.globals)
            .section(&sections.exports)
            .section(&sections.elements);
        if let Some(data_count) = &sections.data_count {
            self.module.section(data_count);
        }
        let mut code = CodeSection::new();
        let mut hints = BranchHints::new();
        for wrapper in &wrappers {
            code.function(wrapper);
        }
        for (function, body) in (self.layout.shift..)
            .skip(wrappers.len())
            .zip(&sections.code)
        {
            code.function(&body.function);
            hints.function_hints(function, body.hints.iter().copied());
        }
        code.function(&self.low());
        self.module
            .section(&hints)
            .section(&code)
            .section(&sections.data);
    }

    fn add_types(&self, types: &mut TypeSection) {
        types
            .ty()
            .function([ValType::I64, ValType::I64], [ValType::I64]);
        for (args, _) in self.layout.syscall_types.iter().enumerate() {
            let params = std::iter::repeat_n(ValType::I64, args.saturating_add(1));
            types
                .ty()
                .function(params.collect::<Vec<_>>(), [ValType::I64, ValType::I64]);
        }
        for found in self
            .survey
            .types
            .iter()
            .filter(|found| found.has_many_results())
        {
            types.ty().function(
                [],
                found
                    .result_types
                    .iter()
                    .copied()
                    .map(body::value_type)
                    .collect::<Vec<_>>(),
            );
        }
    }

    fn imports(&self) -> ImportSection {
        let mut imports = ImportSection::new();
        imports.import(
            reserved::MODULE,
            reserved::LOW,
            EntityType::Function(self.layout.low_type),
        );
        for (position, import) in self.survey.imports.iter().enumerate() {
            let args = import.import.params.len();
            let syscall_type = self
                .layout
                .syscall_types
                .get(args)
                .copied()
                .unwrap_or(self.layout.low_type);
            imports.import(
                reserved::MODULE,
                &position.to_string(),
                EntityType::Function(syscall_type),
            );
        }
        imports
    }

    fn functions(&self) -> FunctionSection {
        let mut functions = FunctionSection::new();
        for import in &self.survey.imports {
            functions.function(import.type_index);
        }
        for type_index in &self.survey.functions {
            functions.function(*type_index);
        }
        functions.function(self.layout.low_type);
        functions
    }

    fn tables(
        &mut self,
        tables: &mut TableSection,
        section: wasmparser::TableSectionReader<'_>,
    ) -> Encoded {
        let cap = self.rules.limits().table_elements;
        for table in section {
            let mut table = table?;
            table.ty.maximum = Some(table.ty.maximum.map_or(cap, |declared| declared.min(cap)));
            self.parse_table(tables, table)?;
        }
        Ok(())
    }

    fn add_globals(&self, globals: &mut GlobalSection) {
        let counter = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        let height = i64::try_from(self.rules.limits().stack_bytes).unwrap_or(i64::MAX);
        globals.global(counter, &ConstExpr::i64_const(0));
        globals.global(counter, &ConstExpr::i64_const(height));
    }

    fn add_exports(&self, exports: &mut ExportSection) {
        exports.export(reserved::GAS, ExportKind::Global, self.layout.gas);
        if self.survey.memory.is_some() {
            exports.export(reserved::MEMORY, ExportKind::Memory, 0);
        }
        if let Some(start) = self.survey.start {
            exports.export(
                reserved::START,
                ExportKind::Func,
                start.saturating_add(self.layout.shift),
            );
        }
    }
}

#[derive(Default)]
struct Sections {
    types: TypeSection,
    tables: TableSection,
    globals: GlobalSection,
    exports: ExportSection,
    elements: ElementSection,
    data_count: Option<DataCountSection>,
    code: Vec<body::Rewritten>,
    data: DataSection,
}
