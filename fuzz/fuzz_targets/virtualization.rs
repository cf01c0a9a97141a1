//! Guests that run guests: every call of the nine functions has the answer that their documentation
//! says, and the same on all engines.
#![no_main]

use fusee_fuzz::children;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| children::check(bytes));
