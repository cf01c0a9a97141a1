//! Prologues of Cranelift on AArch64.
//!
//! ```text
//! paciasp, pacibsp or bti c    ; or none of them
//! stp  x29, x30, [sp, #-16]!
//! mov  x29, sp
//! ldr  x16, [_, #_]            ; the limit, from a structure that an argument has
//! ldr  x16, [x16, #_]
//! cmp  sp, x16                 ; only if the frame has 32 KiB or more
//! b.lo overflow
//! add  x16, x16, frame         ; in x17 first, if it does not fit
//! cmp  sp, x16
//! b.lo overflow
//! _                            ; probes, if the frame has a page or more
//! _                            ; moves the link down, see below
//! str  _, [sp, #-16]!          ; and `stp`, for registers that it has to preserve
//! sub  sp, sp, _               ; in x16 first, if it does not fit; unless it is zero
//! ```
//!
//! A frame includes the 16 bytes of the return address and of the saved frame pointer. Where the
//! body checks the stack, the seven lines after the third are missing.
//!
//! A function that calls another in its place, which takes more bytes of arguments than it has
//! itself, makes room for them in its own frame, and moves the link down:
//!
//! ```text
//! sub  sp, sp, room
//! ldr  x29, [sp, room]
//! stp  x29, x30, [sp]
//! mov  x29, sp
//! ```

use super::Check;

/// The frame pointer and the return address.
const LINK_BYTES: u32 = 16;

/// What one `str` or `stp` takes that preserves registers.
const PUSH_BYTES: u32 = 16;

const X16: u32 = 16;
const X17: u32 = 17;

/// The number of the frame pointer.
const FRAME_POINTER: u32 = 29;

/// The number of the stack pointer, and of the zero register.
const SP: u32 = 31;

/// Reads the size of a function's frame from its code.
pub(super) fn frame(code: &[u8], check: Check) -> Option<u32> {
    let mut code = Code(code);
    code.take(|word| matches!(word, 0xd503_233f | 0xd503_237f | 0xd503_245f));
    code.take(|word| word == 0xa9bf_7bfd)?;
    code.take(|word| word == 0x9100_03fd)?;
    let checked = match check {
        Check::Prologue => Some(code.stack_check()?),
        Check::Body => None,
    };
    code.skip_probes();
    let room = code.try_take(Code::room).unwrap_or(0);
    let mut frame = LINK_BYTES.checked_add(room)?;
    while code.take(is_push).is_some() {
        frame = frame.checked_add(PUSH_BYTES)?;
    }
    let taken = code.subtract();
    frame = frame.checked_add(taken.unwrap_or(0))?;
    let is_known = match checked {
        Some(checked) => checked == frame,
        None => taken.is_some() || room > 0 || code.take(is_of_body).is_some(),
    };
    is_known.then_some(frame)
}

/// Code that is not decoded yet.
#[derive(Clone, Copy)]
struct Code<'a>(&'a [u8]);

