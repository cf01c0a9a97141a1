//! The syscalls of the interface, and their lists in rules: admitted imports and prices.

use fusee_engine::ValueType;
use fusee_instrument::{SyscallPrice, SyscallRule};

/// The wasm module from which programs import them.
pub const IMPORT_MODULE: &str = "fluentbase_v1preview";

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
    /// Whether the program may be suspended at it.
    pub may_suspend: bool,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! rows {
    ($(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $name:literal ($($param:ident),*) $(-> $result:ident)?, $may_suspend:literal;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = $number; )*

        /// Every syscall, in the order of the numbers.
        pub const SYSCALLS: &[Row] = &[$(
            Row {
                number: $number,
                name: $name,
                params: &[$(ValueType::$param),*],
                result: rows!(@result $($result)?),
                may_suspend: $may_suspend,
                doc: concat!($($doc, "\n"),*),
            }
        ),*];
    };
    (@result $result:ident) => { Some(ValueType::$result) };
    (@result) => { None };
}

rows! {
    /// Ends the call with this exit code.
    0 EXIT "_exit" (I32), false;
    /// Returns the state in which the program is entered: 0 is `main`, 1 is `deploy`.
    1 STATE "_state" () -> I32, false;
    /// Copies a range of the input to the pointer: pointer, offset, length.
    2 READ "_read" (I32, I32, I32), false;
    /// Returns the length of the input.
    3 INPUT_SIZE "_input_size" () -> I32, false;
    /// Appends a range of memory to the output: pointer, length.
    4 WRITE "_write" (I32, I32), false;
    /// Returns the length of the return data of the last call.
    5 OUTPUT_SIZE "_output_size" () -> I32, false;
    /// Copies a range of the return data to the pointer: pointer, offset, length.
    6 READ_OUTPUT "_read_output" (I32, I32, I32), false;
    /// Appends a range of the return data to the output: offset, length.
    7 FORWARD_OUTPUT "_forward_output" (I32, I32), false;
    /// Runs another program: pointer to its hash (32 bytes), pointer to its input, the input's
    /// length, pointer to the fuel (16 bytes, or null), state. At depth 0, returns the exit code,
    /// or the positive id of the call if it was interrupted. At other depths, interrupts the
    /// caller.
    8 EXEC "_exec" (I32, I32, I32, I32, I32) -> I32, true;
    /// Resumes an interrupted call: its id, pointer to the answer, length of the answer, exit code,
    /// pointer to the fuel. Returns the same as `_exec`. Only at depth 0.
    9 RESUME "_resume" (I32, I32, I32, I32, I32) -> I32, true;
    /// Returns the remaining gas, or the maximum if the call is not billed.
    10 FUEL "_fuel" () -> I64, false;
    /// Consumes gas.
    11 CHARGE_FUEL "_charge_fuel" (I64), false;
    /// Logs a text: pointer, length.
    12 DEBUG_LOG "_debug_log" (I32, I32), false;
    /// Writes the Keccak-256 digest of a memory range: pointer, length, pointer to 32 bytes.
    13 KECCAK256 "_keccak256" (I32, I32, I32), false;
    /// Writes the SHA-256 digest of a memory range: pointer, length, pointer to 32 bytes.
    14 SHA256 "_sha256" (I32, I32, I32), false;
    /// Writes the BLAKE3 digest of a memory range: pointer, length, pointer to 32 bytes.
    15 BLAKE3 "_blake3" (I32, I32, I32), false;
}

/// The syscalls of version 1 with their prices: the prices of the interface, in Fusee's gas. Final:
/// any other list is another version.
const V1: &[(u32, SyscallPrice)] = &[
    (EXIT, SyscallPrice::FREE),
    (STATE, LOOK),
    (READ, COPY),
    (INPUT_SIZE, LOOK),
    (WRITE, COPY),
    (OUTPUT_SIZE, LOOK),
    (READ_OUTPUT, COPY),
    (FORWARD_OUTPUT, COPY),
    // Of an input of `w` words: `(3 w + w w / 512) * 20`.
    (EXEC, SyscallPrice::words(0, 60).with_square(20)),
    (RESUME, SyscallPrice::FREE),
    (FUEL, LOOK),
    (CHARGE_FUEL, LOOK),
    (DEBUG_LOG, SyscallPrice::words(1_000, 320)),
    (KECCAK256, SyscallPrice::words(600, 120)),
    (SHA256, SyscallPrice::words(1_200, 240)),
    (BLAKE3, SyscallPrice::words(1_200, 240)),
];

/// The price of sizes, the state and fuel.
const LOOK: SyscallPrice = SyscallPrice::words(400, 0);

/// The price of copies.
const COPY: SyscallPrice = SyscallPrice::words(400, 60);

/// The syscalls of version 1 with their prices, as entries of a list of syscalls.
#[must_use]
pub fn v1() -> Vec<SyscallRule> {
    let rule = |(number, price): &(u32, SyscallPrice)| {
        let row = SYSCALLS.iter().find(|row| row.number == *number)?;
        Some(SyscallRule {
            module: IMPORT_MODULE.to_owned(),
            name: row.name.to_owned(),
            number: row.number,
            params: row.params.to_vec(),
            result: row.result,
            may_suspend: row.may_suspend,
            price: *price,
        })
    };
    V1.iter().filter_map(rule).collect()
}

#[cfg(test)]
mod tests;
