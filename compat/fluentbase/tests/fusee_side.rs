//! Fusee's side: executors on both wasm engines, with the rules of the interface's version 1.5.

use std::sync::Arc;

use fusee::{
    engines::{WasmiEngine, WasmtimeEngine},
    sandbox::{Executor, Gas},
    system::{Call, State, SystemPrograms, contract_rules_v1_5, system_rules_v1_5},
};

pub const GAS: u64 = 50_000_000;

pub fn engines() -> [(&'static str, SystemPrograms); 2] {
    let interpreted = Executor::interpreted(Arc::new(WasmiEngine::new())).build();
    let engine = WasmtimeEngine::new().expect("Wasmtime works on this machine");
    let compiled = Executor::compiled(Arc::new(engine)).build();
    [("wasmi", interpreted), ("wasmtime", compiled)].map(|(name, executor)| {
        let programs = SystemPrograms::new(Arc::new(executor))
            .rules(system_rules_v1_5(), contract_rules_v1_5())
            .expect("the interface has every syscall of its rules");
        (name, programs)
    })
}

pub fn call(state: State, input: Vec<u8>, gas: u64) -> Call {
    Call {
        state,
        input,
        gas: Gas::new(gas),
    }
}

/// What each engine comes to: the same.
pub fn on_both<T: PartialEq + std::fmt::Debug>(mut observe: impl FnMut(SystemPrograms) -> T) -> T {
    let [(_, first), (_, second)] = engines();
    let (first, second) = (observe(first), observe(second));
    assert_eq!(first, second, "wasmi and wasmtime");
    first
}
