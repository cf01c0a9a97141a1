//! The first pass: validates the program, checks the limits, and collects what the rewrite needs.

mod header;
mod imports;
mod module;
mod segments;

use fusee_engine::{MemoryLimits, reserved};
use wasmparser::{
    CompositeInnerType, ExternalKind, FuncType, FuncValidatorAllocations, Parser, Payload, ValType,
    ValidPayload, Validator, WasmFeatures,
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

/// How far the pass goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Up to the first refusal.
    FirstRefusal,
    /// To the end. The validator accepts every feature, and the sections are searched for those
    /// that are not admitted.
    WholeProgram,
}

/// What happens with a refusal: it is returned and ends the pass, or it is kept.
pub(crate) type OnRefusal<'a> = &'a mut dyn FnMut(Refusal) -> Result<(), Refusal>;

/// Surveys a program up to the first refusal.
pub(crate) fn survey(wasm: &[u8], rules: &Rules) -> Result<Survey, Refusal> {
    survey_with(wasm, rules, Extent::FirstRefusal, &mut |refusal| {
        Err(refusal)
    })
}

/// Passes all refusals on: of each section, and the first one of each function. Ends at a section
/// that is malformed.
pub(crate) fn collect(wasm: &[u8], rules: &Rules, keep: &mut dyn FnMut(Refusal)) {
    let mut on_refusal = |refusal| {
        keep(refusal);
        Ok(())
    };
    if let Err(last) = survey_with(wasm, rules, Extent::WholeProgram, &mut on_refusal) {
        keep(last);
    }
}

fn survey_with(
    wasm: &[u8],
    rules: &Rules,
    extent: Extent,
    on_refusal: OnRefusal<'_>,
) -> Result<Survey, Refusal> {
    let limits = rules.limits();
    let bytes = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
    check_limit("program_bytes", bytes, limits.program_bytes, None).or_else(&mut *on_refusal)?;
    header::check_header(wasm)?;
    let mut survey = Survey::default();
    let mut progress = Progress::default();
    let mut validator = Validator::new_with_features(match extent {
        Extent::FirstRefusal => features::admitted(rules.extensions()),
        Extent::WholeProgram => WasmFeatures::all(),
    });
    let mut allocations = FuncValidatorAllocations::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        header::check_counts(&payload, survey.imports.len(), rules).or_else(&mut *on_refusal)?;
        if extent == Extent::WholeProgram
            && let Some(refusal) = features::first_refused(&payload, rules)
        {
            on_refusal(refusal)?;
        }
        let validated = validator
            .payload(&payload)
            .map_err(|error| features::explain(&payload, error, rules))?;
        match validated {
            ValidPayload::Func(function, body) => {
                let params = survey
                    .type_of_defined(survey.plans.len())
                    .map_or(&[][..], |found| found.param_types.as_slice());
                match plan::plan(function, &mut allocations, params, &body, rules) {
                    Ok(plan) => {
                        progress.work = progress.work.saturating_add(plan.work);
                        let start = Some(body.range().start);
                        check_limit("program_work", progress.work, limits.program_work, start)
                            .or_else(&mut *on_refusal)?;
                        survey.plans.push(plan);
                    }
                    Err(refusal) => on_refusal(refusal)?,
                }
            }
            ValidPayload::Ok | ValidPayload::Parser(_) | ValidPayload::End(_) => {
                read_section(payload, &mut survey, &mut progress, rules, on_refusal)
                    .or_else(&mut *on_refusal)?;
            }
        }
    }
    let parts = parts(&survey, &progress);
    survey.instance = rules.schedule().instance_cost(parts);
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
    on_refusal: OnRefusal<'_>,
) -> Result<(), Refusal> {
    match payload {
        Payload::TypeSection(section) => read_types(section, survey, rules, on_refusal)?,
        Payload::ImportSection(section) => {
            survey.imports = imports::read(section, &survey.types, rules, on_refusal)?;
        }
        Payload::FunctionSection(section) => {
            for type_index in section {
                survey.functions.push(type_index?);
            }
        }
        Payload::TableSection(section) => {
            survey.tables = section.count();
            progress.segments.read_tables(section, rules)?;
        }
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
    on_refusal: OnRefusal<'_>,
) -> Result<(), Refusal> {
    for group in section.into_iter_with_offsets() {
        let (offset, group) = group?;
        for sub_type in group.types() {
            // Each type is listed, whether it is admitted or not: others refer to it by its index.
            match &sub_type.composite_type.inner {
                CompositeInnerType::Func(function) => {
                    check_type(function, offset, rules).or_else(&mut *on_refusal)?;
                    survey.types.push(FunctionType::of(function));
                }
                _ => {
                    let message = "a type that is not a function type";
                    on_refusal(Refusal::new(Rule::Type, offset, message))?;
                    survey.types.push(FunctionType::of(&FuncType::new([], [])));
                }
            }
        }
    }
    Ok(())
}

fn check_type(function: &FuncType, offset: u64, rules: &Rules) -> Result<(), Refusal> {
    let limits = rules.limits();
    let count = |types: &[ValType]| u64::try_from(types.len()).unwrap_or(u64::MAX);
    let (params, results) = (function.params(), function.results());
    check_limit("params", count(params), limits.params, Some(offset))?;
    check_limit("results", count(results), limits.results, Some(offset))?;
    let mut types = params.iter().chain(results);
    types.try_for_each(|value_type| admit_type(*value_type, offset, rules))
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
