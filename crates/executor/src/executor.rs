//! The executor: prepares programs, chooses the engine for each call, and starts runs.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use fusee_engine::{
    ArtifactKey, Code, CodeHash, Compiler, Engine, EngineError, Format, Gas, Host, Mode, Module,
    Program, Source,
};
use fusee_instrument::Rules;

use crate::{
    CompileIn, LiveInstance, Outcome, PrepareError, PreparedProgram, RunError, RunRequest,
    Suspension, Tier,
    artifacts::Artifacts,
    cache::{Cache, Key},
    prepared::Turn,
    suspensions::Suspensions,
};

/// How many programs wait to be compiled; one that finds no room is asked for again by its next call.
const QUEUED_PROGRAMS: usize = 1_024;

/// Prepares programs and runs them.
///
/// It has one engine, or two: an interpreter, on which a program runs at once, and a compiler, to which it moves
/// when it is compiled, call by call. Gas and outcome are the same on both.
///
/// Shared between threads by reference; nothing that one run does is seen by another.
#[derive(Debug)]
pub struct Executor {
    core: Arc<Core>,
    /// To the thread that compiles, once there is one.
    queue: Mutex<Option<SyncSender<Arc<PreparedProgram>>>>,
    interpreter_only: AtomicBool,
    slice: Gas,
    compile_wait_threshold: Gas,
}

/// What the compiling thread shares with the executor.
#[derive(Debug)]
struct Core {
    /// Runs a program as soon as it is prepared.
    base: Option<Arc<dyn Engine>>,
    compiler: Option<Arc<dyn Compiler>>,
    /// Runs the programs that the others do not.
    other: Option<Arc<dyn Engine>>,
    compile_in: CompileIn,
    compiled_bytes: u64,
    artifacts: Option<Artifacts>,
    cache: Arc<Cache>,
    suspensions: Arc<Suspensions>,
}

/// Options of an [`Executor`].
#[derive(Debug)]
pub struct ExecutorBuilder {
    base: Option<Arc<dyn Engine>>,
    compiler: Option<Arc<dyn Compiler>>,
    other: Option<Arc<dyn Engine>>,
    compile_in: CompileIn,
    compiled_bytes: u64,
    artifacts: Option<Artifacts>,
    cache_bytes: u64,
    slice: Gas,
    compile_wait_threshold: Gas,
    suspended_runs: u32,
}

impl ExecutorBuilder {
    /// How many bytes are kept beside what runs (96 MiB unless told): of programs, in whatever form, and of the memory of instances that
    /// have ended, for which the engines' share is set aside ([`Engine::idle_bytes`]).
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// How much gas a guest is handed at a time (100,000 unless told: some tens of microseconds of computing, and milliseconds where each
    /// access to memory is to a page that the system has yet to map). A run can be interrupted where a slice ends. No outcome
    /// depends on it.
    #[must_use]
    pub const fn slice(mut self, slice: Gas) -> Self {
        self.slice = slice;
        self
    }

    /// From how much gas on a call waits for the compiler instead of running on the interpreter (50,000,000 unless told, which takes
    /// an interpreter some tenths of a second: about as long as a large program takes to compile).
    #[must_use]
    pub const fn compile_wait_threshold(mut self, gas: Gas) -> Self {
        self.compile_wait_threshold = gas;
        self
    }

    /// How many runs may be parked at once (10,000 unless told). One more is an error, and is dropped.
    #[must_use]
    pub const fn suspended_runs(mut self, most: u32) -> Self {
        self.suspended_runs = most;
        self
    }

    /// An engine for the programs of another format. It compiles or translates them when they are first run, or where it is the executor's only one for them,
    /// when they are prepared; nothing of theirs is kept on disk.
    #[must_use]
    pub fn other_format(mut self, engine: Arc<dyn Engine>) -> Self {
        self.other = Some(engine);
        self
    }

    /// Where programs are compiled ([`CompileIn::Thread`] unless told).
    #[must_use]
    pub fn compile_in(mut self, compile_in: CompileIn) -> Self {
        self.compile_in = compile_in;
        self
    }

    /// How many bytes a program may be compiled to (64 MiB unless told).
    #[must_use]
    pub const fn compiled_bytes(mut self, bytes: u64) -> Self {
        self.compiled_bytes = bytes;
        self
    }

    /// Keeps compiled programs in a folder, up to so many bytes, so that they are not compiled again by the next process. Processes may share it.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or read, or everybody may write into it.
    pub fn artifacts(mut self, folder: &Path, bytes: u64) -> io::Result<Self> {
        self.artifacts = Some(Artifacts::open(folder, bytes)?);
        Ok(self)
    }

