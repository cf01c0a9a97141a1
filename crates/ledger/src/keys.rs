//! The keys under which the ledger keeps its own state, beside those of accounts and contracts
//! ([`fusee_contract::keys`]).
//!
//! | tag | owner                      | value                                             | unused key |
//! |-----|----------------------------|---------------------------------------------------|------------|
//! | `p` | `parameters`, then zeros   | [`Parameters`](crate::Parameters)                 | no chain   |
//! | `p` | `position`, then zeros     | [`Position`](crate::Position)                     | no chain   |
//! | `q` | address                    | [`QuotaUse`](crate::QuotaUse)                     | nothing used |
//! | `g` | address                    | quota: version 1, gas in a window as `u64`        | the chain's |
//!
//! A key is a tag of one byte and an owner of 32 bytes, as those of contracts are, which use other
//! tags. No contract writes these keys. All nodes must agree on the layout. A golden test pins it.

use fusee_contract::Address;

/// The tag of what the chain has once.
pub const CHAIN: u8 = b'p';
/// The tag of the gas that an account has used of its quota.
pub const QUOTA_USE: u8 = b'q';
/// The tag of quotas that differ from the chain's.
pub const QUOTA: u8 = b'g';

/// The key of the chain's parameters.
#[must_use]
pub fn parameters() -> Vec<u8> {
    chain(b"parameters")
}

/// The key of the chain's position: the last block.
#[must_use]
pub fn position() -> Vec<u8> {
    chain(b"position")
}

/// The key of what an account has used of its quota.
#[must_use]
pub fn quota_use(address: Address) -> Vec<u8> {
    [[QUOTA_USE].as_slice(), address.as_bytes()].concat()
}

/// The key of an account's own quota.
#[must_use]
pub fn quota(address: Address) -> Vec<u8> {
    [[QUOTA].as_slice(), address.as_bytes()].concat()
}

fn chain(name: &[u8]) -> Vec<u8> {
    let mut key = [[CHAIN].as_slice(), name].concat();
    // A tag, and an owner of 32 bytes.
    key.resize(33, 0);
    key
}
