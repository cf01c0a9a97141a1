//! The first pass: is the program valid, within the limits, and what is in it?

use fusee_engine::{
    Export, Gas, Import, MAX_SYSCALL_ARGS, MemoryLimits, PAGE_BYTES, ValueType, reserved,
};
use wasmparser::{
    CompositeInnerType, ConstExpr, DataKind, ElementKind, ExternalKind, FuncValidatorAllocations,
    Operator, Parser, Payload, TypeRef, ValType, ValidPayload, Validator,
};

use crate::{
    Refusal, Rule, Rules,
    features::{self, admit_type},
    plan::{self, Plan, check_limit},
};

/// What every wasm file begins with.
const MAGIC: &[u8] = b"\0asm";

/// What follows in a module, and in a component.
const MODULE: [u8; 4] = [1, 0, 0, 0];
const COMPONENT_LAYER: [u8; 2] = [1, 0];

/// What the first pass found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) types: Vec<FunctionType>,
    pub(crate) imports: Vec<SurveyedImport>,
    /// The type of each function that the program defines.
    pub(crate) functions: Vec<u32>,
    /// The plan of each of them.
    pub(crate) plans: Vec<Plan>,
    pub(crate) exports: Vec<Export>,
    pub(crate) memory: Option<MemoryLimits>,
    pub(crate) globals: u32,
    pub(crate) start: Option<u32>,
    pub(crate) instance_gas: Gas,
}

#[derive(Debug)]
pub(crate) struct FunctionType {
    pub(crate) params: Vec<ValueType>,
    /// `None` where something is not a number: such a function cannot be entered from outside.
    pub(crate) signature: Option<Vec<ValueType>>,
    pub(crate) param_types: Vec<ValType>,
    pub(crate) result_types: Vec<ValType>,
}

#[derive(Debug)]
pub(crate) struct SurveyedImport {
    pub(crate) import: Import,
    pub(crate) type_index: u32,
}

/// What adds up over several sections.
#[derive(Default)]
struct Totals {
    segment_elements: u64,
    /// The elements that each table has from the start.
    tables: Vec<u64>,
    data_bytes: u64,
    exports: Vec<(String, u32)>,
    missing: Vec<String>,
    /// The refusal of the first import that is not a function.
    not_functions: Option<Refusal>,
    /// The work that compiling all functions is.
    work: u64,
}

pub(crate) fn survey(wasm: &[u8], rules: &Rules) -> Result<Survey, Refusal> {
    let bytes = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
    check_limit("code_bytes", bytes, rules.limits().code_bytes, None)?;
    check_header(wasm)?;
    let mut survey = Survey::default();
    let mut totals = Totals::default();
    let mut validator = Validator::new_with_features(features::admitted());
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        check_counts(&payload, &survey, rules)?;
        let validated = validator
            .payload(&payload)
            .map_err(|error| features::explain(&payload, error, rules))?;
        match validated {
            ValidPayload::Func(function, body) => {
                let params = survey
                    .type_of_defined(survey.plans.len())
                    .map_or(&[][..], |found| found.param_types.as_slice());
                let plan = plan::plan(function, &mut allocations, params, &body, rules)?;
                totals.work = totals.work.saturating_add(plan.work);
                let most = rules.limits().program_work;
                check_limit("program_work", totals.work, most, Some(body.range().start))?;
                survey.plans.push(plan);
            }
            ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {
                survey.section(payload, &mut totals, rules)?;
            }
        }
    }
    survey.name_exports(totals.exports);
    let elements = totals
        .tables
        .iter()
        .fold(totals.segment_elements, |sum, table| {
            sum.saturating_add(*table)
        });
    survey.price_instance(rules, elements, totals.data_bytes);
    Ok(survey)
}

/// Tells apart what is no wasm, what is another kind of it, and what is of another version.
fn check_header(wasm: &[u8]) -> Result<(), Refusal> {
    let refuse = |offset, message: String| Err(Refusal::new(Rule::Valid, offset, message));
    let Some(rest) = wasm.strip_prefix(MAGIC) else {
        return refuse(0, "not wasm, which begins with `\\0asm`".to_owned());
    };
    match rest.first_chunk() {
        // A parser tells that the program ends here.
        None | Some(&MODULE) => Ok(()),
        Some([_, _, layer @ ..]) if *layer == COMPONENT_LAYER => {
            refuse(4, "a component, where a module is expected".to_owned())
        }
        Some(version) => {
            let version = u32::from_le_bytes(*version);
            refuse(
                4,
                format!("wasm of version {version:#x}, where 0x1 is expected"),
            )
        }
    }
}

