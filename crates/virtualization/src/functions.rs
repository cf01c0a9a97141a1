//! The nine functions by which a guest runs others: what it imports, as rules know it.

use fusee_abi::{Answer, Wire};
use fusee_engine::{Program, ValueType};
use fusee_instrument::SyscallSignature;

pub use fusee_abi::virtualization::functions::*;

/// The functions as rules admit them.
#[must_use]
pub fn signatures() -> Vec<SyscallSignature> {
    FUNCTIONS
        .iter()
        .map(|row| signature(IMPORT_MODULE, row))
        .collect()
}

/// The signature of the function with this name.
pub(crate) fn named(name: &str) -> Option<SyscallSignature> {
    let mut rows = FUNCTIONS.iter();
    rows.find(|row| row.name == name)
        .map(|row| signature(IMPORT_MODULE, row))
}

/// Whether a program imports one of them.
#[must_use]
pub fn are_imported(program: &Program) -> bool {
    let mut imports = program.imports.iter();
    imports.any(|import| row(import.number).is_some())
}

/// A row of a table as rules admit it: it is imported from `module`.
#[must_use]
pub fn signature(module: &str, row: &fusee_abi::Syscall) -> SyscallSignature {
    let value_type = |wire: Wire| match wire {
        Wire::I32 => ValueType::I32,
        Wire::I64 => ValueType::I64,
    };
    let params = row.params.iter().filter_map(|param| param.wire);
    SyscallSignature {
        module: module.to_owned(),
        name: row.name.to_owned(),
        number: row.number,
        params: params.map(value_type).collect(),
        result: row.result.map(value_type),
        may_suspend: row.answer == Answer::MaySuspend,
    }
}
