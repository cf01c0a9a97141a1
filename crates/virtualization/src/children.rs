//! Children by number: what a guest holds of its children, since it cannot hold them.
//!
//! Modules and instances count up from 0, and no number is given twice. Behind the numbers are the
//! types of [`instance`](crate::Instance); here is only what becomes of a call that makes no sense. A call that is answered
//! with an error changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use fusee_engine::Source;
use fusee_executor::Executor;

use crate::{
    ChildRules, ChildSettings, Execution, Instance, Module, Modules, Outcome, Space,
    VirtualizationError,
    wire::{
        CompileStatus, CompiledModule, DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId,
        InstantiateError, MemoryError, ModuleError, ModuleId,
    },
};

/// The modules and instances of one owner, a block or a transaction. They end with it.
///
/// What is a fault of the host, and no answer, is the outer error of those that can have one.
#[derive(Debug)]
pub struct Children {
    modules: Modules,
    by_id: Vec<Module>,
    instances: BTreeMap<InstanceId, State>,
    /// The number of the next instance; none is left where it is none.
    next: Option<u32>,
}

#[derive(Debug)]
enum State {
    Idle(Instance),
    Ready(Execution),
}

impl Children {
    /// None yet.
    #[must_use]
    pub fn new(executor: Arc<Executor>, rules: ChildRules, settings: ChildSettings) -> Self {
        Self {
            modules: Modules::new(executor, rules, settings),
            by_id: Vec::new(),
            instances: BTreeMap::new(),
            next: Some(0),
        }
    }

    /// Compiles a program, unless a module is kept under the identifier: whatever program that was made of. Either has a new number.
    ///
    /// # Errors
    ///
    /// As [`Modules::compile`].
    pub fn compile(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<Result<CompiledModule, ModuleError>, VirtualizationError> {
        let compiled = self.modules.compile(program, identifier)?;
        Ok(compiled.and_then(|compiled| self.number(compiled)))
    }

    /// A new number for the module that is kept under the identifier.
    ///
    /// # Errors
    ///
    /// As [`Modules::lookup`].
    pub fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        let module = self.modules.lookup(identifier)?;
        let numbered = self.number((module, CompileStatus::Cached))?;
        Ok(numbered.id)
    }

