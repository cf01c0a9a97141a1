//! Options of an executor.

use std::{io, marker::PhantomData, path::Path, sync::Arc};

use fusee_engine::{Compiler, Engine, Gas, Interpreter};

use crate::{
    CompileIn, Executor, artifacts::Artifacts, cache::Cache, earned::EarnedByProgram,
    engines::Engines, preparer::Preparer, runs::Runs,
};

/// Options of an [`Executor`]. `K` says what is known of its engines: [`AnyEngine`] or
/// [`WithInterpreter`].
#[derive(Debug)]
pub struct ExecutorBuilder<K = AnyEngine> {
    engines: Engines,
    compile_in: CompileIn,
    compiled_bytes: u64,
    artifacts: Option<Artifacts>,
    cache_bytes: u64,
    slice: Option<Gas>,
    compile_gas: Gas,
    suspended_runs: u32,
    engines_known: PhantomData<K>,
}

/// Nothing is known of the engines of an executor.
#[derive(Debug)]
pub enum AnyEngine {}

/// An executor has an interpreter.
#[derive(Debug)]
pub enum WithInterpreter {}

impl<K> ExecutorBuilder<K> {
    pub(crate) fn new(engines: Engines) -> Self {
        Self {
            engines,
            compile_in: CompileIn::default(),
            compiled_bytes: 64 << 20,
            artifacts: None,
            cache_bytes: 128 << 20,
            slice: None,
            compile_gas: Gas::new(100),
            suspended_runs: 10_000,
            engines_known: PhantomData,
        }
    }

    /// Adds an engine for the program formats that it supports ([`Engine::formats`]).
    ///
    /// If two engines support the same format, the one that was added first runs it. The engine
    /// compiles or translates a program when the program is prepared or, beside a compiler for the
    /// same format, when it is first called. Its modules are not stored as artifacts.
    #[must_use]
    pub fn engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engines.add(engine);
        self
    }

    /// Cache budget in bytes. Default: 128 MiB.
    ///
    /// Covers prepared programs in every form and the memory of idle instances. The engines' share
    /// ([`Engine::idle_bytes`]) is subtracted first, but at least half remains for programs. So
    /// for a smaller budget limit the idle instances of the engines too.
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// The slice: the gas that a guest receives at a time. Default: that of the engine
    /// ([`Module::default_slice`](fusee_engine::Module::default_slice)), which is 100,000 gas, and
    /// for PolkaVM's recompiler the gas of 5,000,000 units of its cost model.
    ///
    /// A run can be interrupted at the end of each slice. 100,000 gas take some tens of
    /// microseconds of computation, or milliseconds if each memory access is the first to its page.
    /// The slice affects no outcome.
    #[must_use]
    pub const fn slice(mut self, slice: Gas) -> Self {
        self.slice = Some(slice);
        self
    }

    /// The gas that the runs of a program use on the interpreter before the program is compiled in
    /// the background, for each unit of its estimated work
    /// ([`Compiler::work`]). Default: 100 gas.
    ///
    /// With the default, an interpreter has worked on the program for longer than compiling real
    /// programs takes. So the time of compilation is paid by runs, however many programs there are
    /// and however expensive they are to compile.
    ///
    /// With 0 gas, a program is compiled when it is prepared, and its caller waits. That is for
    /// trusted programs only.
    #[must_use]
    pub const fn compile_gas(mut self, gas: Gas) -> Self {
        self.compile_gas = gas;
        self
    }

    /// The maximum number of suspended runs. Default: 10,000.
    ///
    /// A run that would exceed it is dropped, with
    /// [`RunError::TooManySuspended`](crate::RunError::TooManySuspended).
    #[must_use]
    pub const fn suspended_runs(mut self, most: u32) -> Self {
        self.suspended_runs = most;
        self
    }

    /// Where programs are compiled. Default: [`CompileIn::Thread`].
    #[must_use]
    pub fn compile_in(mut self, compile_in: CompileIn) -> Self {
        self.compile_in = compile_in;
        self
    }

    /// The maximum size of one compiled program in bytes. Default: 64 MiB.
    #[must_use]
    pub const fn compiled_bytes(mut self, bytes: u64) -> Self {
        self.compiled_bytes = bytes;
        self
    }

    /// Stores compiled programs in a folder, up to `bytes` bytes in total, so that the next process
    /// loads them instead of compiling them again. Processes may share the folder. Default: none.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created or read, or if it is writable for all users.
    pub fn artifacts(mut self, folder: &Path, bytes: u64) -> io::Result<Self> {
        self.artifacts = Some(Artifacts::open(folder, bytes)?);
        Ok(self)
    }

    /// Builds the executor. Warns in the log if the engines are not built with optimisation.
    #[must_use]
    pub fn build(self) -> Executor {
        if let Some(reason) = fusee_engine::unoptimised() {
            tracing::warn!(
                "{reason}: guests run up to 50 times slower, or exhaust the native stack; optimise \
                 the dependencies in the profile of your workspace, see \"Debug builds\" in the \
                 documentation of the crate `fusee`"
            );
        }
        let without_idle = self.cache_bytes.saturating_sub(self.engines.idle_bytes());
        let program_bytes = without_idle.max(self.cache_bytes / 2);
        let preparer = Preparer {
            engines: self.engines,
            compile_in: self.compile_in,
            compiled_bytes: self.compiled_bytes,
            artifacts: self.artifacts,
            cache: Arc::new(Cache::new(program_bytes)),
            runs: Runs::new(self.suspended_runs),
            compile_gas: self.compile_gas,
            earned: EarnedByProgram::new(),
        };
        Executor::with_preparer(preparer, self.slice)
    }
}

