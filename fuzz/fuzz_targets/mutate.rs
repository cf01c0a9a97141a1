//! Contracts that were changed, and real ones, come to the same end in every way to run them.
#![no_main]

use fusee_conformance::differential;
use fusee_fuzz::{LANES, RULES, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|wasm: &[u8]| {
    if let Err(what) = differential::check(&LANES, wasm, &RULES, 1) {
        panic!("{what}");
    }
});

fuzz_mutator!(
    |bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
        mutate(bytes, size, max_size, seed)
    }
);
