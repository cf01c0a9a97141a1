//! The exports of a module, looked up once for all its instances.

use std::sync::Arc;

use fusee_engine::{Entry, Program, ValueType, reserved};
use wasmtime::ModuleExport;

/// The indices of a module's exports, so that instances need no lookup by name.
pub(crate) struct Exports {
    pub(crate) program: Arc<Program>,
    pub(crate) gas: ModuleExport,
    pub(crate) memory: Option<ModuleExport>,
    start: Option<ModuleExport>,
    functions: Vec<ModuleExport>,
}

impl Exports {
    /// `None` if the module lacks an export of the program.
    pub(crate) fn find(module: &wasmtime::Module, program: &Arc<Program>) -> Option<Self> {
        let functions = program.exports.iter();
        Some(Self {
            gas: module.get_export_index(reserved::GAS)?,
            memory: module.get_export_index(reserved::MEMORY),
            start: module.get_export_index(reserved::START),
            functions: functions
                .map(|export| module.get_export_index(&export.name))
                .collect::<Option<_>>()?,
            program: Arc::clone(program),
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
