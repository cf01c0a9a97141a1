//! The names that metered wasm reserves. Guests must not use them.
//!
//! Metered wasm imports [`LOW`], [`GROW`], [`GROW_TABLE`] and its syscalls from [`MODULE`], and
//! exports the other names. Each exported function, and the start function, takes the gas as an
//! additional last argument and returns it as an additional last result.

/// The prefix of all reserved names. Guests neither import from nor export such names.
pub const PREFIX: &str = "fusee:";

/// The module that metered wasm imports from. A syscall is imported under its position in
/// `Program::imports`, in decimal, as `(gas: i64, arg: i64 ..) -> (result: i64, gas: i64)`.
pub const MODULE: &str = "fusee:host";

/// The import `(gas: i64, height: i64) -> (gas: i64)`. Metered code calls it if gas or height is
/// below zero, and between the chunks of a long bulk operator, where the run can be interrupted; in
/// the latter case it returns the gas unchanged.
pub const LOW: &str = "low";

/// The import `(pages: i32) -> (pages: i32)`, which replaces `memory.grow`, so that the result does
/// not depend on the engine.
pub const GROW: &str = "grow";

/// The import `(value: funcref, elements: i32, table: i32) -> (elements: i32)`, which replaces
/// `table.grow`. Present if the guest has one. wasmi 2.0.0 takes native stack for each until a run
/// ends.
pub const GROW_TABLE: &str = "grow_table";

/// The exported table with this index, if the guest grows tables.
#[must_use]
pub fn table(index: u32) -> String {
    format!("{PREFIX}table{index}")
}

/// The exported `i64` global to which a guest spills its gas before an `unreachable`.
pub const GAS: &str = "fusee:gas";

/// The exported memory, if there is one.
pub const MEMORY: &str = "fusee:memory";

/// The exported start function, if there is one.
pub const START: &str = "fusee:start";

/// The exported function `() -> ()` that sets the guest's globals to their initial values. Present
/// if an instance at rest, whose memory is also restored and was not grown, is like a fresh one.
pub const RESET: &str = "fusee:reset";