    /// Compiles the code under a key, unless a module is kept under it. Either has a new number.
    ///
    /// # Errors
    ///
    /// As [`Modules::compile_key`].
    pub fn compile_key(
        &mut self,
        space: Space<'_>,
        key: &[u8],
        code: impl FnOnce(Space<'_>, &[u8]) -> Result<Option<Vec<u8>>, Source>,
    ) -> Result<Result<CompiledModule, ModuleError>, VirtualizationError> {
        let compiled = self.modules.compile_key(space, key, code)?;
        Ok(compiled.and_then(|compiled| self.number(compiled)))
    }

    /// A new instance of a module.
    ///
    /// # Errors
    ///
    /// [`InstantiateError::InvalidModule`] if no module has this number; else as [`Module::instantiate`].
    pub fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError> {
        let position = usize::try_from(module.0).ok();
        let module = position
            .and_then(|position| self.by_id.get(position))
            .ok_or(InstantiateError::InvalidModule)?;
        let next = self.next.ok_or(InstantiateError::InvalidImage)?;
        let instance = module.instantiate()?;
        self.next = next.checked_add(1);
        let id = InstanceId(next);
        self.instances.insert(id, State::Idle(instance));
        Ok(id)
    }

    /// Makes an idle instance ready to run an exported function.
    ///
    /// # Errors
    ///
    /// [`ExecError::InvalidInstance`] inside if no instance has this number, or it is ready already; [`ExecError::InvalidImage`] if the program
    /// has no such function. [`VirtualizationError`] as [`Instance::prepare`]; the instance is destroyed.
    pub fn prepare(
        &mut self,
        instance: InstanceId,
        function: &[u8],
    ) -> Result<Result<(), ExecError>, VirtualizationError> {
        let idle = match self.instances.remove(&instance) {
            Some(State::Idle(idle)) => idle,
            other => return Ok(Err(self.invalid(instance, other))),
        };
        let (state, answer) = match idle.prepare(function)? {
            Ok(execution) => (State::Ready(execution), Ok(())),
            Err(idle) => (State::Idle(idle), Err(ExecError::InvalidImage)),
        };
        self.instances.insert(instance, state);
        Ok(answer)
    }

    /// Runs a ready instance until it returns, asks for something, or fails. It is ready again if it asks for something, and idle if not.
    ///
    /// # Errors
    ///
    /// [`ExecError::InvalidInstance`] inside if no instance has this number, or it is idle; [`ExecError::OutOfGas`] and [`ExecError::Trap`].
    /// [`VirtualizationError`] as [`Execution::run`]; the instance is destroyed.
    pub fn run(
        &mut self,
        instance: InstanceId,
        gas: i64,
        a0: u64,
    ) -> Result<Result<(ExecStatus, ExecBuffer), ExecError>, VirtualizationError> {
        let execution = match self.instances.remove(&instance) {
            Some(State::Ready(execution)) => execution,
            other => return Ok(Err(self.invalid(instance, other))),
        };
        let (state, answer) = match execution.run(gas, a0)? {
            Outcome::Finished {
                instance: idle,
                gas_left,
            } => {
                let buffer = ExecBuffer {
                    gas_left: gas_left.counter(),
                    ..ExecBuffer::default()
                };
                (State::Idle(idle), Ok((ExecStatus::Finished, buffer)))
            }
            Outcome::Syscall {
                execution,
                request,
                gas_left,
            } => {
                let buffer = ExecBuffer {
                    gas_left: gas_left.counter(),
                    symbol: request.symbol,
                    args: request.args,
                };
                (State::Ready(execution), Ok((ExecStatus::Syscall, buffer)))
            }
            Outcome::OutOfGas { instance: idle } => (State::Idle(idle), Err(ExecError::OutOfGas)),
            Outcome::Trapped { instance: idle, .. } => (State::Idle(idle), Err(ExecError::Trap)),
        };
        self.instances.insert(instance, state);
        Ok(answer)
    }

    /// Destroys an instance, wherever it is.
    ///
    /// # Errors
    ///
    /// [`DestroyError::InvalidInstance`] if no instance has this number.
    pub fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError> {
        let gone = self.instances.remove(&instance);
        gone.map(drop).ok_or(DestroyError::InvalidInstance)
    }

    /// Reads the memory of a ready instance from `offset` on into all of `out`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::InvalidInstance`] if no instance has this number, or it is idle; [`MemoryError::OutOfBounds`] if one of the bytes is not
    /// there.
    pub fn read_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        out: &mut [u8],
    ) -> Result<(), MemoryError> {
        self.ready(instance)?.read_memory(offset, out)
    }

    /// Writes all bytes to the memory of a ready instance from `offset` on, or none.
    ///
    /// # Errors
    ///
    /// [`MemoryError::InvalidInstance`] if no instance has this number, or it is idle; [`MemoryError::OutOfBounds`] if the memory is not there.
    pub fn write_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        self.ready(instance)?.write_memory(offset, bytes)
    }

    /// How many instances there are.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances.len()
    }

    fn ready(&mut self, instance: InstanceId) -> Result<&mut Execution, MemoryError> {
        match self.instances.get_mut(&instance) {
            Some(State::Ready(execution)) => Ok(execution),
            Some(State::Idle(_)) | None => Err(MemoryError::InvalidInstance),
        }
    }

    /// Puts back what is in the wrong state.
    fn invalid(&mut self, instance: InstanceId, state: Option<State>) -> ExecError {
        if let Some(state) = state {
            self.instances.insert(instance, state);
        }
        ExecError::InvalidInstance
    }

    /// A new number. Where none is left, it is as if the program were refused.
    fn number(
        &mut self,
        (module, status): (Module, CompileStatus),
    ) -> Result<CompiledModule, ModuleError> {
        let id = u32::try_from(self.by_id.len()).map_err(|_| ModuleError::InvalidImage)?;
        self.by_id.push(module);
        Ok(CompiledModule {
            id: ModuleId(id),
            status,
        })
    }
}
