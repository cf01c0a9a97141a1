//! Modules: a compiled program, linked once for each mode.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use fusee_engine::{Code, EngineError, Instance, Mode, Module, Program};
use wasmtime::{InstancePre, Store};

use crate::{
    error::compile_failed,
    exports::Exports,
    frames,
    instance::{WasmtimeInstance, poll_ready},
    lent::Lent,
    link::{State, link},
    pool,
    runtime::Runtime,
};

/// The estimated overhead of a module in bytes: mappings and tables of the engine and the system.
/// It bounds the number of small modules in a cache.
const MODULE_OVERHEAD_BYTES: u64 = 64 << 10;

pub(crate) struct WasmtimeModule {
    module: wasmtime::Module,
    /// All host functions are synchronous. Linked on first use, as the other: most programs run in
    /// one mode only.
    plain: OnceLock<InstancePre<State>>,
    /// The host functions that may suspend are asynchronous.
    suspendable: OnceLock<InstancePre<State>>,
    exports: Arc<Exports>,
}

impl WasmtimeModule {
    pub(crate) fn compile(runtime: &Runtime, program: &Arc<Program>) -> Result<Self, EngineError> {
        let module = wasmtime::Module::new(&runtime.engine, &program.code);
        Self::new(runtime, module.map_err(compile_failed)?, program)
    }

    pub(crate) fn load(
        runtime: &Runtime,
        program: &Arc<Program>,
        code: Code,
    ) -> Result<Self, EngineError> {
        // SAFETY: `Code` is the unmodified output of `precompile` for this program: it is in this
        // process, or was verified when it was opened. An artifact's key covers the build and the
        // configuration of the engine, and Wasmtime checks them too.
        let module = unsafe {
            match code {
                Code::Bytes(bytes) => wasmtime::Module::deserialize(&runtime.engine, bytes),
                Code::File(file) => wasmtime::Module::deserialize_open_file(&runtime.engine, file),
            }
        };
        Self::new(runtime, module.map_err(compile_failed)?, program)
    }

    fn new(
        runtime: &Runtime,
        module: wasmtime::Module,
        program: &Arc<Program>,
    ) -> Result<Self, EngineError> {
        frames::check(
            &module,
            program,
            runtime.stack_check,
            runtime.stack.guest_bytes,
        )?;
        let exports = Exports::find(&module, program, runtime).ok_or_else(|| {
            compile_failed(wasmtime::Error::msg(
                "the compiled module lacks an export of the program, or has it with another signature",
            ))
        })?;
        let module = Self {
            plain: OnceLock::new(),
            suspendable: OnceLock::new(),
            module,
            exports: Arc::new(exports),
        };
        // The mode in which the program runs by default. A program that does not link in one mode
        // links in none.
        module.linked(match program.may_suspend() {
            true => Mode::Suspendable,
            false => Mode::Plain,
        })?;
        Ok(module)
    }

    /// The module linked for a mode.
    fn linked(&self, mode: Mode) -> Result<&InstancePre<State>, EngineError> {
        let linked = match mode {
            Mode::Plain => &self.plain,
            Mode::Suspendable => &self.suspendable,
        };
        if let Some(linked) = linked.get() {
            return Ok(linked);
        }
        let Exports {
            program, runtime, ..
        } = &*self.exports;
        let pre = link(&runtime.engine, program, mode)
            .and_then(|linker| linker.instantiate_pre(&self.module))
            .map_err(compile_failed)?;
        Ok(linked.get_or_init(|| pre))
    }
}

impl Module for WasmtimeModule {
    fn resident_bytes(&self) -> u64 {
        let image = self.module.image_range();
        let code = image.end.addr().saturating_sub(image.start.addr());
        u64::try_from(code)
            .unwrap_or(u64::MAX)
            .saturating_add(u64::try_from(self.exports.program.code.len()).unwrap_or(u64::MAX))
            .saturating_add(MODULE_OVERHEAD_BYTES)
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        let lent = Lent::new();
        let mut store = Store::new(&self.exports.runtime.engine, State::new(lent.clone()));
        store.limiter(|state| state);
        let linked = self.linked(mode)?;
        let instance = match mode {
            Mode::Plain => linked.instantiate(&mut store),
            // No start function runs here, so the future is ready at once.
            Mode::Suspendable => poll_ready(linked.instantiate_async(&mut store)),
        }
        .map_err(|error| pool::refused(error, self.exports.runtime.instances))?;
        let exports = Arc::clone(&self.exports);
        let instance = WasmtimeInstance::new(store, instance, exports, lent, mode)?;
        Ok(Box::new(instance))
    }
}

impl fmt::Debug for WasmtimeModule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmtimeModule")
            .field("code_hash", &self.exports.program.code_hash)
            .finish_non_exhaustive()
    }
}
