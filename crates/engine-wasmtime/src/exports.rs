//! What all instances of a module share: its exports, looked up once, and the runtime.

use std::sync::Arc;

use fusee_engine::{Entry, Program, ValueType, reserved};
use wasmtime::{ExternType, ModuleExport, ValType};

use crate::runtime::Runtime;

/// The indices of a module's exports, so that instances need no lookup by name.
pub(crate) struct Exports {
    pub(crate) program: Arc<Program>,
    pub(crate) gas: ModuleExport,
    pub(crate) memory: Option<ModuleExport>,
    start: Option<ModuleExport>,
    functions: Vec<ModuleExport>,
    pub(crate) runtime: Runtime,
}

impl Exports {
    /// `None` if the module lacks an export of the program, or has it with another signature.
    pub(crate) fn find(
        module: &wasmtime::Module,
        program: &Arc<Program>,
        runtime: &Runtime,
    ) -> Option<Self> {
        let functions = program.exports.iter();
        let has_start = module.get_export_index(reserved::START).is_some();
        if has_start && !is_entry(module, reserved::START, &[], &[]) {
            return None;
        }
        Some(Self {
            gas: module.get_export_index(reserved::GAS)?,
            memory: module.get_export_index(reserved::MEMORY),
            start: module.get_export_index(reserved::START),
            functions: functions
                .map(|export| {
                    is_entry(module, &export.name, &export.params, &export.results)
                        .then(|| module.get_export_index(&export.name))
                        .flatten()
                })
                .collect::<Option<_>>()?,
            program: Arc::clone(program),
            runtime: runtime.clone(),
        })
    }

    /// The function of an entry, its parameters and its results.
    pub(crate) fn entry(
        &self,
        entry: Entry,
    ) -> Option<(&ModuleExport, &[ValueType], &[ValueType])> {
        match entry {
            Entry::Start => Some((self.start.as_ref()?, &[], &[])),
            Entry::Export(position) => {
                let export = self.program.exports.get(position)?;
                let function = self.functions.get(position)?;
                Some((function, &export.params, &export.results))
            }
        }
    }
}

/// Whether a module exports a metered function of this signature: the gas is its last parameter and
/// its last result. Calls rely on it, since they do not compare types again.
fn is_entry(
    module: &wasmtime::Module,
    name: &str,
    params: &[ValueType],
    results: &[ValueType],
) -> bool {
    let Some(ExternType::Func(function)) = module.get_export(name) else {
        return false;
    };
    let are = |found: &mut dyn Iterator<Item = ValType>, expected: &[ValueType]| {
        let expected = expected.iter().chain(&[ValueType::I64]);
        found.map(value_type).eq(expected.copied().map(Some))
    };
    are(&mut function.params(), params) && are(&mut function.results(), results)
}

fn value_type(found: ValType) -> Option<ValueType> {
    match found {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        ValType::F32 => Some(ValueType::F32),
        ValType::F64 => Some(ValueType::F64),
        _ => None,
    }
}
