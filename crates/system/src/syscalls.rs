//! The syscalls of the interface: what a program may import, and what each costs.

use fusee_engine::{Gas, ValueType};
use fusee_instrument::SyscallSignature;

/// The wasm module from which programs import them.
pub const IMPORT_MODULE: &str = "fluentbase_v1preview";

/// Bytes in a word, by which lengths are priced.
const WORD_BYTES: u64 = 32;

/// What a syscall costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Nothing.
    Free,
    /// So much, and so much more for each word of 32 bytes that is begun.
    Linear {
        /// In any case.
        base: u64,
        /// For a word.
        word: u64,
    },
    /// What it costs to run another program with an input of `w` words: `(3 w + w w / 512) * 20`.
    Exec,
}

impl Price {
    /// The price for so many bytes.
    #[must_use]
    pub const fn of(self, bytes: u64) -> Gas {
        let words = bytes.div_ceil(WORD_BYTES);
        Gas::new(match self {
            Price::Free => 0,
            Price::Linear { base, word } => base.saturating_add(word.saturating_mul(words)),
            Price::Exec => words
                .saturating_mul(3)
                .saturating_add(words.saturating_mul(words) / 512)
                .saturating_mul(20),
        })
    }
}

/// A syscall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number by which the host dispatches.
    pub number: u32,
    /// The name that a program imports.
    pub name: &'static str,
    /// Its parameters.
    pub params: &'static [ValueType],
    /// Its result.
    pub result: Option<ValueType>,
    /// What it costs, before it acts.
    pub price: Price,
    /// Whether the program may be parked at it.
    pub may_suspend: bool,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! rows {
    ($(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $name:literal ($($param:ident),*) $(-> $result:ident)?, $price:expr, $may_suspend:literal;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = $number; )*

        /// Every syscall, in the order of the numbers.
        pub const SYSCALLS: &[Row] = &[$(
            Row {
                number: $number,
                name: $name,
                params: &[$(ValueType::$param),*],
                result: rows!(@result $($result)?),
                price: $price,
                may_suspend: $may_suspend,
                doc: concat!($($doc, "\n"),*),
            }
        ),*];
    };
    (@result $result:ident) => { Some(ValueType::$result) };
    (@result) => { None };
}

/// Of sizes, the state and fuel.
const LOOK: Price = Price::Linear { base: 400, word: 0 };

/// Of copies.
const COPY: Price = Price::Linear {
    base: 400,
    word: 60,
};

rows! {
    /// Ends the call with this exit code.
    0 EXIT "_exit" (I32), Price::Free, false;
    /// Returns the state in which the program is entered: 0 is `main`, 1 is `deploy`.
    1 STATE "_state" () -> I32, LOOK, false;
    /// Copies a range of the input to the pointer: pointer, offset, length.
    2 READ "_read" (I32, I32, I32), COPY, false;
    /// Returns the length of the input.
    3 INPUT_SIZE "_input_size" () -> I32, LOOK, false;
    /// Appends a region to the output: pointer, length.
    4 WRITE "_write" (I32, I32), COPY, false;
    /// Returns the length of the return data: what the last call left.
    5 OUTPUT_SIZE "_output_size" () -> I32, LOOK, false;
    /// Copies a range of the return data to the pointer: pointer, offset, length.
    6 READ_OUTPUT "_read_output" (I32, I32, I32), COPY, false;
    /// Appends a range of the return data to the output: offset, length.
    7 FORWARD_OUTPUT "_forward_output" (I32, I32), COPY, false;
    /// Runs another program: pointer to its hash (32 bytes), pointer to its input, the input's length, pointer to
    /// the fuel (16 bytes, or null), state. At depth 0 it returns the exit code, or the id of the call where that is interrupted, which is
    /// positive; deeper, the caller is interrupted.
    8 EXEC "_exec" (I32, I32, I32, I32, I32) -> I32, Price::Exec, true;
    /// Goes on with a call that was interrupted: its id, pointer to what it asked for, the length of that, the exit code,
    /// pointer to the fuel. Returns as `_exec` does; at depth 0 only.
    9 RESUME "_resume" (I32, I32, I32, I32, I32) -> I32, Price::Free, true;
    /// Returns the gas that is left, or the maximum where it is not billed.
    10 FUEL "_fuel" () -> I64, LOOK, false;
    /// Uses up so much gas.
    11 CHARGE_FUEL "_charge_fuel" (I64), LOOK, false;
    /// Tells the log a text: pointer, length.
    12 DEBUG_LOG "_debug_log" (I32, I32), Price::Linear { base: 1000, word: 320 }, false;
    /// Writes the Keccak-256 digest of a region: pointer, length, pointer to 32 bytes.
    13 KECCAK256 "_keccak256" (I32, I32, I32), Price::Linear { base: 600, word: 120 }, false;
    /// Writes the SHA-256 digest of a region: pointer, length, pointer to 32 bytes.
    14 SHA256 "_sha256" (I32, I32, I32), Price::Linear { base: 1200, word: 240 }, false;
    /// Writes the BLAKE3 digest of a region: pointer, length, pointer to 32 bytes.
    15 BLAKE3 "_blake3" (I32, I32, I32), Price::Linear { base: 1200, word: 240 }, false;
}

/// The row of this number.
#[must_use]
pub fn row(number: u32) -> Option<&'static Row> {
    SYSCALLS.iter().find(|row| row.number == number)
}

/// The syscalls as rules admit them.
#[must_use]
pub fn signatures() -> Vec<SyscallSignature> {
    let signature = |row: &Row| SyscallSignature {
        module: IMPORT_MODULE.to_owned(),
        name: row.name.to_owned(),
        number: row.number,
        params: row.params.to_vec(),
        result: row.result,
        may_suspend: row.may_suspend,
    };
    SYSCALLS.iter().map(signature).collect()
}

#[cfg(test)]
mod tests;
