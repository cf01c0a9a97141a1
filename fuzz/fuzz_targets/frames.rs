//! No program that Wasmtime admits exceeds the native stack that it is admitted for.
//!
//! The generated programs recurse with frames that are large for what the rules count. Each higher
//! ratio is reached by code of its own, so that libFuzzer looks for higher ones.
#![no_main]

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};

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
        climb(tenths);
        if WORST.fetch_max(tenths, Ordering::Relaxed) < tenths {
            eprintln!("{tenths} tenths: {need:?}, {bounds:?}");
        }
    }
});

macro_rules! climb {
    ($tenths:ident: $($step:literal)*) => {
        $(if $tenths > $step {
            black_box($step);
        })*
    };
}

#[inline(never)]
fn climb(tenths: u64) {
    climb!(tenths: 5 8 11 15 20 30 40 60 80 110 150 200 250 300 350 400 450 500 550 600 650 700 750
        800 850 900 950 1000 1050 1100 1150 1200 1250 1300 1350 1400 1450 1500 1600 1700 1800 1900
        2000 2200 2400 2600 2800 3000 3500 4000 5000 6000 8000);
}
