//! The engine: one configuration of the compiler, and a pool of instances.

use std::{hash::Hash, sync::Arc};

use fusee_engine::{Code, Compiler, Engine, EngineError, Fingerprint, Module, Program};
use wasmtime::{Config, OptLevel, WasmFeatures};

use crate::{
    NAME,
    module::{WasmtimeModule, compile_failed},
    pool::{Pool, Reset},
};

/// Runs programs on Wasmtime with Cranelift.
#[derive(Debug)]
pub struct WasmtimeEngine {
    engine: wasmtime::Engine,
    stack: NativeStack,
    instances: Option<u32>,
    fingerprint: Fingerprint,
}

/// Options of a [`WasmtimeEngine`]. None of them changes an outcome, or the compiled code: engines that differ in no
/// more than these have the same fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct WasmtimeEngineBuilder {
    pool: Pool,
    stack: NativeStack,
}

/// How much native stack a run has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeStack {
    /// What guest code may use.
    pub(crate) guest_bytes: usize,
}

impl NativeStack {
    /// What host functions may use beside the guest.
    const HOST_BYTES: usize = 512 << 10;

    /// All of it.
    pub(crate) const fn bytes(self) -> usize {
        self.guest_bytes.saturating_add(Self::HOST_BYTES)
    }

    /// Whether the calling thread has so much left.
    pub(crate) fn is_left(self) -> bool {
        stacker::remaining_stack().is_some_and(|left| left >= self.bytes())
    }
}

impl WasmtimeEngineBuilder {
    /// How many instances can live at once, suspended ones included (10,000 unless told). Each takes 4 GiB of addresses,
    /// which cost nothing, and Linux lets a process map so and so many ranges of them (`vm.max_map_count`): four to six
    /// for each instance. Where the system refuses so many the engine has fewer, as
    /// [`instances`](WasmtimeEngine::instances) tells.
    #[must_use]
    pub const fn instances(mut self, most: u32) -> Self {
        self.pool.instances = most;
        self
    }

    /// How many bytes of an instance's memory are put back by the engine when it ends, and stay resident for the next
    /// one (1 MiB unless told). What an instance wrote beyond that is given back to the system, which takes longer.
    #[must_use]
    pub const fn resident_bytes(mut self, bytes: usize) -> Self {
        self.pool.resident_bytes = bytes;
        self
    }

    /// How it is found out what an instance wrote ([`Reset::Scan`] unless told).
    #[must_use]
    pub const fn reset(mut self, reset: Reset) -> Self {
        self.pool.reset = reset;
        self
    }

    /// How many bytes of native stack guest code may use (2 MiB unless told, which is eight times the metered height of
    /// the rules' version 1). A guest that outgrows it is a fault of the host, never a guest's stack overflow.
    #[must_use]
    pub const fn guest_stack_bytes(mut self, bytes: usize) -> Self {
        self.stack.guest_bytes = bytes;
        self
    }

    /// The engine.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn build(self) -> Result<WasmtimeEngine, EngineError> {
        let (engine, instances) = self
            .pool
            .reserve(|strategy| {
                wasmtime::Engine::new(config(self.stack).allocation_strategy(strategy))
            })
            .map_err(|error| EngineError::Engine {
                engine: NAME,
                source: error.into(),
            })?;
        let mut description = Description::default();
        engine
            .precompile_compatibility_hash()
            .hash(&mut description);
        Ok(WasmtimeEngine {
            engine,
            stack: self.stack,
            instances,
            fingerprint: Fingerprint::of(&description.0),
        })
    }
}

impl WasmtimeEngine {
    /// An engine with the options as they are unless told.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn new() -> Result<Self, EngineError> {
        Self::builder().build()
    }

    /// An engine with options to set.
    #[must_use]
    pub const fn builder() -> WasmtimeEngineBuilder {
        WasmtimeEngineBuilder {
            pool: Pool {
                instances: 10_000,
                resident_bytes: 1 << 20,
                reset: Reset::Scan,
            },
            stack: NativeStack {
                guest_bytes: 2 << 20,
            },
        }
    }

    /// How many instances can live at once; `None` where the system refuses to reserve addresses for them, so that each
    /// is mapped when it is made.
    #[must_use]
    pub const fn instances(&self) -> Option<u32> {
        self.instances
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
        let module = WasmtimeModule::compile(&self.engine, self.stack, self.instances, program)?;
        Ok(Arc::new(module))
    }
}

impl Compiler for WasmtimeEngine {
    fn precompile(&self, code: &[u8]) -> Result<Vec<u8>, EngineError> {
        self.engine.precompile_module(code).map_err(compile_failed)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        let module = WasmtimeModule::load(&self.engine, self.stack, self.instances, program, code)?;
        Ok(Arc::new(module))
    }
}

fn config(stack: NativeStack) -> Config {
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
        .max_wasm_stack(stack.guest_bytes)
        .async_stack_size(stack.bytes())
        // Whatever is computed from 32 bits lies in here, so that accesses need no check of their own.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
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
