//! The executor: prepares programs and starts runs.

use std::sync::Arc;

use fusee_engine::{CodeHash, Engine, Gas, Host, Mode, Module, Program};
use fusee_instrument::Rules;

use crate::{
    LiveInstance, Outcome, PrepareError, RunError, RunRequest, Suspension,
    cache::{Cache, Key},
};

/// Prepares programs and runs them on one engine.
///
/// Shared between threads by reference; nothing that one run does is seen by another.
#[derive(Debug)]
pub struct Executor {
    engine: Arc<dyn Engine>,
    cache: Cache,
    slice: Gas,
}

/// Options of an [`Executor`].
#[derive(Debug)]
pub struct ExecutorBuilder {
    engine: Arc<dyn Engine>,
    cache_bytes: u64,
    slice: Gas,
}

/// A program that is ready to run: checked, metered and compiled.
#[derive(Debug)]
pub struct Prepared {
    program: Arc<Program>,
    module: Arc<dyn Module>,
}

impl ExecutorBuilder {
    /// How many bytes of prepared programs are kept (64 MiB unless told).
    #[must_use]
    pub const fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// How much gas a guest is handed at a time (2,000,000 unless told, about a millisecond).
    /// A run can be interrupted where a slice ends. No outcome depends on it.
    #[must_use]
    pub const fn slice(mut self, slice: Gas) -> Self {
        self.slice = slice;
        self
    }

    /// The executor.
    #[must_use]
    pub fn build(self) -> Executor {
        Executor {
            engine: self.engine,
            cache: Cache::new(self.cache_bytes),
            slice: self.slice,
        }
    }
}

impl Executor {
    /// An executor over `engine`, with options to set.
    #[must_use]
    pub fn builder(engine: Arc<dyn Engine>) -> ExecutorBuilder {
        ExecutorBuilder {
            engine,
            cache_bytes: 64 << 20,
            slice: Gas::new(2_000_000),
        }
    }

    /// The name of the engine, for people.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// The bytes of prepared programs that are kept now.
    #[must_use]
    pub fn cached_bytes(&self) -> u64 {
        self.cache.used()
    }

    /// Checks, meters and compiles a program, or finds it among those that were prepared before.
    ///
    /// # Errors
    ///
    /// [`PrepareError::Refused`] if the rules refuse the program; [`PrepareError::Engine`] if the
    /// engine fails on it.
    pub fn prepare(&self, wasm: &[u8], rules: &Rules) -> Result<Arc<Prepared>, PrepareError> {
        let key = self.key(CodeHash::of(wasm), rules);
        if let Some(found) = self.cache.find(&key) {
            return Ok(found);
        }
        let program = Arc::new(fusee_instrument::prepare(wasm, rules)?);
        let module = self.engine.compile(&program)?;
        let prepared = Arc::new(Prepared { program, module });
        self.cache.keep(key, Arc::clone(&prepared));
        Ok(prepared)
    }

    /// The program with this hash, if it is among those that were prepared before. It saves hashing
    /// a program whose hash is known, and reading it from wherever it is.
    #[must_use]
    pub fn find(&self, code: CodeHash, rules: &Rules) -> Option<Arc<Prepared>> {
        self.cache.find(&self.key(code, rules))
    }

    fn key(&self, code: CodeHash, rules: &Rules) -> Key {
        (code, rules.id(), self.engine.fingerprint().clone())
    }

    /// Runs an entry of a program in a fresh instance. The program's start function runs first, then its
    /// export `_initialize` if it has one; both are metered like the entry.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the request does not fit the program, or the host fails. What the guest does
    /// is an [`Outcome`].
    pub fn run(
        &self,
        prepared: &Prepared,
        request: RunRequest<'_>,
        host: Box<dyn Host>,
    ) -> Result<Outcome, RunError> {
        LiveInstance::new(
            Arc::clone(&prepared.program),
            Arc::clone(&prepared.module),
            self.slice,
        )
        .run(request, host)
    }
}

impl Prepared {
    /// What is known of the program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        self.module.resident_bytes()
    }
}

/// Fibers cost something, so that only a run that may be parked gets one.
pub(crate) fn mode(program: &Program, request: &RunRequest<'_>) -> Mode {
    let parks_at_gas_end = request.at_gas_end == fusee_engine::AtGasEnd::Suspend;
    match request.suspension {
        Suspension::AsNeeded if !program.may_suspend() && !parks_at_gas_end => Mode::Plain,
        Suspension::AsNeeded | Suspension::Always => Mode::Suspendable,
    }
}
