//! Children by number: what a guest holds of its children, since it cannot hold them.
//!
//! Modules and instances count up from 0, and no number is given twice. Behind the numbers are the
//! types of [`instance`](crate::Instance); here is only what becomes of a call that makes no sense. A call that is answered
//! with an error changes nothing.

mod asked;

use std::{collections::BTreeMap, sync::Arc};

use fusee_engine::{Gas, Source};
use fusee_executor::{self as executor, Executor};
use fusee_instrument::SyscallPrices;

use self::asked::Asked;
pub use self::asked::{Answer, Next};
use crate::{
    ChildRules, ChildSettings, Execution, Instance, Module, Modules, Names, Outcome, Parent, Space,
    Symbols, Tree, VirtualizationError,
    instance::Entered,
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
    /// How many names there were at first.
    first_names: usize,
    by_id: Vec<Module>,
    instances: BTreeMap<InstanceId, State>,
    /// The number of the next instance; none is left where it is none.
    next: Option<u32>,
    billing: Billing,
    /// What the owner is parked for.
    asked: Option<Asked>,
    /// Who runs while the owner waits.
    running: Option<Running>,
}

/// Who pays for what children do.
#[derive(Clone, Debug)]
enum Billing {
    /// Nobody: the owner is trusted, and gives a child as much gas as it likes.
    Free,
    /// The owner, out of its own gas, at the prices of the rules by which it is run.
    Owner(Arc<SyscallPrices>),
}

/// A child on its way.
#[derive(Debug)]
struct Running {
    id: InstanceId,
    entered: Entered,
    /// What the owner gave it, as it said.
    asked: i64,
    /// What it got.
    given: Gas,
    /// Where the owner wants to be told.
    buffer: u32,
}

/// How a run came back, and what it used.
#[derive(Debug)]
struct Ran {
    answer: Result<(ExecStatus, ExecBuffer), ExecError>,
    used: Gas,
    buffer: u32,
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
        Self::of(Modules::new(executor, rules, settings), Billing::Free)
    }

    /// None yet, but these names: of a guest that pays for what they do, out of its own gas. The
    /// prices are those of the rules by which the guest is run.
    #[must_use]
    pub fn billed(tree: Arc<Tree>, names: Names, prices: Arc<SyscallPrices>) -> Self {
        Self::of(Modules::first(tree, names), Billing::Owner(prices))
    }

    /// The children that a child may have.
    pub(crate) fn of_child(module: &Module) -> Self {
        let prices = Arc::clone(module.tree().rules().prices());
        Self::of(module.next_generation(), Billing::Owner(prices))
    }

    fn of(modules: Modules, billing: Billing) -> Self {
        Self {
            first_names: modules.names().mark(),
            modules,
            by_id: Vec::new(),
            instances: BTreeMap::new(),
            next: Some(0),
            billing,
            asked: None,
            running: None,
        }
    }

    /// As [`Modules::admit`].
    pub fn admit(&mut self, symbols: Symbols) {
        self.modules.admit(symbols);
    }

    /// What modules are kept under, and how many names there were at first. The instances are destroyed.
    #[must_use]
    pub fn into_names(self) -> (Names, usize) {
        let first = self.first_names;
        (self.modules.into_names(), first)
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
        self.prepare_for(instance, function, Gas::MAX)
    }

    fn prepare_for(
        &mut self,
        instance: InstanceId,
        function: &[u8],
        gas: Gas,
    ) -> Result<Result<(), ExecError>, VirtualizationError> {
        let idle = match self.instances.remove(&instance) {
            Some(State::Idle(idle)) => idle,
            other => return Ok(Err(self.invalid(instance, other))),
        };
        let (state, answer) = match idle.prepare_for(function, gas)? {
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
        let given = u64::try_from(gas).map_or(Gas::ZERO, Gas::new);
        match self.enter(instance, gas, given, a0, 0)? {
            Ok(outcome) => Ok(self.leave(Parent::drive(outcome)?)?.answer),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Begins a run of a ready instance that was to have `asked` gas, and has `given`.
    fn enter(
        &mut self,
        id: InstanceId,
        asked: i64,
        given: Gas,
        a0: u64,
        buffer: u32,
    ) -> Result<Result<executor::Outcome, ExecError>, VirtualizationError> {
        let execution = match self.instances.remove(&id) {
            Some(State::Ready(execution)) => execution,
            other => return Ok(Err(self.invalid(id, other))),
        };
        if asked < 0 {
            self.instances.insert(id, State::Idle(execution.end()));
            return Ok(Err(ExecError::OutOfGas));
        }
        let (entered, outcome) = execution.enter(given, a0)?;
        self.running = Some(Running {
            id,
            entered,
            asked,
            given,
            buffer,
        });
        Ok(Ok(outcome))
    }

    /// Ends the run that there is.
    fn leave(&mut self, outcome: executor::Outcome) -> Result<Ran, VirtualizationError> {
        let Running {
            id,
            entered,
            asked,
            given,
            buffer,
        } = self.running.take().ok_or(VirtualizationError::LostParent)?;
        let used = |gas_left: Gas| given.saturating_sub(gas_left);
        let filled = |gas_left: Gas| ExecBuffer {
            gas_left: asked.saturating_sub(used(gas_left).counter()),
            ..ExecBuffer::default()
        };
        let (state, answer, gas_left) = match entered.leave(outcome)? {
            Outcome::Finished { instance, gas_left } => {
                let answer = Ok((ExecStatus::Finished, filled(gas_left)));
                (State::Idle(instance), answer, gas_left)
            }
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
                let answer = Ok((ExecStatus::Syscall, buffer));
                (State::Ready(execution), answer, gas_left)
            }
            Outcome::OutOfGas { instance } => {
                (State::Idle(instance), Err(ExecError::OutOfGas), Gas::ZERO)
            }
            Outcome::Trapped {
                instance, gas_left, ..
            } => (State::Idle(instance), Err(ExecError::Trap), gas_left),
        };
        self.instances.insert(id, state);
        Ok(Ran {
            answer,
            used: used(gas_left),
            buffer,
        })
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
