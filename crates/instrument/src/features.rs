//! The admitted wasm features.
//!
//! The list names every flag of wasmparser, so that an upgrade cannot silently admit a new feature.
//! A program that uses another feature is refused, and the refusal names the feature.

use wasmparser::{
    AbstractHeapType, CompositeInnerType, ConstExpr, GlobalType, HeapType, MemoryType, Operator,
    Payload, RecGroup, RefType, TableType, TypeRef, ValType, WasmFeatures, WasmFeaturesInflated,
};

use crate::{
    Extensions,
    limits::Floats,
    refusal::{Refusal, Rule},
    rules::Rules,
    schedule::{self, Group},
};

/// The features that the validator accepts. These include floating point and SIMD, so that the
/// rules can refuse them by name.
pub(crate) fn admitted(extensions: Extensions) -> WasmFeatures {
    WasmFeatures::from_inflated(WasmFeaturesInflated {
        bulk_memory: true,
        bulk_memory_opt: true,
        call_indirect_overlong: true,
        floats: true,
        multi_value: true,
        mutable_global: true,
        reference_types: true,
        saturating_float_to_int: true,
        sign_extension: true,
        simd: true,

        acquire_release_atomics: false,
        cm64: false,
        cm_accessors: false,
        cm_async: false,
        cm_async_stackful: false,
        cm_canon_names: false,
        cm_error_context: false,
        cm_fixed_length_lists: false,
        cm_forward: false,
        cm_gc: false,
        cm_implements: false,
        cm_map: false,
        cm_more_async_builtins: false,
        cm_nested_names: false,
        cm_threading: false,
        cm_values: false,
        compact_imports: false,
        component_model: false,
        custom_descriptors: false,
        custom_page_sizes: false,
        exceptions: false,
        extended_const: extensions.extended_constants,
        function_references: false,
        gc: false,
        gc_types: false,
        legacy_exceptions: false,
        memory64: false,
        memory_control: false,
        multi_memory: false,
        multibyte_array_access: false,
        relaxed_simd: false,
        shared_everything_threads: false,
        stack_switching: false,
        tail_call: extensions.tail_calls,
        threads: false,
        wide_arithmetic: extensions.wide_arithmetic,
    })
}

/// Admits integers and function references, and floating-point numbers if the rules admit them.
pub(crate) fn admit_type(value_type: ValType, offset: u64, rules: &Rules) -> Result<(), Refusal> {
    let refuse = |rule| {
        let message = format!("type `{value_type}` is not admitted");
        Err(Refusal::new(rule, offset, message))
    };
    match value_type {
        ValType::I32 | ValType::I64 | ValType::Ref(RefType::FUNCREF) => Ok(()),
        ValType::F32 | ValType::F64 if rules.floats() == Floats::Canonical => Ok(()),
        ValType::F32 | ValType::F64 => Err(Refusal::new(
            Rule::Floats,
            offset,
            format!("floating point (`{value_type}`) is not admitted"),
        )),
        ValType::V128 => refuse(Rule::Feature("simd")),
        ValType::Ref(RefType::EXTERNREF) => refuse(Rule::Type),
        ValType::Ref(reference) => refuse(Rule::Feature(feature_of_reference(reference))),
    }
}

/// Refuses an operator that the rules do not admit, by the most specific rule.
pub(crate) fn refuse_operator(operator: &Operator<'_>, offset: u64) -> Refusal {
    let shown = format!("{operator:?}");
    let name = shown.split([' ', '{']).next().unwrap_or_default();
    if schedule::group(operator) == Some(Group::Floats) {
        let message = format!("floating point (`{name}`) is not admitted");
        return Refusal::new(Rule::Floats, offset, message);
    }
    let rule = match proposal(operator) {
        // Admitted features, except for operators on reference types other than `funcref`.
        "mvp" | "bulk_memory" | "reference_types" => Rule::Operator,
        feature => Rule::Feature(feature),
    };
    Refusal::new(rule, offset, format!("operator `{name}` is not admitted"))
}

macro_rules! define_proposal {
    ($(@$proposal:ident $operator:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        /// The proposal that added an operator to WebAssembly.
        fn proposal(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$operator { .. } => stringify!($proposal),)*
                _ => "mvp",
            }
        }
    };
}

wasmparser::for_each_operator!(define_proposal);

/// Explains why a section is invalid. Names the feature if the section uses one that is not
/// admitted, and otherwise reports the validator's error.
pub(crate) fn explain(payload: &Payload<'_>, error: wasmparser::Error, rules: &Rules) -> Refusal {
    first_refused(payload, rules).unwrap_or_else(|| error.into())
}

/// The first use in a section of something that the rules do not admit.
pub(crate) fn first_refused(payload: &Payload<'_>, rules: &Rules) -> Option<Refusal> {
    match scan(payload, rules) {
        Err(Cause::Refused(refusal)) => Some(refusal),
        Err(Cause::Feature(feature, offset)) => {
            let message = format!("the wasm feature `{feature}` is not admitted");
            Some(Refusal::new(Rule::Feature(feature), offset, message))
        }
        Ok(()) | Err(Cause::Malformed) => None,
    }
}

/// The cause for which a section is invalid.
enum Cause {
    Refused(Refusal),
    Feature(&'static str, u64),
    /// The section is malformed. The validator's error describes it.
    Malformed,
}

impl From<wasmparser::Error> for Cause {
    fn from(_: wasmparser::Error) -> Self {
        Cause::Malformed
    }
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        Cause::Refused(refusal)
    }
}

type Scan = Result<(), Cause>;

