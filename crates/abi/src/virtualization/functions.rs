//! The nine functions that a guest imports to run nested VMs.
//!
//! Each returns an `i64` that [`wire`](super::wire) defines. Bytes are passed as a [`Range`]. A
//! range outside the caller's memory traps the caller. The rules define who may import the
//! functions, and their prices.

use crate::{Out, Syscall};

/// The wasm module from which guests import the functions.
pub const IMPORT_MODULE: &str = "env";

/// The lowest number. Lower numbers are free for other syscalls of the same guest.
pub const FIRST: u32 = 1_000;

/// A memory range in one number: the address in the low 32 bits, the length in the high 32 bits.
pub type Range = u64;
/// The number of a module or an instance.
pub type Id = u32;
/// An offset in a nested VM's memory.
pub type Offset = u32;
/// A result: see [`wire::decode`](super::wire::decode).
pub type Encoded = i64;

table! { $ FUNCTIONS from "env", numbers from FIRST, stubs function_stubs;
    /// Compiles a program. Takes the range of its bytes, and the range of an identifier (0: no
    /// identifier). Returns a compiled module. The caller pays for the bytes even if the module is
    /// cached.
    0 COMPILE MaySuspend
    fn compile_from_bytes = "ext_virtualization_compile_from_bytes_version_1" (program: Range, identifier: Range) -> Encoded;

    /// Looks up the module that is cached under an identifier. Returns the number of the module.
    1 LOOKUP Inline
    fn lookup = "ext_virtualization_lookup_version_1" (identifier: Range) -> Encoded;

    /// Compiles the code under a storage key, in the main storage or in the child storage of the
    /// given name. Returns a compiled module. The caller pays for the bytes of the names and the
    /// code even if the module is cached.
    2 COMPILE_KEY MaySuspend
    fn compile_from_storage_key = "ext_virtualization_compile_from_storage_key_version_1" (key: Range, child_state: Range) -> Encoded;

    /// Creates an instance of a module. Returns the number of the instance.
    3 INSTANTIATE Inline
    fn instantiate = "ext_virtualization_instantiate_version_1" (module: Id) -> Encoded;

    /// Prepares an instance to run the function of this name. If the instance is fresh, the caller
    /// also pays for the instantiation, as a call does.
    4 PREPARE MaySuspend
    fn prepare = "ext_virtualization_prepare_version_1" (instance: Id, function: Range) -> Encoded;

    /// Runs a prepared instance with this gas and this a0. If the result is a status, writes 96
    /// bytes to the buffer. The instance consumes the caller's gas, at most 63/64 of it.
    5 RUN MaySuspend
    fn run = "ext_virtualization_run_version_1" (instance: Id, gas: i64, a0: u64, buffer: Out) -> Encoded;

    /// Destroys an instance.
    6 DESTROY Inline
    fn destroy = "ext_virtualization_destroy_version_1" (instance: Id) -> Encoded;

    /// Reads the memory of a prepared instance at the offset into the range.
    7 READ_MEMORY Inline
    fn read_memory = "ext_virtualization_read_memory_version_1" (instance: Id, offset: Offset, to: Range) -> Encoded;

    /// Writes the range to the memory of a prepared instance at the offset.
    8 WRITE_MEMORY Inline
    fn write_memory = "ext_virtualization_write_memory_version_1" (instance: Id, offset: Offset, from: Range) -> Encoded;
}

/// Finds the function with this number.
#[must_use]
pub fn row(number: u32) -> Option<&'static Syscall> {
    let position = usize::try_from(number.checked_sub(FIRST)?).ok()?;
    FUNCTIONS.get(position)
}
