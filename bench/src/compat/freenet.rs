//! A contract as Freenet's are: written by hand with the exports and the import that
//! `freenet-stdlib` 0.9 gives them, so that nothing of that crate is needed here.
//!
//! Inputs are streamed: the host has the contract allocate a buffer of at most 64 KiB, fills it
//! with the length and the first bytes of an input, and fills it again when the contract asks.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result, ensure};

use crate::contest::guest::Guest;

/// The module of the import, and its name.
pub(crate) const FILL: (&str, &str) = ("freenet_contract_io", "__frnt__fill_buffer");

pub(crate) const SET_ID: &str = "__frnt_set_id";
pub(crate) const ALLOCATE: &str = "__frnt__initiate_buffer";
pub(crate) const VALIDATE: &str = "validate_state";

/// The id of every instance.
pub(crate) const ID: i64 = 7;

/// The most that a buffer has at once.
const STREAM_BYTES: usize = 64 << 10;

/// Has its state validated, which has so many bytes, all of which it reads twice: it copies them,
/// and adds them up.
pub(super) fn validate(state_bytes: i32) -> Result<Guest> {
    Ok(Guest {
        wasm: wat::parse_str(CONTRACT)?,
        entry: VALIDATE,
        argument: state_bytes,
        answer: state_bytes,
        may_suspend: false,
    })
}

/// The parameters, the state and the related contracts: none, as they are serialized.
pub(crate) fn inputs(guest: &Guest) -> Result<[Arc<[u8]>; 3]> {
    let length = usize::try_from(guest.argument)?;
    let mut state: Vec<u8> = (0..=250).cycle().take(length).collect();
    if let Some((last, others)) = state.split_last_mut() {
        let add = |sum: u8, byte: &u8| sum.wrapping_add(*byte);
        *last = others.iter().fold(0, add);
    }
    Ok([[].into(), state.into(), [0; 8].into()])
}

/// The descriptor of a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    pub(crate) start: u64,
    pub(crate) capacity: usize,
    pub(crate) read_at: u64,
    pub(crate) written_at: u64,
}

impl Buffer {
    pub(crate) const BYTES: u64 = 32;

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(Self {
            start: u64::from_le_bytes(array(bytes, 0)?),
            capacity: usize::try_from(u32::from_le_bytes(array(bytes, 8)?))?,
            read_at: u64::from_le_bytes(array(bytes, 16)?),
            written_at: u64::from_le_bytes(array(bytes, 24)?),
        })
    }
}

/// Bytes before the result of a contract: where it is, its kind, and its length.
pub(crate) const HEADER_BYTES: u64 = 16;

/// Where the result of a contract is, and its length.
pub(crate) fn result_range(header: &[u8]) -> Result<(u64, u64)> {
    let at = u64::from_le_bytes(array(header, 0)?);
    Ok((at, u64::from(u32::from_le_bytes(array(header, 12)?))))
}

/// Holds a serialized result against the right one, which says that the state is valid.
pub(crate) fn check(result: &[u8]) -> Result<()> {
    ensure!(result == [0; 8], "the state is not valid: {result:?}");
    Ok(())
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let bytes = bytes.get(at..at.saturating_add(N)).context("too short")?;
    Ok(bytes.try_into()?)
}

/// How an input begins in its buffer, and where its next piece begins.
pub(crate) fn beginning(input: &[u8]) -> Result<(Vec<u8>, usize)> {
    let next = input.len().min(STREAM_BYTES - 4);
    let mut head = u32::try_from(input.len())?.to_le_bytes().to_vec();
    head.extend_from_slice(input.get(..next).unwrap_or_default());
    Ok((head, next))
}

/// Inputs of which there is more than was in their buffers at first, by their descriptors.
#[derive(Debug, Default)]
pub(crate) struct Inputs(BTreeMap<u64, (Arc<[u8]>, usize)>);

impl Inputs {
    pub(crate) fn insert(&mut self, descriptor: u64, input: &Arc<[u8]>, next: usize) {
        if next < input.len() {
            self.0.insert(descriptor, (Arc::clone(input), next));
        }
    }

