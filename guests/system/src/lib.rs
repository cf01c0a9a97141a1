//! What the system programs share: safe wrappers over what they import, exit codes, and the
//! encodings between them and their host.
//!
//! A system program lives on between calls. It has no allocator: what it keeps has a fixed size, so
//! that its memory never grows. All `unsafe` of the system programs is in this crate, but for the
//! names of their exports. What a host does is there for wasm alone; encodings are tested where
//! they are built.
#![cfg_attr(target_family = "wasm", no_std)]

pub mod exit_code;
#[cfg(target_family = "wasm")]
pub mod host;
mod interruption;

pub use interruption::{Interruption, OUTPUT_OFFSET, Outcome, STATE_MAIN};

/// A panic is a bug of a program: its message is the output, and its instance is gone.
#[cfg(target_family = "wasm")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // Writing to the output cannot fail.
    let _ = core::fmt::write(&mut host::Output, format_args!("{}", info.message()));
    host::exit(exit_code::PANIC)
}
