//! The executor: prepares programs, chooses the engine for each call, and starts runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use fusee_engine::{CodeHash, EngineError, Format, Gas, Host, Module};
use fusee_instrument::{Rules, prepare_hashed};

use crate::{
    CacheCounts, LiveInstance, Outcome, PrepareError, PreparedProgram, RunCounts, RunError,
    RunRequest, Tier, background::CompileQueue, compiling::Calls, key::Key, preparer::Preparer,
};

/// Prepares programs and runs them.
///
/// An executor has engines by program format. A format has an interpreter, a compiler, or both: a
/// program with both starts on the interpreter and moves to compiled code between calls. No call
/// waits for the compiler then. Gas and outcome are the same on every engine.
///
/// Threads share an executor by reference. Runs are isolated from each other.
#[derive(Debug)]
pub struct Executor {
    preparer: Arc<Preparer>,
    compile_queue: CompileQueue,
    interpreter_only: AtomicBool,
    /// `None`: that of the engine.
    slice: Option<Gas>,
}

impl Executor {
    pub(crate) fn with_preparer(preparer: Preparer, slice: Option<Gas>) -> Self {
        Self {
            preparer: Arc::new(preparer),
            compile_queue: CompileQueue::default(),
            interpreter_only: AtomicBool::new(false),
            slice,
        }
    }

    /// The current size of the program cache in bytes.
    #[must_use]
    pub fn cached_bytes(&self) -> u64 {
        self.preparer.cache.used()
    }

    /// The current number of suspended runs.
    #[must_use]
    pub fn suspended_runs(&self) -> u32 {
        self.preparer.runs.suspended()
    }

    /// What the runs so far started on.
    #[must_use]
    pub fn run_counts(&self) -> RunCounts {
        self.preparer.runs.counts()
    }

    /// How often the caches had what they were asked for, so far.
    #[must_use]
    pub fn cache_counts(&self) -> CacheCounts {
        let (cache, artifacts) = (&self.preparer.cache, self.preparer.artifacts.as_ref());
        CacheCounts {
            program_hits: cache.hits.value(),
            program_misses: cache.misses.value(),
            compiled_hits: artifacts.map_or(0, |artifacts| artifacts.hits.value()),
            compiled_misses: artifacts.map_or(0, |artifacts| artifacts.misses.value()),
        }
    }

    /// Whether a format has both an interpreter and a compiler, so that [`Tier::Interpreter`] has
    /// an effect.
    #[must_use]
    pub fn has_interpreter(&self) -> bool {
        self.preparer.engines.has_tiers()
    }

    /// Whether the executor has an engine for programs of this format.
    #[must_use]
    pub fn supports(&self, format: Format) -> bool {
        let engines = &self.preparer.engines;
        engines.interpreter(format).is_some() || engines.compiler_for(format).is_some()
    }

    /// Runs all later calls on the interpreter, or ends that. Use it when a compiler turns out to
    /// be unsound. It has no effect on an executor without an interpreter.
    pub fn use_interpreter_only(&self, only: bool) {
        self.interpreter_only.store(only, Ordering::Relaxed);
    }

    /// Validates and meters a program, or returns it from the cache. Compiles it too, unless the
    /// executor has an interpreter beside the compiler.
    ///
    /// # Errors
    ///
    /// [`PrepareError::Refused`] if the rules refuse the program; [`PrepareError::Engine`] if the
    /// engine fails to compile it.
    pub fn prepare(
        &self,
        wasm: &[u8],
        rules: &Rules,
    ) -> Result<Arc<PreparedProgram>, PrepareError> {
        let code_hash = CodeHash::of(wasm);
        let key = Key::new(code_hash, rules);
        let preparer = &self.preparer;
        preparer
            .cache
            .get_or_prepare(key, || match preparer.load_artifact(key) {
                Some(prepared) => Ok(prepared),
                None => preparer.prepare(key, prepare_hashed(code_hash, wasm, rules)?),
            })
    }

    /// The program with this hash, if the cache or the artifacts contain it. The caller needs
    /// neither to read nor to hash the program.
    #[must_use]
    pub fn find(&self, code: CodeHash, rules: &Rules) -> Option<Arc<PreparedProgram>> {
        let key = Key::new(code, rules);
        self.preparer.cache.find(&key).or_else(|| {
            let prepared = self.preparer.load_artifact(key)?;
            self.preparer.cache.insert(key, &prepared);
            Some(prepared)
        })
    }

    /// Compiles a program on this thread. If another thread is compiling it, this waits.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if the program fails to compile on this machine;
    /// [`EngineError::Host`] if the executor has no compiler for its format.
    pub fn compile(&self, prepared: &PreparedProgram) -> Result<(), EngineError> {
        self.preparer.compile(prepared).map(drop)
    }