    /// The next piece for a buffer of this capacity.
    pub(crate) fn next(&mut self, descriptor: u64, capacity: usize) -> &[u8] {
        let Some((input, next)) = self.0.get_mut(&descriptor) else {
            return &[];
        };
        let rest = input.get(*next..).unwrap_or_default();
        let piece = rest.get(..capacity).unwrap_or(rest);
        *next = next.saturating_add(piece.len());
        piece
    }
}

const CONTRACT: &str = r#"(module
    (import "freenet_contract_io" "__frnt__fill_buffer" (func $fill (param i64 i64) (result i32)))
    (memory (export "memory") 3)
    (global $free (mut i32) (i32.const 1024))
    (global $id (mut i64) (i64.const 0))
    (func (export "__frnt_set_id") (param i64) (global.set $id (local.get 0)))
    (func $allocate (param $bytes i32) (result i32) (local $at i32)
        (local.set $at (global.get $free))
        (global.set $free (i32.and (i32.const -8)
            (i32.add (i32.add (local.get $at) (local.get $bytes)) (i32.const 7))))
        (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16))) (then
            (if (i32.eq (i32.const -1) (memory.grow
                (i32.shr_u (i32.add (local.get $bytes) (i32.const 65543)) (i32.const 16))))
                (then unreachable))))
        (local.get $at))
    (func (export "__frnt__initiate_buffer") (param $bytes i32) (result i64) (local $buffer i32)
        (local.set $buffer (call $allocate (i32.const 48)))
        (i64.store (local.get $buffer) (i64.extend_i32_u (call $allocate (local.get $bytes))))
        (i32.store offset=8 (local.get $buffer) (local.get $bytes))
        (i64.store offset=16 (local.get $buffer)
            (i64.extend_i32_u (i32.add (local.get $buffer) (i32.const 32))))
        (i64.store offset=24 (local.get $buffer)
            (i64.extend_i32_u (i32.add (local.get $buffer) (i32.const 40))))
        (i64.extend_i32_u (local.get $buffer)))
    ;; A whole input: where its length is, and its bytes behind that.
    (func $read (param $descriptor i64) (result i32)
        (local $buffer i32) (local $start i32) (local $length i32) (local $whole i32) (local $to i32)
        (local $end i32) (local $piece i32)
        (local.set $buffer (i32.wrap_i64 (local.get $descriptor)))
        (local.set $start (i32.wrap_i64 (i64.load (local.get $buffer))))
        (local.set $length (i32.load (local.get $start)))
        (local.set $whole (call $allocate (i32.add (local.get $length) (i32.const 4))))
        (local.set $end (i32.add (i32.add (local.get $whole) (i32.const 4)) (local.get $length)))
        (local.set $piece (i32.load offset=40 (local.get $buffer)))
        (memory.copy (local.get $whole) (local.get $start) (local.get $piece))
        (local.set $to (i32.add (local.get $whole) (local.get $piece)))
        (block $done (loop $more
            (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
            (local.set $piece (call $fill (global.get $id) (local.get $descriptor)))
            (if (i32.eqz (local.get $piece)) (then unreachable))
            (memory.copy (local.get $to) (local.get $start) (local.get $piece))
            (local.set $to (i32.add (local.get $to) (local.get $piece)))
            (br $more)))
        (local.get $whole))
    (func $sum (param $at i32) (param $end i32) (result i32) (local $sum i32)
        (block $done (loop $more
            (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $more)))
        (i32.and (local.get $sum) (i32.const 255)))
    ;; A state is valid if its last byte is the sum of the others.
    (func (export "validate_state") (param $parameters i64) (param $state i64) (param $related i64)
        (result i64) (local $at i32) (local $last i32) (local $result i32)
        (drop (call $read (local.get $parameters)))
        (local.set $at (call $read (local.get $state)))
        (drop (call $read (local.get $related)))
        (local.set $result (call $allocate (i32.const 24)))
        (i64.store (local.get $result)
            (i64.extend_i32_u (i32.add (local.get $result) (i32.const 16))))
        (i32.store offset=12 (local.get $result) (i32.const 8))
        (if (i32.load (local.get $at)) (then
            (local.set $last
                (i32.add (i32.add (local.get $at) (i32.load (local.get $at))) (i32.const 3)))
            (i32.store offset=20 (local.get $result) (i32.ne
                (i32.load8_u (local.get $last))
                (call $sum (i32.add (local.get $at) (i32.const 4)) (local.get $last))))))
        (i64.extend_i32_u (local.get $result))))"#;
