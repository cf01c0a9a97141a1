//! A guest that runs the public tests of `sp-virtualization`. A test that fails is a trap.
//!
//! It is built for wasm with `--cfg substrate_runtime`, as a runtime of Substrate is. Then
//! `sp-virtualization` imports the nine functions.
#![cfg_attr(substrate_runtime, no_std)]
#![cfg(substrate_runtime)]

extern crate alloc;

use alloc::boxed::Box;
use core::{panic::PanicInfo, slice};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Memory for the program that the tests run.
#[unsafe(no_mangle)]
extern "C" fn allocate(bytes: usize) -> *mut u8 {
    Box::leak(alloc::vec![0; bytes].into_boxed_slice()).as_mut_ptr()
}

/// Runs the tests with this program.
///
/// # Safety
///
/// The range is one that [`allocate`] returned.
#[unsafe(no_mangle)]
unsafe extern "C" fn run_tests(address: *const u8, bytes: usize) {
    // SAFETY: the caller keeps to the contract above.
    let program = unsafe { slice::from_raw_parts(address, bytes) };
    sp_virtualization::run_tests(program);
}
