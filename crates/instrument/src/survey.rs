//! The first pass: validates the program, checks the limits, and collects what the rewrite needs.

mod header;
mod imports;
mod module;
mod segments;

use fusee_engine::{MemoryLimits, reserved};
use wasmparser::{
    CompositeInnerType, ExternalKind, FuncValidatorAllocations, Parser, Payload, ValType,
    ValidPayload, Validator,
};

use crate::{
    features::{self, admit_type},
    plan,
    refusal::{Refusal, Rule, check_limit},
    rules::Rules,
    schedule::InstanceParts,
};

use self::segments::Segments;

pub(crate) use module::{FunctionType, Survey, SurveyedImport};

/// State of the pass that is not part of its result.
#[derive(Default)]
struct Progress {
    segments: Segments,
    /// The exported functions: name and index.
    exports: Vec<(String, u32)>,
    /// Number of exports of any kind.
    export_count: u32,
    /// Estimated compilation work of all functions so far.
    work: u64,
}

pub(crate) fn survey(wasm: &[u8], rules: &Rules) -> Result<Survey, Refusal> {
    let limits = rules.limits();
    let bytes = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
    check_limit("code_bytes", bytes, limits.code_bytes, None)?;
    header::check_header(wasm)?;
    let mut survey = Survey::default();
    let mut progress = Progress::default();
    let mut validator = Validator::new_with_features(features::admitted());
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        header::check_counts(&payload, survey.imports.len(), rules)?;
        let validated = validator
            .payload(&payload)
            .map_err(|error| features::explain(&payload, error, rules))?;
        match validated {
            ValidPayload::Func(function, body) => {
                let params = survey
                    .type_of_defined(survey.plans.len())
                    .map_or(&[][..], |found| found.param_types.as_slice());
                let plan = plan::plan(function, &mut allocations, params, &body, rules)?;
                progress.work = progress.work.saturating_add(plan.work);
                let start = Some(body.range().start);
                check_limit("program_work", progress.work, limits.program_work, start)?;
                survey.plans.push(plan);
            }
            ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {
                read_section(payload, &mut survey, &mut progress, rules)?;
            }
        }
    }
    let parts = parts(&survey, &progress);
    survey.instantiation_gas = rules.schedule().instantiation_gas(parts);
    survey.resolve_exports(progress.exports);
    Ok(survey)
}

fn parts(survey: &Survey, progress: &Progress) -> InstanceParts {
    let Segments {
        count,
        elements: _,
        tables,
        data_bytes,
    } = &progress.segments;
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let functions = survey.imports.len().saturating_add(survey.functions.len());
    InstanceParts {
        has_memory: survey.memory.is_some(),
        pages: survey.memory.map_or(0, |memory| memory.initial.into()),
        data_bytes: *data_bytes,
        segments: *count,
        tables: length(tables.len()),
        table_elements: progress.segments.table_elements(),
        functions: length(functions),
        globals: survey.globals.into(),
        exports: progress.export_count.into(),
    }
}

fn read_section(
    payload: Payload<'_>,
    survey: &mut Survey,
    progress: &mut Progress,
    rules: &Rules,
) -> Result<(), Refusal> {
    match payload {
        Payload::TypeSection(section) => read_types(section, survey, rules)?,
        Payload::ImportSection(section) => {
            survey.imports = imports::read(section, &survey.types, rules)?;
        }
        Payload::FunctionSection(section) => {
            for type_index in section {
                survey.functions.push(type_index?);
            }
        }
        Payload::TableSection(section) => progress.segments.read_tables(section, rules)?,
        Payload::MemorySection(section) => survey.memory = read_memory(section, rules)?,
        Payload::GlobalSection(section) => {
            survey.globals = section.count();
            for global in section.into_iter_with_offsets() {
                let (offset, global) = global?;
                admit_type(global.ty.content_type, offset, rules)?;
            }
        }
        Payload::ExportSection(section) => {
            progress.export_count = section.count();
            progress.exports = read_exports(section)?;
        }
        Payload::StartSection { func, .. } => survey.start = Some(func),
        Payload::ElementSection(section) => progress.segments.read_elements(section, rules)?,
        Payload::DataSection(section) => {
            let pages = survey.memory.map_or(0, |memory| u64::from(memory.initial));
            progress.segments.read_data(section, pages, rules)?;
        }
        _ => {}
    }
    Ok(())
}

fn read_types(
    section: wasmparser::TypeSectionReader<'_>,
    survey: &mut Survey,
    rules: &Rules,
) -> Result<(), Refusal> {
    let limits = rules.limits();
    for group in section.into_iter_with_offsets() {
        let (offset, group) = group?;
        for sub_type in group.types() {
            let CompositeInnerType::Func(function) = &sub_type.composite_type.inner else {
                let message = "a type that is not a function type";
                return Err(Refusal::new(Rule::Type, offset, message));
            };
            let count = |types: &[ValType]| u64::try_from(types.len()).unwrap_or(u64::MAX);
            let (params, results) = (function.params(), function.results());
            check_limit("params", count(params), limits.params, Some(offset))?;
            check_limit("results", count(results), limits.results, Some(offset))?;
            for value_type in params.iter().chain(results) {
                admit_type(*value_type, offset, rules)?;
            }
            survey.types.push(FunctionType::of(function));
        }
    }
    Ok(())
}

fn read_memory(
    section: wasmparser::MemorySectionReader<'_>,
    rules: &Rules,
) -> Result<Option<MemoryLimits>, Refusal> {
    let mut found = None;
    for memory in section.into_iter_with_offsets() {
        let (offset, memory) = memory?;
        let cap = rules.limits().memory_pages;
        check_limit("memory_pages", memory.initial, cap, Some(offset))?;
        let pages = |pages: u64| u32::try_from(pages).unwrap_or(u32::MAX);
        let maximum = memory.maximum.map_or(cap, |declared| declared.min(cap));
        found = Some(MemoryLimits {
            initial: pages(memory.initial),
            maximum: pages(maximum),
        });
    }
    Ok(found)
}

/// The exported functions: name and index.
fn read_exports(
    section: wasmparser::ExportSectionReader<'_>,
) -> Result<Vec<(String, u32)>, Refusal> {
    let mut exports = Vec::new();
    for export in section.into_iter_with_offsets() {
        let (offset, export) = export?;
        if export.name.starts_with(reserved::PREFIX) {
            let message = format!("exports the reserved name `{}`", export.name);
            return Err(Refusal::new(Rule::ReservedName, offset, message));
        }
        if export.kind == ExternalKind::Func {
            exports.push((export.name.to_owned(), export.index));
        }
    }
    Ok(exports)
}
