//! The token guest: balances, allowances and a fixed supply.
//!
//! Invariant: the balances add up to the total supply, which only `deploy` sets; so no balance
//! overflows. Arguments and results are borsh. A method that cannot do what it is asked reverts
//! with a message, and nothing has changed then.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![no_std]

use fusee_guest::{Address, Message, arguments, caller, concat, emit, load, output, store};

fusee_guest::methods!(
    deploy,
    transfer,
    approve,
    transfer_from,
    balance_of,
    allowance,
    total_supply
);

/// Storage key of the total supply.
const SUPPLY: &[u8] = &[0];
/// Tag of the storage keys of balances; the account follows.
const BALANCE: &[u8] = &[1];
/// Tag of the storage keys of allowances; the owner and the spender follow.
const ALLOWANCE: &[u8] = &[2];

/// `deploy(supply: u64)`: credits the whole supply to the caller.
#[unsafe(no_mangle)]
extern "C" fn deploy() {
    let supply = arguments(|input| input.u64());
    store(SUPPLY, &supply.to_le_bytes());
    store(&balance_key(&caller()), &supply.to_le_bytes());
}

/// `transfer(to: [u8; 32], amount: u64)`: moves the caller's tokens.
#[unsafe(no_mangle)]
extern "C" fn transfer() {
    let (to, amount) = arguments(|input| (input.address(), input.u64()));
    move_tokens(&caller(), &to, amount);
}

/// `approve(spender: [u8; 32], amount: u64)`: sets how many of the caller's tokens another account
/// may move, in place of any earlier number.
#[unsafe(no_mangle)]
extern "C" fn approve() {
    let (spender, amount) = arguments(|input| (input.address(), input.u64()));
    let owner = caller();
    store(&allowance_key(&owner, &spender), &amount.to_le_bytes());
    emit("approve", &event_data(&owner, &spender, amount));
}

/// `transfer_from(from: [u8; 32], to: [u8; 32], amount: u64)`: moves another account's tokens, out
/// of the allowance that it gave to the caller.
#[unsafe(no_mangle)]
extern "C" fn transfer_from() {
    let (from, to, amount) = arguments(|input| (input.address(), input.address(), input.u64()));
    let key = allowance_key(&from, &caller());
    let rest = subtract("insufficient allowance", load(&key), amount);
    store(&key, &rest.to_le_bytes());
    move_tokens(&from, &to, amount);
}

/// `balance_of(account: [u8; 32]) -> u64`
#[unsafe(no_mangle)]
extern "C" fn balance_of() {
    let account = arguments(|input| input.address());
    output(&load(&balance_key(&account)).to_le_bytes());
}

/// `allowance(owner: [u8; 32], spender: [u8; 32]) -> u64`
#[unsafe(no_mangle)]
extern "C" fn allowance() {
    let (owner, spender) = arguments(|input| (input.address(), input.address()));
    output(&load(&allowance_key(&owner, &spender)).to_le_bytes());
}

/// `total_supply() -> u64`
#[unsafe(no_mangle)]
extern "C" fn total_supply() {
    arguments(|_| ());
    output(&load(SUPPLY).to_le_bytes());
}

/// Moves tokens with two writes and one event.
fn move_tokens(from: &Address, to: &Address, amount: u64) {
    let from_key = balance_key(from);
    let rest = subtract("insufficient balance", load(&from_key), amount);
    store(&from_key, &rest.to_le_bytes());

    // Read after the write above, so that a transfer to oneself leaves the balance as it was.
    let to_key = balance_key(to);
    let sum = load(&to_key)
        .checked_add(amount)
        .expect("no balance exceeds the supply");
    store(&to_key, &sum.to_le_bytes());

    emit("transfer", &event_data(from, to, amount));
}

/// What is left of the number, or a revert that names both.
fn subtract(complaint: &str, has: u64, needs: u64) -> u64 {
    has.checked_sub(needs).unwrap_or_else(|| {
        Message::new()
            .text(complaint)
            .text(": has ")
            .number(has)
            .text(", needs ")
            .number(needs)
            .revert()
    })
}

fn balance_key(account: &Address) -> [u8; 33] {
    concat(&[BALANCE, account])
}

fn allowance_key(owner: &Address, spender: &Address) -> [u8; 65] {
    concat(&[ALLOWANCE, owner, spender])
}

/// Two accounts and an amount, in borsh.
fn event_data(first: &Address, second: &Address, amount: u64) -> [u8; 72] {
    concat(&[first, second, &amount.to_le_bytes()])
}
