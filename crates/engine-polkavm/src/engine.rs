//! The engine: one configuration for each way to run.

use std::{fmt, sync::Arc};

use fusee_engine::{Engine, EngineError, Fingerprint, Format, Module, Program};
use polkavm::{BackendKind, Config, CorePinning, SandboxKind};

use crate::{NAME, idle::Idle, instance::failed, module::PolkaVmModule};

/// What an interpreter keeps of instances that have ended, unless it is told.
const IDLE_BYTES: u64 = 16 << 20;

/// How programs are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// They are interpreted, which works on any machine that has AVX2 or is none of AMD's and Intel's. For programs that nobody trusts.
    Interpreter,
    /// They are compiled, and run in a process of their own that can do nothing else: on Linux and AMD64 alone. What a guest
    /// asks of its host takes a switch between processes. The host does not sleep while a guest runs, nor does a guest's process while it is parked at a
    /// syscall: for no more guests at once than half the cores (`docs/polkavm.md`).
    ProcessSandbox,
    /// They are compiled, and run in this process: on AMD64 alone. PolkaVM's makers call this sandbox not ready for production, so that it is for programs that one
    /// trusts.
    GenericSandbox,
}

/// Runs PolkaVM programs on PolkaVM.
pub struct PolkaVmEngine {
    engine: polkavm::Engine,
    pub(crate) idle: Arc<Idle>,
    backend: Backend,
    fingerprint: Fingerprint,
}

impl PolkaVmEngine {
    /// The interpreter.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if it cannot be made on this machine.
    pub fn new() -> Result<Self, EngineError> {
        Self::on(Backend::Interpreter)
    }

    /// An engine that runs programs so.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if this machine does not run them so.
    pub fn on(backend: Backend) -> Result<Self, EngineError> {
        // Not from the environment: what a program comes to is not for that to decide.
        let mut config = Config::new();
        config
            .set_core_pinning(CorePinning::Disabled)
            .set_allow_dynamic_paging(false);
        match backend {
            Backend::Interpreter => {
                config.set_backend(Some(BackendKind::Interpreter));
            }
            Backend::ProcessSandbox => {
                config
                    .set_backend(Some(BackendKind::Compiler))
                    .set_sandbox(Some(SandboxKind::Linux));
            }
            Backend::GenericSandbox => {
                config
                    .set_backend(Some(BackendKind::Compiler))
                    .set_sandbox(Some(SandboxKind::Generic))
                    .set_allow_experimental(true);
            }
        }
        let engine = polkavm::Engine::new(&config).map_err(|error| failed(&error))?;
        let configured = format!("polkavm 1 {} {backend:?}", env!("CARGO_PKG_VERSION"));
        let idle_bytes = match backend {
            Backend::Interpreter | Backend::GenericSandbox => IDLE_BYTES,
            // Processes are PolkaVM's own to use again.
            Backend::ProcessSandbox => 0,
        };
        Ok(Self {
            engine,
            idle: Idle::new(idle_bytes),
            backend,
            fingerprint: Fingerprint::of(configured.as_bytes()),
        })
    }

    /// The same engine, which keeps at most so many bytes of instances that have ended (16 MiB unless told): their memory, and what the
    /// interpreter translated of their program, so that the next run of it translates nothing again. What an instance may come to hold counts,
    /// not what it does hold. The process sandbox keeps none, whatever is told: PolkaVM uses its processes again itself.
    #[must_use]
    pub fn with_idle_bytes(mut self, bytes: u64) -> Self {
        if self.backend != Backend::ProcessSandbox {
            self.idle = Idle::new(bytes);
        }
        self
    }

    /// How programs are run.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }
}

impl Engine for PolkaVmEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::PolkaVm]
    }

    fn idle_bytes(&self) -> u64 {
        self.idle.limit()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(PolkaVmModule::compile(
            &self.engine,
            &self.idle,
            program,
        )?))
    }
}

impl fmt::Debug for PolkaVmEngine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PolkaVmEngine")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}
