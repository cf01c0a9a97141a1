//! Executors whose compiling engine lacks a resource that the interpreter does not need.

use std::sync::Arc;

use fusee_engine::{
    Code, Compiler, Effort, Engine, EngineError, Fingerprint, Format, Frames, Gas, Module, Program,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{AddressSpace, WasmtimeEngine, WasmtimeEngineBuilder};
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
    /// The native stack is smaller than the metered stack height requires, and the engine does not
    /// refuse programs for it.
    ///
    /// # Panics
    ///
    /// Panics if Wasmtime does not work on this machine.
    #[must_use]
    pub fn in_native_stack() -> Self {
        let builder = WasmtimeEngine::builder().guest_stack_bytes(48 << 10);
        Self::over(|| Arc::new(Heightless(build(builder))))
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
        let ample = WasmtimeEngine::builder().address_space(AddressSpace::Ample);
        Self::new(ample.instances(0))
    }

    fn new(builder: WasmtimeEngineBuilder) -> Self {
        Self::over(|| Arc::new(build(builder)))
    }

    fn over<C: Compiler + 'static>(compiler: impl Fn() -> Arc<C>) -> Self {
        Self {
            tiered: Executor::tiered(Arc::new(WasmiEngine::new()), compiler())
                .compile_gas(Gas::ZERO)
                .build(),
            alone: Executor::compiled(compiler()).build(),
        }
    }
}

fn build(builder: WasmtimeEngineBuilder) -> WasmtimeEngine {
    builder.build().expect("Wasmtime works on this machine")
}

/// Wasmtime, which is not told how high the stack of a program becomes.
#[derive(Debug)]
struct Heightless(WasmtimeEngine);

impl Heightless {
    fn without_height(program: &Program) -> Arc<Program> {
        Arc::new(Program {
            frames: Frames::default(),
            ..program.clone()
        })
    }
}

impl Engine for Heightless {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.0.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        self.0.formats()
    }

    fn idle_bytes(&self) -> u64 {
        self.0.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        self.0.compile(&Self::without_height(program))
    }
}

impl Compiler for Heightless {
    fn precompile(&self, program: &Program, most: Effort) -> Result<Vec<u8>, EngineError> {
        self.0.precompile(&Self::without_height(program), most)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        self.0.load(&Self::without_height(program), code)
    }
}
