//! The second pass: the program encoded anew, with its plan carried out.
//!
//! The metered program imports `low`, `grow`, and one function for each import of the guest's; then come
//! wrappers, one for each import; then the guest's functions; then functions of ours. So every
//! function index of the guest moves by the same distance. Types, globals and exports of ours come
//! after the guest's, so that their indices do not move.
//!
//! A program that is metered for a profile imports two more functions of ours, behind the guest's imports.
//!
//! Functions hand each other the [word]; at the borders of the guest, wrappers take it apart: the host knows
//! only the gas.

mod body;
mod chunks;
mod floats;
mod profile;
mod word;
mod wrappers;

use std::{collections::BTreeSet, convert::Infallible};

use fusee_engine::{MAX_SYSCALL_ARGS, profile::imports as profile_imports, reserved};
use wasm_encoder::{
    BlockType, BranchHints, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection,
    Elements, EntityType, ExportKind, ExportSection, FunctionSection, GlobalSection, GlobalType,
    ImportSection, IndirectNameMap, MemorySection, MemoryType, Module, NameMap, NameSection,
    TableSection, TypeSection, ValType,
    reencode::{self, Reencode},
};
use wasmparser::{Parser, Payload};

use profile::Profile;

use crate::{
    Refusal, Rule, Rules, STACK_UNIT_BYTES,
    length::{Bulk, Length},
    plan::check_limit,
    survey::{FunctionType, Survey},
};

pub(crate) use body::value_type;

/// Where in the metered program things of ours are.
struct Layout {
    /// How far the guest's function indices move.
    shift: u32,
    /// The function that calls the import `low`; behind it stand those that charge by a length, those that work in chunks, and
    /// then one for each export.
    low: u32,
    /// The type `(i64, i64) -> (i64)` of the import `low`.
    import_low_type: u32,
    /// The type `(i64) -> (i64)` of our function `low`.
    low_type: u32,
    /// The type `(i32) -> (i32)` of the import `grow`.
    grow_type: u32,
    /// The type `(i32, i64) -> (i64)` of the functions that charge by a length.
    length_type: u32,
    /// The first of the guest's types with the word; they stand in the order of the guest's.
    metered_types: u32,
    /// The types of the syscall imports, by how many arguments they take.
    syscall_types: [u32; MAX_SYSCALL_ARGS + 1],
    /// The types `() -> results` that wrap the bodies of functions with several results, by the
    /// function's type.
    body_types: Vec<Option<u32>>,
    gas: u32,
    /// The globals in which locals are put away: the last ones.
    put_away: u32,
    /// The functions that work in chunks; only those that are needed.
    bulk: Vec<Bulk>,
    /// The type `(i32, i32, i32, i64) -> (i64)` of these functions; behind it stands the type `(i32, i32, i32) -> ()` of the blocks
    /// in which they are called. Both are there if one of the functions is.
    bulk_type: u32,
    /// The imports by which functions tell where gas goes, if they do.
    profile: Option<Profile>,
}

/// The index of the import `low`.
const IMPORT_LOW: u32 = 0;

/// The index of the import `grow`.
const IMPORT_GROW: u32 = 1;

/// The imports that every metered program has; the guest's come behind them.
const FIXED_IMPORTS: u32 = 2;

struct Rewriter<'a> {
    rules: &'a Rules,
    survey: &'a Survey,
    layout: Layout,
    module: Module,
    /// The next function to be rewritten.
    next_body: usize,
    /// The body of the last one, for its room.
    buffer: Vec<u8>,
    /// The guest's functions that are exported, or start it: each has one wrapper.
    exported: Vec<u32>,
    /// The functions, by their indices in the metered program, that function bodies refer to.
    referenced: BTreeSet<u32>,
}

pub(crate) fn rewrite(wasm: &[u8], rules: &Rules, survey: &Survey) -> Result<Vec<u8>, Refusal> {
    let mut rewriter = Rewriter {
        rules,
        survey,
        layout: Layout::of(survey, rules),
        module: Module::new(),
        next_body: 0,
        buffer: Vec::new(),
        exported: Vec::new(),
        referenced: BTreeSet::new(),
    };
    check_stack(rules)?;
    rewriter.module(wasm).map_err(internal)?;
    let code = rewriter.module.finish();
    let bytes = u64::try_from(code.len()).unwrap_or(u64::MAX);
    check_limit("output_bytes", bytes, rules.most_output_bytes(), None)?;
    Ok(code)
}

