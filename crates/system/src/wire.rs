//! The wire format of programs and their callers: parameters of interruptions, answers, and fuel.
//! All numbers are little-endian.

use std::ops::Range;

use crate::Answer;

/// Size of [`ExecParams`] in bytes.
pub const EXEC_PARAMS_BYTES: usize = 64;

/// The parameters with which `_exec` interrupts its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecParams {
    /// The hash of the program to run.
    pub code_hash: [u8; 32],
    /// The gas limit.
    pub fuel_limit: u64,
    /// The state in which it is entered: 0 is `main`, 1 is `deploy`.
    pub state: u32,
    /// The address of a [`Fuel16`] in the caller's memory, or 0.
    pub fuel16_ptr: u32,
    /// Its input: a range of the caller's memory.
    pub input: Range<u64>,
}

impl ExecParams {
    /// Encodes the parameters of an interruption.
    #[must_use]
    pub fn encode(&self) -> [u8; EXEC_PARAMS_BYTES] {
        let mut bytes = [0; EXEC_PARAMS_BYTES];
        let fields: [&[u8]; 6] = [
            &self.code_hash,
            &self.fuel_limit.to_le_bytes(),
            &self.state.to_le_bytes(),
            &self.fuel16_ptr.to_le_bytes(),
            &self.input.start.to_le_bytes(),
            &self.input.end.to_le_bytes(),
        ];
        let mut rest = bytes.as_mut_slice();
        for field in fields {
            // The fields have 64 bytes in total.
            let (place, behind) = rest.split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = behind;
        }
        bytes
    }

    /// Decodes the parameters of an interruption. Returns `None` if they are malformed.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (code_hash, rest) = bytes.split_first_chunk()?;
        let (fuel_limit, rest) = rest.split_first_chunk()?;
        let (state, rest) = rest.split_first_chunk()?;
        let (fuel16_ptr, rest) = rest.split_first_chunk()?;
        let (start, rest) = rest.split_first_chunk()?;
        let (end, rest) = rest.split_first_chunk()?;
        rest.is_empty().then(|| Self {
            code_hash: *code_hash,
            fuel_limit: u64::from_le_bytes(*fuel_limit),
            state: u32::from_le_bytes(*state),
            fuel16_ptr: u32::from_le_bytes(*fuel16_ptr),
            input: u64::from_le_bytes(*start)..u64::from_le_bytes(*end),
        })
    }
}

/// The return data of a resumed system program: whether the callee has ended (`u8`), the length of
/// its output (`u64`), its output, the gas that it used (`u64`) and refunds (`i64`), and its exit
/// code (`i32`).
#[must_use]
pub fn encode_answer(answer: &Answer) -> Vec<u8> {
    let length = u64::try_from(answer.output.len()).unwrap_or(u64::MAX);
    let mut bytes = vec![u8::from(answer.halted)];
    bytes.extend(length.to_le_bytes());
    bytes.extend(&answer.output);
    bytes.extend(answer.fuel_consumed.to_le_bytes());
    bytes.extend(answer.fuel_refunded.to_le_bytes());
    bytes.extend(answer.exit_code.to_le_bytes());
    bytes
}

/// The 16 bytes at `fuel16_ptr`. On entry: a limit (0: no limit) and a refund, which `_exec`
/// ignores. On return: the used gas, and the refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fuel16 {
    /// The limit, or the used gas.
    pub first: i64,
    /// The refund.
    pub refund: i64,
}

impl Fuel16 {
    /// Encodes the fuel.
    #[must_use]
    pub fn encode(self) -> [u8; 16] {
        (u128::from(self.first.cast_unsigned()) | u128::from(self.refund.cast_unsigned()) << 64)
            .to_le_bytes()
    }

    /// Decodes the fuel.
    #[must_use]
    pub fn decode(bytes: [u8; 16]) -> Self {
        let (first, refund) = bytes.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, i64::from_le_bytes);
        Self {
            first: number(first),
            refund: number(refund),
        }
    }
}