/// Holds what a section says of its own length against the limits, before anybody believes it.
fn check_counts(payload: &Payload<'_>, survey: &Survey, rules: &Rules) -> Result<(), Refusal> {
    let limits = rules.limits();
    let (name, count, limit, range) = match payload {
        Payload::TypeSection(section) => ("types", section.count(), limits.types, section.range()),
        Payload::ImportSection(section) => {
            ("imports", section.count(), limits.imports, section.range())
        }
        Payload::FunctionSection(section) => {
            let imported = u32::try_from(survey.imports.len()).unwrap_or(u32::MAX);
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
        _ => return Ok(()),
    };
    check_limit(name, u64::from(count), limit, Some(range.start))
}

impl Survey {
    fn section(
        &mut self,
        payload: Payload<'_>,
        totals: &mut Totals,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(section) => self.read_types(section, rules),
            Payload::ImportSection(section) => {
                self.read_imports(section, totals, rules)?;
                refuse_imports(totals)
            }
            Payload::FunctionSection(section) => {
                for type_index in section {
                    self.functions.push(type_index?);
                }
                Ok(())
            }
            Payload::TableSection(section) => read_tables(section, totals, rules),
            Payload::MemorySection(section) => self.read_memory(section, rules),
            Payload::GlobalSection(section) => {
                self.globals = section.count();
                for global in section.into_iter_with_offsets() {
                    let (offset, global) = global?;
                    admit_type(global.ty.content_type, offset, rules)?;
                }
                Ok(())
            }
            Payload::ExportSection(section) => read_exports(section, totals),
            Payload::StartSection { func, .. } => {
                self.start = Some(func);
                Ok(())
            }
            Payload::ElementSection(section) => read_elements(section, totals, rules),
            Payload::DataSection(section) => {
                for data in section.into_iter_with_offsets() {
                    let (offset, data) = data?;
                    let bytes = u64::try_from(data.data.len()).unwrap_or(u64::MAX);
                    totals.data_bytes = totals.data_bytes.saturating_add(bytes);
                    check_limit(
                        "data_bytes",
                        totals.data_bytes,
                        rules.limits().data_bytes,
                        Some(offset),
                    )?;
                    if let DataKind::Active { offset_expr, .. } = &data.kind {
                        let pages = self.memory.map_or(0, |memory| u64::from(memory.initial));
                        let room = pages.saturating_mul(PAGE_BYTES);
                        check_segment(offset_expr, bytes, room, offset)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn read_types(
        &mut self,
        section: wasmparser::TypeSectionReader<'_>,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        for group in section.into_iter_with_offsets() {
            let (offset, group) = group?;
            for sub_type in group.types() {
                let CompositeInnerType::Func(function) = &sub_type.composite_type.inner else {
                    return Err(Refusal::new(
                        Rule::Type,
                        offset,
                        "a type that is not a function's",
                    ));
                };
                let count = |types: &[ValType]| u64::try_from(types.len()).unwrap_or(u64::MAX);
                check_limit(
                    "params",
                    count(function.params()),
                    rules.limits().params,
                    Some(offset),
                )?;
                check_limit(
                    "results",
                    count(function.results()),
                    rules.limits().results,
                    Some(offset),
                )?;
                for value_type in function.params().iter().chain(function.results()) {
                    admit_type(*value_type, offset, rules)?;
                }
                self.types.push(FunctionType::of(function));
            }
        }
        Ok(())
    }

    fn read_imports(
        &mut self,
        section: wasmparser::ImportSectionReader<'_>,
        totals: &mut Totals,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        for import in section.into_imports_with_offsets() {
            let (offset, import) = import?;
            if import.module.starts_with(reserved::PREFIX) {
                let message = format!("imports from module `{}`, which is ours", import.module);
                return Err(Refusal::new(Rule::ReservedName, offset, message));
            }
            let TypeRef::Func(type_index) = import.ty else {
                totals.not_functions.get_or_insert_with(|| {
                    let message = format!(
                        "imports `{}.{}`, which is not a function",
                        import.module, import.name
                    );
                    Refusal::new(Rule::ImportKind, offset, message)
                });
                continue;
            };
            match self.admit_import(import.module, import.name, type_index, offset, rules)? {
                Some(admitted) => self.imports.push(SurveyedImport {
                    import: admitted,
                    type_index,
                }),
                None => totals
                    .missing
                    .push(format!("`{}.{}`", import.module, import.name)),
            }
        }
        Ok(())
    }

    /// `None` if the rules know no such function.
    fn admit_import(
        &self,
        module: &str,
        name: &str,
        type_index: u32,
        offset: u64,
        rules: &Rules,
    ) -> Result<Option<Import>, Refusal> {
        let known = rules
            .syscalls()
            .iter()
            .find(|known| known.module == module && known.name == name);
        let (Some(known), Some(declared)) = (known, self.type_at(type_index)) else {
            return Ok(None);
        };
        let results: Vec<ValueType> = known.result.into_iter().collect();
        let is_integer = |known: &ValueType| matches!(known, ValueType::I32 | ValueType::I64);
        let fits = declared.is(&known.params, &results)
            && known.params.len() <= MAX_SYSCALL_ARGS
            && known.params.iter().chain(&results).all(is_integer);
        if !fits {
            let message = format!(
                "imports `{module}.{name}` with another signature than ({}) -> ({})",
                list(&known.params),
                list(&results)
            );
            return Err(Refusal::new(Rule::ImportSignature, offset, message));
        }
        Ok(Some(Import {
            module: module.to_owned(),
            name: name.to_owned(),
            number: known.number,
            params: known.params.clone(),
            result: known.result,
            may_suspend: known.may_suspend,
        }))
    }

    fn read_memory(
        &mut self,
        section: wasmparser::MemorySectionReader<'_>,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        for memory in section.into_iter_with_offsets() {
            let (offset, memory) = memory?;
            let cap = rules.limits().memory_pages;
            check_limit("memory_pages", memory.initial, cap, Some(offset))?;
            let pages = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX);
            let maximum = memory.maximum.map_or(cap, |declared| declared.min(cap));
            self.memory = Some(MemoryLimits {
                initial: pages(memory.initial),
                maximum: pages(maximum),
            });
        }
        Ok(())
    }

    fn type_at(&self, type_index: u32) -> Option<&FunctionType> {
        usize::try_from(type_index)
            .ok()
            .and_then(|index| self.types.get(index))
    }

    /// The types of the parameters of a function of this type.
    pub(crate) fn param_types(&self, type_index: u32) -> Vec<wasm_encoder::ValType> {
        self.type_at(type_index).map_or_else(Vec::new, |found| {
            found
                .param_types
                .iter()
                .copied()
                .map(crate::rewrite::value_type)
                .collect()
        })
    }

    /// Where a local of one of the guest's functions is in the metered program: behind the parameters stands the word.
    pub(crate) fn local_index(&self, function: u32, local: u32) -> u32 {
        let found = self.type_at(self.type_index_of(function));
        let params = found.map_or(0, |found| found.param_types.len());
        let is_param = usize::try_from(local).is_ok_and(|local| local < params);
        local.saturating_add(u32::from(!is_param))
    }

    /// The most locals that any loop puts away.
    pub(crate) fn most_put_away(&self) -> usize {
        self.plans
            .iter()
            .flat_map(|plan| &plan.looked_loops)
            .map(|looked_at| looked_at.put_away.len())
            .max()
            .unwrap_or(0)
    }

    fn type_of_defined(&self, position: usize) -> Option<&FunctionType> {
        self.functions
            .get(position)
            .and_then(|type_index| self.type_at(*type_index))
    }

    /// The type of any of the guest's functions, of which validation has seen that it is there.
    pub(crate) fn type_index_of(&self, function: u32) -> u32 {
        let index = usize::try_from(function).unwrap_or(usize::MAX);
        match self.imports.get(index) {
            Some(import) => import.type_index,
            None => index
                .checked_sub(self.imports.len())
                .and_then(|position| self.functions.get(position))
                .copied()
                .unwrap_or(u32::MAX),
        }
    }

    fn name_exports(&mut self, exports: Vec<(String, u32)>) {
        for (name, function) in exports {
            let signature = self
                .type_at(self.type_index_of(function))
                .and_then(FunctionType::signature);
            if let Some((params, results)) = signature {
                self.exports.push(Export {
                    name,
                    params,
                    results,
                });
            }
        }
    }

    fn price_instance(&mut self, rules: &Rules, elements: u64, data_bytes: u64) {
        let price = rules.schedule().instance;
        let pages = self.memory.map_or(0, |memory| u64::from(memory.initial));
        self.instance_gas = Gas::new(u64::from(price.base))
            .saturating_add(Gas::new(u64::from(price.page)).saturating_mul(pages))
            .saturating_add(
                Gas::new(u64::from(price.data_64_bytes)).saturating_mul(data_bytes.div_ceil(64)),
            )
            .saturating_add(Gas::new(u64::from(price.table_element)).saturating_mul(elements));
    }
}

impl FunctionType {
    fn of(function: &wasmparser::FuncType) -> Self {
        let params: Option<Vec<ValueType>> = function
            .params()
            .iter()
            .map(|found| number(*found))
            .collect();
        let results: Option<Vec<ValueType>> = function
            .results()
            .iter()
            .map(|found| number(*found))
            .collect();
        let all_numbers = params.is_some();
        Self {
            params: params.unwrap_or_default(),
            signature: results.filter(|_| all_numbers),
            param_types: function.params().to_vec(),
            result_types: function.results().to_vec(),
        }
    }

    fn is(&self, params: &[ValueType], results: &[ValueType]) -> bool {
        self.params == params && self.signature.as_deref() == Some(results)
    }

    /// Parameters and results, if all of them can cross the border of a guest.
    fn signature(&self) -> Option<(Vec<ValueType>, Vec<ValueType>)> {
        self.signature
            .clone()
            .map(|results| (self.params.clone(), results))
    }
}

fn read_tables(
    section: wasmparser::TableSectionReader<'_>,
    totals: &mut Totals,
    rules: &Rules,
) -> Result<(), Refusal> {
    for table in section.into_iter_with_offsets() {
        let (offset, table) = table?;
        admit_type(ValType::Ref(table.ty.element_type), offset, rules)?;
        check_limit(
            "table_elements",
            table.ty.initial,
            rules.limits().table_elements,
            Some(offset),
        )?;
        totals.tables.push(table.ty.initial);
    }
    Ok(())
}

fn read_exports(
    section: wasmparser::ExportSectionReader<'_>,
    totals: &mut Totals,
) -> Result<(), Refusal> {
    for export in section.into_iter_with_offsets() {
        let (offset, export) = export?;
        if export.name.starts_with(reserved::PREFIX) {
            let message = format!("exports `{}`, a name that is ours", export.name);
            return Err(Refusal::new(Rule::ReservedName, offset, message));
        }
        if export.kind == ExternalKind::Func {
            totals.exports.push((export.name.to_owned(), export.index));
        }
    }
    Ok(())
}

fn read_elements(
    section: wasmparser::ElementSectionReader<'_>,
    totals: &mut Totals,
    rules: &Rules,
) -> Result<(), Refusal> {
    for element in section.into_iter_with_offsets() {
        let (offset, element) = element?;
        let count = match element.items {
            wasmparser::ElementItems::Functions(items) => items.count(),
            wasmparser::ElementItems::Expressions(element_type, items) => {
                admit_type(ValType::Ref(element_type), offset, rules)?;
                items.count()
            }
        };
        totals.segment_elements = totals.segment_elements.saturating_add(u64::from(count));
        check_limit(
            "segment_elements",
            totals.segment_elements,
            rules.limits().segment_elements,
            Some(offset),
        )?;
        if let ElementKind::Active {
            table_index,
            offset_expr,
        } = &element.kind
        {
            let table = usize::try_from(table_index.unwrap_or(0)).unwrap_or(usize::MAX);
            let room = totals.tables.get(table).copied().unwrap_or(0);
            check_segment(offset_expr, u64::from(count), room, offset)?;
        }
    }
    Ok(())
}

/// Holds an active segment against what it is to be copied into. It begins at a constant: globals
/// that it could name instead would have to be imported.
fn check_segment(
    begin: &ConstExpr<'_>,
    length: u64,
    room: u64,
    offset: u64,
) -> Result<(), Refusal> {
    let refuse = |message| Err(Refusal::new(Rule::Segment, offset, message));
    let Operator::I32Const { value } = begin.get_operators_reader().read()? else {
        return refuse("an active segment that does not begin at a constant".to_owned());
    };
    let begin = u64::from(value.cast_unsigned());
    let end = begin.saturating_add(length);
    if end > room {
        return refuse(format!(
            "an active segment from {begin} to {end}, where there is room up to {room}"
        ));
    }
    Ok(())
}

/// What the host does not have is told at once and in full, before what it would not take anyway.
fn refuse_imports(totals: &mut Totals) -> Result<(), Refusal> {
    if !totals.missing.is_empty() {
        return Err(Refusal {
            rule: Rule::UnknownImport,
            value: None,
            limit: None,
            offset: None,
            message: format!(
                "imports functions that the host does not have: {}",
                totals.missing.join(", ")
            ),
        });
    }
    totals.not_functions.take().map_or(Ok(()), Err)
}

fn number(value_type: ValType) -> Option<ValueType> {
    match value_type {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        ValType::F32 => Some(ValueType::F32),
        ValType::F64 => Some(ValueType::F64),
        ValType::V128 | ValType::Ref(_) => None,
    }
}

fn list(types: &[ValueType]) -> String {
    types
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
