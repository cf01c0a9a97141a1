//! Operators that work on much memory, in chunks: between two of them the host is asked whether the run is interrupted.
//!
//! The host is asked by `low`, which leaves gas and height as they are where neither is below zero. Nothing else is
//! different from the operator as it stands: the whole length was charged before; where the memory is not all there, the operator is
//! run as it is, writes nothing and traps; where it is, no chunk can trap, and the bytes come to the same.

use wasm_encoder::{BlockType, Function, InstructionSink};

use super::Rewriter;
use crate::length::{Bulk, CHUNK_BYTES};

/// The parameters of these functions: the operator's, and the word.
const TO: u32 = 0;
/// The byte with which memory is filled.
const VALUE: u32 = 1;
/// The address that is copied from.
const FROM: u32 = 1;
const LENGTH: u32 = 2;
const WORD: u32 = 3;

const MEMORY: u32 = 0;

/// A page of memory has so many bytes, as a power of two.
const PAGE_BYTES_LOG2: i64 = 16;

impl Rewriter<'_> {
    /// `(to, value or from, length, word) -> (word)`: does what the operator does, where its length is more than a chunk.
    pub(super) fn in_chunks(&self, bulk: Bulk) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        is_there(&mut code, TO);
        if bulk == Bulk::Copy {
            is_there(&mut code, FROM);
            code.i32_and();
        }
        code.if_(BlockType::Empty);
        match bulk {
            Bulk::Fill => self.forward(bulk, &mut code),
            Bulk::Copy => {
                // What is copied to a higher address may lie over what is to be copied still, unless the end is copied first.
                code.local_get(TO).local_get(FROM).i32_le_u();
                code.if_(BlockType::Empty);
                self.forward(bulk, &mut code);
                code.else_();
                self.backward(&mut code);
                code.end();
            }
        }
        code.end();
        code.local_get(TO).local_get(VALUE).local_get(LENGTH);
        operate(bulk, &mut code);
        code.local_get(WORD).end();
        function
    }

    /// Chunk by chunk from the lowest address, until no more than one is left.
    fn forward(&self, bulk: Bulk, code: &mut InstructionSink<'_>) {
        code.loop_(BlockType::Empty);
        code.local_get(TO).local_get(VALUE).i32_const(CHUNK_BYTES);
        operate(bulk, code);
        code.local_get(TO)
            .i32_const(CHUNK_BYTES)
            .i32_add()
            .local_set(TO);
        if bulk == Bulk::Copy {
            code.local_get(FROM)
                .i32_const(CHUNK_BYTES)
                .i32_add()
                .local_set(FROM);
        }
        shorten(code);
        self.look_and_repeat(code);
    }

    /// Copies chunk by chunk from the highest address, until no more than one is left.
    fn backward(&self, code: &mut InstructionSink<'_>) {
        code.loop_(BlockType::Empty);
        shorten(code);
        for address in [TO, FROM] {
            code.local_get(address).local_get(LENGTH).i32_add();
        }
        code.i32_const(CHUNK_BYTES).memory_copy(MEMORY, MEMORY);
        self.look_and_repeat(code);
    }

    fn look_and_repeat(&self, code: &mut InstructionSink<'_>) {
        code.local_get(WORD).call(self.layout.low).local_set(WORD);
        is_long(code);
        code.br_if(0).end();
    }
}

/// Whether there is more to do than a chunk.
fn is_long(code: &mut InstructionSink<'_>) {
    code.local_get(LENGTH).i32_const(CHUNK_BYTES).i32_gt_u();
}

/// Whether the memory has as many bytes as the length says, from this address on.
fn is_there(code: &mut InstructionSink<'_>, address: u32) {
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

fn operate(bulk: Bulk, code: &mut InstructionSink<'_>) {
    match bulk {
        Bulk::Fill => code.memory_fill(MEMORY),
        Bulk::Copy => code.memory_copy(MEMORY, MEMORY),
    };
}
