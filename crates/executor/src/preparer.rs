//! The preparer: prepares and compiles programs, and stores and loads artifacts.
//!
//! An executor shares its preparer with the background thread that compiles.

use std::sync::Arc;

use fusee_engine::{
    ArtifactKey, Code, Compiler, Effort, Engine, EngineError, Format, Gas, Module, Program, Source,
};

use crate::{
    CompileIn, PrepareError, PreparedProgram,
    artifacts::Artifacts,
    cache::Cache,
    compiled::{CompileClaim, CompileGuard, CompiledCode},
    compiling::{Calls, CompileFailure},
    earned::EarnedByProgram,
    engines::Engines,
    key::Key,
    prepared::Earning,
    runs::Runs,
    short_calls::ShortCalls,
};

#[derive(Debug)]
pub(crate) struct Preparer {
    pub(crate) engines: Engines,
    pub(crate) compile_in: CompileIn,
    /// The maximum size of one compiled program.
    pub(crate) compiled_bytes: u64,
    pub(crate) artifacts: Option<Artifacts>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) runs: Arc<Runs>,
    /// The gas that a program's runs use on the interpreter before it is compiled, for each unit of
    /// work.
    pub(crate) compile_gas: Gas,
    pub(crate) earned: EarnedByProgram,
}

impl Preparer {
    /// Prepares a metered program for its first call.
    ///
    /// With both an interpreter and a compiler this does nothing yet by default: the interpreter
    /// translates the program on its first call.
    pub(crate) fn prepare(
        &self,
        key: Key,
        program: Program,
    ) -> Result<Arc<PreparedProgram>, PrepareError> {
        let prepared = Arc::new(self.new_prepared(key, Arc::new(program)));
        let format = prepared.program().format;
        match (prepared.has_interpreter(), self.compiles(format)) {
            (false, true) => {
                self.compile(&prepared)?;
            }
            (true, false) => {
                prepared.interpreter_module()?;
            }
            // A failure is recorded by the program, which then stays on the interpreter.
            (true, true) if self.compile_gas == Gas::ZERO => drop(self.compile(&prepared)),
            (true, true) => {}
            (false, false) => return Err(EngineError::NoEngine { format }.into()),
        }
        self.store_metered(&prepared);
        Ok(prepared)
    }

    fn new_prepared(&self, key: Key, program: Arc<Program>) -> PreparedProgram {
        let interpreter = self.engines.interpreter(program.format).cloned();
        let has_tiers = interpreter.is_some() && self.compiles(program.format);
        let compiler = self.engines.compiler_for(program.format);
        let earning = compiler.filter(|_| has_tiers).map(|compiler| Earning {
            price: self
                .compile_gas
                .saturating_mul(compiler.work(&program, self.compile_in.background_effort())),
            earned: self.earned.of(key, &program),
        });
        let short_calls = compiler
            .and_then(|compiler| compiler.for_short_calls(&program))
            .map(|compiler| {
                let work = compiler.work(&program, self.compile_in.background_effort());
                ShortCalls::new(compiler, &program, self.compile_gas.saturating_mul(work))
            });
        PreparedProgram::new(
            program,
            key,
            Arc::clone(&self.runs),
            Arc::<Cache>::downgrade(&self.cache),
            interpreter,
            earning,
            short_calls,
        )
    }

    /// Whether the executor has a compiler for this format.
    pub(crate) fn compiles(&self, format: Format) -> bool {
        self.engines.compiler_for(format).is_some()
    }

    /// The folder for the artifact of this program. `None` for a profiled program: its artifact
    /// would have the same key as the artifact of the unprofiled one.
    fn artifacts(&self, key: Key) -> Option<&Artifacts> {
        self.artifacts.as_ref().filter(|_| !key.is_profiled)
    }

    /// Loads a program that was compiled or prepared before it was last evicted, or by another
    /// process.
    pub(crate) fn load_artifact(&self, key: Key) -> Option<Arc<PreparedProgram>> {
        self.load_compiled(key).or_else(|| self.load_metered(key))
    }

    /// Loads a metered program, to be interpreted.
    fn load_metered(&self, key: Key) -> Option<Arc<PreparedProgram>> {
        let (interpreter, artifacts) = (
            self.engines.interpreter(Format::Wasm)?,
            self.artifacts(key)?,
        );
        let artifact = artifacts.find(&artifact_key(interpreter.as_ref(), key))?;
        let prepared = Arc::new(self.new_prepared(key, artifact.program));
        match prepared.interpreter_module() {
            Ok(_) => Some(prepared),
            Err(error) => {
                tracing::warn!(program = %key.code, error = %error, "failed to load an artifact");
                None
            }
        }
    }

    /// Stores a metered program for [`load_metered`](Self::load_metered).
    fn store_metered(&self, prepared: &PreparedProgram) {
        let program = prepared.shared_program();
        let Some(interpreter) = self.engines.interpreter(Format::Wasm) else {
            return;
        };
        if program.format == Format::Wasm {
            self.store(
                &artifact_key(interpreter.as_ref(), prepared.key()),
                prepared,
                &[],
            );
        }
    }

    fn store(&self, key: &ArtifactKey, prepared: &PreparedProgram, code: &[u8]) {
        let program = prepared.shared_program();
        if let Some(artifacts) = self.artifacts(prepared.key())
            && let Err(error) = artifacts.store(key, program, code)
        {
            tracing::warn!(
                program = %program.code_hash,
                error = %error,
                "failed to store an artifact; the next process prepares the program again"
            );
        }
    }

