//! Prepared programs: validated and metered, with the modules that the engines compiled so far.

use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use fusee_engine::{Engine, EngineError, Gas, Instance, Mode, Module, Program};

use crate::{
    key::{Key, SizeObserver},
    suspensions::Suspensions,
};

/// Compilation is given up after this many failures. A single failure may be a temporary fault of
/// the machine.
const MAX_FAILURES: u32 = 2;

/// A program that is ready to run on its executor: validated, metered, and compiled where needed.
pub struct PreparedProgram {
    program: Arc<Program>,
    key: Key,
    suspensions: Arc<Suspensions>,
    /// The cache that counts the size of this program.
    cache: Weak<dyn SizeObserver>,
    /// The engine that runs the program without the compiler, if the executor has one.
    interpreter: Option<Arc<dyn Engine>>,
    interpreter_module: LazyModule,
    compiled: OnceLock<Arc<dyn Module>>,
    /// The gas that runs have to use on the interpreter before the program is compiled. `None`
    /// unless the executor has both an interpreter and a compiler for the program.
    compile_gas: Option<Gas>,
    /// The gas that runs have used on the interpreter.
    interpreted_gas: AtomicU64,
    progress: Mutex<CompileProgress>,
    /// Notified when a compilation ends.
    compile_ended: Condvar,
}

/// The result of [`PreparedProgram::claim_compilation`].
pub(crate) enum CompileClaim<'a> {
    /// The caller compiles the program.
    Claimed(CompileGuard<'a>),
    Compiled(Arc<dyn Module>),
    /// Compilation failed, and will not be tried again. Contains the reason.
    GivenUp(String),
}

/// The exclusive right to compile a program. Dropping it wakes the threads that wait for the
/// compilation.
pub(crate) struct CompileGuard<'a> {
    prepared: &'a PreparedProgram,
}

/// A module that is compiled on first use.
#[derive(Debug, Default)]
struct LazyModule {
    module: OnceLock<Arc<dyn Module>>,
    /// Held while the module is compiled.
    compiling: Mutex<()>,
}

#[derive(Debug)]
struct CompileProgress {
    compilation: Compilation,
    failures: u32,
}

/// The state of a program's compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compilation {
    /// Not requested yet, or failed and to be tried again.
    Idle,
    /// Waiting in the queue of the background thread.
    Queued,
    /// A thread is compiling the program.
    Running,
    /// The program is compiled.
    Done,
    /// Compilation failed for good. The program stays on the interpreter.
    GivenUp {
        /// The error of the last attempt.
        reason: String,
    },
}

