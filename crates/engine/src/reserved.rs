//! The names that metered wasm uses, and that no guest may use.
//!
//! Metered wasm imports [`LOW`] and its syscalls from [`MODULE`], and exports the rest. A function that is exported, the start
//! function too, takes the gas as one more argument behind its own, and returns it as one more result.

/// Every name that begins so is ours: no guest imports from it or exports it.
pub const PREFIX: &str = "fusee:";

/// The module that metered wasm imports from. A syscall is imported under its position in
/// `Program::imports`, in decimal, as `(gas: i64, arg: i64 ..) -> (result: i64, gas: i64)`.
pub const MODULE: &str = "fusee:host";

/// The import `(gas: i64, height: i64) -> (gas: i64)` that is called where either is below zero, and in the middle of an operator
/// that takes long, since there the run may have to be interrupted: then it returns the gas that it is given.
pub const LOW: &str = "low";

/// The import `(pages: i32) -> (pages: i32)` that is called for `memory.grow`. Engines grow memory by their own rules
/// and one of them not without growing its native stack; the host decides alike for all.
pub const GROW: &str = "grow";

/// The exported `i64` global to which a guest spills its gas before an `unreachable`.
pub const GAS: &str = "fusee:gas";

/// The exported memory, if there is one.
pub const MEMORY: &str = "fusee:memory";

/// The exported start function, if there is one.
pub const START: &str = "fusee:start";