impl ExecutorBuilder<WithInterpreter> {
    /// Builds the executor for those who need one with an interpreter.
    #[must_use]
    pub fn build_interpreting(self) -> InterpretingExecutor {
        InterpretingExecutor(Arc::new(self.build()))
    }
}

/// An executor that has an interpreter, so that a compiler that fails changes no outcome. Clones
/// share it.
#[derive(Clone, Debug)]
pub struct InterpretingExecutor(Arc<Executor>);

impl InterpretingExecutor {
    /// The executor.
    #[must_use]
    pub const fn executor(&self) -> &Arc<Executor> {
        &self.0
    }
}

impl Executor {
    /// An executor with one engine, which compiles or translates each program when it is prepared.
    #[must_use]
    pub fn builder(engine: Arc<dyn Engine>) -> ExecutorBuilder {
        ExecutorBuilder::new(Engines::new(Some(engine), None))
    }

    /// An executor with an interpreter and no compiler.
    #[must_use]
    pub fn interpreted(interpreter: Arc<dyn Interpreter>) -> ExecutorBuilder<WithInterpreter> {
        ExecutorBuilder::new(Engines::new(Some(interpreter), None))
    }

    /// An executor with a compiler and no interpreter. A program is compiled, or loaded from the
    /// artifacts, when it is prepared.
    #[must_use]
    pub fn compiled(compiler: Arc<dyn Compiler>) -> ExecutorBuilder {
        ExecutorBuilder::new(Engines::new(None, Some(compiler)))
    }

    /// An executor with an interpreter and a compiler for the same format.
    ///
    /// A call runs on compiled code if the program is compiled, and otherwise on the interpreter.
    /// A background thread compiles the program once its runs have used enough gas
    /// ([`compile_gas`](ExecutorBuilder::compile_gas)). No call waits for it.
    ///
    /// Programs that fail to compile or to instantiate as compiled code run on the interpreter.
    #[must_use]
    pub fn tiered(
        interpreter: Arc<dyn Interpreter>,
        compiler: Arc<dyn Compiler>,
    ) -> ExecutorBuilder<WithInterpreter> {
        ExecutorBuilder::new(Engines::new(Some(interpreter), Some(compiler)))
    }
}
