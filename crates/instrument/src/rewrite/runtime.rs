//! Functions of the meter that metered code calls: `low`, and the charges by length.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::{
    counter::Packing,
    layout::{IMPORT_LOW, Layout},
};
use crate::{
    length::{Length, MAX_PAGES},
    rules::Rules,
};

/// `low: (counter) -> (counter)`, called if gas or height is negative, and between chunks.
///
/// Calls the host, which hands out more gas, suspends the guest, or ends the run. Metered code
/// calls this function and not the import, because the call of an import takes two more registers.
pub(super) fn low(packing: Packing) -> Function {
    let (counter, height) = (0, 1);
    let mut function = Function::new([(1, ValType::I64)]);
    let mut code = function.instructions();
    code.local_get(counter);
    packing.unpack_height(&mut code);
    code.local_set(height);
    // Subtracting a negative height returns what it borrowed from the gas.
    code.local_get(counter).local_get(height).i64_sub();
    packing.unpack_gas(&mut code);
    code.local_get(height).call(IMPORT_LOW);
    packing.pack_gas(&mut code);
    code.local_get(height).i64_add().end();
    function
}

/// `(length, counter) -> (counter)`: charges by a length, and checks the gas. `has_memory` says
/// whether the program has a memory.
pub(super) fn charge_length(
    length: Length,
    has_memory: bool,
    rules: &Rules,
    layout: &Layout,
) -> Function {
    let (operand, counter) = (0, 1);
    let schedule = rules.schedule();
    let (unit_price, unit_log2) = length.price(schedule);
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.local_get(counter);
    match length {
        Length::Pages => clamp(&mut code, operand, MAX_PAGES),
        Length::NewElements => clamp(&mut code, operand, rules.limits().table_elements),
        Length::Bytes | Length::Elements => {
            code.local_get(operand);
        }
    }
    code.i64_extend_i32_u();
    if unit_log2 > 0 {
        let round_up = (1_i64 << unit_log2).saturating_sub(1);
        code.i64_const(round_up)
            .i64_add()
            .i64_const(i64::from(unit_log2))
            .i64_shr_u();
    }
    let price = |price: u32| layout.packing.gas(i64::from(price));
    if length == Length::Pages && has_memory {
        // Without overflow: both numbers of pages are at most `MAX_PAGES`.
        code.i64_const(price(schedule.dynamic.grow_page))
            .i64_const(price(schedule.dynamic.grow_far_page))
            .memory_size(0);
        clamp(&mut code, operand, MAX_PAGES);
        code.i32_add()
            .i32_const(schedule.resident_pages.cast_signed())
            .i32_le_u()
            .select();
    } else {
        code.i64_const(price(unit_price));
    }
    code.i64_mul().i64_sub().local_tee(counter);
    call_low_if_negative(&mut code, counter, layout);
    code.local_get(counter).end();
    function
}

/// Pushes the number in a local, or `most` if that is smaller.
fn clamp(code: &mut InstructionSink<'_>, number: u32, most: u64) {
    let most = u32::try_from(most).unwrap_or(u32::MAX).cast_signed();
    code.local_get(number)
        .i32_const(most)
        .local_get(number)
        .i32_const(most)
        .i32_lt_u()
        .select();
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
