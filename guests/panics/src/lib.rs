//! The panics guest: panics whose messages reach the caller.
//!
//! Exports carry their plain names, which is the `unsafe` of their attribute: no two may be alike.
#![no_std]

use fusee_guest::{Buffer, Input, output};

fusee_guest::methods!(checked, long);

/// `checked(a: u64, b: u64) -> u64`: the difference. Panics if it is negative.
#[unsafe(no_mangle)]
extern "C" fn checked() {
    let mut buffer = Buffer::<64>::new();
    let mut asked = Input::new(buffer.input());
    let (a, b) = (asked.u64(), asked.u64());
    asked.end();
    let Some(difference) = a.checked_sub(b) else {
        panic!("{a} is less than {b}, by {:.1}%", percent(a, b))
    };
    output(&difference.to_le_bytes());
}

/// `long()`: panics with more text than a message has room for.
#[unsafe(no_mangle)]
extern "C" fn long() {
    panic!("{:>600}", "far")
}

#[allow(clippy::as_conversions, reason = "a percentage need not be exact")]
fn percent(a: u64, b: u64) -> f64 {
    (b - a) as f64 * 100.0 / b as f64
}
