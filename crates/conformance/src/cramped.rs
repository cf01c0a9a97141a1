//! Executors whose compiling engine lacks a resource that the interpreter does not need.

use std::sync::Arc;

use fusee_engine::Gas;
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{WasmtimeEngine, WasmtimeEngineBuilder};
use fusee_executor::Executor;

/// Executors over a compiling engine that lacks a resource.
#[derive(Debug)]
pub struct Cramped {
    /// With an interpreter. Programs are compiled when they are prepared.
    pub tiered: Executor,
    /// Without an interpreter.
    pub alone: Executor,
}

impl Cramped {
    /// The native stack is smaller than the metered stack height requires.
    ///
    /// # Panics
    ///
    /// Panics if Wasmtime does not work on this machine.
    #[must_use]
    pub fn in_native_stack() -> Self {
        Self::new(WasmtimeEngine::builder().guest_stack_bytes(16 << 10))
    }

    /// The instance pool has one slot.
    ///
    /// # Panics
    ///
    /// Panics if Wasmtime does not work on this machine.
    #[must_use]
    pub fn in_instances() -> Self {
        Self::new(WasmtimeEngine::builder().instances(1))
    }

    /// There is no instance pool: each instance reserves gigabytes of address space on creation,
    /// which fails if the process has a limit on it.
    ///
    /// # Panics
    ///
    /// Panics if Wasmtime does not work on this machine.
    #[must_use]
    pub fn in_addresses() -> Self {
        Self::new(WasmtimeEngine::builder().instances(0))
    }

    fn new(builder: WasmtimeEngineBuilder) -> Self {
        let compiler = || Arc::new(builder.build().expect("Wasmtime works on this machine"));
        Self {
            tiered: Executor::tiered(Arc::new(WasmiEngine::new()), compiler())
                .compile_gas(Gas::ZERO)
                .build(),
            alone: Executor::compiled(compiler()).build(),
        }
    }
}
