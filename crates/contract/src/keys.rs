//! Where things are in the state: the layout of its keys.
//!
//! A key is a tag of one byte and what it is about. The layout is part of what machines agree on.

use fusee_engine::CodeHash;

use crate::Address;

/// The tag of accounts.
pub const ACCOUNT: u8 = b'a';
/// The tag of code.
pub const CODE: u8 = b'c';
/// The tag of what contracts store.
pub const STORAGE: u8 = b's';

/// The key of an account.
#[must_use]
pub fn account(address: Address) -> Vec<u8> {
    tagged(ACCOUNT, &[address.as_bytes()])
}

/// The key of a contract's code.
#[must_use]
pub fn code(hash: CodeHash) -> Vec<u8> {
    tagged(CODE, &[hash.as_bytes()])
}

/// The key of what a contract stores under `key`.
#[must_use]
pub fn storage(address: Address, key: &[u8]) -> Vec<u8> {
    tagged(STORAGE, &[address.as_bytes(), key])
}

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![tag];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}
