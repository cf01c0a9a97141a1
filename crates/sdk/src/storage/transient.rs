//! Transient storage: values that the contract's calls in one transaction share, and that are gone
//! at its end. A call that fails reverts its changes of them.

use crate::{
    buffer::on_the_heap,
    codec::Codec,
    storage::{encoded, stored},
    syscalls,
};

/// The value under a key.
#[must_use]
pub fn get<T: Codec>(key: &[u8]) -> Option<T> {
    on_the_heap(|room| syscalls::transient_read(key, room)).map(|bytes| stored(&bytes))
}

/// Sets the value under a key. The transaction has a limit of bytes: beyond it, the call traps.
pub fn set<T: Codec>(key: &[u8], value: &T) {
    encoded(value, |bytes| syscalls::transient_write(key, bytes));
}

/// Removes the value under a key, and tells whether there was one.
pub fn remove(key: &[u8]) -> bool {
    syscalls::transient_remove(key) > 0
}
