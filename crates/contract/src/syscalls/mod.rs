//! The handlers of the syscalls, one file for each family.
//!
//! A handler decodes its arguments, charges, acts, and encodes the reply. [`dispatch`] charges the
//! base price first. A handler charges for bytes before it accesses them. The prices are those of
//! the frame's rules.

mod call;
mod children;
mod context;
mod data;
mod storage;

use std::ops::{Deref, DerefMut};

use fusee_abi as abi;
use fusee_engine::{Host, Stop, Syscall, Trap};
use fusee_instrument::SyscallPrice;

use crate::{
    Address,
    frame::{Access, Frame, fail},
};

impl Host for Frame {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        dispatch(self, call)
    }
}

fn dispatch(frame: &mut Frame, call: &mut Syscall<'_>) -> Result<u64, Stop> {
    let number = call.request.number;
    let price = frame.syscall_prices.price(number).copied();
    let price = price
        .ok_or_else(|| fail(format!("the rules have no price for syscall {number}").into()))?;
    let call = &mut PricedSyscall {
        syscall: call,
        price,
    };
    call.charge(price.base)?;
    match number {
        abi::INPUT_READ => data::input_read(frame, call),
        abi::OUTPUT_WRITE => data::output_write(frame, call),
        abi::REVERT => data::revert(frame, call),
        abi::STORAGE_READ => storage::read(frame, call),
        abi::STORAGE_WRITE => storage::write(frame, call),
        abi::STORAGE_REMOVE => storage::remove(frame, call),
        abi::CALLER => context::caller(frame, call),
        abi::SELF_ADDRESS => context::self_address(frame, call),
        abi::VALUE => context::value(frame, call),
        abi::BALANCE => context::balance(frame, call),
        abi::EVENT_EMIT => data::event_emit(frame, call),
        abi::GAS_LEFT => Ok(call.gas_left().units()),
        abi::CALL => call::call(frame, call),
        abi::RETURN_DATA_READ => data::return_data_read(frame, call),
        abi::ORACLE_REQUEST => call::oracle_request(frame, call),
        abi::RESTRICT_IMPORTS => children::restrict_imports(frame, call),
        unknown => Err(fail(format!("syscall {unknown} has no handler").into())),
    }
}

/// A syscall with its price.
struct PricedSyscall<'a, 'b> {
    syscall: &'a mut Syscall<'b>,
    price: SyscallPrice,
}

impl<'b> Deref for PricedSyscall<'_, 'b> {
    type Target = Syscall<'b>;

    fn deref(&self) -> &Syscall<'b> {
        self.syscall
    }
}

impl<'b> DerefMut for PricedSyscall<'_, 'b> {
    fn deref_mut(&mut self) -> &mut Syscall<'b> {
        self.syscall
    }
}

/// Charges for `bytes` that the syscall accesses.
fn charge_bytes(call: &mut PricedSyscall<'_, '_>, bytes: u64) -> Result<(), Stop> {
    let price = call.price.length(bytes);
    Ok(call.charge(price)?)
}

/// The argument at `index` as an address or length: `i32` on the wire.
fn arg(call: &PricedSyscall<'_, '_>, index: usize) -> Result<u64, Stop> {
    let arg = call.request.args.get(index).copied();
    arg.ok_or_else(|| fail("a syscall has fewer arguments than its handler reads".into()))
}

/// Charges for the range at the arguments `pointer` and `pointer + 1`, and copies it. A range of
/// more than `most` bytes traps.
fn take_region(
    call: &mut PricedSyscall<'_, '_>,
    pointer: usize,
    most: u32,
) -> Result<Vec<u8>, Stop> {
    let (start, length) = (arg(call, pointer)?, arg(call, pointer.saturating_add(1))?);
    if length > u64::from(most) {
        return Err(Stop::Trap(Trap::DataLimit));
    }
    charge_bytes(call, length)?;
    Ok(call.memory.read(start, length)?.into_owned())
}

/// Charges for `N` bytes at the argument `pointer`, and copies them.
fn take_array<const N: usize>(
    call: &mut PricedSyscall<'_, '_>,
    pointer: usize,
) -> Result<[u8; N], Stop> {
    let start = arg(call, pointer)?;
    charge_bytes(call, length(&[0; N]))?;
    Ok(call.memory.read_array(start)?)
}

/// Charges for `bytes` and writes them at the argument `pointer`.
fn give(call: &mut PricedSyscall<'_, '_>, pointer: usize, bytes: &[u8]) -> Result<(), Stop> {
    let start = arg(call, pointer)?;
    charge_bytes(call, length(bytes))?;
    Ok(call.memory.write(start, bytes)?)
}

/// Writes as much of `bytes` as fits to the buffer at the arguments `pointer` and `pointer + 1`,
/// charges for it, and returns the full length.
fn give_buffer(
    call: &mut PricedSyscall<'_, '_>,
    pointer: usize,
    bytes: &[u8],
) -> Result<u64, Stop> {
    charge_bytes(call, length(fitting(call, pointer, bytes)?))?;
    write_fitting(call, pointer, bytes)
}

/// Writes as much of `bytes` as fits to the buffer at the arguments `pointer` and `pointer + 1`,
/// and returns the full length. The bytes are paid for.
fn write_fitting(
    call: &mut PricedSyscall<'_, '_>,
    pointer: usize,
    bytes: &[u8],
) -> Result<u64, Stop> {
    let start = arg(call, pointer)?;
    let fitting = fitting(call, pointer, bytes)?;
    call.memory.write(start, fitting)?;
    Ok(length(bytes))
}

/// The part of `bytes` that fits the buffer at the arguments `pointer` and `pointer + 1`.
fn fitting<'a>(
    call: &PricedSyscall<'_, '_>,
    pointer: usize,
    bytes: &'a [u8],
) -> Result<&'a [u8], Stop> {
    let capacity = arg(call, pointer.saturating_add(1))?;
    let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
    Ok(bytes.get(..capacity).unwrap_or(bytes))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn take_address(call: &mut PricedSyscall<'_, '_>, pointer: usize) -> Result<Address, Stop> {
    take_array(call, pointer).map(Address::new)
}

/// A negative status as a result on the wire.
pub(crate) fn status(code: i32) -> u64 {
    u64::from(code.cast_unsigned())
}

/// Traps if the call is read-only.
fn check_writable(frame: &Frame) -> Result<(), Stop> {
    match frame.context.access {
        Access::ReadWrite => Ok(()),
        Access::ReadOnly => Err(Stop::Trap(Trap::SyscallRefused)),
    }
}
