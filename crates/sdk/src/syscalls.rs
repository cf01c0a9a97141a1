//! The syscalls, as safe functions on slices.
//!
//! There is one table, and two ways to make a syscall: a guest passes addresses to its host, and a
//! native build passes the slices themselves to the machine of its thread. Each argument is one of
//!
//! - `bytes`: a region that the host reads, with its length
//! - `fixed`: a region of a size that the syscall defines, which the host reads
//! - `room`: a region that the host writes, with its length
//! - `array`: a region of a size that the syscall defines, which the host writes
//! - `range`: a region that the host reads, whose address and length are one number
//! - `range_room`: such a region that the host writes
//! - `word`, `long`, `signed`: a number

use crate::buffer::Byte;

/// The numbers of all syscalls.
#[cfg(any(test, not(target_os = "none")))]
mod numbers {
    pub(super) use crate::abi::{virtualization::functions::*, *};
}

/// A region whose address a guest passes: the host reads it.
type In<'a> = &'a [u8];
/// A region whose address a guest passes: the host writes it.
type Out<'a> = &'a mut [Byte];

#[cfg(target_os = "none")]
macro_rules! make {
    ($number:ident $name:ident ($($kind:ident $argument:ident),*)) => {
        crate::guest::syscall!($name [] $($kind $argument,)*)
    };
}

#[cfg(not(target_os = "none"))]
macro_rules! make {
    ($number:ident $name:ident ($($kind:ident $argument:ident),*)) => {
        crate::native::syscall(
            crate::syscalls::numbers::$number,
            &mut [$(crate::native::argument!($kind $argument)),*],
        )
    };
}

