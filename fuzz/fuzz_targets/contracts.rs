//! Contracts that run children: the same receipts on all engines, whatever they do.
#![no_main]

use fusee_fuzz::contracts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| contracts::check(bytes));
