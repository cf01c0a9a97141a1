//! The result of the survey: what the program contains, with a plan for each function.

use fusee_engine::{Export, Import, MemoryLimits, ValueType};
use wasmparser::ValType;

use crate::{plan::Plan, schedule::InstanceCost};

/// The contents of a valid program within the limits.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) types: Vec<FunctionType>,
    pub(crate) imports: Vec<SurveyedImport>,
    /// The type index of each defined function.
    pub(crate) functions: Vec<u32>,
    /// The plan of each defined function.
    pub(crate) plans: Vec<Plan>,
    /// The exported functions with a numeric signature.
    pub(crate) exports: Vec<Export>,
    pub(crate) memory: Option<MemoryLimits>,
    /// Number of tables.
    pub(crate) tables: u32,
    /// Number of globals.
    pub(crate) globals: u32,
    /// Index of the start function.
    pub(crate) start: Option<u32>,
    /// The price of an instance.
    pub(crate) instance: InstanceCost,
}

/// A function type of the program.
#[derive(Debug)]
pub(crate) struct FunctionType {
    pub(crate) param_types: Vec<ValType>,
    pub(crate) result_types: Vec<ValType>,
    /// `None` if some parameter or result is not a number. Such a function cannot be called by the
    /// host.
    signature: Option<Signature>,
}

#[derive(Debug)]
struct Signature {
    params: Vec<ValueType>,
    results: Vec<ValueType>,
}

/// An import, resolved to a syscall.
#[derive(Debug)]
pub(crate) struct SurveyedImport {
    pub(crate) import: Import,
    pub(crate) type_index: u32,
}

impl Survey {
    /// The type with this index.
    pub(crate) fn type_at(&self, type_index: u32) -> Option<&FunctionType> {
        usize::try_from(type_index)
            .ok()
            .and_then(|index| self.types.get(index))
    }

    /// The type of the defined function at this position.
    pub(super) fn type_of_defined(&self, position: usize) -> Option<&FunctionType> {
        self.functions
            .get(position)
            .and_then(|type_index| self.type_at(*type_index))
    }

    /// The type index of a function, imported or defined.
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

    /// Whether restoring memory and globals makes any used instance like a fresh one.
    pub(crate) fn is_resettable(&self) -> bool {
        !self.plans.iter().any(|plan| plan.is_irreversible)
    }

    /// Whether some function grows a table.
    pub(crate) fn grows_tables(&self) -> bool {
        self.plans.iter().any(|plan| plan.grows_tables)
    }

    /// The greatest number of locals that any loop spills.
    pub(crate) fn max_spilled(&self) -> usize {
        self.plans
            .iter()
            .flat_map(|plan| &plan.checked_loops)
            .map(|checked_loop| checked_loop.spilled.len())
            .max()
            .unwrap_or(0)
    }

    /// Adds the exported functions that the host can call.
    pub(super) fn resolve_exports(&mut self, exports: Vec<(String, u32)>) {
        for (name, function) in exports {
            let found = self.type_at(self.type_index_of(function));
            let exported = found
                .and_then(|found| found.signature.as_ref())
                .map(|signature| Export {
                    name,
                    params: signature.params.clone(),
                    results: signature.results.clone(),
                });
            self.exports.extend(exported);
        }
    }
}

impl FunctionType {
    pub(super) fn of(function: &wasmparser::FuncType) -> Self {
        let numbers = |types: &[ValType]| types.iter().copied().map(number).collect();
        let params: Option<Vec<ValueType>> = numbers(function.params());
        let results: Option<Vec<ValueType>> = numbers(function.results());
        Self {
            param_types: function.params().to_vec(),
            result_types: function.results().to_vec(),
            signature: params
                .zip(results)
                .map(|(params, results)| Signature { params, results }),
        }
    }

    pub(super) fn has_signature(&self, params: &[ValueType], results: &[ValueType]) -> bool {
        self.signature
            .as_ref()
            .is_some_and(|own| own.params == params && own.results == results)
    }

    pub(crate) fn has_many_results(&self) -> bool {
        self.result_types.len() > 1
    }
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
