//! The engine and its configuration.

use std::sync::Arc;

use fusee_engine::{Engine, EngineError, Fingerprint, Format, Interpreter, Module, Program};
use wasmi::{CompilationMode, Config};

use crate::{NAME, module::WasmiModule};

/// The size of wasmi's value stack in bytes: more than any metered guest can use, since a value
/// takes at most twice the size that metering assumes.
const MAX_STACK_BYTES: usize = 64 << 20;

/// The maximum call depth: more than any metered guest can reach, since every frame is metered with
/// at least 64 bytes.
const MAX_RECURSION: usize = 1 << 20;

/// Runs programs on wasmi.
#[derive(Debug)]
pub struct WasmiEngine {
    /// Each module has its own wasmi engine, since wasmi frees translated code only with the
    /// engine.
    config: Config,
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
            // program are never called. `instrument::prepare` has validated all of them, so no
            // first call fails.
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
            .wasm_tail_call(false)
            .wasm_extended_const(false)
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(false);
        Self {
            config,
            fingerprint: Fingerprint::of(concat!("wasmi 2 ", env!("CARGO_PKG_VERSION")).as_bytes()),
        }
    }
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
        0
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(WasmiModule::compile(
            &wasmi::Engine::new(&self.config),
            program,
        )?))
    }
}
