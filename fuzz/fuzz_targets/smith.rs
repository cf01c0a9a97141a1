//! Programs that `wasm-smith` makes from the fuzzer's bytes come to the same end in every way to
//! run them.
#![no_main]

use fusee_conformance::smith;
use fusee_fuzz::LANES;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(what) = smith::check_bytes(&LANES, bytes) {
        panic!("{what}");
    }
});
