//! The layout of state keys.
//!
//! A key is a tag of one byte, an owner of 32 bytes, and a rest.
//!
//! | tag | owner            | rest       | value                                      | unused key  |
//! |-----|------------------|------------|--------------------------------------------|-------------|
//! | `b` | address          | none       | balance: version 1, `u128` little-endian   | 0           |
//! | `n` | address          | none       | nonce: version 1, `u64` little-endian      | 0           |
//! | `h` | address          | none       | code hash: version 1, 32 bytes; `u32` size | no contract |
//! | `c` | code hash        | none       | the code that has this hash                | no code     |
//! | `d` | contract address | none       | bytes of storage under a deposit: version 1, `u64` | 0   |
//! | `a` | contract address | none       | admin: version 1, 32 bytes                 | no admin    |
//! | `r` | contract address | none       | re-entrancy policy: version 1, `u8`        | 0           |
//! | `u` | code hash        | none       | use of the code: version 1, `CodeUse`      | not uploaded |
//! | `s` | contract address | 0 or more  | what the contract stores under the rest    | absent      |
//!
//! The fields of an account have separate keys, so that a payment to a contract does not conflict
//! with a call of it: a call reads the code hash, and accesses balances only if it sends a value.
//!
//! A balance or nonce of 0 is not stored: its key is removed. So equal states have equal keys.
//!
//! Code is addressed by its hash: the value of a `c` key never changes. It is removed only if no
//! contract has the code, which its `u` key counts. So each reader of a `c` key has read the `h` or
//! `u` key that says that it is there, and conflict detection between transactions can ignore `c`
//! keys.
//!
//! All nodes must agree on the layout. A golden test pins it.

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
/// The tag of the sizes of contract storages that are under a deposit.
pub const STORED_BYTES: u8 = b'd';
/// The tag of admins.
pub const ADMIN: u8 = b'a';
/// The tag of re-entrancy policies.
pub const REENTRANCY: u8 = b'r';
/// The tag of uses of code.
pub const CODE_USE: u8 = b'u';
/// The tag of contract storage.
pub const STORAGE: u8 = b's';

/// Size of the owner part of a key in bytes: an address or a code hash.
pub const OWNER_BYTES: usize = 32;

/// The parts of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// The kind of value: one of the tags of this module.
    pub tag: u8,
    /// The address or the code hash that owns the key.
    pub owner: [u8; OWNER_BYTES],
    /// The rest: the contract's own key, for storage.
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

/// The key of the code with this hash.
#[must_use]
pub fn code(hash: CodeHash) -> Vec<u8> {
    key(CODE, hash.as_bytes(), &[])
}

/// The key of the size of a contract's storage that is under a deposit.
#[must_use]
pub fn stored_bytes(address: Address) -> Vec<u8> {
    key(STORED_BYTES, address.as_bytes(), &[])
}

/// The key of a contract's admin.
#[must_use]
pub fn admin(address: Address) -> Vec<u8> {
    key(ADMIN, address.as_bytes(), &[])
}

/// The key of a contract's re-entrancy policy.
#[must_use]
pub fn reentrancy(address: Address) -> Vec<u8> {
    key(REENTRANCY, address.as_bytes(), &[])
}

/// The key of the use of the code with this hash.
#[must_use]
pub fn code_use(hash: CodeHash) -> Vec<u8> {
    key(CODE_USE, hash.as_bytes(), &[])
}

/// The key under which a contract stores `rest`.
#[must_use]
pub fn storage(address: Address, rest: &[u8]) -> Vec<u8> {
    key(STORAGE, address.as_bytes(), rest)
}

/// The end of the keys under which a contract stores: the first key after all of them.
#[must_use]
pub fn storage_end(address: Address) -> Vec<u8> {
    let mut end = storage(address, &[]);
    // The successor of an address of all ones is that of the tag.
    for byte in end.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    end
}

/// Splits a key of the state into its parts. Returns `None` if it is too short.
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