/// A height that does not fit the word cannot be metered.
fn check_stack(rules: &Rules) -> Result<(), Refusal> {
    let limits = rules.limits();
    let most = word::MOST_UNITS.saturating_mul(STACK_UNIT_BYTES);
    check_limit("stack_bytes", limits.stack_bytes, most, None)?;
    check_limit("frame_bytes", limits.frame_bytes, most, None)
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
    fn of(survey: &Survey, rules: &Rules) -> Self {
        let import_low_type = count(survey.types.len());
        let mut next = import_low_type.saturating_add(1);
        let mut take = |types: u32| {
            let index = next;
            next = next.saturating_add(types);
            index
        };
        let syscalls_end = count(survey.imports.len()).saturating_add(FIXED_IMPORTS);
        let profile = rules.is_profiled().then(|| Profile::behind(syscalls_end));
        let shift = profile.as_ref().map_or(syscalls_end, Profile::end);
        let is_needed = |bulk: &Bulk| {
            survey.plans.iter().any(|plan| match bulk {
                Bulk::Fill => plan.fills,
                Bulk::Copy => plan.copies,
            })
        };
        Self {
            shift,
            low: count(survey.imports.len())
                .saturating_add(count(survey.functions.len()))
                .saturating_add(shift),
            import_low_type,
            low_type: take(1),
            grow_type: take(1),
            length_type: take(1),
            metered_types: take(count(survey.types.len())),
            syscall_types: std::array::from_fn(|_| take(1)),
            body_types: survey
                .types
                .iter()
                .map(|found| found.has_many_results().then(|| take(1)))
                .collect(),
            bulk: [Bulk::Fill, Bulk::Copy]
                .into_iter()
                .filter(is_needed)
                .collect(),
            bulk_type: take(2),
            gas: survey.globals,
            put_away: survey.globals.saturating_add(1),
            profile,
        }
    }

    /// A type of the guest's, with the word.
    fn metered_type(&self, guest: u32) -> u32 {
        self.metered_types.saturating_add(guest)
    }

    /// The function that charges by a length.
    fn charge_length(&self, length: Length) -> u32 {
        let position = Length::ALL.iter().position(|other| *other == length);
        self.low
            .saturating_add(1)
            .saturating_add(count(position.unwrap_or(0)))
    }

    /// The type of a block that has the operands of an operator that works in chunks.
    fn bulk_block_type(&self) -> u32 {
        self.bulk_type.saturating_add(1)
    }

    /// The function that works in chunks.
    fn in_chunks(&self, bulk: Bulk) -> u32 {
        let position = self.bulk.iter().position(|other| *other == bulk);
        self.behind_lengths()
            .saturating_add(count(position.unwrap_or(0)))
    }

    /// The wrapper for the export of this position among the exported functions.
    fn export_wrapper(&self, position: usize) -> u32 {
        self.behind_lengths()
            .saturating_add(count(self.bulk.len()))
            .saturating_add(count(position))
    }

    /// The function behind those that charge by a length.
    fn behind_lengths(&self) -> u32 {
        self.low
            .saturating_add(1)
            .saturating_add(count(Length::ALL.len()))
    }

    /// The type of a block that returns what a function of this type does.
    fn body_block(&self, survey: &Survey, type_index: u32) -> BlockType {
        let index = usize::try_from(type_index).unwrap_or(usize::MAX);
        if let Some(Some(body_type)) = self.body_types.get(index) {
            return BlockType::FunctionType(*body_type);
        }
        let result = survey
            .types
            .get(index)
            .and_then(|found| found.result_types.first());
        result.map_or(BlockType::Empty, |result| {
            BlockType::Result(body::value_type(*result))
        })
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
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

    /// Labels are numbered by the blocks of a function, among which there are blocks of ours now. Locals behind the
    /// parameters make room for the word.
    fn parse_custom_name_subsection(
        &mut self,
        names: &mut NameSection,
        section: wasmparser::Name<'_>,
    ) -> Encoded {
        match section {
            wasmparser::Name::Label(_) => Ok(()),
            wasmparser::Name::Local(functions) => {
                let mut renamed = IndirectNameMap::new();
                for function in functions {
                    let function = function?;
                    let mut locals = NameMap::new();
                    for naming in function.names {
                        let naming = naming?;
                        let local = self.survey.local_index(function.index, naming.index);
                        locals.append(local, naming.name);
                    }
                    renamed.append(self.function_index(function.index)?, &locals);
                }
                names.locals(&renamed);
                Ok(())
            }
            kept => reencode::utils::parse_custom_name_subsection(self, names, kept),
        }
    }
}

impl Rewriter<'_> {
    /// Sections come in a fixed order, and some of ours are there even where the guest has none.
    fn module(&mut self, wasm: &[u8]) -> Encoded {
        let mut sections = Sections::default();
        for wrapper in self.import_wrappers() {
            sections.code.function(&wrapper);
        }
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
                    for export in section {
                        self.export(&mut sections.exports, export?)?;
                    }
                }
                Payload::ElementSection(section) => {
                    self.parse_element_section(&mut sections.elements, section)?
                }
                Payload::DataCountSection { count, .. } => {
                    sections.data_count = Some(DataCountSection { count })
                }
                Payload::CodeSectionEntry(body) => self.body(&mut sections, &body)?,
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
        self.declare_references(&mut sections.elements);
        let (imports, functions) = (self.imports(), self.functions());
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
        let code = &mut sections.code;
        code.function(&self.low());
        for length in Length::ALL {
            code.function(&self.charge_length(length));
        }
        for bulk in &self.layout.bulk {
            code.function(&self.in_chunks(*bulk));
        }
        for function in &self.exported {
            code.function(&self.export_wrapper(*function));
        }
        self.module
            .section(&sections.hints)
            .section(&sections.code)
            .section(&sections.data);
    }

    /// In the order of the [`Layout`].
    fn add_types(&self, types: &mut TypeSection) {
        let mut add = |params: Vec<ValType>, results: Vec<ValType>| {
            types.ty().function(params, results);
        };
        add(vec![ValType::I64, ValType::I64], vec![ValType::I64]);
        add(vec![ValType::I64], vec![ValType::I64]);
        add(vec![ValType::I32], vec![ValType::I32]);
        add(vec![ValType::I32, ValType::I64], vec![ValType::I64]);
        let with_word = |guest: &[wasmparser::ValType]| {
            let guest = guest.iter().copied().map(body::value_type);
            guest.chain([ValType::I64]).collect()
        };
        for found in &self.survey.types {
            add(
                with_word(&found.param_types),
                with_word(&found.result_types),
            );
        }
        for (args, _) in self.layout.syscall_types.iter().enumerate() {
            let params = std::iter::repeat_n(ValType::I64, args.saturating_add(1));
            add(params.collect(), vec![ValType::I64, ValType::I64]);
        }
        for found in &self.survey.types {
            if found.has_many_results() {
                let results = found.result_types.iter().copied();
                add(Vec::new(), results.map(body::value_type).collect());
            }
        }
        if !self.layout.bulk.is_empty() {
            let operands = [ValType::I32; 3];
            add(
                [&operands[..], &[ValType::I64]].concat(),
                vec![ValType::I64],
            );
            add(operands.to_vec(), Vec::new());
        }
    }

    fn imports(&self) -> ImportSection {
        let mut imports = ImportSection::new();
        imports.import(
            reserved::MODULE,
            reserved::LOW,
            EntityType::Function(self.layout.import_low_type),
        );
        imports.import(
            reserved::MODULE,
            reserved::GROW,
            EntityType::Function(self.layout.grow_type),
        );
        let guest = self.survey.imports.iter().map(|import| &import.import);
        let told = self.layout.profile.as_ref().map(|_| profile_imports());
        for (position, import) in guest.chain(told.iter().flatten()).enumerate() {
            let syscall_type = self
                .layout
                .syscall_types
                .get(import.params.len())
                .copied()
                .unwrap_or(self.layout.import_low_type);
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
            functions.function(self.layout.metered_type(import.type_index));
        }
        for type_index in &self.survey.functions {
            functions.function(self.layout.metered_type(*type_index));
        }
        functions.function(self.layout.low_type);
        for _ in Length::ALL {
            functions.function(self.layout.length_type);
        }
        for _ in &self.layout.bulk {
            functions.function(self.layout.bulk_type);
        }
        for function in &self.exported {
            let type_index = self.survey.type_index_of(*function);
            functions.function(self.layout.metered_type(type_index));
        }
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
        globals.global(counter, &ConstExpr::i64_const(0));
        for _ in 0..self.survey.most_put_away() {
            globals.global(counter, &ConstExpr::i64_const(0));
        }
    }

    /// A function that is referred to must be declared outside the bodies. Guests do so by exporting it, but what is
    /// exported now is its wrapper.
    fn declare_references(&self, elements: &mut ElementSection) {
        if !self.referenced.is_empty() {
            let functions: Vec<u32> = self.referenced.iter().copied().collect();
            elements.declared(Elements::Functions(functions.into()));
        }
    }

    /// The host enters a function by its wrapper.
    fn export(&mut self, exports: &mut ExportSection, export: wasmparser::Export<'_>) -> Encoded {
        if export.kind != wasmparser::ExternalKind::Func {
            return self.parse_export(exports, export);
        }
        let wrapper = self.wrapper_of(export.index);
        exports.export(export.name, ExportKind::Func, wrapper);
        Ok(())
    }

    /// The wrapper of one of the guest's functions, which has one from now on.
    fn wrapper_of(&mut self, function: u32) -> u32 {
        let known = self.exported.iter().position(|known| *known == function);
        let position = known.unwrap_or_else(|| {
            self.exported.push(function);
            self.exported.len().saturating_sub(1)
        });
        self.layout.export_wrapper(position)
    }

    fn add_exports(&mut self, exports: &mut ExportSection) {
        exports.export(reserved::GAS, ExportKind::Global, self.layout.gas);
        if self.survey.memory.is_some() {
            exports.export(reserved::MEMORY, ExportKind::Memory, 0);
        }
        if let Some(start) = self.survey.start {
            let wrapper = self.wrapper_of(start);
            exports.export(reserved::START, ExportKind::Func, wrapper);
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
    /// The wrappers of the imports first.
    code: CodeSection,
    /// Which branches of the guest's functions are rarely taken.
    hints: BranchHints,
    data: DataSection,
}