impl PreparedProgram {
    pub(crate) fn new(
        program: Arc<Program>,
        key: Key,
        suspensions: Arc<Suspensions>,
        cache: Weak<dyn SizeObserver>,
        interpreter: Option<Arc<dyn Engine>>,
        compile_gas: Option<Gas>,
    ) -> Self {
        Self {
            program,
            key,
            suspensions,
            cache,
            interpreter,
            interpreter_module: LazyModule::default(),
            compiled: OnceLock::new(),
            compile_gas,
            interpreted_gas: AtomicU64::new(0),
            progress: Mutex::new(CompileProgress {
                compilation: Compilation::Idle,
                failures: 0,
            }),
            compile_ended: Condvar::new(),
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
        self.lock_progress().compilation.clone()
    }

    /// The gas for which the program is compiled ([`Self::has_earned_compilation`]).
    pub(crate) const fn compile_gas(&self) -> Option<Gas> {
        self.compile_gas
    }

    pub(crate) fn shared_program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The suspended runs of the program's executor.
    pub(crate) fn suspensions(&self) -> &Suspensions {
        &self.suspensions
    }

    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// The compiler's module, if the program is compiled.
    pub(crate) fn compiled(&self) -> Option<&Arc<dyn Module>> {
        self.compiled.get()
    }

    pub(crate) fn has_interpreter(&self) -> bool {
        self.interpreter.is_some()
    }

    /// Whether runs on this module earn the compilation of the program.
    pub(crate) fn earns_compilation(&self, module: &Arc<dyn Module>) -> bool {
        let interpreter = self.interpreter_module.module.get();
        self.compile_gas.is_some()
            && interpreter.is_some_and(|interpreter| Arc::ptr_eq(interpreter, module))
    }

    /// Adds gas that a run used on the interpreter.
    pub(crate) fn add_interpreted(&self, gas: Gas) {
        let add = |sum: u64| Some(sum.saturating_add(gas.units()));
        // The closure returns a value, so this cannot fail.
        let _ = self
            .interpreted_gas
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Whether the runs on the interpreter have used the gas for which the program is compiled.
    pub(crate) fn has_earned_compilation(&self) -> bool {
        let used = self.interpreted_gas.load(Ordering::Relaxed);
        self.compile_gas.is_some_and(|gas| used >= gas.units())
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

    /// Instantiates `module`. If it is the compiler's and instantiation fails, instantiates the
    /// interpreter's module instead: gas and outcome are the same.
    pub(crate) fn instantiate(
        &self,
        module: &Arc<dyn Module>,
        mode: Mode,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let is_compiled = self
            .compiled()
            .is_some_and(|compiled| Arc::ptr_eq(compiled, module));
        match module.instantiate(mode) {
            Err(error) if is_compiled && self.has_interpreter() => {
                tracing::warn!(
                    program = %self.program.code_hash,
                    error = %error,
                    "failed to instantiate compiled code; the call runs on the interpreter"
                );
                self.interpreter_module()?.instantiate(mode)
            }
            instance => instance,
        }
    }

    /// Marks the program as queued for compilation. Returns `false` if it is not idle.
    pub(crate) fn mark_queued(&self) -> bool {
        let mut progress = self.lock_progress();
        let is_idle = progress.compilation == Compilation::Idle;
        if is_idle {
            progress.compilation = Compilation::Queued;
        }
        is_idle
    }

    /// Undoes [`mark_queued`](Self::mark_queued).
    pub(crate) fn unmark_queued(&self) {
        let mut progress = self.lock_progress();
        if progress.compilation == Compilation::Queued {
            progress.compilation = Compilation::Idle;
        }
    }

    /// Claims the compilation for the caller. Waits while another thread compiles the program.
    pub(crate) fn claim_compilation(&self) -> CompileClaim<'_> {
        if let Some(module) = self.compiled() {
            return CompileClaim::Compiled(Arc::clone(module));
        }
        let mut progress = self.lock_progress();
        while progress.compilation == Compilation::Running {
            progress = self
                .compile_ended
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match (&progress.compilation, self.compiled()) {
            (Compilation::GivenUp { reason }, _) => CompileClaim::GivenUp(reason.clone()),
            (_, Some(module)) => CompileClaim::Compiled(Arc::clone(module)),
            _ => {
                progress.compilation = Compilation::Running;
                CompileClaim::Claimed(CompileGuard { prepared: self })
            }
        }
    }

    /// Sets the compiler's module.
    pub(crate) fn set_compiled(&self, module: Arc<dyn Module>) {
        self.compiled.get_or_init(|| module);
        self.lock_progress().compilation = Compilation::Done;
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
            .chain(self.compiled());
        modules
            .map(|module| module.resident_bytes())
            .fold(code, u64::saturating_add)
    }

    fn update_cached_size(&self) {
        if let Some(cache) = self.cache.upgrade() {
            cache.size_changed(&self.key());
        }
    }

    fn lock_progress(&self) -> MutexGuard<'_, CompileProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CompileGuard<'_> {
    pub(crate) fn succeed(self, module: Arc<dyn Module>) {
        self.prepared.set_compiled(module);
    }

    /// Records a failure. Returns whether compilation is given up.
    pub(crate) fn fail(self, reason: &str) -> bool {
        let mut progress = self.prepared.lock_progress();
        progress.failures = progress.failures.saturating_add(1);
        let is_final = progress.failures >= MAX_FAILURES;
        if is_final {
            progress.compilation = Compilation::GivenUp {
                reason: reason.to_owned(),
            };
        }
        is_final
    }
}

impl Drop for CompileGuard<'_> {
    fn drop(&mut self) {
        let mut progress = self.prepared.lock_progress();
        if progress.compilation == Compilation::Running {
            progress.compilation = Compilation::Idle;
        }
        drop(progress);
        self.prepared.compile_ended.notify_all();
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
