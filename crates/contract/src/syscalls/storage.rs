//! The contract's own key-value space.
//!
//! A value that is read is paid for as soon as its length is known, whatever part of it the
//! contract takes. Only a contract without the gas for it is not charged for all of it: it has then
//! paid the base price for one value of bounded size, and is out of gas.

use fusee_abi::status::{ABSENT, INSUFFICIENT_DEPOSIT};
use fusee_engine::{Stop, Trap};
use fusee_state::Value;

use super::{PricedSyscall, charge_bytes, check_writable, status, take_bytes, write_fitting};
use crate::{
    StorageKind,
    deposit::Deposit,
    frame::{Frame, fail},
    keys,
};

pub(super) fn read(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    let (key, value) = stored(frame, call)?;
    frame.trace_read(
        StorageKind::Persistent,
        super::own_key(&key)?,
        value.as_deref(),
    );
    match value {
        None => Ok(status(ABSENT)),
        Some(value) => write_fitting(call, 2, &value),
    }
}

pub(super) fn write(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    match store(frame, call)? {
        true => Ok(0),
        false => Err(Stop::Trap(Trap::SyscallRefused)),
    }
}

pub(super) fn try_write(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    Ok(match store(frame, call)? {
        true => 0,
        false => status(INSUFFICIENT_DEPOSIT),
    })
}

/// Returns false, and stores nothing, if the contract's balance does not cover the deposit.
fn store(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<bool, Stop> {
    check_writable(frame)?;
    let key = take_key(frame, call)?;
    let own = super::own_key(&key)?;
    let value: Value = take_bytes(call, 2, frame.limits.value_bytes)?.into();
    if frame.deposit.is_demanded() {
        let before = size_before(frame, call, own, &key)?;
        let after = Deposit::entry_bytes(own, &value);
        if !resize(frame, before, after)? {
            return Ok(false);
        }
    }
    if frame.observers.inspector.is_some() {
        let before = frame.changes().journal.peek(&key);
        let before = before.map_err(|error| fail(error.into()))?;
        frame.trace_access(
            StorageKind::Persistent,
            own,
            before.as_deref(),
            Some(&value),
        );
    }
    frame.changes().journal.write(key, value);
    Ok(true)
}

pub(super) fn remove(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let (key, value) = stored(frame, call)?;
    match value {
        None => {
            frame.trace_read(StorageKind::Persistent, super::own_key(&key)?, None);
            Ok(0)
        }
        Some(value) => remove_entry(frame, key, &value).map(|()| 1),
    }
}

/// Removes an entry that was read, and gives back its deposit.
pub(super) fn remove_entry(frame: &mut Frame, key: Vec<u8>, value: &[u8]) -> Result<(), Stop> {
    let own = super::own_key(&key)?;
    frame.trace_access(StorageKind::Persistent, own, Some(value), None);
    if frame.deposit.is_demanded() {
        // Less than before is always covered.
        resize(frame, Deposit::entry_bytes(own, value), 0)?;
    }
    frame.changes().journal.remove(key);
    Ok(())
}

/// What the entry under a key counts for the deposit, to be written anew. Charges for a read of it.
fn size_before(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
    own: &[u8],
    key: &[u8],
) -> Result<u64, Stop> {
    let price = frame.syscall_prices.price(fusee_abi::STORAGE_READ).copied();
    let price = price.unwrap_or(call.price);
    call.charge(price.base)?;
    let value = frame.changes().journal.read(key);
    let value = value.map_err(|error| fail(error.into()))?;
    let Some(value) = value else {
        return Ok(0);
    };
    call.charge(price.length(super::length(&value)))?;
    Ok(Deposit::entry_bytes(own, &value))
}

/// Changes what the contract's storage counts for its deposit. Returns false, and changes nothing,
/// if its balance does not cover that.
fn resize(frame: &mut Frame, before: u64, after: u64) -> Result<bool, Stop> {
    let (address, deposit) = (frame.context.address, frame.deposit);
    let covered = frame.changes().resize(address, before, after, deposit);
    covered.map_err(|error| fail(error.into()))
}

/// The full key that the first two arguments specify. Charges for their bytes.
fn take_key(frame: &Frame, call: &mut PricedSyscall<'_, '_>) -> Result<Vec<u8>, Stop> {
    let own = take_bytes(call, 0, frame.limits.key_bytes)?;
    Ok(keys::storage(frame.context.address, &own))
}

/// The full key that the first two arguments specify, and its value. Charges for both.
fn stored(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
) -> Result<(Vec<u8>, Option<Value>), Stop> {
    let key = take_key(frame, call)?;
    let value = frame
        .changes()
        .journal
        .read(&key)
        .map_err(|error| fail(error.into()))?;
    if let Some(value) = &value {
        charge_bytes(call, super::length(value))?;
    }
    Ok((key, value))
}
