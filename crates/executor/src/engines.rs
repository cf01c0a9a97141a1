//! The engines of an executor, by program format.

use std::sync::Arc;

use fusee_engine::{Compiler, Engine, Format};

/// The engines of an executor. Each format has an interpreter, a compiler, or both.
#[derive(Debug)]
pub(crate) struct Engines {
    /// Engines that run a program without the compiler, in order of precedence. An engine that is
    /// the only one for its format belongs here, even if it generates native code.
    interpreters: Vec<Arc<dyn Engine>>,
    compiler: Option<Arc<dyn Compiler>>,
}

impl Engines {
    pub(crate) fn new(
        interpreter: Option<Arc<dyn Engine>>,
        compiler: Option<Arc<dyn Compiler>>,
    ) -> Self {
        Self {
            interpreters: interpreter.into_iter().collect(),
            compiler,
        }
    }

    /// Adds an engine, which runs the formats that no engine before it supports.
    pub(crate) fn add(&mut self, engine: Arc<dyn Engine>) {
        self.interpreters.push(engine);
    }

    pub(crate) fn interpreter(&self, format: Format) -> Option<&Arc<dyn Engine>> {
        let mut interpreters = self.interpreters.iter();
        interpreters.find(|engine| engine.formats().contains(&format))
    }

    /// The compiler, whatever formats it supports.
    pub(crate) fn compiler(&self) -> Option<&Arc<dyn Compiler>> {
        self.compiler.as_ref()
    }

    pub(crate) fn compiler_for(&self, format: Format) -> Option<&Arc<dyn Compiler>> {
        self.compiler()
            .filter(|compiler| compiler.formats().contains(&format))
    }

    /// Whether a format has both an interpreter and a compiler.
    pub(crate) fn has_tiers(&self) -> bool {
        self.compiler().is_some_and(|compiler| {
            let mut formats = compiler.formats().iter();
            formats.any(|format| self.interpreter(*format).is_some())
        })
    }

    /// The bytes that all engines together keep of instances that ended.
    pub(crate) fn idle_bytes(&self) -> u64 {
        let interpreters = self.interpreters.iter().map(|engine| engine.idle_bytes());
        let compiler = self.compiler.iter().map(|compiler| compiler.idle_bytes());
        interpreters.chain(compiler).fold(0, u64::saturating_add)
    }
}
