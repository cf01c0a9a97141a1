//! The engine, and its modules.
//!
//! Programs that are no contracts of the test run on wasmi: those of nested VMs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use fusee::{
    backend::{
        CodeHash, Engine, EngineError, Fingerprint, Format, Instance, Mode, Module, Program,
    },
    engines::WasmiEngine,
};

use super::{instance::NativeInstance, panics};

/// The name of the engine in errors.
pub(super) const NAME: &str = "the native engine";

/// The methods of a contract, by name.
pub(super) type Methods = &'static [(&'static str, fn())];

/// The contracts of a test, by the hash of what stands for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Natives(Arc<Mutex<BTreeMap<[u8; 32], Methods>>>);

impl Natives {
    pub(crate) fn register(&self, program: &crate::Program) {
        let mut natives = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        natives.insert(*program.stub_hash().as_bytes(), program.methods);
    }

    fn find(&self, code: CodeHash) -> Option<Methods> {
        let natives = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        natives.get(code.as_bytes()).copied()
    }
}

/// Runs the contracts of a test as what they are: Rust functions.
#[derive(Debug)]
pub(crate) struct NativeEngine {
    natives: Natives,
    /// Runs all other programs.
    interpreter: WasmiEngine,
    fingerprint: Fingerprint,
}

impl NativeEngine {
    pub(crate) fn new(natives: &Natives) -> Self {
        panics::remember_places();
        Self {
            natives: natives.clone(),
            interpreter: WasmiEngine::new(),
            fingerprint: Fingerprint::of(NAME.as_bytes()),
        }
    }
}

impl Engine for NativeEngine {
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
        self.interpreter.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        match self.natives.find(program.code_hash) {
            Some(methods) => Ok(Arc::new(NativeModule {
                program: Arc::clone(program),
                methods,
            })),
            None => self.interpreter.compile(program),
        }
    }
}

#[derive(Debug)]
struct NativeModule {
    program: Arc<Program>,
    methods: Methods,
}

impl Module for NativeModule {
    fn resident_bytes(&self) -> u64 {
        0
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        Ok(Box::new(NativeInstance::new(
            &self.program,
            self.methods,
            mode,
        )))
    }
}
