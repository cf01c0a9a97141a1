//! The engine: one configuration.

use std::sync::Arc;

use fusee_engine::{Engine, EngineError, Fingerprint, Format, Module, Program};
use wasmi::{CompilationMode, Config};

use crate::{NAME, module::WasmiModule};

/// Bytes of wasmi's value stack: more than any metered guest can fill, since a value takes at most
/// twice the room that a frame is metered for.
const MAX_STACK_BYTES: usize = 64 << 20;

/// Calls inside calls: more than fit in any metered height, since every frame takes 64 bytes.
const MAX_RECURSION: usize = 1 << 20;

/// Runs programs on wasmi.
#[derive(Debug)]
pub struct WasmiEngine {
    /// Each module has an engine of its own: wasmi keeps what it has translated for as long as there is the engine.
    config: Config,
    fingerprint: Fingerprint,
}

impl WasmiEngine {
    /// An engine with the one configuration that Fusee uses.
    #[must_use]
    pub fn new() -> Self {
        let mut config = Config::default();
        config
            .consume_fuel(false)
            // Validated now, translated function by function when it is called: most of a program never is.
            .compilation_mode(CompilationMode::LazyTranslation)
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