    /// The executor.
    #[must_use]
    pub fn build(self) -> Executor {
        let Self {
            base,
            compiler,
            other,
            compile_in,
            compiled_bytes,
            artifacts,
            cache_bytes,
            slice,
            compile_wait_threshold,
            suspended_runs,
        } = self;
        let idle_bytes = [
            base.as_ref().map(|engine| engine.idle_bytes()),
            compiler.as_ref().map(|engine| engine.idle_bytes()),
            other.as_ref().map(|engine| engine.idle_bytes()),
        ];
        let for_programs = idle_bytes
            .into_iter()
            .flatten()
            .fold(cache_bytes, u64::saturating_sub);
        Executor {
            core: Arc::new(Core {
                base,
                compiler,
                other,
                compile_in,
                compiled_bytes,
                artifacts,
                cache: Arc::new(Cache::new(for_programs)),
                suspensions: Suspensions::new(suspended_runs),
            }),
            queue: Mutex::new(None),
            interpreter_only: AtomicBool::new(false),
            slice,
            compile_wait_threshold,
        }
    }
}

impl Executor {
    /// An executor with one engine, which compiles a program where it is prepared.
    #[must_use]
    pub fn builder(engine: Arc<dyn Engine>) -> ExecutorBuilder {
        Self::with(Some(engine), None)
    }

    /// An executor with a compiler alone: a program is compiled, or found among the artifacts, where it is prepared.
    #[must_use]
    pub fn compiled(compiler: Arc<dyn Compiler>) -> ExecutorBuilder {
        Self::with(None, Some(compiler))
    }

    /// An executor with both.
    ///
    /// A call runs on the compiled program if it is there. Otherwise a call with less gas than the
    /// [`compile_wait_threshold`](ExecutorBuilder::compile_wait_threshold) runs on the interpreter while the program is compiled
    /// in the background, and one with more waits for that: at most as long as one program takes to compile, since it
    /// takes the place of the background if that has not begun. What cannot be
    /// compiled, or cannot be run compiled on this machine, stays on the interpreter.
    #[must_use]
    pub fn tiered(interpreter: Arc<dyn Engine>, compiler: Arc<dyn Compiler>) -> ExecutorBuilder {
        Self::with(Some(interpreter), Some(compiler))
    }

    fn with(base: Option<Arc<dyn Engine>>, compiler: Option<Arc<dyn Compiler>>) -> ExecutorBuilder {
        ExecutorBuilder {
            base,
            compiler,
            other: None,
            compile_in: CompileIn::default(),
            compiled_bytes: 64 << 20,
            artifacts: None,
            cache_bytes: 96 << 20,
            slice: Gas::new(100_000),
            compile_wait_threshold: Gas::new(50_000_000),
            suspended_runs: 10_000,
        }
    }

    /// The bytes of programs that are kept now.
    #[must_use]
    pub fn cached_bytes(&self) -> u64 {
        self.core.cache.used()
    }

    /// How many runs are parked now.
    #[must_use]
    pub fn suspended_runs(&self) -> u32 {
        self.core.suspensions.count()
    }

    /// Whether a run can be held to the interpreter.
    #[must_use]
    pub fn has_interpreter(&self) -> bool {
        self.core.base.is_some() && self.core.compiler.is_some()
    }

    /// Drops every call to the interpreter from now on, or no longer: for the day on which a compiler turns out to
    /// be unsound. It changes nothing where there is no interpreter.
    pub fn use_interpreter_only(&self, only: bool) {
        self.interpreter_only.store(only, Ordering::Relaxed);
    }

    /// Checks and meters a program, or finds it among those that were prepared before; and compiles it, unless
    /// the executor has an interpreter beside the compiler.
    ///
    /// # Errors
    ///
    /// [`PrepareError::Refused`] if the rules refuse the program; [`PrepareError::Engine`] if the
    /// engine fails on it.
    pub fn prepare(
        &self,
        wasm: &[u8],
        rules: &Rules,
    ) -> Result<Arc<PreparedProgram>, PrepareError> {
        let key = Key::new(CodeHash::of(wasm), rules);
        self.core
            .cache
            .find_or_make(key, || match self.core.open_artifact(key) {
                Some(prepared) => Ok(prepared),
                None => self.core.make(key, fusee_instrument::prepare(wasm, rules)?),
            })
    }

    /// The program with this hash, if it is among those that were prepared before, or among the artifacts. It saves hashing
    /// a program whose hash is known, and reading it from wherever it is.
    #[must_use]
    pub fn find(&self, code: CodeHash, rules: &Rules) -> Option<Arc<PreparedProgram>> {
        let key = Key::new(code, rules);
        self.core.cache.find(&key).or_else(|| {
            let prepared = self.core.open_artifact(key)?;
            self.core.cache.keep(key, &prepared);
            Some(prepared)
        })
    }

