//! Instances and their executions.
//!
//! An [`Instance`] is idle and can be prepared. An [`Execution`] is ready: it can be run, and its
//! memory can be accessed. Each converts into the other, so that a call in the wrong state does not
//! compile. Dropping either destroys the instance.
//!
//! `G` is the host of the nested VM. Owner and nested VM have the same type of host, because one
//! driver runs both.

use std::iter;

use fusee_engine::{Format, Gas, GuestMemory, Host, SyscallRequest, Trap, Value, ValueType};
use fusee_executor::{
    Callee, End, EndReason, LiveInstance, Outcome as RunOutcome, Payer, Suspended, Target,
};

use crate::{
    error::VirtualizationError,
    limits::InstancePermit,
    modules::Module,
    wire::{InstantiateError, MemoryError, SyscallSymbol},
};

/// The host of a nested VM.
pub trait ChildHost: Host {
    /// Creates the host of a fresh run of an instance of this module.
    fn of_child(module: &Module) -> Self;
}

/// An idle instance.
#[derive(Debug)]
pub struct Instance {
    owned: Box<Owned>,
    /// `None` before the first preparation, and after a trap or out of gas, unless the conventions
    /// keep it: the next preparation creates a fresh instance.
    live: Option<LiveInstance>,
}

/// A prepared instance: at the beginning of a function, or suspended at a syscall.
#[derive(Debug)]
pub struct Execution<G> {
    owned: Box<Owned>,
    at: Position<G>,
}

/// What an instance has in every state. It is boxed once, since each state moves it.
#[derive(Debug)]
struct Owned {
    module: Module,
    _permit: InstancePermit,
    /// The arguments of the last call.
    args: Vec<Value>,
}

impl Owned {
    /// Sets the arguments of a function: a0, truncated to the type of the first parameter, then
    /// zeros.
    fn pass(&mut self, export: usize, a0: u64) {
        let program = self.module.program();
        self.args.clear();
        match program.format {
            Format::PolkaVm => self.args.push(Value::I64(a0.cast_signed())),
            Format::Wasm => {
                let export = program.exports.get(export);
                let params = export.map_or(&[][..], |export| &export.params);
                let registers = iter::once(a0).chain(iter::repeat(0));
                for (ty, register) in params.iter().zip(registers) {
                    self.args.push(match ty {
                        ValueType::I32 => Value::I32(low(register).cast_signed()),
                        _ => Value::I64(register.cast_signed()),
                    });
                }
            }
        }
    }

    /// The name of the export with this index.
    fn export(&self, export: usize) -> &str {
        let export = self.module.program().exports.get(export);
        export.map_or("", |export| &export.name)
    }
}

#[derive(Debug)]
enum Position<G> {
    /// At the beginning of the export with this index.
    Function {
        live: LiveInstance,
        export: usize,
    },
    Syscall(Suspended<G>),
}

/// The rest of an execution while its guest runs.
#[derive(Debug)]
pub(crate) struct Running(Box<Owned>);

/// The progress of a nested VM.
#[derive(Debug)]
pub enum ChildProgress<G> {
    /// The run ended.
    Ended(EndReason, Gas, Option<LiveInstance>),
    /// The run is suspended at a syscall for its owner.
    Syscall(Suspended<G>),
}

/// The outcome of a run.
#[derive(Debug)]
pub enum Outcome<G> {
    /// The function returned.
    Finished {
        /// The instance, with the memory that the run left. It can be prepared again.
        instance: Instance,
        /// The remaining gas.
        gas_left: Gas,
    },
    /// The guest is suspended at a syscall. The reply is a0 of the next run.
    Syscall {
        /// The execution to continue.
        execution: Execution<G>,
        /// The syscall.
        request: Request,
        /// The remaining gas. The next run replaces it.
        gas_left: Gas,
    },
    /// The guest ran out of gas. The next preparation creates a fresh instance, unless the
    /// [conventions](crate::Conventions) keep this one.
    OutOfGas {
        /// The instance, which can be prepared again.
        instance: Instance,
    },
    /// The guest trapped. The next preparation creates a fresh instance, unless the
    /// [conventions](crate::Conventions) keep this one.
    Trapped {
        /// The reason.
        trap: Trap,
        /// The instance, which can be prepared again.
        instance: Instance,
        /// The remaining gas.
        gas_left: Gas,
    },
}

