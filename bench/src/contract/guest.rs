//! The contracts of the group `contract`, beside the token in `guests/`.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::{
    contest::{Call, guest::Guest},
    ours::contract::DONE,
};

/// Bytes of a key in storage: a number, the most significant byte first.
const KEY_BYTES: usize = 4;

/// Bytes of a value in storage.
const VALUE_BYTES: usize = 32;

/// Calls the method `nothing` of the contract at the first 32 bytes of its input, as often as the
/// next four say, and traps if a call fails.
pub(super) fn caller() -> Result<Vec<u8>> {
    Ok(wat::parse_str(
        r#"(module
            (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
            (import "fusee" "call"
                (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 64) "\ff\ff\ff\ff\ff\ff\ff\ff")
            (data (i32.const 128) "nothing")
            (func (export "calls") (local $left i32)
                (drop (call $input_read (i32.const 0) (i32.const 36)))
                (local.set $left (i32.load (i32.const 32)))
                (loop $again
                    (if (call $call (i32.const 0) (i32.const 128) (i32.const 7)
                            (i32.const 0) (i32.const 0) (i32.const 64))
                        (then unreachable))
                    (br_if $again
                        (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#,
    )?)
}

/// A contract with the method `nothing`. For an engine by itself, the same module has an entry that
/// returns its argument.
pub(super) fn callee() -> Result<Guest> {
    Ok(Guest {
        wasm: wat::parse_str(
            r#"(module
                (memory (export "memory") 1)
                (func (export "nothing"))
                (func (export "run") (param i32) (result i32) (local.get 0)))"#,
        )?,
        entry: "run",
        argument: 7,
        answer: 7,
        may_suspend: false,
    })
}

/// A contract that puts as many entries into its storage as its input says, and goes through them.
pub(super) fn entries() -> Result<Guest> {
    Ok(Guest::prepared(wat::parse_str(format!(
        r#"(module
            (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
            (import "fusee" "output_write" (func $output_write (param i32 i32)))
            (import "fusee" "storage_write" (func $storage_write (param i32 i32 i32 i32)))
            (import "fusee" "storage_next"
                (func $storage_next (param i32 i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            ;; 0: a number; 8: a key; 64: a value; 1024: an entry.
            (func $put (param $number i32)
                (i32.store8 (i32.const 8) (i32.shr_u (local.get $number) (i32.const 24)))
                (i32.store8 (i32.const 9) (i32.shr_u (local.get $number) (i32.const 16)))
                (i32.store8 (i32.const 10) (i32.shr_u (local.get $number) (i32.const 8)))
                (i32.store8 (i32.const 11) (local.get $number))
                (call $storage_write (i32.const 8) (i32.const {KEY_BYTES})
                    (i32.const 64) (i32.const {VALUE_BYTES})))
            (func (export "deploy") (local $left i32)
                (drop (call $input_read (i32.const 0) (i32.const 4)))
                (local.set $left (i32.load (i32.const 0)))
                (loop $again
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (call $put (local.get $left))
                    (br_if $again (local.get $left))))
            (func (export "iterate") (local $count i32) (local $start i32) (local $length i32)
                (local.set $start (i32.const 1028))
                (block $end
                    (loop $again
                        (br_if $end (i32.lt_s
                            (call $storage_next (local.get $start) (local.get $length)
                                (i32.const 0) (i32.const 0) (i32.const 1024) (i32.const 1024))
                            (i32.const 0)))
                        (local.set $count (i32.add (local.get $count) (i32.const 1)))
                        ;; The next key is the successor of this one, in whose place it lies.
                        (local.set $length (i32.load (i32.const 1024)))
                        (i32.store8 (i32.add (local.get $start) (local.get $length)) (i32.const 0))
                        (local.set $length (i32.add (local.get $length) (i32.const 1)))
                        (br $again)))
                (i32.store (i32.const 0) (local.get $count))
                (call $output_write (i32.const 0) (i32.const 4))))"#
    ))?))
}

/// The same entries in a map of the standard library: each is searched from the one before, and
/// copied.
pub(super) fn in_a_map(entries: u32) -> Result<Call> {
    let entry = |number: u32| (number.to_be_bytes().to_vec(), [0_u8; VALUE_BYTES].into());
    let map: BTreeMap<Vec<u8>, Box<[u8]>> = (0..entries).map(entry).collect();
    Ok(Box::new(move || {
        let (mut count, mut start, mut copy) = (0_u32, Vec::new(), Vec::new());
        while let Some((key, value)) = map.range(start.clone()..).next() {
            copy.clear();
            copy.extend_from_slice(key);
            copy.extend_from_slice(value);
            start.clone_from(key);
            start.push(0);
            count += 1;
        }
        ensure!(
            count == entries,
            "the map has {entries}, but {count} were found"
        );
        Ok(DONE)
    }))
}
