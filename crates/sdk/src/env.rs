//! What surrounds a call: the caller, the contract, and the block.

use alloc::{string::String, vec::Vec};

use crate::{
    Address,
    abi::reentrancy,
    buffer::{Buffer, on_the_heap},
    syscalls,
};

/// Who made this call.
#[inline]
#[must_use]
pub fn caller() -> Address {
    Address::new(Buffer::<32>::array(syscalls::caller))
}

/// The address of this contract.
#[inline]
#[must_use]
pub fn self_address() -> Address {
    Address::new(Buffer::<32>::array(syscalls::self_address))
}

/// The amount that was sent with this call. Looking at it takes it: a method that does not is
/// rejected if it is sent something.
#[inline]
#[must_use]
pub fn value() -> u128 {
    u128::from_le_bytes(Buffer::<16>::array(syscalls::value))
}

/// The balance of an account or contract.
#[must_use]
pub fn balance(address: &Address) -> u128 {
    let address = address.as_bytes();
    u128::from_le_bytes(Buffer::<16>::array(|room| syscalls::balance(address, room)))
}

/// The deposit for this contract's storage: the part of its balance that it cannot send.
#[must_use]
pub fn deposit() -> u128 {
    u128::from_le_bytes(Buffer::<16>::array(syscalls::deposit))
}

/// The admin of a contract, if it has one.
#[must_use]
pub fn admin(contract: &Address) -> Option<Address> {
    let contract = contract.as_bytes();
    Buffer::<32>::array_if(|room| syscalls::admin(contract, room)).map(Address::new)
}

/// The hash of a contract's code. `None` if the address has no contract.
#[must_use]
pub fn code_hash(contract: &Address) -> Option<[u8; 32]> {
    let contract = contract.as_bytes();
    Buffer::<32>::array_if(|room| syscalls::code_hash(contract, room))
}

/// The gas that this call has left.
#[must_use]
pub fn gas_left() -> u64 {
    syscalls::gas_left()
}

/// The number of the block.
#[must_use]
pub fn block_height() -> u64 {
    syscalls::block_height()
}

/// The time of the block, in milliseconds since the Unix epoch.
#[must_use]
pub fn block_time() -> u64 {
    syscalls::block_time()
}

/// The address of the block's proposer.
#[must_use]
pub fn block_proposer() -> Address {
    Address::new(Buffer::<32>::array(syscalls::block_proposer))
}

/// The id of the chain.
#[must_use]
pub fn chain_id() -> String {
    let bytes = on_the_heap(syscalls::chain_id).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Which calls may enter this contract while one of its frames waits, from the next call on.
/// Default: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reentrancy {
    /// None.
    Refused,
    /// Read-only ones.
    ReadOnly,
    /// All.
    Admitted,
}

/// Sets which calls may enter this contract while one of its frames waits.
pub fn set_reentrancy(policy: Reentrancy) {
    syscalls::set_reentrancy(match policy {
        Reentrancy::Refused => 0,
        Reentrancy::ReadOnly => reentrancy::READ_ONLY,
        Reentrancy::Admitted => reentrancy::ANY,
    });
}

/// Replaces the code of a contract whose admin this contract is by uploaded code. Its method
/// `migrate` runs with this input, if it has one. Returns the status of
/// [`UPGRADE`](crate::abi::UPGRADE).
pub fn upgrade(contract: &Address, code_hash: &[u8; 32], input: &[u8]) -> i32 {
    let contract = contract.as_bytes();
    syscalls::upgrade(contract, code_hash, input, crate::abi::ALL_GAS)
}

/// Hands over a contract whose admin this contract is: to an address, or to nobody for ever. Tells
/// whether it was the admin.
pub fn set_admin(contract: &Address, admin: Option<&Address>) -> bool {
    let nobody = Address::default();
    let has_admin = u32::from(admin.is_some());
    let admin = admin.unwrap_or(&nobody);
    syscalls::set_admin(contract.as_bytes(), has_admin, admin.as_bytes()) >= 0
}

/// Sends a request to the oracle of the embedder, and suspends the transaction until it replies.
/// `None` without an oracle. The rules of a chain have to admit it.
#[must_use]
pub fn oracle_request(request: &[u8]) -> Option<Vec<u8>> {
    match syscalls::oracle_request(request) {
        0.. => on_the_heap(syscalls::return_data_read),
        _ => None,
    }
}

/// Restricts the symbols that nested VMs may import, one name per line. Applies to programs that
/// this call compiles from now on. Default: any symbol.
pub fn restrict_imports(names: &str) {
    syscalls::restrict_imports(names.as_bytes());
}

/// Writes a line to the debug log, for people.
pub fn log(text: &str) {
    syscalls::debug_log(text.as_bytes());
}
