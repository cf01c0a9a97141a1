//! The sections of the metered program that follow from the survey and the layout alone.

use std::iter;

use fusee_engine::{profile::imports as profile_imports, reserved};
use wasm_encoder::{
    ConstExpr, EntityType, FunctionSection, GlobalSection, GlobalType, ImportSection,
    MemorySection, MemoryType, TypeSection, ValType,
};

use super::{layout::Layout, reindex::value_type};
use crate::survey::Survey;

/// Adds the types of the meter to the guest's types, in the order of the [`Layout`].
pub(super) fn add_types(types: &mut TypeSection, survey: &Survey, layout: &Layout) {
    let mut add = |params: Vec<ValType>, results: Vec<ValType>| {
        types.ty().function(params, results);
    };
    add(vec![ValType::I64, ValType::I64], vec![ValType::I64]);
    add(vec![ValType::I64], vec![ValType::I64]);
    add(vec![ValType::I32], vec![ValType::I32]);
    add(vec![ValType::I32, ValType::I64], vec![ValType::I64]);
    add(Vec::new(), Vec::new());
    let with_counter = |guest: &[wasmparser::ValType]| {
        let guest = guest.iter().copied().map(value_type);
        guest.chain([ValType::I64]).collect()
    };
    for found in &survey.types {
        add(
            with_counter(&found.param_types),
            with_counter(&found.result_types),
        );
    }
    for (args, _) in layout.syscall_types.iter().enumerate() {
        let params = iter::repeat_n(ValType::I64, args.saturating_add(1));
        add(params.collect(), vec![ValType::I64, ValType::I64]);
    }
    for found in &survey.types {
        if found.has_many_results() {
            let results = found.result_types.iter().copied();
            add(Vec::new(), results.map(value_type).collect());
        }
    }
    if !layout.bulk.is_empty() {
        let operands = [ValType::I32; 3];
        add(
            [&operands[..], &[ValType::I64]].concat(),
            vec![ValType::I64],
        );
        add(operands.to_vec(), Vec::new());
    }
    if layout.grow_table.is_some() {
        let params = vec![ValType::FUNCREF, ValType::I32, ValType::I32];
        add(params, vec![ValType::I32]);
    }
}

/// The imports `low` and `grow`, the guest's imports, those for profiling, and `grow_table`.
pub(super) fn imports(survey: &Survey, layout: &Layout) -> ImportSection {
    let mut imports = ImportSection::new();
    imports.import(
        reserved::MODULE,
        reserved::LOW,
        EntityType::Function(layout.import_low_type),
    );
    imports.import(
        reserved::MODULE,
        reserved::GROW,
        EntityType::Function(layout.grow_type),
    );
    let guest = survey.imports.iter().map(|import| &import.import);
    let profile = layout.profile.as_ref().map(|_| profile_imports());
    for (position, import) in guest.chain(profile.iter().flatten()).enumerate() {
        let syscall_type = layout
            .syscall_types
            .get(import.params.len())
            .copied()
            .unwrap_or(layout.import_low_type);
        imports.import(
            reserved::MODULE,
            &position.to_string(),
            EntityType::Function(syscall_type),
        );
    }
    if let Some(grow_table) = layout.grow_table {
        imports.import(
            reserved::MODULE,
            reserved::GROW_TABLE,
            EntityType::Function(grow_table.function_type),
        );
    }
    imports
}

/// The types of all functions. `exported` are the guest functions that have a wrapper.
pub(super) fn functions(survey: &Survey, layout: &Layout, exported: &[u32]) -> FunctionSection {
    let mut functions = FunctionSection::new();
    for import in &survey.imports {
        functions.function(layout.metered_type(import.type_index));
    }
    for type_index in &survey.functions {
        functions.function(layout.metered_type(*type_index));
    }
    functions.function(layout.low_type);
    for _ in &layout.lengths {
        functions.function(layout.length_type);
    }
    for _ in &layout.bulk {
        functions.function(layout.bulk_type);
    }
    for function in exported {
        let type_index = survey.type_index_of(*function);
        functions.function(layout.metered_type(type_index));
    }
    if survey.is_resettable() {
        functions.function(layout.reset_type);
    }
    functions
}

/// The memory, with the maximum that the limits allow.
pub(super) fn memory(survey: &Survey) -> Option<MemorySection> {
    let memory = survey.memory?;
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum: u64::from(memory.initial),
        maximum: Some(u64::from(memory.maximum)),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    Some(section)
}

/// Adds the global for the gas, and those that locals are spilled to.
pub(super) fn add_globals(globals: &mut GlobalSection, survey: &Survey) {
    let counter = GlobalType {
        val_type: ValType::I64,
        mutable: true,
        shared: false,
    };
    globals.global(counter, &ConstExpr::i64_const(0));
    for _ in 0..survey.max_spilled() {
        globals.global(counter, &ConstExpr::i64_const(0));
    }
}
