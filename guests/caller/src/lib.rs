//! The caller guest: calls other contracts, and ends in every way a call can end.
//!
//! It shows what a caller sees of its callees, and what stays of their changes and its own. A
//! status is the `i32` that the syscall `call` returns: the length of the return data, or a code
//! below zero.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![no_std]

use fusee_guest::{
    ALL_GAS, Address, Buffer, Call, Input, arguments, balance, call, caller, concat, emit,
    gas_left, output, revert, self_address, store, trap, value,
};

fusee_guest::methods!(
    deploy,
    forward,
    try_and_write,
    nest,
    write_then_revert,
    write_then_trap,
    write_then_loop,
    who,
    send,
    gas,
    burn
);

/// The longest input and the longest output, on a stack of 60 KiB.
const BUFFER_BYTES: usize = 48 * 1024;

/// `deploy()`
#[unsafe(no_mangle)]
extern "C" fn deploy() {
    arguments(|_| ());
}

/// `forward(target: [u8; 32], method: String, input: Vec<u8>) -> (status: i32, return data)`: calls
/// the target. The return data is the rest of the output, without a length.
#[unsafe(no_mangle)]
extern "C" fn forward() {
    let mut buffer = Buffer::<BUFFER_BYTES>::new();
    let status = call_as_asked(buffer.input());
    output(buffer.return_data_after(&status.to_le_bytes()));
}

/// `try_and_write(target: [u8; 32], method: String, input: Vec<u8>) -> (status: i32)`: calls the
/// target between two writes: of `before` (1, as `u64`) and of `status` (`i32`).
#[unsafe(no_mangle)]
extern "C" fn try_and_write() {
    let mut buffer = Buffer::<BUFFER_BYTES>::new();
    write_before();
    let status = call_as_asked(buffer.input()).to_le_bytes();
    store(b"status", &status);
    output(&status);
}

/// `nest(chain: Vec<[u8; 32]>) -> (levels: u32)`: calls `nest` of the first contract of the chain
/// with the rest of it. The result is 1 and what that call returned, or just 1 if it failed or the
/// chain was empty.
///
/// Every level writes `seen` (1, as `u64`), and emits an event `nest` with the length of its chain
/// (`u32`).
#[unsafe(no_mangle)]
extern "C" fn nest() {
    let mut buffer = Buffer::<BUFFER_BYTES>::new();
    let chain = buffer.input();

    let Some((count, addresses)) = chain.split_first_chunk_mut::<4>() else {
        revert("arguments end too early");
    };
    let count = u32::from_le_bytes(*count);
    if u64::try_from(addresses.len()) != Ok(u64::from(count) * 32) {
        revert("the chain is not as long as it says");
    }
    store(b"seen", &1u64.to_le_bytes());
    emit("nest", &count.to_le_bytes());

    let below = match addresses.split_first_chunk_mut::<32>() {
        None => 0,
        Some((first, _)) => {
            let target: Address = *first;
            // The rest of the chain is encoded in place: its length goes right before it, over the
            // end of the address that has been taken out.
            let (_, rest) = chain.split_at_mut(32);
            let (length, _) = rest.split_at_mut(4);
            length.copy_from_slice(&(count - 1).to_le_bytes());
            let status = call(&Call {
                target: &target,
                method: b"nest",
                input: rest,
                gas: ALL_GAS,
                value: 0,
            });
            match status {
                ..0 => 0,
                _ => Input::new(buffer.return_data_after(&[])).u32(),
            }
        }
    };
    output(&(below + 1).to_le_bytes());
}

/// `write_then_revert()`: writes `before` (1, as `u64`), and reverts with the message `as asked`.
#[unsafe(no_mangle)]
extern "C" fn write_then_revert() {
    write_before();
    revert("as asked");
}

/// `write_then_trap()`: writes `before` (1, as `u64`), and traps.
#[unsafe(no_mangle)]
extern "C" fn write_then_trap() {
    write_before();
    trap();
}

/// `write_then_loop()`: writes `before` (1, as `u64`), and loops until the gas is gone.
#[unsafe(no_mangle)]
extern "C" fn write_then_loop() {
    write_before();
    loop {
        core::hint::spin_loop();
    }
}

/// `who() -> (caller: [u8; 32], own address: [u8; 32], value: u128, own balance: u128)`
#[unsafe(no_mangle)]
extern "C" fn who() {
    arguments(|_| ());
    let own = self_address();
    let answer: [u8; 96] = concat(&[
        &caller(),
        &own,
        &value().to_le_bytes(),
        &balance(&own).to_le_bytes(),
    ]);
    output(&answer);
}

/// `send(to: [u8; 32], amount: u128) -> (status: i32)`: sends the amount without calling a method.
#[unsafe(no_mangle)]
extern "C" fn send() {
    let (to, amount) = arguments(|input| (input.address(), input.u128()));
    let status = call(&Call {
        target: &to,
        method: &[],
        input: &[],
        gas: ALL_GAS,
        value: amount,
    });
    output(&status.to_le_bytes());
}

/// `gas() -> u64`: the gas that is left.
#[unsafe(no_mangle)]
extern "C" fn gas() {
    arguments(|_| ());
    output(&gas_left().to_le_bytes());
}

/// `burn(n: u64) -> u64`: works for `n` rounds of xorshift, and returns the last number of it.
#[unsafe(no_mangle)]
extern "C" fn burn() {
    let rounds = arguments(|input| input.u64());
    let mut x: u64 = 88_172_645_463_325_252;
    for _ in 0..rounds {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    output(&x.to_le_bytes());
}

/// Calls what the arguments say; returns the status.
fn call_as_asked(arguments: &[u8]) -> i32 {
    let mut input = Input::new(arguments);
    let target = input.address();
    let method = input.bytes();
    let argument = input.bytes();
    input.end();
    call(&Call {
        target: &target,
        method,
        input: argument,
        gas: ALL_GAS,
        value: 0,
    })
}

fn write_before() {
    store(b"before", &1u64.to_le_bytes());
}
