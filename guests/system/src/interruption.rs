//! Interruptions: what a program asks of its host when it returns before it has ended, and what
//! comes of it.
//!
//! Numbers are little-endian.

/// The state in which an interruption enters the export `main` of a program.
pub const STATE_MAIN: u32 = 0;

/// Where the output begins in return data.
pub const OUTPUT_OFFSET: usize = 9;

/// What is in return data beside the output.
const FRAMING_BYTES: usize = 29;

/// A program to run, with an input that lies in the memory of the program that asks, and stays
/// there until the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interruption {
    /// Which program.
    pub code_hash: [u8; 32],
    /// The fuel that it may use; the host gives it no more than there is.
    pub fuel_limit: u64,
    /// Which export: [`STATE_MAIN`].
    pub state: u32,
    /// Where the input begins.
    pub input_start: u64,
    /// Where the input ends.
    pub input_end: u64,
}

/// What came of an interruption, but for the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How long the output is.
    pub output_length: usize,
    /// The fuel that was used.
    pub fuel_consumed: u64,
    /// The fuel that was given back beside.
    pub fuel_refunded: i64,
    /// How it ended.
    pub exit_code: i32,
}

impl Interruption {
    /// The output of a program that is interrupted. It has no place where the host would write used
    /// fuel: that is in the outcome.
    #[must_use]
    pub fn encode(&self) -> [u8; 64] {
        let no_fuel16: u32 = 0;
        let mut bytes = [0; 64];
        let fields: [&[u8]; 6] = [
            &self.code_hash,
            &self.fuel_limit.to_le_bytes(),
            &self.state.to_le_bytes(),
            &no_fuel16.to_le_bytes(),
            &self.input_start.to_le_bytes(),
            &self.input_end.to_le_bytes(),
        ];
        let encoded = fields.into_iter().flatten();
        for (to, from) in bytes.iter_mut().zip(encoded) {
            *to = *from;
        }
        bytes
    }
}

impl Outcome {
    /// Reads return data of `size` bytes, without the output: `read` fills a slice from an offset
    /// on. Nothing if that is no outcome.
    ///
    /// Whether the frame is halted, the first byte, makes no difference to the programs here.
    pub fn read(size: usize, mut read: impl FnMut(usize, &mut [u8])) -> Option<Self> {
        if size < FRAMING_BYTES {
            return None;
        }
        let mut output_length = [0; 8];
        read(1, &mut output_length);
        let output_length = usize::try_from(u64::from_le_bytes(output_length)).ok()?;
        if output_length.checked_add(FRAMING_BYTES)? != size {
            return None;
        }

        let mut behind = [0; 20];
        read(OUTPUT_OFFSET + output_length, &mut behind);
        let (fuel_consumed, rest) = behind.split_first_chunk()?;
        let (fuel_refunded, rest) = rest.split_first_chunk()?;
        Some(Self {
            output_length,
            fuel_consumed: u64::from_le_bytes(*fuel_consumed),
            fuel_refunded: i64::from_le_bytes(*fuel_refunded),
            exit_code: i32::from_le_bytes(*rest.first_chunk()?),
        })
    }
}

#[cfg(test)]
mod tests;
