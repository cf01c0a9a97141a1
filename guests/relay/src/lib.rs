//! The relay guest: a call with every option that a call has.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![no_std]

use fusee_guest::{Buffer, Call, Input, call, output};

fusee_guest::methods!(relay);

/// The longest input and the longest output, on a stack of 16 KiB.
const BUFFER_BYTES: usize = 8 * 1024;

/// `relay(target: [u8; 32], gas: u64, value: u128, method: String, input: Vec<u8>) -> (status: i32,
/// return data)`: calls the target with so much gas and value. The return data is the rest of the
/// output, without a length.
#[unsafe(no_mangle)]
extern "C" fn relay() {
    let mut buffer = Buffer::<BUFFER_BYTES>::new();
    let mut asked = Input::new(buffer.input());
    let target = asked.address();
    let gas = asked.u64();
    let value = asked.u128();
    let method = asked.bytes();
    let input = asked.bytes();
    asked.end();
    let status = call(&Call {
        target: &target,
        method,
        input,
        gas,
        value,
    });
    output(buffer.return_data_after(&status.to_le_bytes()));
}
