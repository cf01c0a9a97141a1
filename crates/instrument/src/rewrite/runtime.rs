//! Functions of the meter that metered code calls: `low`, and the charges by length.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::{
    counter,
    layout::{IMPORT_LOW, Layout},
};
use crate::{
    length::{Length, MAX_PAGES},
    schedule::Schedule,
};

/// `low: (counter) -> (counter)`, called if gas or height is negative, and between chunks.
///
/// Calls the host, which hands out more gas, suspends the guest, or ends the run. Metered code
/// calls this function and not the import, because the call of an import takes two more registers.
pub(super) fn low() -> Function {
    let (counter, height) = (0, 1);
    let mut function = Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    code.local_get(counter);
    counter::unpack_height(&mut code);
    code.local_set(height);
    // Subtracting a negative height returns what it borrowed from the gas.
    code.local_get(counter).local_get(height).i64_sub();
    counter::unpack_gas(&mut code);
    code.local_get(height).call(IMPORT_LOW);
    counter::pack_gas(&mut code);
    code.local_get(height).i64_add().end();
    function
}

/// `(length, counter) -> (counter)`: charges by a length, and checks the gas.
pub(super) fn charge_length(length: Length, schedule: &Schedule, layout: &Layout) -> Function {
    let (operand, counter) = (0, 1);
    let (price, unit_log2) = length.price(schedule);
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.local_get(counter).local_get(operand);
    if length == Length::Pages {
        let max = i32::try_from(MAX_PAGES).unwrap_or(i32::MAX);
        code.i32_const(max)
            .local_get(operand)
            .i32_const(max)
            .i32_lt_u()
            .select();
    }
    code.i64_extend_i32_u();
    if unit_log2 > 0 {
        let round_up = (1_i64 << unit_log2).saturating_sub(1);
        code.i64_const(round_up)
            .i64_add()
            .i64_const(i64::from(unit_log2))
            .i64_shr_u();
    }
    code.i64_const(counter::gas(i64::from(price)))
        .i64_mul()
        .i64_sub()
        .local_tee(counter);
    call_low_if_negative(&mut code, counter, layout);
    code.local_get(counter).end();
    function
}

/// Calls `low` for the local `counter` if the packed counter on the stack is negative.
pub(super) fn call_low_if_negative(code: &mut InstructionSink<'_>, counter: u32, layout: &Layout) {
    code.i64_const(0)
        .i64_lt_s()
        .if_(BlockType::Empty)
        .local_get(counter)
        .call(layout.low)
        .local_set(counter)
        .end();
}
