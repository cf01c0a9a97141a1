//! Modules: a compiled program, linked twice.

use std::{fmt, sync::Arc};

use fusee_engine::{Code, EngineError, Instance, Mode, Module, Program, reserved};
use wasmtime::{Engine, InstancePre, Store};

use crate::{
    NAME,
    instance::{WasmtimeInstance, poll_ready},
    link::{State, link},
};

/// What a module takes beside its code and its bytes: mappings and tables of the engine's and the
/// system's, of which there is not an endless number. So many small modules are not cheap.
const MODULE_OVERHEAD_BYTES: u64 = 64 << 10;

pub(crate) struct WasmtimeModule {
    module: wasmtime::Module,
    /// Every host function is synchronous.
    plain: InstancePre<State>,
    /// The host functions at which a guest may be parked are asynchronous.
    suspendable: InstancePre<State>,
    program: Arc<Program>,
}

impl WasmtimeModule {
    pub(crate) fn compile(engine: &Engine, program: &Arc<Program>) -> Result<Self, EngineError> {
        let module = wasmtime::Module::new(engine, &program.code).map_err(compile_failed)?;
        Self::new(module, program)
    }

    pub(crate) fn load(
        engine: &Engine,
        program: &Arc<Program>,
        code: Code,
    ) -> Result<Self, EngineError> {
        // SAFETY: `Code` is what `precompile` made, of this program, and what nobody has changed
        // since: it is in this process, or it was verified when it was opened. That an engine
        // of the same build and configuration made it is part of an artifact's key, and Wasmtime
        // looks for itself.
        let module = unsafe {
            match code {
                Code::Bytes(bytes) => wasmtime::Module::deserialize(engine, bytes),
                Code::File(file) => wasmtime::Module::deserialize_open_file(engine, file),
            }
        };
        Self::new(module.map_err(compile_failed)?, program)
    }

    fn new(module: wasmtime::Module, program: &Arc<Program>) -> Result<Self, EngineError> {
        let pre = |mode| {
            link(module.engine(), program, mode).and_then(|linker| linker.instantiate_pre(&module))
        };
        let plain = pre(Mode::Plain).map_err(compile_failed)?;
        let suspendable = pre(Mode::Suspendable).map_err(compile_failed)?;
        Ok(Self {
            plain,
            suspendable,
            module,
            program: Arc::clone(program),
        })
    }
}

impl Module for WasmtimeModule {
    fn resident_bytes(&self) -> u64 {
        let image = self.module.image_range();
        let code = image.end.addr().saturating_sub(image.start.addr());
        u64::try_from(code)
            .unwrap_or(u64::MAX)
            .saturating_add(u64::try_from(self.program.code.len()).unwrap_or(u64::MAX))
            .saturating_add(MODULE_OVERHEAD_BYTES)
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        let failed = |error: wasmtime::Error| EngineError::Instantiate {
            engine: NAME,
            source: error.into(),
        };
        let mut store = Store::new(self.module.engine(), State::default());
        store.limiter(|state| state);
        let instance = match mode {
            Mode::Plain => self.plain.instantiate(&mut store),
            // No start function runs here, so that nothing can make it wait.
            Mode::Suspendable => poll_ready(self.suspendable.instantiate_async(&mut store)),
        }
        .map_err(failed)?;
        let memory = instance.get_memory(&mut store, reserved::MEMORY);
        store.data_mut().memory = memory;
        Ok(Box::new(WasmtimeInstance::new(store, instance, mode)?))
    }
}

pub(crate) fn compile_failed(error: wasmtime::Error) -> EngineError {
    EngineError::Compile {
        engine: NAME,
        source: error.into(),
    }
}

impl fmt::Debug for WasmtimeModule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmtimeModule")
            .field("code_hash", &self.program.code_hash)
            .finish_non_exhaustive()
    }
}