/// A syscall of a nested VM for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the imported function.
    pub symbol: SyscallSymbol,
    /// The arguments. 32-bit arguments are zero-extended, and missing arguments are zero.
    pub args: [u64; 6],
}

impl Module {
    /// Creates an instance. Its memory is allocated by the first preparation.
    ///
    /// # Errors
    ///
    /// [`InstantiateError::InvalidImage`] if the limit of instances or of their memory is reached.
    pub fn instantiate(&self) -> Result<Instance, InstantiateError> {
        let permit = self.permit()?;
        let owned = Owned {
            module: self.clone(),
            _permit: permit,
            args: Vec::new(),
        };
        Ok(Instance {
            owned: Box::new(owned),
            live: None,
        })
    }
}

impl Instance {
    /// The module of the instance.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.owned.module
    }

    /// Whether the instance can be prepared to run a function of this name: the program must export
    /// it, and its parameters must be integers.
    #[must_use]
    pub fn exports(&self, function: &[u8]) -> bool {
        self.module().entry(function).is_some()
    }

    /// The gas that an owner pays to prepare the instance: the instantiation, if the instance is
    /// fresh.
    #[must_use]
    pub fn instantiation_gas(&self) -> Gas {
        match self.live {
            Some(_) => Gas::ZERO,
            None => self.module().program().instantiation_gas,
        }
    }

    /// Compiles the program of a fresh instance, for an embedder who may wait.
    pub(crate) fn compile(&self) {
        if self.live.is_none() {
            let module = self.module();
            let executor = module.tree().executor();
            executor.compile_for(module.prepared(), Gas::MAX);
        }
    }

    /// Like [`prepare`](Self::prepare), without waiting for a compiler.
    pub(crate) fn prepare_now<G>(
        self,
        function: &[u8],
    ) -> Result<Result<Execution<G>, Self>, VirtualizationError> {
        let Some(export) = self.module().entry(function) else {
            return Ok(Err(self));
        };
        let Self { owned, live } = self;
        let live = match live {
            Some(live) => live,
            None => {
                let module = &owned.module;
                let tree = module.tree();
                let request = tree.request("", &[], Gas::ZERO);
                let mut live = tree.executor().instance(module.prepared(), &request)?;
                if module.conventions().keep_failed() {
                    live.make_persistent(&request)?;
                } else {
                    live.make(&request)?;
                }
                live
            }
        };
        Ok(Ok(Execution {
            owned,
            at: Position::Function { live, export },
        }))
    }
}

impl<G> Execution<G> {
    /// The module of the instance.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.owned.module
    }

    /// Ends the run, which is out of gas. The instance can be prepared again.
    pub(crate) fn abort(self) -> Instance {
        let Self { owned, at } = self;
        let live = match at {
            Position::Function { live, .. } => {
                owned.module.conventions().keep_failed().then_some(live)
            }
            Position::Syscall(suspended) => {
                let end = suspended.out_of_gas().into_end();
                end.ok().and_then(|end| end.instance)
            }
        };
        Instance { owned, live }
    }

    /// Reads the guest's memory at `offset`. Fills all of `out`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if the access is out of range.
    pub fn read_memory(&mut self, offset: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let read = self.memory().read_into(offset.into(), out);
        read.map_err(|_| MemoryError::OutOfBounds)
    }

    /// Writes all bytes to the guest's memory at `offset`, or none.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if the access is out of range.
    pub fn write_memory(&mut self, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        let written = self.memory().write(offset.into(), bytes);
        written.map_err(|_| MemoryError::OutOfBounds)
    }

    /// The guest's memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        match &mut self.at {
            Position::Function { live, .. } => live.memory(),
            Position::Syscall(suspended) => suspended.memory(),
        }
    }
}

