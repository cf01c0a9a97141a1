//! Nested VMs by number: the interface of a guest that owns them.
//!
//! Modules and instances are numbered from 0, and no number is reused. The numbers refer to an
//! [`Instance`] or an [`Execution`]. This file only adds the errors of calls in the wrong state. A
//! call that returns an error changes nothing.

mod syscalls;

use std::{collections::BTreeMap, sync::Arc};

use fusee_engine::{Gas, Source};
use fusee_executor::Executor;
use fusee_instrument::SyscallPrices;

use self::syscalls::Pending;
pub(crate) use self::syscalls::Step;
use crate::{
    error::VirtualizationError,
    instance::{Execution, Instance, Outcome, Running},
    limits::{ChildSettings, Tree},
    modules::{Module, Modules, StorageScope},
    registry::ModuleRegistry,
    rules::{ChildRules, Symbols},
    wire::{
        CompileStatus, CompiledModule, DestroyError, ExecBuffer, ExecError, ExecStatus, InstanceId,
        InstantiateError, MemoryError, ModuleError, ModuleId,
    },
};

/// The modules and instances of one owner. Dropping it drops them.
///
/// The outer error of a method is a fault of the host. The inner error is a reply to the owner.
#[derive(Debug)]
pub struct Children<G> {
    modules: Modules,
    by_id: Vec<Module>,
    /// `None`: the instance runs, or a fault of the host destroyed it.
    instances: BTreeMap<InstanceId, Option<InstanceState<G>>>,
    /// The number of the next instance. `None` after the last number.
    next: Option<u32>,
    billing: Billing,
    /// The request for which the owner is suspended.
    pending: Option<Pending>,
    /// The instance that runs while the owner is suspended.
    running: Option<RunningChild>,
}

/// The payer of nested VMs.
#[derive(Clone, Debug)]
enum Billing {
    /// No payer: the owner is trusted, and sets any gas limit.
    Free,
    /// The owner pays with its own gas, at the prices of its own rules.
    Owner(Arc<SyscallPrices>),
}

/// An instance that runs while its owner is suspended.
#[derive(Debug)]
struct RunningChild {
    id: InstanceId,
    running: Running,
    /// The gas limit that the owner set.
    gas: i64,
    /// The address of the result in the owner's memory.
    buffer: u32,
}

#[derive(Debug)]
enum InstanceState<G> {
    Idle(Instance),
    Ready(Execution<G>),
}

impl<G> Children<G> {
    /// Creates an empty set of nested VMs for a trusted owner, which does not pay for them.
    #[must_use]
    pub fn new(executor: Arc<Executor>, rules: ChildRules, settings: ChildSettings) -> Self {
        Self::of(Modules::new(executor, rules, settings), Billing::Free)
    }

    /// Creates an empty set of nested VMs for an owner that pays with its own gas, at the prices of
    /// its own rules.
    #[must_use]
    pub fn paying(
        executor: Arc<Executor>,
        rules: ChildRules,
        settings: ChildSettings,
        prices: Arc<SyscallPrices>,
    ) -> Self {
        let modules = Modules::new(executor, rules, settings);
        Self::of(modules, Billing::Owner(prices))
    }

    /// Creates an empty set of nested VMs in a tree, with a shared registry, for an owner that
    /// pays.
    pub(crate) fn billed(
        tree: Arc<Tree>,
        registry: ModuleRegistry<Module>,
        owner: Vec<u8>,
        prices: Arc<SyscallPrices>,
    ) -> Self {
        let modules = Modules::first(tree, registry, owner);
        Self::of(modules, Billing::Owner(prices))
    }

    /// Creates an empty set of nested VMs for a nested VM.
    pub(crate) fn of_child(module: &Module) -> Self {
        let prices = Arc::clone(module.tree().rules().prices());
        Self::of(module.next_generation(), Billing::Owner(prices))
    }

    const fn of(modules: Modules, billing: Billing) -> Self {
        Self {
            modules,
            by_id: Vec::new(),
            instances: BTreeMap::new(),
            next: Some(0),
            billing,
            pending: None,
            running: None,
        }
    }

    /// As [`Modules::admit`].
    pub fn admit(&mut self, symbols: impl Into<Arc<Symbols>>) {
        self.modules.admit(symbols);
    }

    /// Compiles a program, unless a module is cached under the identifier. A cached module may have
    /// been compiled from another program. Returns a new number in both cases.
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

