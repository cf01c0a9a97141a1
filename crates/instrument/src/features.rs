//! The wasm features that programs may use: a closed list, every flag said by name, so that a
//! newer validator cannot admit what nobody decided on.
//!
//! A program that uses another one is refused by that feature's name.

use wasmparser::{
    AbstractHeapType, CompositeInnerType, ConstExpr, GlobalType, HeapType, MemoryType, Operator,
    Payload, RecGroup, RefType, TableType, TypeRef, ValType, WasmFeatures, WasmFeaturesInflated,
};

use crate::{
    Floats, Refusal, Rule, Rules,
    schedule::{self, Group},
};

/// What a program may use. Floating point and vectors validate here, so that they can be refused by
/// their names.
pub(crate) fn admitted() -> WasmFeatures {
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
        extended_const: false,
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
        tail_call: false,
        threads: false,
        wide_arithmetic: false,
    })
}

/// Admits integers, function references, and floating-point numbers if the rules do.
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

/// Refuses an operator that the rules do not admit, by the rule that a reader would look for.
pub(crate) fn refuse_operator(operator: &Operator<'_>, offset: u64) -> Refusal {
    let shown = format!("{operator:?}");
    let name = shown.split([' ', '{']).next().unwrap_or_default();
    if schedule::group(operator) == Some(Group::Floats) {
        let message = format!("floating point (`{name}`) is not admitted");
        return Refusal::new(Rule::Floats, offset, message);
    }
    let rule = match proposal(operator) {
        // Features that are admitted but for what of them needs other references.
        "mvp" | "bulk_memory" | "reference_types" => Rule::Operator,
        feature => Rule::Feature(feature),
    };
    Refusal::new(rule, offset, format!("operator `{name}` is not admitted"))
}

macro_rules! define_proposal {
    ($(@$proposal:ident $operator:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        /// The proposal by which an operator came into WebAssembly.
        fn proposal(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$operator { .. } => stringify!($proposal),)*
                _ => "mvp",
            }
        }
    };
}

wasmparser::for_each_operator!(define_proposal);

/// Why a section is refused that the validator does not take: for the feature that it uses, if it
/// uses one that is not admitted, and otherwise for what the validator found.
pub(crate) fn explain(payload: &Payload<'_>, error: wasmparser::Error, rules: &Rules) -> Refusal {
    match look(payload, rules) {
        Err(Found::Refused(refusal)) => refusal,
        Err(Found::Feature(feature, offset)) => {
            let message = format!("the wasm feature `{feature}` is not admitted");
            Refusal::new(Rule::Feature(feature), offset, message)
        }
        Ok(()) | Err(Found::Unreadable) => error.into(),
    }
}