    /// Compiles a program now, on an executor that has a compiler, or waits for whoever does so already.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if it cannot be compiled on this machine, [`EngineError::Host`] if there is no compiler.
    pub fn compile(&self, prepared: &PreparedProgram) -> Result<(), EngineError> {
        self.core.compile(prepared).map(drop)
    }

    /// Keeps a program prepared whatever else needs room. `false` if there would be no room for it beside those that are pinned already.
    pub fn pin(&self, prepared: &Arc<PreparedProgram>) -> bool {
        self.core.cache.pin(prepared.key(), prepared)
    }

    /// Takes back a [`pin`](Self::pin).
    pub fn unpin(&self, prepared: &PreparedProgram) {
        self.core.cache.unpin(&prepared.key());
    }

    /// Runs an entry of a program in a fresh instance. The program's start function runs first, then its
    /// export `_initialize` if it has one; both are metered like the entry.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the request does not fit the program, or the host fails. What the guest does
    /// is an [`Outcome`].
    pub fn run<H: Host>(
        &self,
        prepared: &Arc<PreparedProgram>,
        request: RunRequest<'_>,
        host: H,
    ) -> Result<Outcome<H>, RunError> {
        self.instance(prepared, &request)?.run(request, host)
    }

    /// An instance to be entered by runs like `request`, which is looked at for its gas and its tier alone. It is made, and paid for, by
    /// its first run; [`LiveInstance::initialize`] is one that enters nothing else. A program that has to be compiled for it is compiled
    /// now, so that the run itself does not wait for that.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if there is nothing to run the program on.
    pub fn instance(
        &self,
        prepared: &Arc<PreparedProgram>,
        request: &RunRequest<'_>,
    ) -> Result<LiveInstance, RunError> {
        let module = self.module(prepared, request)?;
        Ok(LiveInstance::new(Arc::clone(prepared), module, self.slice))
    }

    /// What a call runs on.
    fn module(
        &self,
        prepared: &Arc<PreparedProgram>,
        request: &RunRequest<'_>,
    ) -> Result<Arc<dyn Module>, EngineError> {
        let only_base = !self.core.compiles(prepared.program().format)
            || request.tier == Tier::Interpreter
            || self.interpreter_only.load(Ordering::Relaxed);
        if prepared.has_base() && only_base {
            return prepared.base_module().cloned();
        }
        if let Some(module) = prepared.compiled() {
            return Ok(Arc::clone(module));
        }
        if !prepared.has_base() {
            return self.core.compile(prepared);
        }
        if request.gas >= self.compile_wait_threshold {
            if let Ok(module) = self.core.compile(prepared) {
                return Ok(module);
            }
        } else {
            self.compile_later(prepared);
        }
        prepared.base_module().cloned()
    }

    fn compile_later(&self, prepared: &Arc<PreparedProgram>) {
        if !prepared.enqueue() {
            return;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_none() {
            *queue = start_compiling(Arc::clone(&self.core));
        }
        let sent = queue
            .as_ref()
            .map(|queue| queue.try_send(Arc::clone(prepared)));
        match sent {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                prepared.dequeue();
            }
        }
    }
}

/// Starts the thread that compiles what is queued. It ends when the executor is gone.
fn start_compiling(core: Arc<Core>) -> Option<SyncSender<Arc<PreparedProgram>>> {
    let (sender, receiver) = sync_channel::<Arc<PreparedProgram>>(QUEUED_PROGRAMS);
    let compile = move || {
        for prepared in receiver {
            // Why it failed is in the program and in the log.
            let _ = core.compile(&prepared);
        }
    };
    match thread::Builder::new()
        .name("fusee-compile".to_owned())
        .spawn(compile)
    {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::warn!(error = %error, "no thread to compile in: programs stay on the interpreter");
            None
        }
    }
}

impl Core {
    fn new_prepared(&self, key: Key, program: Arc<Program>) -> PreparedProgram {
        let base = self.base(program.format).cloned();
        PreparedProgram::new(
            program,
            key,
            Arc::clone(&self.suspensions),
            Arc::downgrade(&self.cache),
            base,
        )
    }

    /// The engine that runs programs of this format at once.
    fn base(&self, format: Format) -> Option<&Arc<dyn Engine>> {
        let engines = [self.base.as_ref(), self.other.as_ref()];
        engines
            .into_iter()
            .flatten()
            .find(|engine| engine.formats().contains(&format))
    }

