//! A compiler that counts its calls, and fails on request.

use std::sync::{
    Arc, Barrier, Mutex,
    atomic::{AtomicU32, Ordering},
};

use fusee_engine::{
    Code, Compiler, Effort, Engine, EngineError, Fingerprint, Format, Instance, Mode, Module,
    Program,
};
use fusee_engine_wasmtime::WasmtimeEngine;

/// Wasmtime, with faults: its compiler panics a number of times before it succeeds, and optionally
/// its instances cannot be created.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: WasmtimeEngine,
    failures: AtomicU32,
    efforts: Mutex<Vec<Effort>>,
    has_instances: bool,
    /// Where its first compilation meets the test, twice: at its beginning and before it goes on.
    gate: Option<Barrier>,
}

#[derive(Debug)]
struct NoInstances(Arc<dyn Module>);

impl Watched {
    pub(crate) fn new() -> Arc<Self> {
        Self::failing(0)
    }

    pub(crate) fn failing(failures: u32) -> Arc<Self> {
        Self::with(failures, true, None)
    }

    pub(crate) fn without_instances() -> Arc<Self> {
        Self::with(0, false, None)
    }

    /// Its compilations begin with [`await_begin`](Self::await_begin), and go on with
    /// [`unblock`](Self::unblock).
    pub(crate) fn blocked() -> Arc<Self> {
        Self::with(0, true, Some(Barrier::new(2)))
    }

    pub(crate) fn await_begin(&self) {
        self.gate.as_ref().map(Barrier::wait);
    }

    pub(crate) fn unblock(&self) {
        self.gate.as_ref().map(Barrier::wait);
    }

    fn with(failures: u32, has_instances: bool, gate: Option<Barrier>) -> Arc<Self> {
        Arc::new(Self {
            inner: WasmtimeEngine::builder().idle_bytes(0).build().unwrap(),
            failures: AtomicU32::new(failures),
            efforts: Mutex::new(Vec::new()),
            has_instances,
            gate,
        })
    }

    /// How often it compiled, or failed to.
    pub(crate) fn compilations(&self) -> usize {
        self.efforts().len()
    }

    /// The efforts that it was asked for.
    pub(crate) fn efforts(&self) -> Vec<Effort> {
        self.efforts.lock().unwrap().clone()
    }
}

impl Engine for Watched {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.inner.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Wasm]
    }

    fn idle_bytes(&self) -> u64 {
        self.inner.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        self.inner.compile(program)
    }
}

impl Compiler for Watched {
    fn precompile(&self, program: &Program, most: Effort) -> Result<Vec<u8>, EngineError> {
        self.efforts.lock().unwrap().push(most);
        if let Some(gate) = &self.gate {
            gate.wait();
            gate.wait();
        }
        let left = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        assert!(left.is_err(), "a compiler that panics");
        self.inner.precompile(program, most)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        let module = self.inner.load(program, code)?;
        Ok(if self.has_instances {
            module
        } else {
            Arc::new(NoInstances(module))
        })
    }
}

impl Module for NoInstances {
    fn resident_bytes(&self) -> u64 {
        self.0.resident_bytes()
    }

    fn instantiate(&self, _: Mode) -> Result<Box<dyn Instance>, EngineError> {
        Err(EngineError::Instantiate {
            engine: "wasmtime",
            source: "no address space is left".into(),
        })
    }
}
