//! No program that Wasmtime admits exceeds the native stack that it is admitted for.
//!
//! The generated programs recurse with frames that are large for what the rules count. Each higher
//! ratio is reached by code of its own, so that libFuzzer looks for higher ones.
#![no_main]

use std::sync::atomic::{AtomicU64, Ordering};

use fusee_conformance::{Random, deep};
use fusee_engine_wasmtime::Bounds;
use libfuzzer_sys::fuzz_target;

/// The greatest ratio of native to counted bytes so far, in tenths.
static WORST: AtomicU64 = AtomicU64::new(0);

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let bounds = match first % 2 {
        0 => Bounds::Guarded,
        _ => Bounds::Checked,
    };
    let program = deep::program(&mut Random::choosing(rest));
    let need = match deep::check(&program, bounds) {
        Ok(Some(need)) => need,
        Ok(None) => return,
        Err(what) => panic!("{what}\n{program}"),
    };
    let tenths = u64::from(need.native).saturating_mul(10) / u64::from(need.counted.max(1));
    if need.counted > 0 {
        fusee_fuzz::climb(tenths);
        if WORST.fetch_max(tenths, Ordering::Relaxed) < tenths {
            eprintln!("{tenths} tenths: {need:?}, {bounds:?}");
        }
    }
});
