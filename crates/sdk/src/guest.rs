//! A contract as a guest: its syscalls pass addresses, and it has an allocator and a panic handler.
//!
//! All `unsafe` of the SDK is in this module. What a contract does not use is left out by the
//! linker: one that never allocates has no heap.

mod exports;
mod heap;
mod panics;
mod room;
pub(crate) mod stubs;

pub(crate) use room::{Byte, filled, put, put_text, room};

/// Makes a syscall: a region is its address, and its length where the syscall takes one.
macro_rules! syscall {
    ($name:ident [$($done:tt)*]) => {
        // SAFETY: each address is that of a live slice. The host reads the regions of shared
        // slices, and writes those of exclusive ones, at most as far as their lengths or the size
        // that the syscall defines, which is the size of the array that is passed here.
        unsafe { crate::guest::stubs::$name($($done)*) }
    };
    ($name:ident [$($done:tt)*] bytes $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!(
            $name [$($done)* $argument.as_ptr(), crate::guest::length($argument),] $($rest)*
        )
    };
    ($name:ident [$($done:tt)*] fixed $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!($name [$($done)* $argument.as_ptr(),] $($rest)*)
    };
    ($name:ident [$($done:tt)*] room $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!(
            $name
            [$($done)* $argument.as_mut_ptr().cast(), crate::guest::length($argument),]
            $($rest)*
        )
    };
    ($name:ident [$($done:tt)*] array $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!($name [$($done)* $argument.as_mut_ptr().cast(),] $($rest)*)
    };
    ($name:ident [$($done:tt)*] range $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!(
            $name [$($done)* crate::guest::range($argument.as_ptr(), $argument),] $($rest)*
        )
    };
    ($name:ident [$($done:tt)*] range_room $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!(
            $name [$($done)* crate::guest::range($argument.as_mut_ptr(), $argument),] $($rest)*
        )
    };
    ($name:ident [$($done:tt)*] word $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!($name [$($done)* $argument,] $($rest)*)
    };
    ($name:ident [$($done:tt)*] signed $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!($name [$($done)* $argument,] $($rest)*)
    };
    ($name:ident [$($done:tt)*] long $argument:ident, $($rest:tt)*) => {
        crate::guest::syscall!($name [$($done)* $argument,] $($rest)*)
    };
}
pub(crate) use syscall;

/// The length of a slice, as syscalls take it.
#[inline]
pub(crate) fn length<T>(slice: &[T]) -> u32 {
    u32::try_from(slice.len()).unwrap_or_else(|_| trap())
}

/// The address and the length of a slice in one number, as the functions of nested VMs take it. An
/// empty slice is 0.
#[inline]
pub(crate) fn range<T>(start: *const T, slice: &[T]) -> u64 {
    // The host has the address as a number, and accesses the memory by it.
    let address = start.expose_provenance();
    match (slice.len(), u32::try_from(address)) {
        (0, _) => 0,
        (_, Ok(address)) => u64::from(length(slice)) << 32 | u64::from(address),
        (_, Err(_)) => trap(),
    }
}

/// Ends the run as trapped.
pub(crate) fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    // SAFETY: the instruction ends the run, so nothing comes behind it.
    #[cfg(target_arch = "riscv64")]
    unsafe {
        core::arch::asm!("unimp", options(noreturn, nomem, nostack))
    }
}
