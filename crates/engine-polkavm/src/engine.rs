//! The engine and its configurations.

use std::{fmt, sync::Arc};

use fusee_engine::{Engine, EngineError, Fingerprint, Format, Idle, Interpreter, Module, Program};
use polkavm::{BackendKind, Config, CorePinning, RawInstance, SandboxKind};

use crate::{NAME, instance::failed, module::PolkaVmModule};

/// The default limit of idle instances, in bytes.
const IDLE_BYTES: u64 = 16 << 20;

/// How PolkaVM executes programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The interpreter, for untrusted programs. On x86-64 it requires AVX2.
    Interpreter,
    /// The recompiler, with a sandboxed process for each instance. Linux on x86-64 only.
    ///
    /// Each syscall switches between processes. The host spins while a guest runs, and the guest's
    /// process spins while it is suspended at a syscall. So use it for at most half as many guests
    /// at once as the machine has cores (`docs/book/src/polkavm.md`).
    ProcessSandbox,
    /// The recompiler, in this process, for trusted programs. x86-64 only. PolkaVM's authors do not
    /// consider this sandbox ready for production.
    GenericSandbox,
}

/// Runs PolkaVM programs on PolkaVM.
pub struct PolkaVmEngine {
    engine: polkavm::Engine,
    pub(crate) idle: Arc<Idle<RawInstance>>,
    backend: Backend,
    fingerprint: Fingerprint,
}

impl PolkaVmEngine {
    /// An engine with the interpreter.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if this machine does not support it.
    pub fn new() -> Result<Self, EngineError> {
        Self::on(Backend::Interpreter)
    }

    /// An engine with this backend.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if this machine does not support it.
    pub fn on(backend: Backend) -> Result<Self, EngineError> {
        // Not `Config::from_env`: environment variables must not affect outcomes.
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
            // PolkaVM reuses the processes itself.
            Backend::ProcessSandbox => 0,
        };
        Ok(Self {
            engine,
            idle: idle(idle_bytes),
            backend,
            fingerprint: Fingerprint::of(configured.as_bytes()),
        })
    }

    /// Sets the limit of idle instances, in bytes. Default: 16 MiB.
    ///
    /// Idle instances keep their memory and the interpreter's translation, so that the next run of
    /// the program needs no translation. Each counts with the maximum size that it can reach. The
    /// process sandbox ignores this option, since PolkaVM reuses its processes itself.
    #[must_use]
    pub fn with_idle_bytes(mut self, bytes: u64) -> Self {
        if self.backend != Backend::ProcessSandbox {
            self.idle = idle(bytes);
        }
        self
    }

    /// The engine's backend.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }
}

/// Its recompiler translates instruction by instruction, and checks the stack of the guest itself.
impl Interpreter for PolkaVmEngine {}

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

/// Idle instances of up to `bytes` bytes.
///
/// PolkaVM's interpreter (0.37.0) stores its translation in the instance, together with addresses
/// of that instance, and cannot share it; the recompiler's sandboxes keep their mappings. A call
/// sets registers and gas, as on a fresh instance.
fn idle(bytes: u64) -> Arc<Idle<RawInstance>> {
    Idle::new(bytes, |instance| instance.reset_memory().is_ok())
}

impl fmt::Debug for PolkaVmEngine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PolkaVmEngine")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
