//! Prologues of Cranelift on x86-64.
//!
//! ```text
//! push rbp
//! mov  rbp, rsp
//! mov  r10, [_ + _]      ; the limit, from a structure that the first or second argument has
//! mov  r10, [r10 + _]
//! cmp  r10, rsp          ; only if the frame has 32 KiB or more
//! ja   overflow
//! add  r10, frame
//! cmp  r10, rsp
//! ja   overflow
//! _                      ; probes, if the frame has a page or more
//! _                      ; moves the link down, see below
//! sub  rsp, frame - 16   ; unless that is zero
//! ```
//!
//! A frame includes the 16 bytes of its return address and of the saved frame pointer. Where the
//! body checks the stack, the five lines after the second are missing.
//!
//! A function that calls another in its place, which takes more bytes of arguments than it has
//! itself, makes room for them in its own frame, and moves the link down:
//!
//! ```text
//! sub  rsp, room
//! mov  rbp, rsp
//! mov  r11, [rsp + room]
//! mov  [rsp], r11
//! mov  r11, [rsp + room + 8]
//! mov  [rsp + 8], r11
//! ```
//!
//! Nothing else that moves the
//! stack pointer is left moved when a function calls another: arguments are passed in the frame of
//! the caller.

use super::Check;

/// The return address and the saved frame pointer.
const LINK_BYTES: u32 = 16;

const PAGE_BYTES: u32 = 4_096;

/// Up to this many pages are probed one by one, and more in a loop.
const UNROLLED_PROBES: u32 = 4;

const PUSH_RBP: &[u8] = b"\x55";
const MOV_RBP_RSP: &[u8] = b"\x48\x89\xe5";
const MOV_R11_RSP: &[u8] = b"\x49\x89\xe3";
const CMP_R10_RSP: &[u8] = b"\x4c\x3b\xd4";
const JA: &[u8] = b"\x0f\x87";

// Instructions with an operand of one byte, or of four.
const LOAD_R10_RDI: [&[u8]; 2] = [b"\x4c\x8b\x57", b"\x4c\x8b\x97"];
const LOAD_R10_RSI: [&[u8]; 2] = [b"\x4c\x8b\x56", b"\x4c\x8b\x96"];
const LOAD_R10_R10: [&[u8]; 2] = [b"\x4d\x8b\x52", b"\x4d\x8b\x92"];
const ADD_R10: [&[u8]; 2] = [b"\x49\x83\xc2", b"\x49\x81\xc2"];
const SUB_R11: [&[u8]; 2] = [b"\x49\x83\xeb", b"\x49\x81\xeb"];
const SUB_RSP: [&[u8]; 2] = [b"\x48\x83\xec", b"\x48\x81\xec"];
const ADD_RSP: [&[u8]; 2] = [b"\x48\x83\xc4", b"\x48\x81\xc4"];

const LOAD_R11_RSP: [&[u8]; 2] = [b"\x4c\x8b\x5c\x24", b"\x4c\x8b\x9c\x24"];

/// `mov [rsp], r11`.
const STORE_FRAME_POINTER: &[u8] = b"\x4c\x89\x1c\x24";
/// `mov [rsp + 8], r11`.
const STORE_RETURN_ADDRESS: &[u8] = b"\x4c\x89\x5c\x24\x08";

/// `sub rsp, 4096; mov dword [rsp], 0`.
const PROBE: &[u8] = b"\x48\x81\xec\0\x10\0\0\xc7\x04\x24\0\0\0\0";
/// `cmp r11, rsp; jne _`, to the probe before it.
const PROBE_AGAIN: &[u8] = b"\x4c\x3b\xdc\x0f\x85\xe9\xff\xff\xff";

/// Reads the size of a function's frame from its code.
pub(super) fn frame(code: &[u8], check: Check) -> Option<u32> {
    let code = code.strip_prefix(PUSH_RBP)?.strip_prefix(MOV_RBP_RSP)?;
    let (checked, code) = match check {
        Check::Prologue => stack_check(code).map(|(frame, code)| (Some(frame), code))?,
        Check::Body => (None, code),
    };
    let (probed, code) = probes(code);
    let (room, code) = room(code).unwrap_or((0, code));
    let (taken, code) = operand(code, SUB_RSP).unwrap_or((0, code));
    let frame = taken.checked_add(room)?.checked_add(LINK_BYTES)?;
    let is_known = match checked {
        Some(checked) => checked == frame,
        None => taken > 0 || room > 0 || is_of_body(code),
    };
    (is_known && probed == probes_of(frame)).then_some(frame)
}

