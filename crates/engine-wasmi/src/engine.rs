//! The engine and its configuration.

use std::sync::Arc;

use fusee_engine::{Engine, EngineError, Fingerprint, Format, Idle, Interpreter, Module, Program};
use wasmi::{CompilationMode, Config};

use crate::{NAME, module::WasmiModule, parked::ParkedCount, resident::Resident};

/// The size of wasmi's value stack in bytes: more than any metered guest can use, since a value
/// takes at most twice the size that metering assumes.
const MAX_STACK_BYTES: usize = 64 << 20;

/// The maximum call depth: more than any metered guest can reach, since every frame is metered with
/// at least 64 bytes.
const MAX_RECURSION: usize = 1 << 20;

/// The default limit of idle instances, in bytes.
const IDLE_BYTES: u64 = 16 << 20;

/// Runs programs on wasmi.
#[derive(Debug)]
pub struct WasmiEngine {
    /// Each module has its own wasmi engine, since wasmi frees translated code only with the
    /// engine.
    config: Config,
    idle: Arc<Idle<Resident>>,
    parked: ParkedCount,
    fingerprint: Fingerprint,
}

impl WasmiEngine {
    /// An engine with the configuration that Fusee uses.
    #[must_use]
    pub fn new() -> Self {
        let mut config = Config::default();
        config
            .consume_fuel(false)
            // Validates and translates each function on its first call, since most functions of a
            // program are never called. Nobody else validates the bodies of metered functions
            // (`Engine::compile`). Metering a valid program makes only valid ones, so no first
            // call fails.
            .compilation_mode(CompilationMode::Lazy)
            .set_max_stack_height(MAX_STACK_BYTES)
            .set_max_recursion_depth(MAX_RECURSION)
            .wasm_mutable_global(true)
            .wasm_sign_extension(true)
            .wasm_saturating_float_to_int(true)
            .wasm_multi_value(true)
            .wasm_bulk_memory(true)
            .wasm_reference_types(true)
            .wasm_multi_memory(false)
            .wasm_tail_call(true)
            .wasm_extended_const(false)
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(true);
        Self {
            config,
            idle: idle(IDLE_BYTES),
            parked: ParkedCount::default(),
            fingerprint: Fingerprint::of(concat!("wasmi 2 ", env!("CARGO_PKG_VERSION")).as_bytes()),
        }
    }

    /// Sets the limit of idle instances, in bytes. Default: 16 MiB.
    ///
    /// An instance whose run returned is reset and kept, so that the next run of the program does
    /// not make one.
    #[must_use]
    pub fn with_idle_bytes(mut self, bytes: u64) -> Self {
        self.idle = idle(bytes);
        self
    }

    /// The number of idle instances.
    #[must_use]
    pub fn idle_instances(&self) -> usize {
        self.idle.held().0
    }
}

/// Idle instances of up to `bytes` bytes.
fn idle(bytes: u64) -> Arc<Idle<Resident>> {
    Idle::new(bytes, Resident::reset)
}

impl Default for WasmiEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl Interpreter for WasmiEngine {}

impl Engine for WasmiEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Wasm]
    }

    fn idle_bytes(&self) -> u64 {
        self.idle.limit()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(WasmiModule::compile(
            &wasmi::Engine::new(&self.config),
            &self.idle,
            &self.parked,
            program,
        )?))
    }
}
