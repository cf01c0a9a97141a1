//! Executors whose compiler lacks something that an interpreter does not need.

use std::sync::Arc;

use fusee_engine::Gas;
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{WasmtimeEngine, WasmtimeEngineBuilder};
use fusee_executor::Executor;

/// A compiler that lacks something.
#[derive(Debug)]
pub struct Cramped {
    /// With an interpreter beside it. Every call waits for the compiler.
    pub tiered: Executor,
    /// Alone.
    pub alone: Executor,
}

impl Cramped {
    /// It has a fraction of the native stack that the metered height takes.
    ///
    /// # Panics
    ///
    /// As all of these: if Wasmtime does not work on this machine.
    #[must_use]
    pub fn in_native_stack() -> Self {
        Self::new(WasmtimeEngine::builder().guest_stack_bytes(16 << 10))
    }

    /// It has one instance at a time.
    #[must_use]
    pub fn in_instances() -> Self {
        Self::new(WasmtimeEngine::builder().instances(1))
    }

    /// It maps gigabytes of addresses for each instance when it makes it, so that it lacks them where the process
    /// may not have so many.
    #[must_use]
    pub fn in_addresses() -> Self {
        Self::new(WasmtimeEngine::builder().instances(0))
    }

    fn new(builder: WasmtimeEngineBuilder) -> Self {
        let compiler = || Arc::new(builder.build().expect("Wasmtime works on this machine"));
        Self {
            tiered: Executor::tiered(Arc::new(WasmiEngine::new()), compiler())
                .compile_wait_threshold(Gas::ZERO)
                .build(),
            alone: Executor::compiled(compiler()).build(),
        }
    }
}
