//! The handlers of the syscalls, one file for each family.
//!
//! A handler decodes its arguments, charges, acts, and encodes the reply. [`dispatch`] charges the
//! base price first. A handler charges for bytes before it accesses them. The prices are those of
//! the frame's rules.

mod call;
mod children;
mod context;
mod crypto;
mod data;
mod deployment;
mod log;
mod range;
mod storage;
mod transient;
mod wasi;

pub(crate) use wasi::WasiState;

use std::{
    borrow::Cow,
    ops::{Deref, DerefMut},
};

use fusee_abi as abi;
use fusee_engine::{Host, Stop, Syscall, Trap};
use fusee_instrument::SyscallPrice;
use fusee_state::Direction;

use crate::{
    Address,
    frame::{Access, Frame, fail},
    keys,
    steps::Exchange,
};

impl Host for Frame {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        if !self.observers.observe_syscalls() {
            return dispatch(self, call, None);
        }
        let observers = self.observers.clone();
        observers.syscall(call, |call, exchange| dispatch(self, call, exchange))
    }
}

fn dispatch(
    frame: &mut Frame,
    call: &mut Syscall<'_>,
    exchange: Option<&mut Exchange>,
) -> Result<u64, Stop> {
    let number = call.request.number;
    let price = frame.syscall_prices.price(number).copied();
    let price = price
        .ok_or_else(|| fail(format!("the rules have no price for syscall {number}").into()))?;
    let call = &mut PricedSyscall {
        syscall: call,
        price,
        exchange,
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
        abi::SHA256 => crypto::hash(frame, call, fusee_crypto::sha256),
        abi::KECCAK256 => crypto::hash(frame, call, fusee_crypto::keccak256),
        abi::BLAKE3 => crypto::hash(frame, call, fusee_crypto::blake3),
        abi::ED25519_VERIFY => crypto::ed25519(frame, call),
        abi::SECP256K1_VERIFY => crypto::ecdsa(frame, call, fusee_crypto::verify_secp256k1),
        abi::SECP256K1_RECOVER => crypto::recover(call),
        abi::SECP256R1_VERIFY => crypto::ecdsa(frame, call, fusee_crypto::verify_secp256r1),
        abi::BLS12_381_VERIFY => crypto::bls(frame, call),
        abi::BLS12_381_AGGREGATE_VERIFY => crypto::bls_aggregate(frame, call),
        abi::BLOCK_HEIGHT => Ok(frame.block.height),
        abi::BLOCK_TIME => Ok(frame.block.time),
        abi::BLOCK_PROPOSER => context::proposer(frame, call),
        abi::CHAIN_ID => context::chain_id(frame, call),
        abi::EVENT_EMIT_TOPICS => data::event_emit_topics(frame, call),
        abi::TRANSIENT_READ => transient::read(frame, call),
        abi::TRANSIENT_WRITE => transient::write(frame, call),
        abi::TRANSIENT_REMOVE => transient::remove(frame, call),
        abi::STORAGE_NEXT => range::find(frame, call, Direction::Ascending),
        abi::STORAGE_PREVIOUS => range::find(frame, call, Direction::Descending),
        abi::STORAGE_REMOVE_RANGE => range::remove(frame, call),
        abi::STORAGE_TRY_WRITE => storage::try_write(frame, call),
        abi::DEPOSIT => context::deposit(frame, call),
        abi::DEPLOY => deployment::deploy(frame, call),
        abi::UPGRADE => deployment::upgrade(frame, call),
        abi::SET_ADMIN => deployment::set_admin(frame, call),
        abi::ADMIN => deployment::admin(frame, call),
        abi::CODE_HASH => deployment::code_hash(frame, call),
        abi::CALL_READ_ONLY => call::call_read_only(frame, call),
        abi::SET_REENTRANCY => deployment::set_reentrancy(frame, call),
        abi::DEBUG_LOG => log::debug_log(frame, call),
        number if abi::wasi::is_function(number) => wasi::dispatch(frame, call),
        unknown => Err(fail(format!("syscall {unknown} has no handler").into())),
    }
}

/// A syscall with its price. Handlers access guest memory through it alone, so that an observer of
/// the syscall sees every byte that passes.
struct PricedSyscall<'a, 'b> {
    syscall: &'a mut Syscall<'b>,
    price: SyscallPrice,
    exchange: Option<&'a mut Exchange>,
}

impl PricedSyscall<'_, '_> {
    /// The `length` bytes at `address` of guest memory.
    fn read(&mut self, address: u64, length: u64) -> Result<Cow<'_, [u8]>, Trap> {
        let bytes = self.syscall.memory.read(address, length)?;
        if let Some(exchange) = &mut self.exchange {
            exchange.read(&bytes);
        }
        Ok(bytes)
    }

    /// The `N` bytes at `address` of guest memory.
    fn read_array<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Trap> {
        let bytes = self.syscall.memory.read_array(address)?;
        if let Some(exchange) = &mut self.exchange {
            exchange.read(&bytes);
        }
        Ok(bytes)
    }

    /// Writes `bytes` at `address` of guest memory.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Trap> {
        if let Some(exchange) = &mut self.exchange {
            exchange.write(bytes);
        }
        self.syscall.memory.write(address, bytes)
    }
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
    take_bytes(call, pointer, most).map(Cow::into_owned)
}

/// The same without a copy.
fn take_bytes<'a>(
    call: &'a mut PricedSyscall<'_, '_>,
    pointer: usize,
    most: u32,
) -> Result<Cow<'a, [u8]>, Stop> {
    let (start, length) = (arg(call, pointer)?, arg(call, pointer.saturating_add(1))?);
    if length > u64::from(most) {
        return Err(Stop::Trap(Trap::DataLimit));
    }
    charge_bytes(call, length)?;
    Ok(call.read(start, length)?)
}

/// Charges for `N` bytes at the argument `pointer`, and copies them.
fn take_array<const N: usize>(
    call: &mut PricedSyscall<'_, '_>,
    pointer: usize,
) -> Result<[u8; N], Stop> {
    let start = arg(call, pointer)?;
    charge_bytes(call, length(&[0; N]))?;
    Ok(call.read_array(start)?)
}

/// Charges for `bytes` and writes them at the argument `pointer`.
fn give(call: &mut PricedSyscall<'_, '_>, pointer: usize, bytes: &[u8]) -> Result<(), Stop> {
    let start = arg(call, pointer)?;
    charge_bytes(call, length(bytes))?;
    Ok(call.write(start, bytes)?)
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
    call.write(start, fitting)?;
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

/// The contract's own part of a key of its storage.
fn own_key(key: &[u8]) -> Result<&[u8], Stop> {
    let parts = keys::parts(key);
    let parts = parts.ok_or_else(|| fail("a key of storage has no owner".into()))?;
    Ok(parts.rest)
}

/// Traps if the call is read-only.
fn check_writable(frame: &Frame) -> Result<(), Stop> {
    match frame.context.access {
        Access::ReadWrite => Ok(()),
        Access::ReadOnly => Err(Stop::Trap(Trap::SyscallRefused)),
    }
}
