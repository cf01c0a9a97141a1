//! The nine functions by which a guest runs nested VMs, as entries of rules.

use fusee_abi::{ReplyMode, Wire};
use fusee_engine::{Program, ValueType};
use fusee_instrument::{SyscallPrice, SyscallRule};

pub use fusee_abi::virtualization::functions::*;

/// The functions of version 1 with their prices. Final: any other list is another version.
const V1: &[(u32, SyscallPrice)] = &[
    (COMPILE, SyscallPrice::bytes(10_000, 50)),
    (LOOKUP, SyscallPrice::bytes(500, 1)),
    (COMPILE_KEY, SyscallPrice::bytes(10_000, 50)),
    (INSTANTIATE, SyscallPrice::bytes(500, 0)),
    (PREPARE, SyscallPrice::bytes(1_000, 1)),
    (RUN, SyscallPrice::bytes(2_000, 0)),
    (DESTROY, SyscallPrice::bytes(200, 0)),
    (READ_MEMORY, SyscallPrice::bytes(100, 1)),
    (WRITE_MEMORY, SyscallPrice::bytes(100, 1)),
];

/// The functions of version 1 with their prices, as entries of a list of syscalls.
#[must_use]
pub fn v1() -> Vec<SyscallRule> {
    rules(IMPORT_MODULE, FUNCTIONS, V1)
}

/// Converts the rows of a table that have a price in this list, in the order of the list. Guests
/// import them from `module`. Numbers without a row are skipped.
#[must_use]
pub fn rules(
    module: &str,
    table: &[fusee_abi::Syscall],
    prices: &[(u32, SyscallPrice)],
) -> Vec<SyscallRule> {
    let rule = |(number, price): &(u32, SyscallPrice)| {
        let row = table.iter().find(|row| row.number == *number)?;
        Some(rule(module, row, *price))
    };
    prices.iter().filter_map(rule).collect()
}

/// Converts a row of a table with its price. Guests import it from `module`.
#[must_use]
pub fn rule(module: &str, row: &fusee_abi::Syscall, price: SyscallPrice) -> SyscallRule {
    let value_type = |wire: Wire| match wire {
        Wire::I32 => ValueType::I32,
        Wire::I64 => ValueType::I64,
    };
    let params = row.params.iter().filter_map(|param| param.wire);
    SyscallRule {
        module: module.to_owned(),
        name: row.name.to_owned(),
        number: row.number,
        params: params.map(value_type).collect(),
        result: row.result.map(value_type),
        may_suspend: row.reply_mode == ReplyMode::MaySuspend,
        price,
    }
}

/// Whether this is the number of one of the nine functions.
#[must_use]
pub fn is_function(number: u32) -> bool {
    row(number).is_some()
}

/// Whether a program imports one of the nine functions.
#[must_use]
pub fn are_imported(program: &Program) -> bool {
    let mut imports = program.imports.iter();
    imports.any(|import| is_function(import.number))
}