    /// Compiles a program on this thread if a run with this gas limit could earn its compilation
    /// ([`ExecutorBuilder::compile_gas`](crate::ExecutorBuilder::compile_gas)), for callers that
    /// may wait and trust the program. If that fails, the program stays on the interpreter.
    pub fn compile_for(&self, prepared: &PreparedProgram, gas: Gas) {
        if prepared.compiled().is_none() && prepared.compile_gas().is_some_and(|least| gas >= least)
        {
            // The program records the error, and `compile` logs it.
            let _ = self.preparer.compile(prepared);
        }
    }

    /// Counts a [fallback](RunCounts::fallbacks), for callers that run again on
    /// [`Tier::Interpreter`] what an engine has failed at.
    pub fn count_fallback(&self) {
        self.preparer.runs.fallbacks.add();
    }

    /// Requests that the background thread compiles a program, before its runs have used the gas
    /// for it ([`ExecutorBuilder::compile_gas`](crate::ExecutorBuilder::compile_gas)). Has no
    /// effect without an interpreter beside the compiler, where every program is compiled when it
    /// is prepared.
    pub fn compile_soon(&self, prepared: &Arc<PreparedProgram>) {
        if prepared.compile_gas().is_some() {
            self.compile_queue
                .push(&self.preparer, prepared, Calls::All);
        }
    }

    /// Pins a program: the cache does not evict it. Returns `false`, and does nothing, if the
    /// pinned programs together would exceed the cache budget.
    pub fn pin(&self, prepared: &Arc<PreparedProgram>) -> bool {
        self.preparer.cache.pin(prepared.key(), prepared)
    }

    /// Undoes [`pin`](Self::pin).
    pub fn unpin(&self, prepared: &PreparedProgram) {
        self.preparer.cache.unpin(&prepared.key());
    }

    /// Runs an entry of a program in a fresh instance. The program's start function runs first,
    /// then its export `_initialize` if it has one. Both are metered like the entry.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the request does not fit the program, or the host fails. Traps and running
    /// out of gas are an [`Outcome`].
    pub fn run<H: Host>(
        &self,
        prepared: &Arc<PreparedProgram>,
        request: RunRequest<'_>,
        host: H,
    ) -> Result<Outcome<H>, RunError> {
        self.instance(prepared, &request)?.run(request, host)
    }

    /// A handle to a fresh instance, for runs like `request`. Only the request's tier is used, to
    /// choose the engine. On an executor without an interpreter, a program that is not compiled is
    /// compiled now.
    ///
    /// The instance itself is created, and paid for, by its first run or by
    /// [`LiveInstance::initialize`].
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if no engine can run the program.
    pub fn instance(
        &self,
        prepared: &Arc<PreparedProgram>,
        request: &RunRequest<'_>,
    ) -> Result<LiveInstance, RunError> {
        let module = self.module(prepared, request)?;
        let slice = self.slice.unwrap_or_else(|| module.default_slice());
        Ok(LiveInstance::new(Arc::clone(prepared), module, slice))
    }

    /// Chooses the module that a call runs on.
    fn module(
        &self,
        prepared: &Arc<PreparedProgram>,
        request: &RunRequest<'_>,
    ) -> Result<Arc<dyn Module>, EngineError> {
        let runs = &self.preparer.runs;
        let interpreter_only = !self.preparer.compiles(prepared.program().format)
            || request.tier == Tier::Interpreter
            || self.interpreter_only.load(Ordering::Relaxed);
        if prepared.has_interpreter() && interpreter_only {
            runs.interpreted.add();
            return prepared.interpreter_module().cloned();
        }
        if let Some(module) = prepared.compiled() {
            runs.compiled.add();
            let short_calls = self.short_call_module(prepared, request);
            return Ok(Arc::clone(short_calls.unwrap_or(module)));
        }
        if !prepared.has_interpreter() {
            runs.compiled.add();
            return self.preparer.compile(prepared);
        }
        if prepared.has_earned_compilation() {
            self.compile_queue
                .push(&self.preparer, prepared, Calls::All);
        }
        runs.interpreted.add();
        prepared.interpreter_module().cloned()
    }

    /// The module for short calls, if the call is one and the program is compiled for them.
    fn short_call_module<'a>(
        &self,
        prepared: &'a Arc<PreparedProgram>,
        request: &RunRequest<'_>,
    ) -> Option<&'a Arc<dyn Module>> {
        let short_calls = prepared.short_calls()?;
        if !short_calls.includes(prepared.program(), request.entry) {
            return None;
        }
        let module = short_calls.code.module();
        if module.is_none() && short_calls.miss() {
            self.compile_queue
                .push(&self.preparer, prepared, Calls::Short);
        }
        module
    }
}
