//! One function for each import that the programs use.
//!
//! A region outside of the input or the return data ends the program; so does fuel that is not
//! there.

/// The imports, by their names.
mod import {
    #[link(wasm_import_module = "fluentbase_v1preview")]
    unsafe extern "C" {
        pub(super) fn _exit(code: i32) -> !;
        pub(super) fn _input_size() -> u32;
        pub(super) fn _read(bytes: *mut u8, offset: u32, length: u32);
        pub(super) fn _write(bytes: *const u8, length: u32);
        pub(super) fn _output_size() -> u32;
        pub(super) fn _read_output(bytes: *mut u8, offset: u32, length: u32);
        pub(super) fn _charge_fuel(fuel: i64);
    }
}

/// The output, to which texts are appended.
pub(crate) struct Output;

impl core::fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        write(text.as_bytes());
        Ok(())
    }
}

/// Ends the program at once, and its instance unless the code is that of a good end.
pub fn exit(code: i32) -> ! {
    // SAFETY: the import takes no pointers, and does not return.
    unsafe { import::_exit(code) }
}

/// The length of the input.
pub fn input_size() -> usize {
    // SAFETY: the import takes no pointers.
    size(unsafe { import::_input_size() })
}

/// Fills the bytes with the input from the offset on.
pub fn read_input(offset: usize, bytes: &mut [u8]) {
    // SAFETY: the region is that of a live slice, to which the host alone writes during the call.
    unsafe { import::_read(bytes.as_mut_ptr(), number(offset), number(bytes.len())) }
}

/// Appends the bytes to the output.
pub fn write(bytes: &[u8]) {
    // SAFETY: the region is that of a live slice, which the host only reads.
    unsafe { import::_write(bytes.as_ptr(), number(bytes.len())) }
}

/// The length of the return data. There is some only where a frame that was interrupted goes on.
pub fn return_data_size() -> usize {
    // SAFETY: the import takes no pointers.
    size(unsafe { import::_output_size() })
}

/// Fills the bytes with the return data from the offset on.
pub fn read_return_data(offset: usize, bytes: &mut [u8]) {
    // SAFETY: the region is that of a live slice, to which the host alone writes during the call.
    unsafe { import::_read_output(bytes.as_mut_ptr(), number(offset), number(bytes.len())) }
}

/// Takes fuel for what the program is about to do.
pub fn charge_fuel(fuel: u64) {
    let fuel = i64::try_from(fuel).unwrap_or(i64::MAX);
    // SAFETY: the import takes no pointers.
    unsafe { import::_charge_fuel(fuel) }
}

/// Writes a final output: the code and the payload. The code is what the export returns.
#[must_use]
pub fn finish(code: i32, payload: &[u8]) -> i32 {
    write(&code.to_le_bytes());
    write(payload);
    code
}

/// A length or an offset, as the imports take it.
fn number(size: usize) -> u32 {
    u32::try_from(size).expect("an address of this memory has 32 bits")
}

/// A length, as the imports return it.
fn size(number: u32) -> usize {
    usize::try_from(number).expect("an address of this memory has 32 bits")
}
