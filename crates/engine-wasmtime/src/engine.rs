//! The engine: one configuration.

use std::{hash::Hash, sync::Arc};

use fusee_engine::{Code, Compiler, Engine, EngineError, Fingerprint, Module, Program};
use wasmtime::{Config, OptLevel, WasmFeatures};

use crate::{
    NAME,
    module::{WasmtimeModule, compile_failed},
};

/// Native stack that guest code may use: eight times the metered height of the rules' version 1.
/// A guest that outgrows it is a fault of the host, never a guest's stack overflow.
pub(crate) const GUEST_STACK_BYTES: usize = 2 << 20;

/// Native stack beside the guest's, for host functions.
pub(crate) const HOST_STACK_BYTES: usize = 512 << 10;

/// Runs programs on Wasmtime with Cranelift.
#[derive(Debug)]
pub struct WasmtimeEngine {
    engine: wasmtime::Engine,
    fingerprint: Fingerprint,
}

impl WasmtimeEngine {
    /// An engine with the one configuration that Fusee uses.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn new() -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&config()).map_err(|error| EngineError::Engine {
            engine: NAME,
            source: error.into(),
        })?;
        let mut description = Description::default();
        engine
            .precompile_compatibility_hash()
            .hash(&mut description);
        Ok(Self {
            engine,
            fingerprint: Fingerprint::of(&description.0),
        })
    }
}

impl Engine for WasmtimeEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(WasmtimeModule::compile(&self.engine, program)?))
    }
}

impl Compiler for WasmtimeEngine {
    fn precompile(&self, code: &[u8]) -> Result<Vec<u8>, EngineError> {
        self.engine.precompile_module(code).map_err(compile_failed)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(WasmtimeModule::load(&self.engine, program, code)?))
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(false)
        .epoch_interruption(false)
        .cranelift_opt_level(OptLevel::Speed)
        // Unwind tables are registered with a global list, which a churn of modules makes slow.
        .native_unwind_info(false)
        .generate_address_map(false)
        // A trap is an answer, not an error to be traced, and tracing it takes time.
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(GUEST_STACK_BYTES.saturating_add(HOST_STACK_BYTES))
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(
            WasmFeatures::MUTABLE_GLOBAL
                | WasmFeatures::SIGN_EXTENSION
                | WasmFeatures::SATURATING_FLOAT_TO_INT
                | WasmFeatures::FLOATS
                | WasmFeatures::MULTI_VALUE
                | WasmFeatures::BULK_MEMORY
                | WasmFeatures::REFERENCE_TYPES,
            true,
        )
        // Metered code says which of its branches are rare.
        .wasm_branch_hinting(true);
    config
}

/// Takes down what a value would hash, so that it can be digested by a hash that is the same on
/// every run.
#[derive(Default)]
struct Description(Vec<u8>);

impl std::hash::Hasher for Description {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
