//! What all instances of a module share: its exports, looked up once, and the runtime.

use std::sync::Arc;

use fusee_engine::{Entry, Program, ValueType, reserved};
use wasmtime::ModuleExport;

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
    /// `None` if the module lacks an export of the program.
    pub(crate) fn find(
        module: &wasmtime::Module,
        program: &Arc<Program>,
        runtime: &Runtime,
    ) -> Option<Self> {
        let functions = program.exports.iter();
        Some(Self {
            gas: module.get_export_index(reserved::GAS)?,
            memory: module.get_export_index(reserved::MEMORY),
            start: module.get_export_index(reserved::START),
            functions: functions
                .map(|export| module.get_export_index(&export.name))
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