macro_rules! argument_type {
    (bytes) => { In<'_> };
    (fixed) => { In<'_> };
    (room) => { Out<'_> };
    (array) => { Out<'_> };
    (range) => { In<'_> };
    (range_room) => { Out<'_> };
    (word) => { u32 };
    (long) => { u64 };
    (signed) => { i64 };
}

macro_rules! syscalls {
    ($($number:ident $name:ident ($($kind:ident $argument:ident),*) $(-> $result:ty)?;)*) => {
    $(
        #[inline]
        pub(crate) fn $name($($argument: argument_type!($kind)),*) $(-> $result)? {
            $crate::syscalls::Reply::of(make!($number $name ($($kind $argument),*)))
        }
    )*

    /// The number and the kinds of the arguments of each syscall.
    #[cfg(test)]
    const ROWS: &[(u32, &[&str])] = &[$((numbers::$number, &[$(stringify!($kind)),*])),*];
    };
}

/// What a syscall returns.
pub(crate) trait Reply<From> {
    fn of(reply: From) -> Self;
}

impl<T> Reply<T> for T {
    fn of(reply: T) -> Self {
        reply
    }
}

/// A native machine replies with 64 bits, of which the lower ones are the number.
#[cfg(not(target_os = "none"))]
impl Reply<u64> for i32 {
    fn of(reply: u64) -> Self {
        let [a, b, c, d, ..] = reply.to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }
}

#[cfg(not(target_os = "none"))]
impl Reply<u64> for i64 {
    fn of(reply: u64) -> Self {
        reply.cast_signed()
    }
}

#[cfg(not(target_os = "none"))]
impl Reply<u64> for () {
    fn of(_: u64) -> Self {}
}

syscalls! {
    INPUT_READ input_read(room buffer) -> i32;
    OUTPUT_WRITE output_write(bytes output);
    REVERT revert(bytes message);
    STORAGE_READ storage_read(bytes key, room buffer) -> i32;
    STORAGE_WRITE storage_write(bytes key, bytes value);
    STORAGE_REMOVE storage_remove(bytes key) -> i32;
    STORAGE_TRY_WRITE storage_try_write(bytes key, bytes value) -> i32;
    STORAGE_NEXT storage_next(bytes start, bytes end, room buffer) -> i32;
    STORAGE_PREVIOUS storage_previous(bytes start, bytes end, room buffer) -> i32;
    STORAGE_REMOVE_RANGE storage_remove_range(bytes start, bytes end, word most) -> i32;
    TRANSIENT_READ transient_read(bytes key, room buffer) -> i32;
    TRANSIENT_WRITE transient_write(bytes key, bytes value);
    TRANSIENT_REMOVE transient_remove(bytes key) -> i32;
    DEPOSIT deposit(array amount);
    CALLER caller(array address);
    SELF_ADDRESS self_address(array address);
    VALUE value(array amount);
    BALANCE balance(fixed address, array amount);
    EVENT_EMIT event_emit(bytes topic, bytes data);
    EVENT_EMIT_TOPICS event_emit_topics(bytes topics, bytes data);
    GAS_LEFT gas_left() -> u64;
    CALL call(fixed address, bytes method, bytes input, fixed options) -> i32;
    CALL_READ_ONLY call_read_only(fixed address, bytes method, bytes input, long gas) -> i32;
    RETURN_DATA_READ return_data_read(room buffer) -> i32;
    ORACLE_REQUEST oracle_request(bytes request) -> i32;
    RESTRICT_IMPORTS restrict_imports(bytes names);
    SHA256 sha256(bytes message, array digest);
    KECCAK256 keccak256(bytes message, array digest);
    BLAKE3 blake3(bytes message, array digest);
    ED25519_VERIFY ed25519_verify(fixed key, fixed signature, bytes message) -> i32;
    SECP256K1_VERIFY secp256k1_verify(bytes key, fixed signature, fixed digest) -> i32;
    SECP256K1_RECOVER secp256k1_recover(fixed signature, fixed digest, array key) -> i32;
    SECP256R1_VERIFY secp256r1_verify(bytes key, fixed signature, fixed digest) -> i32;
    BLS12_381_VERIFY bls12_381_verify(bytes keys, bytes message, fixed signature) -> i32;
    BLS12_381_AGGREGATE_VERIFY bls12_381_aggregate_verify(
        bytes keys, bytes messages, fixed signature
    ) -> i32;
    BLOCK_HEIGHT block_height() -> u64;
    BLOCK_TIME block_time() -> u64;
    BLOCK_PROPOSER block_proposer(array address);
    CHAIN_ID chain_id(room buffer) -> i32;
    DEPLOY deploy(
        fixed code, fixed salt, bytes input, fixed options, array address
    ) -> i32;
    ADMIN admin(fixed contract, array admin) -> i32;
    CODE_HASH code_hash(fixed contract, array hash) -> i32;
    UPGRADE upgrade(fixed contract, fixed code, bytes input, long gas) -> i32;
    SET_ADMIN set_admin(fixed contract, word has_admin, fixed admin) -> i32;
    SET_REENTRANCY set_reentrancy(word policy);
    DEBUG_LOG debug_log(bytes text);
    COMPILE compile_from_bytes(range program, range identifier) -> i64;
    LOOKUP lookup(range identifier) -> i64;
    INSTANTIATE instantiate(word module) -> i64;
    PREPARE prepare(word instance, range function) -> i64;
    RUN run(word instance, signed gas, long argument, array result) -> i64;
    DESTROY destroy(word instance) -> i64;
    READ_MEMORY read_memory(word instance, word offset, range_room to) -> i64;
    WRITE_MEMORY write_memory(word instance, word offset, range from) -> i64;
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, vec::Vec};

    use super::ROWS;
    use crate::abi::{SYSCALLS, Wire, virtualization::functions};

    /// The compiler refuses functions that nothing calls, so a row is a syscall that contracts
    /// reach.
    #[test]
    fn each_syscall_of_the_table_has_a_row_of_its_shape() {
        let wire = |kind: &&str| match *kind {
            "bytes" | "room" => [Wire::I32; 2].to_vec(),
            "long" | "signed" | "range" | "range_room" => [Wire::I64].to_vec(),
            _ => [Wire::I32].to_vec(),
        };
        let rows: BTreeMap<u32, Vec<Wire>> = ROWS
            .iter()
            .map(|(number, kinds)| (*number, kinds.iter().flat_map(wire).collect()))
            .collect();
        // What the types of the storage write is encoded, and so is no program.
        let functions = functions::FUNCTIONS.iter();
        let functions = functions.filter(|syscall| syscall.number != functions::COMPILE_KEY);
        let syscalls: Vec<_> = SYSCALLS.iter().chain(functions).collect();
        for syscall in &syscalls {
            let params: Vec<_> = syscall
                .params
                .iter()
                .filter_map(|param| param.wire)
                .collect();
            let name = syscall.name;
            assert_eq!(rows.get(&syscall.number), Some(&params), "{name}");
        }
        assert_eq!(rows.len(), syscalls.len());
        assert_eq!(rows.len(), ROWS.len(), "a number is there twice");
    }
}
