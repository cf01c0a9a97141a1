//! Instances and their executions. Whoever holds one holds all that can come next.
//!
//! An [`Instance`] is idle and can be prepared; an [`Execution`] is ready: it can be run, and its
//! memory can be read and written. Each turns into the other, so that a call out of order cannot be
//! written. Dropping either destroys the instance.
//!
//! `G` is the host of the nested VM's runs: one type with that of its owner, since one driver runs
//! both.

use fusee_engine::{Export, Format, Gas, GuestMemory, Host, Program, Trap, Value, ValueType};
use fusee_executor::{
    Callee, End, EndReason, LiveInstance, Outcome as RunOutcome, Payer, Suspended, Target,
};

use crate::{
    error::VirtualizationError,
    limits::InstancePermit,
    modules::Module,
    wire::{InstantiateError, MemoryError, SyscallSymbol},
};

/// The host of a nested VM's runs.
pub trait ChildHost: Host {
    /// The host of a fresh run of an instance of this module.
    fn of_child(module: &Module) -> Self;
}

/// An idle instance.
#[derive(Debug)]
pub struct Instance {
    module: Module,
    permit: InstancePermit,
    /// `None` before it is first prepared, and after a run that did not end well: the next run
    /// begins with a fresh one.
    live: Option<LiveInstance>,
}

/// An instance that is ready to run: at the beginning of a function, or suspended at a syscall.
#[derive(Debug)]
pub struct Execution<G> {
    module: Module,
    permit: InstancePermit,
    at: Position<G>,
}

#[derive(Debug)]
enum Position<G> {
    /// The export at this position.
    Function {
        live: LiveInstance,
        export: usize,
    },
    Syscall(Suspended<G>),
}

/// What remains of an execution while its guest runs.
#[derive(Debug)]
pub(crate) struct Running {
    module: Module,
    permit: InstancePermit,
}

/// How far the guest of a nested VM came.
#[derive(Debug)]
pub enum Reached<G> {
    /// Its run ended.
    Ended(EndReason, Gas, Option<LiveInstance>),
    /// It is suspended at a syscall that its owner answers.
    Syscall(Suspended<G>),
}

/// How a run came back.
#[derive(Debug)]
pub enum Outcome<G> {
    /// The function returned.
    Finished {
        /// Can be prepared again, with the memory that the run left.
        instance: Instance,
        /// The gas that the run did not use.
        gas_left: Gas,
    },
    /// The guest waits for an answer, which is a0 of the next run.
    Syscall {
        /// Continues.
        execution: Execution<G>,
        /// What it asks.
        request: Request,
        /// The gas that it has left. The next run sets its gas anew.
        gas_left: Gas,
    },
    /// The guest used all its gas. Prepared again, the instance is as new.
    OutOfGas {
        /// Can be prepared again.
        instance: Instance,
    },
    /// The guest trapped. Prepared again, the instance is as new.
    Trapped {
        /// How.
        trap: Trap,
        /// Can be prepared again.
        instance: Instance,
        /// The gas that the run did not use.
        gas_left: Gas,
    },
}

/// A syscall of a nested VM, which its owner answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the function that it imports.
    pub symbol: SyscallSymbol,
    /// The arguments: 32-bit ones zero-extended, and zero what it does not have.
    pub args: [u64; 6],
}

impl Module {
    /// A new instance. Nothing of it is made before it is prepared.
    ///
    /// # Errors
    ///
    /// [`InstantiateError::InvalidImage`] if there are as many instances as there may be, or their
    /// memory could grow beyond the limit.
    pub fn instantiate(&self) -> Result<Instance, InstantiateError> {
        let permit = self.permit()?;
        Ok(Instance::new(self.clone(), permit))
    }
}

impl Instance {
    const fn new(module: Module, permit: InstancePermit) -> Self {
        Self {
            module,
            permit,
            live: None,
        }
    }

    /// The module of which it is an instance.
    #[must_use]
    pub const fn module(&self) -> &Module {
        &self.module
    }

    /// Whether it can be prepared to run a function of this name: it exports one, whose parameters
    /// are integers.
    #[must_use]
    pub fn exports(&self, function: &[u8]) -> bool {
        entry(self.module.program(), function).is_some()
    }

    /// The price of preparing it, for an owner who pays: the instantiation, if it is fresh.
    #[must_use]
    pub fn instantiation_gas(&self) -> Gas {
        match self.live {
            Some(_) => Gas::ZERO,
            None => self.module.program().instance_gas,
        }
    }

    /// As [`prepare`](Self::prepare), for runs of which none has more than this gas: where a call
    /// with so much would not wait for a compiler, this does not either.
    pub(crate) fn prepare_for<G>(
        self,
        function: &[u8],
        gas: Gas,
    ) -> Result<Result<Execution<G>, Self>, VirtualizationError> {
        let Some(export) = entry(self.module.program(), function) else {
            return Ok(Err(self));
        };
        let Self {
            module,
            permit,
            live,
        } = self;
        let live = match live {
            Some(live) => live,
            None => {
                let tree = module.tree();
                let request = tree.request("", &[], gas);
                let mut live = tree.executor().instance(module.prepared(), &request)?;
                live.make(&request)?;
                live
            }
        };
        Ok(Ok(Execution {
            module,
            permit,
            at: Position::Function { live, export },
        }))
    }
}

impl<G> Execution<G> {
    /// The module of which it is an instance.
    #[must_use]
    pub const fn module(&self) -> &Module {
        &self.module
    }

    /// The instance as it is after a run that did not end well.
    pub(crate) fn abort(self) -> Instance {
        Instance::new(self.module, self.permit)
    }

