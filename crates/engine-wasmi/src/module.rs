//! Modules: a program and its linker, with its idle instances.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use fusee_engine::{EngineError, Idle, Instance, Mode, Module, ModulePool, PAGE_BYTES, Program};
use wasmi::{Engine, Linker, Store};

use crate::{
    NAME,
    error::failed,
    image::MemoryImage,
    instance::WasmiInstance,
    link::{State, link},
    parked::ParkedCount,
    resident::Resident,
};

/// The size of an instance beside its memory and what grows with its functions, in bytes. Measured:
/// some 4 KiB.
const OVERHEAD_BYTES: u64 = 8 << 10;

pub(crate) struct WasmiModule {
    module: wasmi::Module,
    linker: Linker<State>,
    program: Arc<Program>,
    pool: Arc<ModulePool<Resident>>,
    image: OnceLock<Arc<MemoryImage>>,
    parked: ParkedCount,
}

impl WasmiModule {
    pub(crate) fn compile(
        engine: &Engine,
        idle: &Arc<Idle<Resident>>,
        parked: &ParkedCount,
        program: &Arc<Program>,
    ) -> Result<Self, EngineError> {
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
            pool: ModulePool::new(idle, instance_bytes(program)),
            image: OnceLock::new(),
            parked: parked.clone(),
        })
    }

    /// A fresh instance.
    fn make(&self) -> Result<Resident, EngineError> {
        let mut store = Store::new(self.module.engine(), State::default());
        store.limiter(|state| state);
        let instance = self
            .linker
            .instantiate_and_start(&mut store, &self.module)
            .map_err(|error| EngineError::Instantiate {
                engine: NAME,
                source: Box::new(error),
            })?;
        Resident::new(store, instance, &self.image)
    }
}

/// The maximum size of an idle instance, in bytes: the memory of a fresh one, and its functions,
/// which take less than their code.
fn instance_bytes(program: &Program) -> u64 {
    let pages = program.memory.map_or(0, |memory| memory.initial);
    u64::from(pages)
        .saturating_mul(PAGE_BYTES)
        .saturating_add(u64::try_from(program.code.len()).unwrap_or(u64::MAX))
        .saturating_add(OVERHEAD_BYTES)
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
        let resident = self.pool.lease(|| self.make())?;
        Ok(Box::new(WasmiInstance::new(
            resident,
            &self.program,
            &self.parked,
            mode,
        )))
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
