//! A backend for the host functions of `sp-virtualization`, over [`Children`].

use std::sync::Arc;

use fusee_engine::Engine;
use fusee_engine_polkavm::{Backend as Sandbox, PolkaVmEngine};
use fusee_executor::Executor;
use fusee_virtualization::{
    ChildLimits, ChildRules, ChildSettings, Children, VirtualizationError, wire,
};
use sp_virtualization::{
    DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId, InstantiateError, MemoryError,
    ModuleError, ModuleId, SyscallSymbol, VirtManagerBackend,
};

/// Nested VMs by the rules `substrate-1`.
#[derive(Debug)]
pub struct Backend(Children);

impl Backend {
    /// A backend whose programs PolkaVM runs so.
    ///
    /// # Panics
    ///
    /// If PolkaVM does not work so on this machine.
    #[must_use]
    pub fn on(sandbox: Sandbox) -> Self {
        let engine = PolkaVmEngine::on(sandbox).expect("PolkaVM works on this machine");
        let engine: Arc<dyn Engine> = Arc::new(engine);
        Self(children(Executor::builder(engine).build().into()))
    }
}

/// Nested VMs of a trusted owner, by the rules `substrate-1`.
#[must_use]
pub fn children<H: fusee_virtualization::Owner>(executor: Arc<Executor>) -> Children<H> {
    let settings = ChildSettings {
        limits: ChildLimits::unlimited(),
        ..ChildSettings::default()
    };
    Children::new(executor, ChildRules::substrate_v1(), settings)
}

/// A node that cannot go on must not tell its guest anything.
fn no_fault<T>(result: Result<T, VirtualizationError>) -> T {
    result.unwrap_or_else(|fault| panic!("this machine cannot run a nested VM: {fault}"))
}

fn module_error(error: wire::ModuleError) -> ModuleError {
    match error {
        wire::ModuleError::InvalidImage => ModuleError::InvalidImage,
        wire::ModuleError::NotCached => ModuleError::NotCached,
        wire::ModuleError::NotFound => ModuleError::NotFound,
    }
}

fn exec_error(error: wire::ExecError) -> ExecError {
    match error {
        wire::ExecError::InvalidInstance => ExecError::InvalidInstance,
        wire::ExecError::InvalidImage => ExecError::InvalidImage,
        wire::ExecError::OutOfGas => ExecError::OutOfGas,
        wire::ExecError::Trap => ExecError::Trap,
    }
}

fn memory_error(error: wire::MemoryError) -> MemoryError {
    match error {
        wire::MemoryError::InvalidInstance => MemoryError::InvalidInstance,
        wire::MemoryError::OutOfBounds => MemoryError::OutOfBounds,
    }
}

fn module(id: wire::ModuleId) -> ModuleId {
    id.0.into()
}

fn instance(id: InstanceId) -> wire::InstanceId {
    wire::InstanceId(id.into())
}

fn buffer(filled: &wire::ExecBuffer) -> ExecBuffer {
    let [a0, a1, a2, a3, a4, a5] = filled.args;
    ExecBuffer {
        gas_left: filled.gas_left,
        syscall_symbol: SyscallSymbol::new(filled.symbol.as_bytes()).expect("of 32 bytes"),
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
    }
}

impl VirtManagerBackend for Backend {
    fn compile_from_bytes(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<ModuleId, ModuleError> {
        let compiled = match identifier {
            Some(identifier) => no_fault(self.0.recompile(program, identifier)),
            None => no_fault(self.0.compile(program, None)).map(|compiled| compiled.id),
        };
        compiled.map(module).map_err(module_error)
    }

    fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        self.0.lookup(identifier).map(module).map_err(module_error)
    }

    fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError> {
        let made = self.0.instantiate(wire::ModuleId(module.into()));
        made.map(|id| id.0.into()).map_err(|error| match error {
            wire::InstantiateError::InvalidImage => InstantiateError::InvalidImage,
            wire::InstantiateError::InvalidModule => InstantiateError::InvalidModule,
        })
    }

    fn prepare(&mut self, id: InstanceId, function: &[u8]) -> Result<(), ExecError> {
        no_fault(self.0.prepare(instance(id), function)).map_err(exec_error)
    }

    fn run(
        &mut self,
        id: InstanceId,
        gas_left: i64,
        a0: u64,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError> {
        match no_fault(self.0.run(instance(id), gas_left, a0)) {
            Ok((wire::ExecStatus::Finished, filled)) => Ok((ExecStatus::Finished, buffer(&filled))),
            Ok((wire::ExecStatus::Syscall, filled)) => Ok((ExecStatus::Syscall, buffer(&filled))),
            Err(error) => Err(exec_error(error)),
        }
    }

    fn destroy(&mut self, id: InstanceId) -> Result<(), DestroyError> {
        let destroyed = self.0.destroy(instance(id));
        destroyed.map_err(|wire::DestroyError::InvalidInstance| DestroyError::InvalidInstance)
    }

    fn read_memory(
        &mut self,
        id: InstanceId,
        offset: u32,
        to: &mut [u8],
    ) -> Result<(), MemoryError> {
        self.0
            .read_memory(instance(id), offset, to)
            .map_err(memory_error)
    }

    fn write_memory(
        &mut self,
        id: InstanceId,
        offset: u32,
        from: &[u8],
    ) -> Result<(), MemoryError> {
        self.0
            .write_memory(instance(id), offset, from)
            .map_err(memory_error)
    }
}
