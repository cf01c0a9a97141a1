//! What the fuzz targets share: lanes to run on, the rules of contracts, a mutator that knows wasm,
//! what checks children and the contracts that have them, and what leads to higher ratios.

pub mod capsule;
pub mod children;
pub mod contracts;

use std::{hint::black_box, sync::LazyLock};

use fusee_abi::{IMPORT_MODULE, SYSCALLS};
use fusee_conformance::Lane;
use fusee_instrument::{Floats, Rules, SyscallPrice};
use fusee_virtualization::functions;
use libfuzzer_sys::fuzzer_mutate;
use wasm_mutate::WasmMutate;
use wasmparser::Validator;

/// Each engine as it is used most, and as it is used least.
pub static LANES: LazyLock<Vec<Lane>> = LazyLock::new(|| {
    let mut lanes = fusee_conformance::lanes();
    lanes.retain(|lane| !lane.name.contains(',') || lane.name.matches(',').count() == 2);
    lanes
});

/// The rules of contracts, but with floating point.
pub static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let rows = SYSCALLS.iter();
    let signatures = rows
        .map(|row| functions::rule(IMPORT_MODULE, row, SyscallPrice::FREE))
        .collect();
    Rules::v1(signatures).with_floats(Floats::Canonical)
});

/// Changes the program in the first `size` bytes, and tells its new size. Most changes leave a
/// valid program valid; one in eight is left to libFuzzer, which knows nothing of wasm.
pub fn mutate(bytes: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    if !seed.is_multiple_of(8)
        && let Some(program) = bytes.get(..size)
        && let Some(mutated) = mutate_wasm(program, u64::from(seed))
        && mutated.len() <= max_size
        && let Some(room) = bytes.get_mut(..mutated.len())
    {
        room.copy_from_slice(&mutated);
        return mutated.len();
    }
    fuzzer_mutate(bytes, size, max_size)
}

fn mutate_wasm(program: &[u8], seed: u64) -> Option<Vec<u8>> {
    // `wasm-mutate` believes what a program says of itself.
    Validator::new().validate_all(program).ok()?;
    let mut mutator = WasmMutate::default();
    // Fuel bounds how long it searches for equal expressions.
    mutator.seed(seed).fuel(300).preserve_semantics(false);
    mutator.run(program).ok()?.next()?.ok()
}

macro_rules! climber {
    ($(#[doc = $doc:literal])* $name:ident: $($step:literal)*) => {
        $(#[doc = $doc])*
        #[inline(never)]
        pub fn $name(height: u64) {
            $(if height > $step {
                black_box($step);
            })*
        }
    };
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        $(climber! {
            $(#[doc = $doc])*
            $name: 5 8 11 15 20 30 40 60 80 110 150 200 250 300 350 400 450 500 550 600 650 700 750
            800 850 900 950 1000 1050 1100 1150 1200 1250 1300 1350 1400 1450 1500 1600 1700 1800
            1900 2000 2200 2400 2600 2800 3000 3500 4000 5000 6000 8000
        })*
    };
}

climber! {
    /// Reaches code of its own for each of many heights, so that libFuzzer keeps an input that
    /// comes higher than all before it.
    climb;
    /// The same for a second measure.
    climb_more;
}
