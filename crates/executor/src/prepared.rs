//! Prepared programs: validated and metered, with the modules that the engines compiled so far.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use fusee_engine::{Engine, EngineError, Gas, Instance, Mode, Module, Program};

use crate::{
    compiled::{Compilation, CompiledCode},
    earned::Earned,
    key::{Key, SizeObserver},
    runs::Runs,
    short_calls::ShortCalls,
};

/// A program that is ready to run on its executor: validated, metered, and compiled where needed.
pub struct PreparedProgram {
    program: Arc<Program>,
    key: Key,
    runs: Arc<Runs>,
    /// The cache that counts the size of this program.
    cache: Weak<dyn SizeObserver>,
    /// The engine that runs the program without the compiler, if the executor has one.
    interpreter: Option<Arc<dyn Engine>>,
    interpreter_module: LazyModule,
    compiled: CompiledCode,
    /// The code for short calls, if the compiler has one for the program.
    short_calls: Option<ShortCalls>,
    /// `None` unless the executor has both an interpreter and a compiler for the program.
    earning: Option<Earning>,
}

/// How far a program is from its compilation.
#[derive(Debug)]
pub(crate) struct Earning {
    /// The gas that runs have to use on the interpreter.
    pub(crate) price: Gas,
    /// The gas that runs have used on the interpreter.
    pub(crate) earned: Earned,
}

/// A module that is compiled on first use.
#[derive(Debug, Default)]
struct LazyModule {
    module: OnceLock<Arc<dyn Module>>,
    /// Held while the module is compiled.
    compiling: Mutex<()>,
}

impl PreparedProgram {
    pub(crate) fn new(
        program: Arc<Program>,
        key: Key,
        runs: Arc<Runs>,
        cache: Weak<dyn SizeObserver>,
        interpreter: Option<Arc<dyn Engine>>,
        earning: Option<Earning>,
        short_calls: Option<ShortCalls>,
    ) -> Self {
        Self {
            program,
            key,
            runs,
            cache,
            interpreter,
            interpreter_module: LazyModule::default(),
            compiled: CompiledCode::new(),
            short_calls,
            earning,
        }
    }

    /// The metered program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The state of the compilation. Always [`Compilation::Idle`] if the executor has no compiler.
    #[must_use]
    pub fn compilation(&self) -> Compilation {
        self.compiled.compilation()
    }

    /// The state of the compilation for calls that grow their memory and compute little
    /// ([`Compiler::for_short_calls`](fusee_engine::Compiler::for_short_calls)). `None` if the
    /// program has no code for these alone.
    #[must_use]
    pub fn short_call_compilation(&self) -> Option<Compilation> {
        Some(self.short_calls()?.code.compilation())
    }

    /// The gas for which the program is compiled ([`Self::has_earned_compilation`]).
    pub(crate) fn compile_gas(&self) -> Option<Gas> {
        self.earning.as_ref().map(|earning| earning.price)
    }

    pub(crate) fn shared_program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The runs of the program's executor.
    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// The compiler's module, if the program is compiled.
    pub(crate) fn compiled(&self) -> Option<&Arc<dyn Module>> {
        self.compiled.module()
    }

    /// The compiler's module in the form for all calls.
    pub(crate) const fn code(&self) -> &CompiledCode {
        &self.compiled
    }

    pub(crate) const fn short_calls(&self) -> Option<&ShortCalls> {
        self.short_calls.as_ref()
    }

    fn short_call_module(&self) -> Option<&Arc<dyn Module>> {
        self.short_calls()?.code.module()
    }

    pub(crate) fn has_interpreter(&self) -> bool {
        self.interpreter.is_some()
    }

    /// Whether runs on this module earn the compilation of the program.
    pub(crate) fn earns_compilation(&self, module: &Arc<dyn Module>) -> bool {
        let interpreter = self.interpreter_module.module.get();
        self.earning.is_some()
            && interpreter.is_some_and(|interpreter| Arc::ptr_eq(interpreter, module))
    }

    /// The code for short calls, if what runs on this module tells which calls are short: on the
    /// interpreter growing costs little.
    pub(crate) fn notes_calls(&self, module: &Arc<dyn Module>) -> Option<&ShortCalls> {
        let interpreter = self.interpreter_module.module.get();
        self.short_calls()
            .filter(|_| interpreter.is_none_or(|interpreter| !Arc::ptr_eq(interpreter, module)))
    }

    /// Adds gas that a run used on the interpreter.
    pub(crate) fn add_interpreted(&self, gas: Gas) {
        if let Some(earning) = &self.earning {
            earning.earned.add(gas);
        }
    }

    /// Whether the runs on the interpreter have used the gas for which the program is compiled.
    pub(crate) fn has_earned_compilation(&self) -> bool {
        let earning = self.earning.as_ref();
        earning.is_some_and(|earning| earning.earned.gas() >= earning.price)
    }

    /// The interpreter's module, compiled on first use.
    pub(crate) fn interpreter_module(&self) -> Result<&Arc<dyn Module>, EngineError> {
        let LazyModule { module, compiling } = &self.interpreter_module;
        if let Some(compiled) = module.get() {
            return Ok(compiled);
        }
        let engine = self
            .interpreter
            .as_ref()
            .ok_or_else(|| EngineError::Host("the executor has no interpreter".into()))?;
        let _guard = compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = module.get() {
            return Ok(compiled);
        }
        let compiled = engine.compile(&self.program)?;
        let compiled = module.get_or_init(|| compiled);
        self.update_cached_size();
        Ok(compiled)
    }

    /// Instantiates `module`. If it is for short calls and instantiation fails, instantiates the
    /// module for all calls instead, and if that fails too, the interpreter's: gas and outcome are
    /// the same.
    pub(crate) fn instantiate(
        &self,
        module: &Arc<dyn Module>,
        mode: Mode,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let is =
            |other: Option<&Arc<dyn Module>>| other.is_some_and(|other| Arc::ptr_eq(other, module));
        if is(self.short_call_module())
            && let Some(compiled) = self.compiled()
        {
            return match module.instantiate(mode) {
                // Its pool is the smaller one, so this is no reason for a warning.
                Err(_) => self.instantiate(compiled, mode),
                instance => instance,
            };
        }
        let is_compiled = is(self.compiled());
        match module.instantiate(mode) {
            Err(error) if is_compiled && self.has_interpreter() => {
                tracing::warn!(
                    program = %self.program.code_hash,
                    error = %error,
                    "failed to instantiate compiled code; the call runs on the interpreter"
                );
                self.runs.fallbacks.add();
                self.interpreter_module()?.instantiate(mode)
            }
            instance => instance,
        }
    }

    /// Sets the module of one of the program's compiled forms.
    pub(crate) fn set_compiled(&self, code: &CompiledCode, module: Arc<dyn Module>) {
        code.set(module);
        self.update_cached_size();
    }

    /// The size in memory, in bytes, of the program and its modules.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let code = u64::try_from(self.program.code.len()).unwrap_or(u64::MAX);
        let modules = self
            .interpreter_module
            .module
            .get()
            .into_iter()
            .chain(self.compiled())
            .chain(self.short_call_module());
        modules
            .map(|module| module.resident_bytes())
            .fold(code, u64::saturating_add)
    }

    fn update_cached_size(&self) {
        if let Some(cache) = self.cache.upgrade() {
            cache.size_changed(&self.key());
        }
    }
}

impl fmt::Debug for PreparedProgram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PreparedProgram")
            .field("code_hash", &self.program.code_hash)
            .field("compilation", &self.compilation())
            .finish_non_exhaustive()
    }
}