/// What was found in a section that is not valid.
enum Found {
    Refused(Refusal),
    Feature(&'static str, u64),
    /// What cannot be read the validator describes.
    Unreadable,
}

impl From<wasmparser::Error> for Found {
    fn from(_: wasmparser::Error) -> Self {
        Found::Unreadable
    }
}

impl From<Refusal> for Found {
    fn from(refusal: Refusal) -> Self {
        Found::Refused(refusal)
    }
}

type Look = Result<(), Found>;

/// Looks in a section for the first thing that no rules admit.
fn look(payload: &Payload<'_>, rules: &Rules) -> Look {
    match payload {
        Payload::TypeSection(section) => {
            for group in section.clone().into_iter_with_offsets() {
                let (offset, group) = group?;
                look_at_types(&group, offset, rules)?;
            }
        }
        Payload::ImportSection(section) => {
            for import in section.clone().into_imports_with_offsets() {
                let (offset, import) = import?;
                match import.ty {
                    TypeRef::Func(_) => {}
                    TypeRef::Tag(_) => return Err(Found::Feature("exceptions", offset)),
                    TypeRef::FuncExact(_) => {
                        return Err(Found::Feature("custom_descriptors", offset));
                    }
                    TypeRef::Memory(memory) => look_at_memory(&memory, offset)?,
                    TypeRef::Table(table) => look_at_table(&table, offset, rules)?,
                    TypeRef::Global(global) => look_at_global(&global, offset, rules)?,
                }
            }
        }
        Payload::TableSection(section) => {
            for table in section.clone().into_iter_with_offsets() {
                let (offset, table) = table?;
                look_at_table(&table.ty, offset, rules)?;
                if matches!(table.init, wasmparser::TableInit::Expr(_)) {
                    return Err(Found::Feature("function_references", offset));
                }
            }
        }
        Payload::MemorySection(section) => {
            for memory in section.clone().into_iter_with_offsets() {
                let (offset, memory) = memory?;
                look_at_memory(&memory, offset)?;
            }
            if section.count() > 1 {
                return Err(Found::Feature("multi_memory", section.range().start));
            }
        }
        Payload::TagSection(section) => {
            return Err(Found::Feature("exceptions", section.range().start));
        }
        Payload::GlobalSection(section) => {
            for global in section.clone().into_iter_with_offsets() {
                let (offset, global) = global?;
                look_at_global(&global.ty, offset, rules)?;
                look_at_constant(&global.init_expr)?;
            }
        }
        Payload::ElementSection(section) => {
            for element in section.clone().into_iter_with_offsets() {
                let (offset, element) = element?;
                if let wasmparser::ElementItems::Expressions(reference, _) = element.items {
                    admit_type(ValType::Ref(reference), offset, rules)?;
                }
                if let wasmparser::ElementKind::Active { offset_expr, .. } = element.kind {
                    look_at_constant(&offset_expr)?;
                }
            }
        }
        Payload::DataSection(section) => {
            for data in section.clone() {
                if let wasmparser::DataKind::Active { offset_expr, .. } = data?.kind {
                    look_at_constant(&offset_expr)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn look_at_types(group: &RecGroup, offset: u64, rules: &Rules) -> Look {
    for sub_type in group.types() {
        match &sub_type.composite_type.inner {
            CompositeInnerType::Func(function) => {
                for found in function.params().iter().chain(function.results()) {
                    admit_type(*found, offset, rules)?;
                }
            }
            CompositeInnerType::Cont(_) => return Err(Found::Feature("stack_switching", offset)),
            CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) => {
                return Err(Found::Feature("gc", offset));
            }
        }
        if !sub_type.is_final || !sub_type.supertype_idxs.is_empty() {
            return Err(Found::Feature("gc", offset));
        }
    }
    if group.is_explicit_rec_group() {
        return Err(Found::Feature("gc", offset));
    }
    Ok(())
}

fn look_at_memory(memory: &MemoryType, offset: u64) -> Look {
    if memory.memory64 {
        Err(Found::Feature("memory64", offset))
    } else if memory.shared {
        Err(Found::Feature("threads", offset))
    } else if memory.page_size_log2.is_some() {
        Err(Found::Feature("custom_page_sizes", offset))
    } else {
        Ok(())
    }
}

fn look_at_table(table: &TableType, offset: u64, rules: &Rules) -> Look {
    if table.table64 {
        return Err(Found::Feature("memory64", offset));
    }
    if table.shared {
        return Err(Found::Feature("shared_everything_threads", offset));
    }
    admit_type(ValType::Ref(table.element_type), offset, rules)?;
    Ok(())
}

fn look_at_global(global: &GlobalType, offset: u64, rules: &Rules) -> Look {
    if global.shared {
        return Err(Found::Feature("shared_everything_threads", offset));
    }
    admit_type(global.content_type, offset, rules)?;
    Ok(())
}

/// A constant may not be computed, and not be made by an operator of a feature.
fn look_at_constant(constant: &ConstExpr<'_>) -> Look {
    let mut operators = constant.get_operators_reader();
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        match &operator {
            Operator::I32Add
            | Operator::I32Sub
            | Operator::I32Mul
            | Operator::I64Add
            | Operator::I64Sub
            | Operator::I64Mul => return Err(Found::Feature("extended_const", offset)),
            _ if schedule::group(&operator).is_some() => {}
            _ => {
                let refusal = refuse_operator(&operator, offset);
                if matches!(refusal.rule, Rule::Feature(_)) {
                    return Err(Found::Refused(refusal));
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
