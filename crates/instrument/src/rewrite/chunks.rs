//! Bulk memory operators in chunks, with an interruption check between two chunks.
//!
//! The check is a call of `low`, which leaves non-negative gas and height unchanged. The effect is
//! that of the plain operator. The whole length is charged before. If a range is out of bounds, the
//! plain operator runs, writes nothing and traps. Otherwise no chunk can trap.

use wasm_encoder::{BlockType, Function, InstructionSink};

use super::layout::Layout;
use crate::length::{BulkOperator, CHUNK_BYTES};

// The parameters of a chunk function: those of the operator, and the packed counter.

const TO: u32 = 0;
/// The byte to fill the memory with.
const VALUE: u32 = 1;
/// The address to copy from.
const FROM: u32 = 1;
const LENGTH: u32 = 2;
const COUNTER: u32 = 3;

/// The index of the only memory.
const MEMORY: u32 = 0;

/// Size of a memory page in bytes, as a power of two.
const PAGE_BYTES_LOG2: i64 = 16;

/// `(to, value or from, length, counter) -> (counter)`: executes the operator in chunks. Called for
/// lengths above [`CHUNK_BYTES`].
pub(super) fn in_chunks(bulk: BulkOperator, layout: &Layout) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    is_in_bounds(&mut code, TO);
    if bulk == BulkOperator::Copy {
        is_in_bounds(&mut code, FROM);
        code.i32_and();
    }
    code.if_(BlockType::Empty);
    match bulk {
        BulkOperator::Fill => forward(bulk, layout, &mut code),
        BulkOperator::Copy => {
            // A copy to a higher address must begin at the end, since the ranges may overlap.
            code.local_get(TO).local_get(FROM).i32_le_u();
            code.if_(BlockType::Empty);
            forward(bulk, layout, &mut code);
            code.else_();
            backward(layout, &mut code);
            code.end();
        }
    }
    code.end();
    code.local_get(TO).local_get(VALUE).local_get(LENGTH);
    operate(bulk, &mut code);
    code.local_get(COUNTER).end();
    function
}

/// Processes chunks from the lowest address up, until at most one is left.
fn forward(bulk: BulkOperator, layout: &Layout, code: &mut InstructionSink<'_>) {
    code.loop_(BlockType::Empty);
    code.local_get(TO).local_get(VALUE).i32_const(CHUNK_BYTES);
    operate(bulk, code);
    code.local_get(TO)
        .i32_const(CHUNK_BYTES)
        .i32_add()
        .local_set(TO);
    if bulk == BulkOperator::Copy {
        code.local_get(FROM)
            .i32_const(CHUNK_BYTES)
            .i32_add()
            .local_set(FROM);
    }
    shorten(code);
    check_and_repeat(layout, code);
}

/// Copies chunks from the highest address down, until at most one is left.
fn backward(layout: &Layout, code: &mut InstructionSink<'_>) {
    code.loop_(BlockType::Empty);
    shorten(code);
    for address in [TO, FROM] {
        code.local_get(address).local_get(LENGTH).i32_add();
    }
    code.i32_const(CHUNK_BYTES).memory_copy(MEMORY, MEMORY);
    check_and_repeat(layout, code);
}

fn check_and_repeat(layout: &Layout, code: &mut InstructionSink<'_>) {
    code.local_get(COUNTER).call(layout.low).local_set(COUNTER);
    is_long(code);
    code.br_if(0).end();
}

/// Tests whether more than one chunk is left.
fn is_long(code: &mut InstructionSink<'_>) {
    code.local_get(LENGTH).i32_const(CHUNK_BYTES).i32_gt_u();
}

/// Tests whether the memory contains the whole range that begins at this address.
fn is_in_bounds(code: &mut InstructionSink<'_>, address: u32) {
    code.local_get(address)
        .i64_extend_i32_u()
        .local_get(LENGTH)
        .i64_extend_i32_u()
        .i64_add()
        .memory_size(MEMORY)
        .i64_extend_i32_u()
        .i64_const(PAGE_BYTES_LOG2)
        .i64_shl()
        .i64_le_u();
}

fn shorten(code: &mut InstructionSink<'_>) {
    code.local_get(LENGTH)
        .i32_const(CHUNK_BYTES)
        .i32_sub()
        .local_set(LENGTH);
}

fn operate(bulk: BulkOperator, code: &mut InstructionSink<'_>) {
    match bulk {
        BulkOperator::Fill => code.memory_fill(MEMORY),
        BulkOperator::Copy => code.memory_copy(MEMORY, MEMORY),
    };
}
