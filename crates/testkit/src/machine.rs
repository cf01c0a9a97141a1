//! The machines that a test runs on.

use std::{fmt, sync::Arc};

use fusee::{
    chain::{ContractRules, Contracts},
    engines::{PolkaVmBackend, PolkaVmEngine, WasmiEngine, WasmtimeEngine},
    sandbox::{Engine, Executor},
};

use crate::native::{NativeEngine, Natives};

/// What runs the contracts of a test, and their nested VMs.
///
/// A contract of another format than the machine's, and a nested VM that the machine has no engine
/// of its own for, runs on an interpreter of its format: wasmi, or that of PolkaVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// The Rust code of the test itself, in a thread: for debuggers, and for speed. Everything
    /// around it is the real chain; only gas is that of the syscalls alone.
    Native,
    /// WebAssembly, compiled.
    Wasmtime,
    /// WebAssembly, interpreted.
    Wasmi,
    /// PolkaVM, interpreted.
    PolkaVm,
}

impl Machine {
    /// All machines.
    pub const ALL: [Self; 4] = [Self::Native, Self::Wasmtime, Self::Wasmi, Self::PolkaVm];

    /// The contracts of a chain that runs on this machine.
    pub(crate) fn contracts(self, natives: &Natives) -> Contracts {
        let engine: Arc<dyn Engine> = match self {
            Self::Native => Arc::new(NativeEngine::new(natives)),
            Self::Wasmtime => {
                let engine = WasmtimeEngine::builder().instances(256).build();
                Arc::new(engine.expect("Wasmtime works on this machine"))
            }
            Self::Wasmi => Arc::new(WasmiEngine::new()),
            Self::PolkaVm => polkavm(),
        };
        // For the formats that the machine's engine does not have.
        let other: Arc<dyn Engine> = match self {
            Self::PolkaVm => Arc::new(WasmiEngine::new()),
            Self::Native | Self::Wasmtime | Self::Wasmi => polkavm(),
        };
        let executor = Arc::new(Executor::builder(engine).engine(other).build());
        Contracts::without_fallback(executor, ContractRules::latest())
    }
}

fn polkavm() -> Arc<dyn Engine> {
    let engine = PolkaVmEngine::on(PolkaVmBackend::Interpreter);
    Arc::new(engine.expect("the interpreter of PolkaVM works everywhere"))
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Native => "native",
            Self::Wasmtime => "wasmtime",
            Self::Wasmi => "wasmi",
            Self::PolkaVm => "polkavm",
        })
    }
}