    /// Whether programs of this format are compiled.
    fn compiles(&self, format: Format) -> bool {
        let compiler = self.compiler.as_ref();
        compiler.is_some_and(|compiler| compiler.formats().contains(&format))
    }

    /// Makes of a program what its first call needs.
    fn make(&self, key: Key, program: Program) -> Result<Arc<PreparedProgram>, PrepareError> {
        let prepared = Arc::new(self.new_prepared(key, Arc::new(program)));
        let format = prepared.program().format;
        match (prepared.has_base(), self.compiles(format)) {
            (false, true) => {
                self.compile(&prepared)?;
            }
            (true, false) => {
                prepared.base_module()?;
            }
            // The interpreter translates it when it is called.
            (true, true) => {}
            (false, false) => return Err(EngineError::NoEngine { format }.into()),
        }
        Ok(prepared)
    }

    /// Where the compiled program is kept. A profiled one is not kept: its artifact would have the
    /// key of the same program without a profile.
    fn artifacts(&self, key: Key) -> Option<&Artifacts> {
        self.artifacts.as_ref().filter(|_| !key.is_profiled)
    }

    /// The program as an earlier process compiled it.
    fn open_artifact(&self, key: Key) -> Option<Arc<PreparedProgram>> {
        let (compiler, artifacts) = (self.compiler.as_ref()?, self.artifacts(key)?);
        let artifact = artifacts.find(&artifact_key(compiler.as_ref(), key))?;
        match compiler.load(&artifact.program, artifact.code) {
            Ok(module) => {
                let prepared = self.new_prepared(key, artifact.program);
                prepared.set_compiled(module);
                Some(Arc::new(prepared))
            }
            Err(error) => {
                tracing::warn!(program = %key.code, error = %error, "an artifact cannot be loaded");
                None
            }
        }
    }

    /// Compiles a program, unless it is compiled or somebody does so already: then this waits.
    fn compile(&self, prepared: &PreparedProgram) -> Result<Arc<dyn Module>, EngineError> {
        let format = prepared.program().format;
        let compiler = self.compiler.as_ref().filter(|_| self.compiles(format));
        let Some(compiler) = compiler else {
            let why = format!("the executor has no compiler for {format} programs");
            return Err(EngineError::Host(why.into()));
        };
        let turn = match prepared.turn() {
            Turn::Mine(turn) => turn,
            Turn::Done(module) => return Ok(module),
            Turn::GivenUp(reason) => return Err(failed(compiler.name(), reason)),
        };
        match self.compile_now(compiler.as_ref(), prepared) {
            Ok(module) => {
                turn.done(Arc::clone(&module));
                Ok(module)
            }
            Err(reason) => {
                let is_final = turn.failed(&reason);
                tracing::warn!(
                    program = %prepared.program().code_hash,
                    reason,
                    is_final,
                    "a program is not compiled, and stays on the interpreter"
                );
                Err(failed(compiler.name(), reason))
            }
        }
    }

    fn compile_now(
        &self,
        compiler: &dyn Compiler,
        prepared: &PreparedProgram,
    ) -> Result<Arc<dyn Module>, String> {
        let program = prepared.shared_program();
        let code = self
            .compile_in
            .compile(compiler, program, self.compiled_bytes)?;
        let load = |code| {
            compiler
                .load(program, code)
                .map_err(|error| error.to_string())
        };
        let Some(artifacts) = self.artifacts(prepared.key()) else {
            return load(Code::Bytes(code));
        };
        let key = artifact_key(compiler, prepared.key());
        if let Err(error) = artifacts.keep(&key, program, &code) {
            tracing::warn!(
                program = %program.code_hash,
                error = %error,
                "an artifact cannot be kept: the next process compiles the program again"
            );
        }
        load(Code::Bytes(code))
    }
}

/// By which a compiled program is known on disk.
fn artifact_key(compiler: &dyn Compiler, key: Key) -> ArtifactKey {
    ArtifactKey {
        code: key.code,
        rules: key.rules,
        engine: compiler.fingerprint().clone(),
    }
}

fn failed(engine: &'static str, reason: impl Into<Source>) -> EngineError {
    EngineError::Compile {
        engine,
        source: reason.into(),
    }
}

/// Fibers cost something, so that only a run that may be parked gets one.
pub(crate) fn mode(may_suspend: bool, request: &RunRequest<'_>) -> Mode {
    let parks_out_of_gas_policy =
        request.out_of_gas_policy == fusee_engine::OutOfGasPolicy::Suspend;
    match request.suspension {
        Suspension::AsNeeded if !may_suspend && !parks_out_of_gas_policy => Mode::Plain,
        Suspension::AsNeeded | Suspension::Always => Mode::Suspendable,
    }
}
