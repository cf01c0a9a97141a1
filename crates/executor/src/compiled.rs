//! One compiled form of a program, and the state of its compilation.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use fusee_engine::Module;

use crate::compiling::CompileFailure;

/// Compilation is given up after this many faults of the machine, since one may be temporary.
const MAX_FAILURES: u32 = 2;

/// A module that is compiled at most once, by one thread at a time.
#[derive(Debug)]
pub(crate) struct CompiledCode {
    module: OnceLock<Arc<dyn Module>>,
    progress: Mutex<CompileProgress>,
    /// Notified when a compilation ends.
    compile_ended: Condvar,
}

/// The result of [`CompiledCode::claim`].
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
    code: &'a CompiledCode,
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
    /// Compilation failed for good. The program stays on what ran it before.
    GivenUp {
        /// The error of the last attempt.
        reason: String,
    },
}

impl CompiledCode {
    pub(crate) const fn new() -> Self {
        Self {
            module: OnceLock::new(),
            progress: Mutex::new(CompileProgress {
                compilation: Compilation::Idle,
                failures: 0,
            }),
            compile_ended: Condvar::new(),
        }
    }

    /// The module, if it is compiled.
    pub(crate) fn module(&self) -> Option<&Arc<dyn Module>> {
        self.module.get()
    }

    pub(crate) fn compilation(&self) -> Compilation {
        self.lock_progress().compilation.clone()
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
    pub(crate) fn claim(&self) -> CompileClaim<'_> {
        if let Some(module) = self.module() {
            return CompileClaim::Compiled(Arc::clone(module));
        }
        let mut progress = self.lock_progress();
        while progress.compilation == Compilation::Running {
            progress = self
                .compile_ended
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match (&progress.compilation, self.module()) {
            (Compilation::GivenUp { reason }, _) => CompileClaim::GivenUp(reason.clone()),
            (_, Some(module)) => CompileClaim::Compiled(Arc::clone(module)),
            _ => {
                progress.compilation = Compilation::Running;
                CompileClaim::Claimed(CompileGuard { code: self })
            }
        }
    }

    pub(crate) fn set(&self, module: Arc<dyn Module>) {
        self.module.get_or_init(|| module);
        self.lock_progress().compilation = Compilation::Done;
    }

    fn lock_progress(&self) -> MutexGuard<'_, CompileProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CompileGuard<'_> {
    /// Records a failure. Returns whether compilation is given up.
    pub(crate) fn fail(self, failure: &CompileFailure) -> bool {
        let mut progress = self.code.lock_progress();
        progress.failures = progress.failures.saturating_add(1);
        let is_final = failure.is_final || progress.failures >= MAX_FAILURES;
        if is_final {
            progress.compilation = Compilation::GivenUp {
                reason: failure.reason.clone(),
            };
        }
        is_final
    }
}

impl Drop for CompileGuard<'_> {
    fn drop(&mut self) {
        let mut progress = self.code.lock_progress();
        if progress.compilation == Compilation::Running {
            progress.compilation = Compilation::Idle;
        }
        drop(progress);
        self.code.compile_ended.notify_all();
    }
}
