//! PreparedProgram programs: checked and metered, and what each engine has made of them so far.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use fusee_engine::{Engine, EngineError, Instance, Mode, Module, Program};

use crate::{
    cache::{Cache, Key},
    suspensions::Suspensions,
};

/// How often a program is tried whose compilation fails: what failed may have been the machine.
const MOST_FAILURES: u32 = 2;

/// A program that is ready to run: checked and metered, and known to the executor's engines.
pub struct PreparedProgram {
    program: Arc<Program>,
    key: Key,
    suspensions: Arc<Suspensions>,
    /// Where it counts what it weighs.
    cache: Weak<Cache>,
    /// The engine that can run it at once, if the executor has one.
    base: Option<Arc<dyn Engine>>,
    base_module: Slot,
    compiled: OnceLock<Arc<dyn Module>>,
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// What somebody finds who wants to compile a program.
pub(crate) enum Turn<'a> {
    /// It is their turn.
    Mine(Compiling<'a>),
    /// It is compiled.
    Done(Arc<dyn Module>),
    /// It is not, and will not be.
    GivenUp(String),
}

/// Compiles a program, while others wait; they go on when it is dropped.
pub(crate) struct Compiling<'a> {
    prepared: &'a PreparedProgram,
}

/// A module that is made when it is first needed.
#[derive(Debug, Default)]
struct Slot {
    module: OnceLock<Arc<dyn Module>>,
    making: Mutex<()>,
}

#[derive(Debug)]
struct Progress {
    compilation: Compilation,
    failures: u32,
}

/// How far compilation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compilation {
    /// Nobody has asked for it, or it failed and may be tried again.
    Idle,
    /// It waits for its turn.
    Queued,
    /// Somebody compiles it.
    Running,
    /// It is compiled.
    Done,
    /// It stays on the interpreter.
    GivenUp {
        /// Why.
        reason: String,
    },
}

impl PreparedProgram {
    pub(crate) fn new(
        program: Arc<Program>,
        key: Key,
        suspensions: Arc<Suspensions>,
        cache: Weak<Cache>,
        base: Option<Arc<dyn Engine>>,
    ) -> Self {
        Self {
            program,
            key,
            suspensions,
            cache,
            base,
            base_module: Slot::default(),
            compiled: OnceLock::new(),
            progress: Mutex::new(Progress {
                compilation: Compilation::Idle,
                failures: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// What is known of the program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How far its compilation is, on an executor that has a compiler.
    #[must_use]
    pub fn compilation(&self) -> Compilation {
        self.open().compilation.clone()
    }

    pub(crate) fn shared_program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The suspended runs of its executor.
    pub(crate) const fn suspensions(&self) -> &Arc<Suspensions> {
        &self.suspensions
    }

    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// The compiled module, if it is there.
    pub(crate) fn compiled(&self) -> Option<&Arc<dyn Module>> {
        self.compiled.get()
    }

    pub(crate) fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// The module of the engine that can run it at once, made now if it is needed for the first time.
    pub(crate) fn base_module(&self) -> Result<&Arc<dyn Module>, EngineError> {
        let Slot { module, making } = &self.base_module;
        if let Some(made) = module.get() {
            return Ok(made);
        }
        let engine = self
            .base
            .as_ref()
            .ok_or_else(|| EngineError::Host("the executor has no interpreter".into()))?;
        let _one_at_a_time = making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = module.get() {
            return Ok(made);
        }
        let made = engine.compile(&self.program)?;
        let made = module.get_or_init(|| made);
        self.reweigh();
        Ok(made)
    }

    /// An instance of `module`, or one of the interpreter's where that cannot be made: the gas is the same.
    pub(crate) fn instantiate(
        &self,
        module: &Arc<dyn Module>,
        mode: Mode,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let is_compiled = self
            .compiled()
            .is_some_and(|compiled| Arc::ptr_eq(compiled, module));
        match module.instantiate(mode) {
            Err(error) if is_compiled && self.has_base() => {
                tracing::warn!(
                    program = %self.program.code_hash,
                    error = %error,
                    "no instance of the compiled program: the interpreter runs it"
                );
                self.base_module()?.instantiate(mode)
            }
            made => made,
        }
    }

    /// Notes that it is to be compiled, unless somebody has before. Whether that is new.
    pub(crate) fn enqueue(&self) -> bool {
        let mut progress = self.open();
        let is_new = progress.compilation == Compilation::Idle;
        if is_new {
            progress.compilation = Compilation::Queued;
        }
        is_new
    }

    /// Takes back what [`enqueue`](Self::enqueue) noted, for want of room in the queue.
    pub(crate) fn dequeue(&self) {
        let mut progress = self.open();
        if progress.compilation == Compilation::Queued {
            progress.compilation = Compilation::Idle;
        }
    }

    /// Whether it is the caller's turn to compile it. If somebody else compiles it, this waits.
    pub(crate) fn turn(&self) -> Turn<'_> {
        if let Some(module) = self.compiled() {
            return Turn::Done(Arc::clone(module));
        }
        let mut progress = self.open();
        while progress.compilation == Compilation::Running {
            progress = self
                .changed
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match (&progress.compilation, self.compiled()) {
            (Compilation::GivenUp { reason }, _) => Turn::GivenUp(reason.clone()),
            (_, Some(module)) => Turn::Done(Arc::clone(module)),
            _ => {
                progress.compilation = Compilation::Running;
                Turn::Mine(Compiling { prepared: self })
            }
        }
    }

    /// The compiled module is there.
    pub(crate) fn set_compiled(&self, module: Arc<dyn Module>) {
        self.compiled.get_or_init(|| module);
        self.open().compilation = Compilation::Done;
        self.reweigh();
    }

    /// What it keeps in memory.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let code = u64::try_from(self.program.code.len()).unwrap_or(u64::MAX);
        let modules = self
            .base_module
            .module
            .get()
            .into_iter()
            .chain(self.compiled());
        modules
            .map(|module| module.resident_bytes())
            .fold(code, u64::saturating_add)
    }

    fn reweigh(&self) {
        if let Some(cache) = self.cache.upgrade() {
            cache.reweigh(&self.key());
        }
    }

    fn open(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Compiling<'_> {
    pub(crate) fn done(self, module: Arc<dyn Module>) {
        self.prepared.set_compiled(module);
    }

    /// It is not compiled this time. Whether nobody will try again.
    pub(crate) fn failed(self, reason: &str) -> bool {
        let mut progress = self.prepared.open();
        progress.failures = progress.failures.saturating_add(1);
        let is_final = progress.failures >= MOST_FAILURES;
        if is_final {
            progress.compilation = Compilation::GivenUp {
                reason: reason.to_owned(),
            };
        }
        is_final
    }
}

impl Drop for Compiling<'_> {
    fn drop(&mut self) {
        let mut progress = self.prepared.open();
        if progress.compilation == Compilation::Running {
            progress.compilation = Compilation::Idle;
        }
        drop(progress);
        self.prepared.changed.notify_all();
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
