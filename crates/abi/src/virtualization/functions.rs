//! The nine functions by which a guest runs others: what it imports.
//!
//! Each returns an `i64` of [`wire`](super::wire). Bytes are a [`Range`]. One that the caller does not have is the caller's fault, and a
//! trap. Who may import them, and at what price, is in the rules.

use crate::{Out, Syscall};

/// The wasm module from which they are imported.
pub const IMPORT_MODULE: &str = "env";

/// The least of their numbers. Those below are free for other syscalls of the same guest.
pub const FIRST: u32 = 1_000;

/// A region of memory in one number: the address in the low 32 bits, the length in the high ones.
pub type Range = u64;
/// The number of a module or an instance.
pub type Id = u32;
/// A number that takes 32 bits.
pub type Offset = u32;
/// A result: see [`wire::decode`](super::wire::decode).
pub type Encoded = i64;

table! { $ FUNCTIONS from "env", numbers from FIRST, stubs function_stubs;
    /// Compiles a program: the range of its bytes, and that of an identifier, or 0 for none. Returns a compiled module. The bytes are
    /// paid for whether it is compiled or found.
    0 COMPILE MaySuspend
    fn compile_from_bytes = "ext_virtualization_compile_from_bytes_version_1" (program: Range, identifier: Range) -> Encoded;

    /// Finds the module that is kept under an identifier. Returns the module's number.
    1 LOOKUP Inline
    fn lookup = "ext_virtualization_lookup_version_1" (identifier: Range) -> Encoded;

    /// Compiles the code that lies under a key, in the main state or in the child state of that name. Returns a compiled module. The
    /// bytes of the names and the code are paid for whether it is compiled or found.
    2 COMPILE_KEY MaySuspend
    fn compile_from_storage_key = "ext_virtualization_compile_from_storage_key_version_1" (key: Range, child_state: Range) -> Encoded;

    /// Makes an instance of a module. Returns the instance's number.
    3 INSTANTIATE Inline
    fn instantiate = "ext_virtualization_instantiate_version_1" (module: Id) -> Encoded;

    /// Makes an instance ready to run the function of this name. Beside the price, the caller pays for the instance, as a call does,
    /// if it is fresh.
    4 PREPARE MaySuspend
    fn prepare = "ext_virtualization_prepare_version_1" (instance: Id, function: Range) -> Encoded;

    /// Runs an instance that is ready, with this gas and a0. If it returns a status, 96 bytes are written to the buffer. What the
    /// instance uses is the caller's gas, of which it has at most 63/64.
    5 RUN MaySuspend
    fn run = "ext_virtualization_run_version_1" (instance: Id, gas: i64, a0: u64, buffer: Out) -> Encoded;

    /// Destroys an instance.
    6 DESTROY Inline
    fn destroy = "ext_virtualization_destroy_version_1" (instance: Id) -> Encoded;

    /// Reads the memory of an instance that is ready, from the offset on, into the range.
    7 READ_MEMORY Inline
    fn read_memory = "ext_virtualization_read_memory_version_1" (instance: Id, offset: Offset, to: Range) -> Encoded;

    /// Writes the range to the memory of an instance that is ready, from the offset on.
    8 WRITE_MEMORY Inline
    fn write_memory = "ext_virtualization_write_memory_version_1" (instance: Id, offset: Offset, from: Range) -> Encoded;
}

/// The function of this number.
#[must_use]
pub fn row(number: u32) -> Option<&'static Syscall> {
    let position = usize::try_from(number.checked_sub(FIRST)?).ok()?;
    FUNCTIONS.get(position)
}