    /// Reads the guest's memory from `offset` on into all of `out`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if one of the bytes does not exist.
    pub fn read_memory(&mut self, offset: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let read = self.memory().read_into(offset.into(), out);
        read.map_err(|_| MemoryError::OutOfBounds)
    }

    /// Writes all bytes to the guest's memory from `offset` on, or none.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if one of the addresses does not exist.
    pub fn write_memory(&mut self, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        let written = self.memory().write(offset.into(), bytes);
        written.map_err(|_| MemoryError::OutOfBounds)
    }

    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        match &mut self.at {
            Position::Function { live, .. } => live.memory(),
            Position::Syscall(suspended) => suspended.memory(),
        }
    }
}

impl<G: ChildHost> Execution<G> {
    /// Runs the guest with so much gas, whatever it had, and `a0` as the function's first argument,
    /// or as the answer to its syscall: how far it comes without its owner. It may not have nested
    /// VMs of its own.
    pub(crate) fn run_alone(self, gas: Gas, a0: u64) -> Result<Outcome<G>, VirtualizationError> {
        let Self { module, permit, at } = self;
        let outcome = match at {
            Position::Function { live, export } => {
                let program = module.program();
                let export = program.exports.get(export);
                let name = export.map_or("", |export| export.name.as_str());
                let args = args(program, export, a0);
                let host = G::of_child(&module);
                live.run(module.tree().request(name, &args, gas), host)?
            }
            Position::Syscall(mut suspended) => {
                suspended.set_gas(gas);
                suspended.resume(a0)?
            }
        };
        let running = Running { module, permit };
        running.leave(Reached::of(outcome))
    }

    /// The guest as a callee of a driver, and what remains.
    pub(crate) fn into_callee(self, gas: Gas, payer: Payer, a0: u64) -> (Running, Callee<G>) {
        let Self { module, permit, at } = self;
        let target = match at {
            Position::Function { live, export } => {
                let program = module.program();
                let export = program.exports.get(export);
                Target::Instance {
                    instance: live,
                    entry: export
                        .map_or_else(String::new, |export| export.name.clone())
                        .into(),
                    args: args(program, export, a0).into(),
                    host: G::of_child(&module),
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
            payer,
            profiler: None,
        };
        (Running { module, permit }, callee)
    }
}

impl<G> Reached<G> {
    fn of(outcome: RunOutcome<G>) -> Self {
        match outcome.into_end() {
            Ok(end) => Self::ended(end),
            Err(suspended) => Reached::Syscall(suspended),
        }
    }

    /// Of a run that ended. Its host has nothing that is needed.
    pub(crate) fn ended<T>(end: End<T>) -> Self {
        Reached::Ended(end.reason, end.gas_left, end.instance)
    }
}

impl Running {
    /// The end of a run that cannot continue without its owner.
    pub(crate) fn leave<G>(self, reached: Reached<G>) -> Result<Outcome<G>, VirtualizationError> {
        let Self { module, permit } = self;
        Ok(match reached {
            Reached::Syscall(suspended) => Outcome::Syscall {
                request: request(module.program(), &suspended)?,
                gas_left: suspended.gas_left(),
                execution: Execution {
                    module,
                    permit,
                    at: Position::Syscall(suspended),
                },
            },
            Reached::Ended(EndReason::Finished, gas_left, live) => Outcome::Finished {
                instance: Instance {
                    module,
                    permit,
                    live,
                },
                gas_left,
            },
            Reached::Ended(EndReason::Trapped(trap), gas_left, _) => Outcome::Trapped {
                trap,
                gas_left,
                instance: Instance::new(module, permit),
            },
            Reached::Ended(EndReason::OutOfGas, ..) => Outcome::OutOfGas {
                instance: Instance::new(module, permit),
            },
        })
    }
}

/// The position of the function of this name, if it can be entered with a0: its parameters are
/// integers.
fn entry(program: &Program, function: &[u8]) -> Option<usize> {
    let is_integer = |ty: &ValueType| matches!(ty, ValueType::I32 | ValueType::I64);
    let is_asked = |export: &Export| {
        export.name.as_bytes() == function && export.params.iter().all(is_integer)
    };
    program.exports.iter().position(is_asked)
}

/// The arguments of a function: a0 is the first, as far as it fits, and the others are zero.
fn args(program: &Program, export: Option<&Export>, a0: u64) -> Vec<Value> {
    match program.format {
        Format::PolkaVm => vec![Value::I64(a0.cast_signed())],
        Format::Wasm => {
            let params = export.map_or(&[][..], |export| &export.params);
            let registers = std::iter::once(a0).chain(std::iter::repeat(0));
            let value = |(ty, register): (&ValueType, u64)| match ty {
                ValueType::I32 => Value::I32(low(register).cast_signed()),
                _ => Value::I64(register.cast_signed()),
            };
            params.iter().zip(registers).map(value).collect()
        }
    }
}

fn request<G>(program: &Program, suspended: &Suspended<G>) -> Result<Request, VirtualizationError> {
    let asked = suspended.request();
    let mut imports = program.imports.iter();
    let symbol = imports
        .find(|import| import.number == asked.number)
        .and_then(|import| SyscallSymbol::new(import.name.as_bytes()))
        .ok_or(VirtualizationError::UnknownSyscall {
            number: asked.number,
        })?;
    Ok(Request {
        symbol,
        args: asked.args,
    })
}

/// The low 32 bits.
pub(crate) fn low(register: u64) -> u32 {
    u32::try_from(register & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}