/// Scans a section for the first use of something that the rules do not admit.
fn scan(payload: &Payload<'_>, rules: &Rules) -> Scan {
    match payload {
        Payload::TypeSection(section) => {
            for group in section.clone().into_iter_with_offsets() {
                let (offset, group) = group?;
                scan_types(&group, offset, rules)?;
            }
        }
        Payload::ImportSection(section) => {
            for import in section.clone().into_imports_with_offsets() {
                let (offset, import) = import?;
                match import.ty {
                    TypeRef::Func(_) => {}
                    TypeRef::Tag(_) => return Err(Cause::Feature("exceptions", offset)),
                    TypeRef::FuncExact(_) => {
                        return Err(Cause::Feature("custom_descriptors", offset));
                    }
                    TypeRef::Memory(memory) => scan_memory(&memory, offset)?,
                    TypeRef::Table(table) => scan_table(&table, offset, rules)?,
                    TypeRef::Global(global) => scan_global(&global, offset, rules)?,
                }
            }
        }
        Payload::TableSection(section) => {
            for table in section.clone().into_iter_with_offsets() {
                let (offset, table) = table?;
                scan_table(&table.ty, offset, rules)?;
                if matches!(table.init, wasmparser::TableInit::Expr(_)) {
                    return Err(Cause::Feature("function_references", offset));
                }
            }
        }
        Payload::MemorySection(section) => {
            for memory in section.clone().into_iter_with_offsets() {
                let (offset, memory) = memory?;
                scan_memory(&memory, offset)?;
            }
            if section.count() > 1 {
                return Err(Cause::Feature("multi_memory", section.range().start));
            }
        }
        Payload::TagSection(section) => {
            return Err(Cause::Feature("exceptions", section.range().start));
        }
        Payload::GlobalSection(section) => {
            for global in section.clone().into_iter_with_offsets() {
                let (offset, global) = global?;
                scan_global(&global.ty, offset, rules)?;
                scan_constant(&global.init_expr, rules)?;
            }
        }
        Payload::ElementSection(section) => {
            for element in section.clone().into_iter_with_offsets() {
                let (offset, element) = element?;
                if let wasmparser::ElementItems::Expressions(reference, _) = element.items {
                    admit_type(ValType::Ref(reference), offset, rules)?;
                }
                if let wasmparser::ElementKind::Active { offset_expr, .. } = element.kind {
                    scan_constant(&offset_expr, rules)?;
                }
            }
        }
        Payload::DataSection(section) => {
            for data in section.clone() {
                if let wasmparser::DataKind::Active { offset_expr, .. } = data?.kind {
                    scan_constant(&offset_expr, rules)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn scan_types(group: &RecGroup, offset: u64, rules: &Rules) -> Scan {
    for sub_type in group.types() {
        match &sub_type.composite_type.inner {
            CompositeInnerType::Func(function) => {
                for found in function.params().iter().chain(function.results()) {
                    admit_type(*found, offset, rules)?;
                }
            }
            CompositeInnerType::Cont(_) => return Err(Cause::Feature("stack_switching", offset)),
            CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) => {
                return Err(Cause::Feature("gc", offset));
            }
        }
        if !sub_type.is_final || !sub_type.supertype_idxs.is_empty() {
            return Err(Cause::Feature("gc", offset));
        }
    }
    if group.is_explicit_rec_group() {
        return Err(Cause::Feature("gc", offset));
    }
    Ok(())
}

fn scan_memory(memory: &MemoryType, offset: u64) -> Scan {
    if memory.memory64 {
        Err(Cause::Feature("memory64", offset))
    } else if memory.shared {
        Err(Cause::Feature("threads", offset))
    } else if memory.page_size_log2.is_some() {
        Err(Cause::Feature("custom_page_sizes", offset))
    } else {
        Ok(())
    }
}

fn scan_table(table: &TableType, offset: u64, rules: &Rules) -> Scan {
    if table.table64 {
        return Err(Cause::Feature("memory64", offset));
    }
    if table.shared {
        return Err(Cause::Feature("shared_everything_threads", offset));
    }
    admit_type(ValType::Ref(table.element_type), offset, rules)?;
    Ok(())
}

fn scan_global(global: &GlobalType, offset: u64, rules: &Rules) -> Scan {
    if global.shared {
        return Err(Cause::Feature("shared_everything_threads", offset));
    }
    admit_type(global.content_type, offset, rules)?;
    Ok(())
}

/// Constant expressions must not use the extended ones unless the rules admit them, nor operators
/// of features that are not admitted.
fn scan_constant(constant: &ConstExpr<'_>, rules: &Rules) -> Scan {
    let mut operators = constant.get_operators_reader();
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        match &operator {
            Operator::I32Add
            | Operator::I32Sub
            | Operator::I32Mul
            | Operator::I64Add
            | Operator::I64Sub
            | Operator::I64Mul
                if !rules.extensions().extended_constants =>
            {
                return Err(Cause::Feature("extended_const", offset));
            }
            _ if schedule::group(&operator).is_some() => {}
            _ => {
                let refusal = refuse_operator(&operator, offset);
                if matches!(refusal.rule, Rule::Feature(_)) {
                    return Err(Cause::Refused(refusal));
                }
            }
        }
    }
    Ok(())
}

fn feature_of_reference(reference: RefType) -> &'static str {
    match reference.heap_type() {
        HeapType::Abstract { shared: true, .. } => "shared_everything_threads",
        HeapType::Abstract { ty, .. } => match ty {
            AbstractHeapType::Func | AbstractHeapType::Extern => "function_references",
            AbstractHeapType::Exn | AbstractHeapType::NoExn => "exceptions",
            AbstractHeapType::Cont | AbstractHeapType::NoCont => "stack_switching",
            _ => "gc",
        },
        HeapType::Concrete(_) => "function_references",
        HeapType::Exact(_) => "custom_descriptors",
    }
}