    /// Compiles a program and caches the module under the identifier, in place of the module that
    /// is cached there. Numbers and instances of that module stay valid.
    ///
    /// # Errors
    ///
    /// As [`Modules::recompile`].
    pub fn recompile(
        &mut self,
        program: &[u8],
        identifier: &[u8],
    ) -> Result<Result<ModuleId, ModuleError>, VirtualizationError> {
        let compiled = self.modules.recompile(program, identifier)?;
        Ok(compiled.and_then(|module| {
            let numbered = self.number((module, CompileStatus::Compiled))?;
            Ok(numbered.id)
        }))
    }

    /// Returns a new number for the module that is cached under the identifier.
    ///
    /// # Errors
    ///
    /// As [`Modules::lookup`].
    pub fn lookup(&mut self, identifier: &[u8]) -> Result<ModuleId, ModuleError> {
        let module = self.modules.lookup(identifier)?;
        let numbered = self.number((module, CompileStatus::Cached))?;
        Ok(numbered.id)
    }

    /// Compiles the code under a key, unless a module is cached under the key. Returns a new number
    /// in both cases.
    ///
    /// # Errors
    ///
    /// As [`Modules::compile_key`].
    pub fn compile_key(
        &mut self,
        scope: StorageScope<'_>,
        key: &[u8],
        code: impl FnOnce(StorageScope<'_>, &[u8]) -> Result<Option<Vec<u8>>, Source>,
    ) -> Result<Result<CompiledModule, ModuleError>, VirtualizationError> {
        let compiled = self.modules.compile_key(scope, key, code)?;
        Ok(compiled.and_then(|compiled| self.number(compiled)))
    }

    /// Creates an instance of a module.
    ///
    /// # Errors
    ///
    /// [`InstantiateError::InvalidModule`] if no module has this number. Otherwise as
    /// [`Module::instantiate`].
    pub fn instantiate(&mut self, module: ModuleId) -> Result<InstanceId, InstantiateError> {
        let position = usize::try_from(module.0).ok();
        let module = position
            .and_then(|position| self.by_id.get(position))
            .ok_or(InstantiateError::InvalidModule)?;
        let next = self.next.ok_or(InstantiateError::InvalidImage)?;
        let instance = module.instantiate()?;
        self.next = next.checked_add(1);
        let id = InstanceId(next);
        self.put(id, InstanceState::Idle(instance));
        Ok(id)
    }

    /// Prepares an idle instance to run an exported function. Compiles the program of a fresh
    /// instance first.
    ///
    /// # Errors
    ///
    /// Inner error [`ExecError::InvalidInstance`] if no instance has this number, or it is already
    /// prepared. Inner error [`ExecError::InvalidImage`] if the program has no such function.
    /// [`VirtualizationError`] as [`Instance::prepare`], which destroys the instance.
    pub fn prepare(
        &mut self,
        instance: InstanceId,
        function: &[u8],
    ) -> Result<Result<(), ExecError>, VirtualizationError> {
        if let Some(Some(InstanceState::Idle(idle))) = self.instances.get(&instance) {
            idle.compile();
        }
        self.prepare_now(instance, function)
    }

    /// Like [`prepare`](Self::prepare), without waiting for a compiler.
    fn prepare_now(
        &mut self,
        instance: InstanceId,
        function: &[u8],
    ) -> Result<Result<(), ExecError>, VirtualizationError> {
        let idle = match self.take(instance) {
            Some(InstanceState::Idle(idle)) => idle,
            other => return Ok(Err(self.invalid(instance, other))),
        };
        let (state, answer) = match idle.prepare_now(function)? {
            Ok(execution) => (InstanceState::Ready(execution), Ok(())),
            Err(idle) => (InstanceState::Idle(idle), Err(ExecError::InvalidImage)),
        };
        self.put(instance, state);
        Ok(answer)
    }

    /// Takes a prepared instance for a run with this gas limit. If the limit is negative, the
    /// instance becomes idle, and the error is [`ExecError::OutOfGas`].
    pub(crate) fn take_ready(
        &mut self,
        id: InstanceId,
        gas: i64,
    ) -> Result<Execution<G>, ExecError> {
        match self.take(id) {
            Some(InstanceState::Ready(execution)) if gas < 0 => {
                self.put(id, InstanceState::Idle(execution.abort()));
                Err(ExecError::OutOfGas)
            }
            Some(InstanceState::Ready(execution)) => Ok(execution),
            other => Err(self.invalid(id, other)),
        }
    }

    /// Puts back an instance after a run with this gas limit, and returns the result of the run.
    pub(crate) fn put_back(
        &mut self,
        id: InstanceId,
        gas: i64,
        outcome: Outcome<G>,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError> {
        let given = u64::try_from(gas).map_or(Gas::ZERO, Gas::new);
        let used = |gas_left: Gas| given.saturating_sub(gas_left);
        self.put_back_used(id, gas, outcome, used)
    }

    /// Like [`put_back`](Self::put_back), with a function that computes the used gas from the
    /// remaining gas.
    fn put_back_used(
        &mut self,
        id: InstanceId,
        gas: i64,
        outcome: Outcome<G>,
        used: impl Fn(Gas) -> Gas,
    ) -> Result<(ExecStatus, ExecBuffer), ExecError> {
        let filled = |gas_left: Gas| ExecBuffer {
            gas_left: gas.saturating_sub(used(gas_left).counter()),
            ..ExecBuffer::default()
        };
        let (state, answer) = match outcome {
            Outcome::Finished { instance, gas_left } => (
                InstanceState::Idle(instance),
                Ok((ExecStatus::Finished, filled(gas_left))),
            ),
            Outcome::Syscall {
                execution,
                request,
                gas_left,
            } => {
                let buffer = ExecBuffer {
                    symbol: request.symbol,
                    args: request.args,
                    ..filled(gas_left)
                };
                (
                    InstanceState::Ready(execution),
                    Ok((ExecStatus::Syscall, buffer)),
                )
            }
            Outcome::OutOfGas { instance } => {
                (InstanceState::Idle(instance), Err(ExecError::OutOfGas))
            }
            Outcome::Trapped { instance, .. } => {
                (InstanceState::Idle(instance), Err(ExecError::Trap))
            }
        };
        self.put(id, state);
        answer
    }

    /// Destroys an instance in any state.
    ///
    /// # Errors
    ///
    /// [`DestroyError::InvalidInstance`] if no instance has this number.
    pub fn destroy(&mut self, instance: InstanceId) -> Result<(), DestroyError> {
        let gone = self.instances.remove(&instance).flatten();
        gone.map(drop).ok_or(DestroyError::InvalidInstance)
    }

    /// Reads the memory of a prepared instance at `offset`. Fills all of `out`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::InvalidInstance`] if no instance has this number, or it is idle.
    /// [`MemoryError::OutOfBounds`] if the access is out of range.
    pub fn read_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        out: &mut [u8],
    ) -> Result<(), MemoryError> {
        self.ready(instance)?.read_memory(offset, out)
    }

    /// Writes all bytes to the memory of a prepared instance at `offset`, or none.
    ///
    /// # Errors
    ///
    /// [`MemoryError::InvalidInstance`] if no instance has this number, or it is idle.
    /// [`MemoryError::OutOfBounds`] if the access is out of range.
    pub fn write_memory(
        &mut self,
        instance: InstanceId,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        self.ready(instance)?.write_memory(offset, bytes)
    }

    /// The number of instances.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances.values().flatten().count()
    }

    /// Takes an instance out of its place, which stays: running it takes less time than making a
    /// place.
    fn take(&mut self, instance: InstanceId) -> Option<InstanceState<G>> {
        self.instances.get_mut(&instance)?.take()
    }

    fn put(&mut self, instance: InstanceId, state: InstanceState<G>) {
        self.instances.insert(instance, Some(state));
    }

    fn ready(&mut self, instance: InstanceId) -> Result<&mut Execution<G>, MemoryError> {
        match self.instances.get_mut(&instance) {
            Some(Some(InstanceState::Ready(execution))) => Ok(execution),
            Some(Some(InstanceState::Idle(_)) | None) | None => Err(MemoryError::InvalidInstance),
        }
    }

    /// Puts back an instance that is in the wrong state.
    fn invalid(&mut self, instance: InstanceId, state: Option<InstanceState<G>>) -> ExecError {
        if let Some(state) = state {
            self.put(instance, state);
        }
        ExecError::InvalidInstance
    }

    /// Allocates a number. If none is left, the error is that of a refused program.
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
