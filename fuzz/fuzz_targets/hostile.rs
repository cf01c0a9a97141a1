//! No bytes make `prepare` panic, and what it admits is valid and compiles on every engine.
#![no_main]

use std::sync::{Arc, LazyLock};

use fusee_engine::Engine;
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_fuzz::{RULES, mutate};
use fusee_instrument::prepare;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use wasmparser::Validator;

static ENGINES: LazyLock<[Box<dyn Engine>; 2]> = LazyLock::new(|| {
    let wasmtime = WasmtimeEngine::new().expect("Wasmtime works on this machine");
    [Box::new(wasmtime), Box::new(WasmiEngine::new())]
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(program) = prepare(bytes, &RULES) else {
        return;
    };
    let again = prepare(bytes, &RULES);
    assert_eq!(again.as_ref(), Ok(&program), "it is prepared alike twice");
    Validator::new()
        .validate_all(bytes)
        .expect("what is admitted is valid");
    Validator::new()
        .validate_all(&program.code)
        .expect("what is metered is valid");
    let program = Arc::new(program);
    for engine in ENGINES.iter() {
        if let Err(error) = engine.compile(&program) {
            panic!("{}: {error:?}", engine.name());
        }
    }
});

fuzz_mutator!(
    |bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
        mutate(bytes, size, max_size, seed)
    }
);
