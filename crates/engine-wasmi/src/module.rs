//! Modules: a program and its linker.

use std::{fmt, sync::Arc};

use fusee_engine::{EngineError, Instance, Mode, Module, Program, reserved};
use wasmi::{Engine, Linker, Store};

use crate::{
    NAME,
    error::failed,
    instance::WasmiInstance,
    link::{State, link},
};

pub(crate) struct WasmiModule {
    module: wasmi::Module,
    linker: Linker<State>,
    program: Arc<Program>,
}

impl WasmiModule {
    pub(crate) fn compile(engine: &Engine, program: &Arc<Program>) -> Result<Self, EngineError> {
        let compile = |error: wasmi::Error| EngineError::Compile {
            engine: NAME,
            source: Box::new(error),
        };
        let module = wasmi::Module::new(engine, &program.code).map_err(compile)?;
        let linker = link(engine, program).map_err(|error| failed(error.into()))?;
        Ok(Self {
            module,
            linker,
            program: Arc::clone(program),
        })
    }
}

impl Module for WasmiModule {
    /// An estimate: wasmi does not report the size of its code, which is some four times the size
    /// of the wasm.
    fn resident_bytes(&self) -> u64 {
        u64::try_from(self.program.code.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(5)
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        let mut store = Store::new(self.module.engine(), State::default());
        store.limiter(|state| state);
        let instance = self
            .linker
            .instantiate_and_start(&mut store, &self.module)
            .map_err(|error| EngineError::Instantiate {
                engine: NAME,
                source: Box::new(error),
            })?;
        let memory = instance.get_memory(&store, reserved::MEMORY);
        store.data_mut().memory = memory;
        WasmiInstance::new(store, instance, &self.program, mode).map(|instance| {
            let instance: Box<dyn Instance> = Box::new(instance);
            instance
        })
    }
}

impl fmt::Debug for WasmiModule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasmiModule")
            .field("code_hash", &self.program.code_hash)
            .finish_non_exhaustive()
    }
}
