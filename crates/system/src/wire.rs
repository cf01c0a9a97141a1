//! What crosses the border as bytes: the parameters of an interruption, what a program is told when it goes on, and
//! how much fuel a call may use and has used. All numbers are little-endian.

use std::ops::Range;

use crate::Answer;

/// Bytes of [`ExecParams`].
pub const EXEC_PARAMS_BYTES: usize = 64;

/// What an interruption of `_exec` asks for: that a program be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecParams {
    /// Which program.
    pub code_hash: [u8; 32],
    /// How much gas it may use.
    pub fuel_limit: u64,
    /// In which state it is entered: 0 is `main`, 1 is `deploy`.
    pub state: u32,
    /// Where the caller wants to know how much was used, in its memory; 0 if it does not.
    pub fuel16_ptr: u32,
    /// Its input: a range in the caller's memory, which is read when it is needed.
    pub input: Range<u64>,
}

impl ExecParams {
    /// As the parameters of an interruption.
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
            // They are 64 bytes together.
            let (place, behind) = rest.split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = behind;
        }
        bytes
    }

    /// From the parameters of an interruption; `None` if they are not of this form.
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

/// What a system program finds as return data when it goes on: whether the callee has ended, its output after its length (`u64`),
/// the gas that it consumed (`u64`) and gave back (`i64`), and its exit code (`i32`).
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

/// The 16 bytes that `fuel16_ptr` names. On entry: a limit (0: none of its own) and a refund, which `_exec` does not look at. On return:
/// what was consumed and what was refunded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fuel16 {
    /// The limit, or what was consumed.
    pub first: i64,
    /// The refund.
    pub refund: i64,
}

impl Fuel16 {
    /// The bytes.
    #[must_use]
    pub fn encode(self) -> [u8; 16] {
        (u128::from(self.first.cast_unsigned()) | u128::from(self.refund.cast_unsigned()) << 64)
            .to_le_bytes()
    }

    /// From the bytes.
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
