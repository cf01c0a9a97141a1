//! A contract as a Rust library: its syscalls go to the machine of the thread that runs it.
//!
//! A test kit implements [`Machine`], and [`run`]s methods with one. A revert, a panic, and a
//! machine that ends the run unwind the thread to there.

use std::{
    any::Any,
    boxed::Box,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

/// A byte that a machine writes.
pub(crate) type Byte = u8;

/// The bytes, which a machine wrote.
pub(crate) const fn filled(bytes: &[Byte]) -> &[u8] {
    bytes
}

/// Bytes that a machine writes.
pub(crate) const fn room(bytes: &mut [u8]) -> &mut [Byte] {
    bytes
}

/// Copies bytes to a region of the same length.
pub(crate) fn put(to: &mut [Byte], from: &[u8]) {
    to.copy_from_slice(from);
}

/// The same, which a guest does in another way.
pub(crate) fn put_text(to: &mut [Byte], from: &[u8]) {
    put(to, from);
}

/// What answers the syscalls of a contract that runs natively.
pub trait Machine {
    /// Answers a syscall, by its number in [`fusee_abi`]. The reply is the result as the wire has
    /// it, or 0. [`end`] ends the run instead.
    fn syscall(&mut self, number: u32, arguments: &mut [Argument<'_>]) -> u64;
}

/// An argument of a syscall.
#[derive(Debug)]
pub enum Argument<'a> {
    /// A region that the host reads, and its length: two values on the wire.
    Bytes(&'a [u8]),
    /// A region of a size that the syscall defines, which the host reads.
    Fixed(&'a [u8]),
    /// A region that the host writes, and its length: two values on the wire.
    Room(&'a mut [u8]),
    /// A region of a size that the syscall defines, which the host writes.
    Array(&'a mut [u8]),
    /// A region that the host reads: its address and its length are one value on the wire, which
    /// is 0 for an empty region.
    Range(&'a [u8]),
    /// Such a region that the host writes.
    RangeRoom(&'a mut [u8]),
    /// A number of 32 bits.
    Word(u32),
    /// A number of 64 bits.
    Long(u64),
}

macro_rules! argument {
    (bytes $argument:ident) => {
        crate::native::Argument::Bytes($argument)
    };
    (fixed $argument:ident) => {
        crate::native::Argument::Fixed($argument)
    };
    (room $argument:ident) => {
        crate::native::Argument::Room($argument)
    };
    (array $argument:ident) => {
        crate::native::Argument::Array($argument)
    };
    (range $argument:ident) => {
        crate::native::Argument::Range($argument)
    };
    (range_room $argument:ident) => {
        crate::native::Argument::RangeRoom($argument)
    };
    (word $argument:ident) => {
        crate::native::Argument::Word($argument)
    };
    (signed $argument:ident) => {
        crate::native::Argument::Long($argument.cast_unsigned())
    };
    (long $argument:ident) => {
        crate::native::Argument::Long($argument)
    };
}
pub(crate) use argument;

/// The machine ended the run.
struct Ended;

std::thread_local! {
    static MACHINE: RefCell<Option<Box<dyn Machine>>> = const { RefCell::new(None) };
}

/// How a native run ended.
#[derive(Debug)]
pub enum End {
    /// The method returned.
    Returned,
    /// The contract reverted, or the machine ended the run.
    Ended,
    /// The contract panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
}

/// Runs a method with a machine, which comes back.
///
/// # Panics
///
/// If a method runs on this thread already, or the method replaced the machine.
pub fn run(machine: Box<dyn Machine>, method: fn()) -> (End, Box<dyn Machine>) {
    let before = MACHINE.replace(Some(machine));
    assert!(before.is_none(), "one method runs on a thread at a time");
    let end = match catch_unwind(AssertUnwindSafe(method)) {
        Ok(()) => End::Returned,
        Err(payload) if payload.is::<Ended>() => End::Ended,
        Err(payload) => End::Panicked(payload),
    };
    let machine = MACHINE.take().expect("it was set above");
    (end, machine)
}

/// Ends the run from inside of a syscall.
pub fn end() -> ! {
    resume_unwind(Box::new(Ended))
}

pub(crate) fn syscall(number: u32, arguments: &mut [Argument<'_>]) -> u64 {
    MACHINE.with_borrow_mut(|machine| match machine {
        Some(machine) => machine.syscall(number, arguments),
        None => panic!(
            "this needs a chain: run the method in a test with `fusee_testkit::Chain`, not by a \
             plain call"
        ),
    })
}

/// A native build exports nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! export {
    ($module:ident $($name:ident $entry:ident),*) => {};
}

/// A native build has its interface as a constant.
#[doc(hidden)]
#[macro_export]
macro_rules! export_interface {
    ($contract:path) => {};
}
