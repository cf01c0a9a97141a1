//! The nine functions by which a guest runs others: what it imports.
//!
//! Each returns an `i64` of [`wire`](crate::wire). Bytes are a *range*: an `i64` with the address in the low 32 bits and the length in the
//! high ones. A range that the caller does not have is the caller's fault, and a trap.

use fusee_engine::ValueType;
use fusee_instrument::SyscallSignature;

/// The wasm module from which they are imported.
pub const IMPORT_MODULE: &str = "env";

/// The least of their numbers. Those below are free for other syscalls of the same guest.
pub const FIRST: u32 = 1_000;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number by which the host dispatches.
    pub number: u32,
    /// The name that a guest imports.
    pub name: &'static str,
    /// Its parameters. The result is an `i64`.
    pub params: &'static [ValueType],
    /// Whether the guest is parked at it.
    pub may_suspend: bool,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! rows {
    ($(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $name:literal ($($param:ident),*), $may_suspend:literal;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = FIRST + $number; )*

        /// All nine, in the order of their numbers.
        pub const FUNCTIONS: &[Row] = &[$(
            Row {
                number: $constant,
                name: concat!("ext_virtualization_", $name, "_version_1"),
                params: &[$(ValueType::$param),*],
                may_suspend: $may_suspend,
                doc: concat!($($doc, "\n"),*),
            }
        ),*];
    };
}

rows! {
    /// Compiles a program: the range of its bytes, and that of an identifier; both zero is none. Returns a compiled module.
    0 COMPILE "compile_from_bytes" (I64, I64), true;
    /// Finds the module that is kept under an identifier: its range. Returns the module's number.
    1 LOOKUP "lookup" (I64), false;
    /// Compiles the code that lies under a key: its range, and that of the name of a child state; an empty one is the main state. Returns a
    /// compiled module.
    2 COMPILE_KEY "compile_from_storage_key" (I64, I64), true;
    /// Makes an instance of a module: its number. Returns the instance's number.
    3 INSTANTIATE "instantiate" (I32), false;
    /// Makes an instance ready to run a function: its number, and the range of the function's name.
    4 PREPARE "prepare" (I32, I64), true;
    /// Runs an instance that is ready: its number, the gas, a0, and the address of 96 bytes, which are written if it returns a status.
    5 RUN "run" (I32, I64, I64, I32), true;
    /// Destroys an instance: its number.
    6 DESTROY "destroy" (I32), false;
    /// Reads the memory of an instance that is ready: its number, the offset, and the range to which it is copied.
    7 READ_MEMORY "read_memory" (I32, I32, I64), false;
    /// Writes the memory of an instance that is ready: its number, the offset, and the range from which it is copied.
    8 WRITE_MEMORY "write_memory" (I32, I32, I64), false;
}

/// The functions as rules admit them.
#[must_use]
pub fn signatures() -> Vec<SyscallSignature> {
    let signature = |row: &Row| SyscallSignature {
        module: IMPORT_MODULE.to_owned(),
        name: row.name.to_owned(),
        number: row.number,
        params: row.params.to_vec(),
        result: Some(ValueType::I64),
        may_suspend: row.may_suspend,
    };
    FUNCTIONS.iter().map(signature).collect()
}