    /// Loads a compiled program.
    fn load_compiled(&self, key: Key) -> Option<Arc<PreparedProgram>> {
        let (compiler, artifacts) = (self.engines.compiler()?, self.artifacts(key)?);
        let artifact = artifacts.find(&artifact_key(compiler.as_ref(), key))?;
        match compiler.load(&artifact.program, artifact.code) {
            Ok(module) => {
                let prepared = self.new_prepared(key, artifact.program);
                prepared.set_compiled(prepared.code(), module);
                artifacts.hits.add();
                Some(Arc::new(prepared))
            }
            Err(error) => {
                tracing::warn!(program = %key.code, error = %error, "failed to load an artifact");
                None
            }
        }
    }

    /// Compiles a program, unless it is compiled. Waits if another thread is compiling it.
    pub(crate) fn compile(
        &self,
        prepared: &PreparedProgram,
    ) -> Result<Arc<dyn Module>, EngineError> {
        let format = prepared.program().format;
        let Some(compiler) = self.engines.compiler_for(format) else {
            let why = format!("the executor has no compiler for {format} programs");
            return Err(EngineError::Host(why.into()));
        };
        let all = (Calls::All, prepared.code());
        self.compile_with(compiler.as_ref(), prepared, all, Effort::Full)
    }

    /// Compiles a program of the queue, for these calls. Nobody waits for it, but others wait in
    /// the queue: what could take too long is given up. The program records a failure, and it is
    /// logged.
    pub(crate) fn compile_queued(&self, prepared: &PreparedProgram, calls: Calls) {
        let (compiler, code) = match (calls, prepared.short_calls()) {
            (Calls::Short, Some(ShortCalls { compiler, code, .. })) => (Some(compiler), code),
            (Calls::Short, None) => return,
            (Calls::All, _) => {
                let compiler = self.engines.compiler_for(prepared.program().format);
                (compiler, prepared.code())
            }
        };
        let Some(compiler) = compiler else { return };
        match self.compile_in.refuses(prepared.program()) {
            Some(failure) => {
                if let CompileClaim::Claimed(guard) = code.claim() {
                    give_up(prepared, calls, guard, failure);
                }
            }
            None => {
                let most = self.compile_in.background_effort();
                let _ = self.compile_with(compiler.as_ref(), prepared, (calls, code), most);
            }
        }
    }

    fn compile_with(
        &self,
        compiler: &dyn Compiler,
        prepared: &PreparedProgram,
        (calls, code): (Calls, &CompiledCode),
        most: Effort,
    ) -> Result<Arc<dyn Module>, EngineError> {
        let guard = match code.claim() {
            CompileClaim::Claimed(guard) => guard,
            CompileClaim::Compiled(module) => return Ok(module),
            CompileClaim::GivenUp(reason) => return Err(failed(compiler.name(), reason)),
        };
        match self.compile_now(compiler, prepared, calls, most) {
            Ok(module) => {
                prepared.set_compiled(code, Arc::clone(&module));
                drop(guard);
                Ok(module)
            }
            Err(failure) => {
                let reason = give_up(prepared, calls, guard, failure);
                Err(failed(compiler.name(), reason))
            }
        }
    }

    fn compile_now(
        &self,
        compiler: &dyn Compiler,
        prepared: &PreparedProgram,
        calls: Calls,
        most: Effort,
    ) -> Result<Arc<dyn Module>, CompileFailure> {
        let program = prepared.shared_program();
        let key = artifact_key(compiler, prepared.key());
        // The code for all calls was looked for when the program was prepared.
        let artifacts = self.artifacts(prepared.key());
        if calls == Calls::Short
            && let Some(artifacts) = artifacts
            && let Some(artifact) = artifacts.find(&key)
            && let Ok(module) = compiler.load(program, artifact.code)
        {
            artifacts.hits.add();
            return Ok(module);
        }
        if let Some(artifacts) = artifacts {
            artifacts.misses.add();
        }
        let code = self
            .compile_in
            .compile(compiler, program, calls, most, self.compiled_bytes)?;
        self.store(&key, prepared, &code);
        compiler
            .load(program, Code::Bytes(code))
            .map_err(|error| CompileFailure::of_the_machine(error.to_string()))
    }
}

fn artifact_key(engine: &(impl Engine + ?Sized), key: Key) -> ArtifactKey {
    ArtifactKey {
        code: key.code,
        rules: key.rules,
        engine: engine.fingerprint().clone(),
    }
}

/// Records and logs that a program was not compiled. Returns the reason.
fn give_up(
    prepared: &PreparedProgram,
    calls: Calls,
    guard: CompileGuard<'_>,
    failure: CompileFailure,
) -> String {
    prepared.runs().failed_compilations.add();
    let is_final = guard.fail(&failure);
    let CompileFailure { reason, .. } = failure;
    tracing::warn!(
        program = %prepared.program().code_hash,
        ?calls,
        reason,
        is_final,
        "failed to compile a program; its calls stay on what runs them now"
    );
    reason
}

fn failed(engine: &'static str, reason: impl Into<Source>) -> EngineError {
    EngineError::Compile {
        engine,
        source: reason.into(),
    }
}
