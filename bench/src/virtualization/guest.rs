//! Guests of the group `virtualization`: a child for PolkaVM, and a parent.

use anyhow::{Error, Result};
use polkavm_common::{
    program::{InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

use crate::contest::guest::Guest;

/// What each run is given: more than it uses.
pub(crate) const GAS: i64 = 49_000_000;

/// What a child is answered.
pub(crate) const ANSWER: i32 = 9;

/// Children that one call of a parent has.
pub(crate) const ROUNDS: u32 = 2_000;

/// Does as `tiny` does: keeps its argument in memory, and asks its host with it.
pub(crate) fn polkavm() -> Result<Guest> {
    let mut builder = ProgramBlobBuilder::new(InstructionSetKind::ReviveV1);
    // A page of data and one of stack, as small programs have.
    builder.set_rw_data_size(4_096);
    builder.set_stack_size(4_096);
    builder.add_import(b"note");
    builder.add_export_by_basic_block(0, b"run");
    let code = [
        asm::store_u32(Reg::A0, DATA),
        asm::load_u32(Reg::A0, DATA),
        asm::ecalli(0),
        asm::ret(),
    ];
    builder.set_code(&code, &[]);
    Ok(Guest {
        wasm: builder.to_vec().map_err(Error::msg)?,
        entry: "run",
        argument: 7,
        answer: 7,
        may_suspend: true,
    })
}

/// Where data begins that is written.
const DATA: i32 = 0x2_0000;

/// Compiles the code that lies under a key, and then has so many children of it: each is made, run,
/// answered with 9 and destroyed. Returns the sum of what they asked.
pub(crate) fn parent() -> Result<Vec<u8>> {
    Ok(wat::parse_str(PARENT)?)
}

const PARENT: &str = r#"(module
    (import "env" "ext_virtualization_compile_from_storage_key_version_1"
        (func $compile_key (param i64 i64) (result i64)))
    (import "env" "ext_virtualization_instantiate_version_1" (func $instantiate (param i32) (result i64)))
    (import "env" "ext_virtualization_prepare_version_1" (func $prepare (param i32 i64) (result i64)))
    (import "env" "ext_virtualization_run_version_1" (func $run (param i32 i64 i64 i32) (result i64)))
    (import "env" "ext_virtualization_destroy_version_1" (func $destroy (param i32) (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 0) "run")
    (func (export "run") (param $left i32) (param $gas i64) (result i64)
        (local $module i32) (local $instance i32) (local $sum i64)
        (local.set $module (i32.wrap_i64 (call $compile_key (i64.const 0x300000000) (i64.const 0))))
        (loop $again
            (local.set $instance (i32.wrap_i64 (call $instantiate (local.get $module))))
            (if (i64.ne (call $prepare (local.get $instance) (i64.const 0x300000000)) (i64.const 0))
                (then unreachable))
            (if (i64.ne (call $run (local.get $instance) (local.get $gas) (i64.const 7) (i32.const 64)) (i64.const 1))
                (then unreachable))
            (local.set $sum (i64.add (local.get $sum) (i64.load (i32.const 112))))
            (if (i64.ne (call $run (local.get $instance) (local.get $gas) (i64.const 9) (i32.const 64)) (i64.const 0))
                (then unreachable))
            (if (i64.ne (call $destroy (local.get $instance)) (i64.const 0))
                (then unreachable))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (local.get $sum)))"#;
