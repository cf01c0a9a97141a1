//! Capsules of any bytes: decoded, and replayed on all engines.
#![no_main]

use fusee_fuzz::capsule;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| capsule::check(bytes));