impl Code<'_> {
    /// Takes the next instruction, if it is one of these.
    fn take(&mut self, is_one: impl FnOnce(u32) -> bool) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        let word = u32::from_le_bytes(*bytes);
        is_one(word).then(|| {
            self.0 = rest;
            word
        })
    }

    /// Takes several instructions, or none of them.
    fn try_take<T>(&mut self, take: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut code = *self;
        let taken = take(&mut code)?;
        *self = code;
        Some(taken)
    }

    /// The check of the stack. Returns the size of the frame.
    fn stack_check(&mut self) -> Option<u32> {
        self.take(|word| is_load(word) && word & 31 == X16)?;
        self.take(|word| is_load(word) && word & 31 == X16 && word >> 5 & 31 == X16)?;
        self.try_take(Self::compare);
        let checked = self.add()?;
        self.compare()?;
        Some(checked)
    }

    /// `cmp sp, x16; b.lo _`.
    fn compare(&mut self) -> Option<()> {
        self.take(|word| word == 0xeb30_63ff)?;
        self.take(|word| word & 0xff00_001f == 0x5400_0003)?;
        Some(())
    }

    /// `add x16, x16, _`.
    fn add(&mut self) -> Option<u32> {
        if let Some(word) = self.take(|word| word & 0xff80_03ff == 0x9100_0210) {
            return Some(immediate(word));
        }
        let constant = self.constant(X17)?;
        self.take(|word| word == 0x8b31_6210)?;
        Some(constant)
    }

    /// `sub sp, sp, _`.
    fn subtract(&mut self) -> Option<u32> {
        if let Some(word) = self.take(|word| word & 0xff80_03ff == 0xd100_03ff) {
            return Some(immediate(word));
        }
        self.try_take(|code| {
            let constant = code.constant(X16)?;
            code.take(|word| word == 0xcb30_63ff)?;
            Some(constant)
        })
    }

    /// The room for the arguments of a function that is called in place of this one.
    fn room(&mut self) -> Option<u32> {
        let room = self.subtract()?;
        let load = self.take(|word| is_load(word) && word & 0x3ff == SP << 5 | FRAME_POINTER)?;
        self.take(|word| word == 0xa900_7bfd)?;
        self.take(|word| word == 0x9100_03fd)?;
        (load_offset(load)? == room).then_some(room)
    }

    /// Skips what touches each page of a large frame, and leaves the stack pointer as it was.
    fn skip_probes(&mut self) {
        if self.try_take(Self::probe_loop).is_none() {
            self.try_take(Self::unrolled_probes);
        }
    }

    /// `sub sp, sp, _; str wzr, [sp]`, several times, and `add sp, sp, _`.
    fn unrolled_probes(&mut self) -> Option<()> {
        let mut probed = 0_u32;
        while let Some(page) = self.try_take(|code| {
            let page = code.subtract()?;
            code.take(|word| matches!(word, 0xb900_03ff | 0xb800_03ff))?;
            Some(page)
        }) {
            probed = probed.checked_add(page)?;
        }
        let restored = self.take(|word| word & 0xff80_03ff == 0x9100_03ff)?;
        (immediate(restored) == probed).then_some(())
    }

    /// `sub x16, x16, _; str wzr, [sp, x16]; cmn x16, x17; b.gt _`, with 0 in x16 and the size of
    /// the frame in x17. The stack pointer does not move.
    fn probe_loop(&mut self) -> Option<()> {
        self.constant(X16)?;
        self.constant(X17)?;
        self.take(|word| word & 0xff80_03ff == 0xd100_0210)?;
        self.take(|word| word == 0xb830_6bff)?;
        self.take(|word| word == 0xab11_021f)?;
        self.take(|word| word == 0x54ff_ffac)?;
        Some(())
    }

    /// A constant in a register of 32 or 64 bits: `movz`, or `movz` and `movk`. Other encodings of
    /// constants are not decoded: they are for a few sizes above 64 KiB.
    fn constant(&mut self, register: u32) -> Option<u32> {
        let half = |word: u32| word >> 5 & 0xffff;
        let Some(low) = self.take(|word| word & 0x7fe0_001f == 0x5280_0000 | register) else {
            let high = self.take(|word| word & 0x7fe0_001f == 0x52a0_0000 | register)?;
            return Some(half(high) << 16);
        };
        let high = self.take(|word| word & 0x7fe0_001f == 0x72a0_0000 | register);
        Some(half(low) | high.map_or(0, half) << 16)
    }
}

/// `ldr _, [_, #_]`, with either encoding of the offset.
fn is_load(word: u32) -> bool {
    word & 0xffc0_0000 == 0xf940_0000 || word & 0xffe0_0c00 == 0xf840_0000
}

/// The offset of an `ldr`, unless it is negative: 12 bits, in units of 8, or 9 bits with a sign.
fn load_offset(word: u32) -> Option<u32> {
    if word & 0xffc0_0000 == 0xf940_0000 {
        return Some((word >> 10 & 0xfff) << 3);
    }
    let offset = word >> 12 & 0x1ff;
    (offset < 0x100).then_some(offset)
}

/// `str` or `stp` of general or vector registers to `[sp, #-16]!`.
fn is_push(word: u32) -> bool {
    word & 0xffff_ffe0 == 0xf81f_0fe0
        || word & 0xffff_ffe0 == 0xfc1f_0fe0
        || word & 0xffff_83e0 == 0xa9bf_03e0
        || word & 0xffff_83e0 == 0x6dbf_03e0
}

/// Whether it is a `mov` or `ldr` that does not concern the stack pointer, as the first instruction
/// of a body without a frame of its own.
fn is_of_body(word: u32) -> bool {
    let is_move = word & 0x7fe0_ffe0 == 0x2a00_03e0;
    word & 31 != SP && (is_move || is_load(word) && word >> 5 & 31 != SP)
}

/// The operand of an `add` or `sub`: 12 bits, maybe shifted by 12.
fn immediate(word: u32) -> u32 {
    let bits = word >> 10 & 0xfff;
    if word & 1 << 22 == 0 {
        bits
    } else {
        bits << 12
    }
}
