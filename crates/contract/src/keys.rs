//! Where things are in the state: the layout of its keys.
//!
//! A key is a tag of one byte, an owner of 32 bytes, and a rest.
//!
//! | tag | owner            | rest       | value                                      | unused key  |
//! |-----|------------------|------------|--------------------------------------------|-------------|
//! | `b` | address          | none       | balance: version 1, `u128` little-endian   | 0           |
//! | `n` | address          | none       | nonce: version 1, `u64` little-endian      | 0           |
//! | `h` | address          | none       | code hash: version 1, 32 bytes             | no contract |
//! | `c` | code hash        | none       | the code that has this hash                | no code     |
//! | `s` | contract address | 0 or more  | what the contract stores under the rest    | absent      |
//!
//! What an address has is under keys of its own, so that a payment to a contract and a call of it
//! do not conflict: a call reads the code hash, and touches balances only if it sends a value.
//!
//! A balance or nonce of 0 is not stored: its key is removed. So equal states have equal keys.
//!
//! Code is named by its hash: a `c` key never changes once it is written. Whoever looks for
//! conflicts between transactions can leave these keys out.
//!
//! The layout is part of what machines agree on. A golden test pins it.

use fusee_engine::CodeHash;

use crate::Address;

/// The tag of balances.
pub const BALANCE: u8 = b'b';
/// The tag of nonces.
pub const NONCE: u8 = b'n';
/// The tag of code hashes.
pub const CODE_HASH: u8 = b'h';
/// The tag of code.
pub const CODE: u8 = b'c';
/// The tag of what contracts store.
pub const STORAGE: u8 = b's';

/// The bytes of a key's owner: an address or a code hash.
pub const OWNER_BYTES: usize = 32;

/// The parts of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// What the value is: one of the tags of this module.
    pub tag: u8,
    /// The address or the code hash that it belongs to.
    pub owner: [u8; OWNER_BYTES],
    /// What is left: the contract's own key, of storage.
    pub rest: &'a [u8],
}

/// The key of an address's balance.
#[must_use]
pub fn balance(address: Address) -> Vec<u8> {
    key(BALANCE, address.as_bytes(), &[])
}

/// The key of an address's nonce.
#[must_use]
pub fn nonce(address: Address) -> Vec<u8> {
    key(NONCE, address.as_bytes(), &[])
}

/// The key of the hash of a contract's code.
#[must_use]
pub fn code_hash(address: Address) -> Vec<u8> {
    key(CODE_HASH, address.as_bytes(), &[])
}

/// The key of the code that has this hash.
#[must_use]
pub fn code(hash: CodeHash) -> Vec<u8> {
    key(CODE, hash.as_bytes(), &[])
}

/// The key of what a contract stores under `rest`.
#[must_use]
pub fn storage(address: Address, rest: &[u8]) -> Vec<u8> {
    key(STORAGE, address.as_bytes(), rest)
}

/// The parts of a key of the state; `None` if it is too short to be one.
#[must_use]
pub fn parts(key: &[u8]) -> Option<KeyParts<'_>> {
    let (tag, after) = key.split_first()?;
    let (owner, rest) = after.split_first_chunk()?;
    Some(KeyParts {
        tag: *tag,
        owner: *owner,
        rest,
    })
}

fn key(tag: u8, owner: &[u8; OWNER_BYTES], rest: &[u8]) -> Vec<u8> {
    [[tag].as_slice(), owner, rest].concat()
}
