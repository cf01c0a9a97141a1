//! Ranges of the contract's own key-value space, in order.
//!
//! A call finds one entry and keeps nothing, so it does not matter what changes between two calls.
//! Each key that a search comes to is paid before the search goes on, also one that the transaction
//! has removed: otherwise, passing many of them would be paid once and done in every call.

use fusee_abi::status::ABSENT;
use fusee_engine::Stop;
use fusee_state::{Direction, KeyRange, Step};

use super::{
    PricedSyscall, arg, charge_bytes, check_writable, length, own_key, status,
    storage::remove_entry, take_region, write_fitting,
};
use crate::{
    StorageKind,
    frame::{Frame, fail},
    keys,
};

/// The part of a range that a search has not passed: full keys.
struct Search {
    start: Vec<u8>,
    end: Vec<u8>,
    direction: Direction,
}

pub(super) fn find(
    frame: &mut Frame,
    call: &mut PricedSyscall<'_, '_>,
    direction: Direction,
) -> Result<u64, Stop> {
    let mut search = Search::new(frame, call, direction)?;
    loop {
        match search.step(frame)? {
            None => return Ok(status(ABSENT)),
            Some(Step::Removed(_)) => charge_step(call)?,
            Some(Step::Entry(key, value)) => {
                let key = own_key(&key)?;
                charge_bytes(call, length(key).saturating_add(length(&value)))?;
                frame.trace_read(StorageKind::Persistent, key, Some(&value));
                let key_length = u32::try_from(key.len()).unwrap_or(u32::MAX);
                let entry = [&key_length.to_le_bytes(), key, &value].concat();
                return write_fitting(call, 4, &entry);
            }
        }
    }
}

pub(super) fn remove(frame: &mut Frame, call: &mut PricedSyscall<'_, '_>) -> Result<u64, Stop> {
    check_writable(frame)?;
    let most = arg(call, 4)?;
    let mut search = Search::new(frame, call, Direction::Ascending)?;
    let mut removed = 0_u64;
    // The call has paid for the first key.
    let mut is_paid = true;
    while removed < most {
        if !is_paid {
            charge_step(call)?;
        }
        is_paid = false;
        match search.step(frame)? {
            None => break,
            Some(Step::Removed(_)) => {}
            Some(Step::Entry(key, value)) => {
                let bytes = length(own_key(&key)?).saturating_add(length(&value));
                charge_bytes(call, bytes)?;
                remove_entry(frame, key, &value)?;
                removed = removed.saturating_add(1);
            }
        }
    }
    Ok(removed)
}

/// Charges for another key that the search comes to.
fn charge_step(call: &mut PricedSyscall<'_, '_>) -> Result<(), Stop> {
    let base = call.price.base;
    Ok(call.charge(base)?)
}

impl Search {
    /// The range that the first four arguments specify. Charges for its keys.
    fn new(
        frame: &Frame,
        call: &mut PricedSyscall<'_, '_>,
        direction: Direction,
    ) -> Result<Self, Stop> {
        let address = frame.context.address;
        let start = take_region(call, 0, frame.limits.key_bytes)?;
        let end = take_region(call, 2, frame.limits.key_bytes)?;
        Ok(Self {
            start: keys::storage(address, &start),
            end: match end.as_slice() {
                [] => keys::storage_end(address),
                end => keys::storage(address, end),
            },
            direction,
        })
    }

    /// Goes on to the next key, and passes it.
    fn step(&mut self, frame: &mut Frame) -> Result<Option<Step>, Stop> {
        let range = KeyRange::new(&self.start, &self.end);
        let step = frame.changes().journal.step(range, self.direction);
        let step = step.map_err(|error| fail(error.into()))?;
        if let Some(Step::Removed(key) | Step::Entry(key, _)) = &step {
            match self.direction {
                Direction::Ascending => self.start = [key.as_slice(), &[0]].concat(),
                Direction::Descending => self.end.clone_from(key),
            }
        }
        Ok(step)
    }
}