/// The check of the stack. Returns the size of the frame.
fn stack_check(code: &[u8]) -> Option<(u32, &[u8])> {
    let (_, code) = operand(code, LOAD_R10_RDI).or_else(|| operand(code, LOAD_R10_RSI))?;
    let (_, code) = operand(code, LOAD_R10_R10)?;
    let code = compare(code).unwrap_or(code);
    let (frame, code) = operand(code, ADD_R10)?;
    Some((frame, compare(code)?))
}

/// `cmp r10, rsp; ja _`.
fn compare(code: &[u8]) -> Option<&[u8]> {
    let code = code.strip_prefix(CMP_R10_RSP)?.strip_prefix(JA)?;
    code.split_first_chunk::<4>().map(|(_, rest)| rest)
}

/// The room for the arguments of a function that is called in place of this one.
fn room(code: &[u8]) -> Option<(u32, &[u8])> {
    let (room, code) = operand(code, SUB_RSP)?;
    let (frame_pointer, code) = operand(code.strip_prefix(MOV_RBP_RSP)?, LOAD_R11_RSP)?;
    let code = code.strip_prefix(STORE_FRAME_POINTER)?;
    let (return_address, code) = operand(code, LOAD_R11_RSP)?;
    let code = code.strip_prefix(STORE_RETURN_ADDRESS)?;
    let is_known = frame_pointer == room && return_address == room.checked_add(8)?;
    is_known.then_some((room, code))
}

/// Skips what touches each page of a large frame, and restores the stack pointer. Returns the
/// number of bytes.
fn probes(code: &[u8]) -> (u32, &[u8]) {
    probe_loop(code)
        .or_else(|| unrolled_probes(code))
        .unwrap_or((0, code))
}

fn unrolled_probes(code: &[u8]) -> Option<(u32, &[u8])> {
    let mut rest = code;
    let mut probed = 0_u32;
    while let Some(after) = rest.strip_prefix(PROBE) {
        rest = after;
        probed = probed.checked_add(PAGE_BYTES)?;
    }
    let (restored, rest) = operand(rest, ADD_RSP)?;
    (restored == probed).then_some((probed, rest))
}

fn probe_loop(code: &[u8]) -> Option<(u32, &[u8])> {
    let (probed, code) = operand(code.strip_prefix(MOV_R11_RSP)?, SUB_R11)?;
    let code = code.strip_prefix(PROBE)?.strip_prefix(PROBE_AGAIN)?;
    let (restored, code) = operand(code, ADD_RSP)?;
    (restored == probed).then_some((probed, code))
}

/// The number of bytes that the probes of a frame touch.
fn probes_of(frame: u32) -> u32 {
    let pages = frame / PAGE_BYTES;
    if pages <= UNROLLED_PROBES {
        pages.saturating_mul(PAGE_BYTES)
    } else {
        frame.checked_next_multiple_of(PAGE_BYTES).unwrap_or(0)
    }
}

/// Whether the next instruction is a `mov` or `lea` that does not concern the stack pointer, as the
/// first one of a body without a frame of its own.
fn is_of_body(code: &[u8]) -> bool {
    const RSP: u8 = 4;
    let (prefix, code) = match code {
        [prefix, rest @ ..] if prefix & 0xf0 == 0x40 => (*prefix, rest),
        _ => (0, code),
    };
    match code {
        [0x8b | 0x8d, operands, ..] => operands >> 3 & 7 != RSP || prefix & 4 != 0,
        [0x89, operands, ..] => operands & 7 != RSP || prefix & 1 != 0,
        _ => false,
    }
}

/// The operand of an instruction, which is not negative.
fn operand<'a>(code: &'a [u8], [short, long]: [&[u8]; 2]) -> Option<(u32, &'a [u8])> {
    if let Some(rest) = code.strip_prefix(short) {
        let (byte, rest) = rest.split_first()?;
        return (*byte < 0x80).then_some((u32::from(*byte), rest));
    }
    let (bytes, rest) = code.strip_prefix(long)?.split_first_chunk::<4>()?;
    let operand = u32::try_from(i32::from_le_bytes(*bytes)).ok()?;
    Some((operand, rest))
}
