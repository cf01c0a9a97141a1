//! System programs that are measured, and how much each leaves as its output.
//!
//! All are written as system programs are: they read an input, and write an output that begins with
//! their exit code. What their host has for them is here, too, since the peers' hosts have the
//! same.

use anyhow::Result;
use fusee::sandbox::Interrupt;

use crate::contest::guest::Guest;

/// The module of the imports.
pub(crate) const IMPORTS: &str = fusee::system::syscalls::IMPORT_MODULE;

/// What a program that was called can read.
pub(crate) const INPUT: [u8; 64] = [7; 64];

/// What whoever serves an interruption answers.
pub(crate) const ANSWER: [u8; 32] = [9; 32];

/// Bytes of what a program wants of its caller.
pub(crate) const WANTED_BYTES: usize = 64;

/// Bytes of an output before its payload.
pub(crate) const EXIT_CODE_BYTES: i32 = 4;

/// What a program returns that wants something.
pub(crate) const INTERRUPTED: i32 = -3;

/// Returns at once.
pub(crate) fn idle() -> Result<Guest> {
    guest(
        r#"(module
            (memory (export "memory") 1)
            (func (export "main") (param i32 i32) (result i32) (i32.const 0)))"#,
        EXIT_CODE_BYTES,
    )
}

/// Reads its input, and writes the half of it back.
pub(super) fn copying() -> Result<Guest> {
    guest(
        r#"(module
            (import "fluentbase_v1preview" "_input_size" (func $input_size (result i32)))
            (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
            (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "main") (param i32 i32) (result i32)
                (call $read (i32.const 1024) (i32.const 0) (call $input_size))
                (i32.store (i32.const 1020) (i32.const 0))
                (call $write (i32.const 1020) (i32.const 36))
                (i32.const 0)))"#,
        36,
    )
}

/// Returns to wait, with 64 bytes of what it wants, and writes the answer back when it goes on.
pub(super) fn interrupted() -> Result<Guest> {
    guest(
        r#"(module
            (import "fluentbase_v1preview" "_output_size" (func $output_size (result i32)))
            (import "fluentbase_v1preview" "_read_output" (func $read_output (param i32 i32 i32)))
            (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "main") (param i32 i32) (result i32)
                (if (i32.eqz (call $output_size)) (then
                    (call $write (i32.const 2048) (i32.const 64))
                    (return (i32.const -3))))
                ;; Before the answer are a byte and its length.
                (call $read_output (i32.const 1024) (i32.const 9) (i32.const 32))
                (i32.store (i32.const 1020) (i32.const 0))
                (call $write (i32.const 1020) (i32.const 36))
                (i32.const 0)))"#,
        36,
    )
}

/// The same, but parked in the middle of a syscall.
pub(super) fn executing() -> Result<Guest> {
    guest(
        r#"(module
            (import "fluentbase_v1preview" "_exec" (func $exec (param i32 i32 i32 i32 i32) (result i32)))
            (import "fluentbase_v1preview" "_output_size" (func $output_size (result i32)))
            (import "fluentbase_v1preview" "_read_output" (func $read_output (param i32 i32 i32)))
            (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "main") (param i32 i32) (result i32)
                (drop (call $exec (i32.const 2048) (i32.const 2080) (i32.const 64) (i32.const 0) (i32.const 0)))
                (call $read_output (i32.const 1024) (i32.const 0) (call $output_size))
                (i32.store (i32.const 1020) (i32.const 0))
                (call $write (i32.const 1020) (i32.const 36))
                (i32.const 0)))"#,
        36,
    )
}

/// Its answer is the length of its output.
fn guest(wat: &str, answer: i32) -> Result<Guest> {
    Ok(Guest {
        wasm: wat::parse_str(wat)?,
        entry: "main",
        argument: 0,
        answer,
        may_suspend: false,
    })
}

/// Runs a guest that never ends on this thread, until it is interrupted, and drops what is left of
/// it.
pub(crate) type Busy = Box<dyn Fn(&Interrupt) -> Result<()> + Send + Sync>;
