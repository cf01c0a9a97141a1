//! Storage: the types of a contract's fields.
//!
//! A field is a place, and not a value: nothing is read before a method asks for it, and each read
//! and write is one syscall. The position of the field in the struct is the first byte of its keys.
//! So new fields go to the end, and a field that is no longer needed keeps its place.

mod map;
mod set;
pub mod transient;
mod value;
mod vector;

pub use map::{Iter, Map};
pub use set::Set;
pub use value::Value;
pub use vector::Vector;

use alloc::vec::Vec;

use crate::{
    buffer::{Buffer, Filled, SMALL, on_the_heap},
    codec::{Codec, from_slice, to_vec},
    contract::revert,
    interface::{Definitions, StorageKind},
    syscalls,
};

/// A type of fields of a contract.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not storage",
    label = "a field of a contract is a place in its storage",
    note = "write `Value<{Self}>`. There are also `Map<K, V>`, `Set<T>` and `Vector<T>`"
)]
pub trait Field {
    /// What the interface tells of it, so that tools can read its entries.
    const KIND: StorageKind;

    /// The types with a name that its values consist of.
    const TYPES: Definitions;

    /// The field at this position.
    fn at(position: u8) -> Self;
}

/// The value under a key.
#[inline]
pub(crate) fn load<T: Codec>(key: &[u8]) -> Option<T> {
    if const { T::MAX_BYTES <= SMALL } {
        let mut buffer = Buffer::<SMALL>::new();
        match buffer.fill(|room| syscalls::storage_read(key, room)) {
            Filled::Bytes(bytes) => Some(stored(bytes)),
            Filled::Longer(..) => other_type(),
            Filled::Status => None,
        }
    } else {
        on_the_heap(|room| syscalls::storage_read(key, room)).map(|bytes| stored(&bytes))
    }
}

/// Whether there is a value under a key.
pub(crate) fn is_stored(key: &[u8]) -> bool {
    syscalls::storage_read(key, &mut []) >= 0
}

/// Stores a value under a key.
#[inline]
pub(crate) fn store<T: Codec>(key: &[u8], value: &T) {
    encoded(value, |bytes| syscalls::storage_write(key, bytes));
}

/// Stores a value under a key, unless the balance does not cover the deposit for it. Tells whether
/// it is stored.
pub(crate) fn try_store<T: Codec>(key: &[u8], value: &T) -> bool {
    encoded(value, |bytes| syscalls::storage_try_write(key, bytes)) >= 0
}

/// Removes what is under a key, and tells whether there was something.
pub(crate) fn remove(key: &[u8]) -> bool {
    syscalls::storage_remove(key) > 0
}

/// Passes the encoding of a value on: on the stack, if its size is bounded.
#[inline]
pub(crate) fn encoded<T: Codec, R>(value: &T, then: impl FnOnce(&[u8]) -> R) -> R {
    if const { T::MAX_BYTES <= SMALL } {
        let mut buffer = Buffer::<SMALL>::new();
        value.encode(&mut buffer);
        then(buffer.as_bytes())
    } else {
        then(&to_vec(value))
    }
}

#[inline]
fn stored<T: Codec>(bytes: &[u8]) -> T {
    match from_slice(bytes) {
        Ok(value) => value,
        Err(_) => other_type(),
    }
}

/// The code was upgraded, and the type of a field or its place is another one.
#[cold]
fn other_type() -> ! {
    revert("the storage has a value of another type")
}

/// The first entry of a range of keys.
pub(crate) fn next(start: &[u8], end: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    entry(&on_the_heap(|room| {
        syscalls::storage_next(start, end, room)
    })?)
}

/// The last entry of a range of keys.
pub(crate) fn previous(start: &[u8], end: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    entry(&on_the_heap(|room| {
        syscalls::storage_previous(start, end, room)
    })?)
}

/// Removes the first entries of a range of keys, and returns their number.
pub(crate) fn remove_range(start: &[u8], end: &[u8], most: u32) -> u32 {
    u32::try_from(syscalls::storage_remove_range(start, end, most)).unwrap_or_default()
}

/// The key and the value of an entry, as syscalls write it.
fn entry(entry: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (length, rest) = entry.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (key, value) = rest.split_at_checked(length)?;
    Some((key.to_vec(), value.to_vec()))
}