impl<G: ChildHost> Execution<G> {
    /// Runs the guest with this gas limit until it ends or makes a syscall for its owner. `a0` is
    /// the first argument of the function, or the reply to the syscall. The guest may not have
    /// nested VMs.
    #[inline]
    pub(crate) fn run_alone(self, gas: Gas, a0: u64) -> Result<Outcome<G>, VirtualizationError> {
        let Self { mut owned, at } = self;
        let outcome = match at {
            Position::Function { live, export } => {
                owned.pass(export, a0);
                let tree = owned.module.tree();
                let request = tree.request(owned.export(export), &owned.args, gas);
                live.run(request, G::of_child(&owned.module))?
            }
            Position::Syscall(mut suspended) => {
                suspended.set_gas(gas);
                suspended.resume(a0)?
            }
        };
        Running(owned).leave(ChildProgress::of(outcome))
    }

    /// Splits the execution into a callee for a driver, and the rest.
    pub(crate) fn into_callee(self, gas: Gas, payer: Payer, a0: u64) -> (Running, Callee<G>) {
        let Self { mut owned, at } = self;
        let target = match at {
            Position::Function { live, export } => {
                owned.pass(export, a0);
                Target::Instance {
                    instance: live,
                    entry: owned.export(export).to_owned().into(),
                    args: owned.args.clone().into(),
                    host: G::of_child(&owned.module),
                }
            }
            Position::Syscall(frame) => Target::Suspended {
                frame,
                reply: Ok(a0),
            },
        };
        let callee = Callee {
            target,
            gas,
            loading_gas: Gas::ZERO,
            payer,
            profiler: None,
        };
        (Running(owned), callee)
    }
}

impl<G> ChildProgress<G> {
    fn of(outcome: RunOutcome<G>) -> Self {
        match outcome.into_end() {
            Ok(end) => Self::ended(end),
            Err(suspended) => ChildProgress::Syscall(suspended),
        }
    }

    /// Converts the end of a run. Drops the host.
    pub(crate) fn ended<T>(end: End<T>) -> Self {
        ChildProgress::Ended(end.reason, end.gas_left, end.instance)
    }
}

impl Running {
    /// Converts the progress of a run into the outcome for the owner.
    #[inline]
    pub(crate) fn leave<G>(
        self,
        reached: ChildProgress<G>,
    ) -> Result<Outcome<G>, VirtualizationError> {
        let Self(owned) = self;
        Ok(match reached {
            ChildProgress::Syscall(suspended) => Outcome::Syscall {
                request: request(&owned.module, &suspended)?,
                gas_left: suspended.gas_left(),
                execution: Execution {
                    owned,
                    at: Position::Syscall(suspended),
                },
            },
            ChildProgress::Ended(EndReason::Finished, gas_left, live) => Outcome::Finished {
                instance: Instance { owned, live },
                gas_left,
            },
            ChildProgress::Ended(EndReason::Trapped(trap), gas_left, live) => Outcome::Trapped {
                trap,
                gas_left,
                instance: Instance { owned, live },
            },
            ChildProgress::Ended(EndReason::OutOfGas, _, live) => Outcome::OutOfGas {
                instance: Instance { owned, live },
            },
        })
    }
}

#[inline]
fn request<G>(module: &Module, suspended: &Suspended<G>) -> Result<Request, VirtualizationError> {
    let SyscallRequest { number, args } = suspended.request();
    let symbol = module.symbol(number);
    let symbol = symbol.ok_or(VirtualizationError::UnknownSyscall { number })?;
    Ok(Request {
        symbol: *symbol,
        args,
    })
}

/// The low 32 bits.
pub(crate) fn low(register: u64) -> u32 {
    u32::try_from(register & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}
