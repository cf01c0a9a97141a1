//! Instances, and their executions: who holds one holds all that can come next.
//!
//! An [`Instance`] is idle and can be prepared; an [`Execution`] is ready and can be run, and its memory read and written. Each turns into the
//! other, so that what makes no sense cannot be written. Dropping either destroys the instance.

use fusee_engine::{
    Export, Format, Gas, GuestMemory, Host, Program, Stop, Syscall, Trap, Value, ValueType,
};
use fusee_executor::{self as executor, LiveInstance, Suspended};

use crate::{
    Module, Parent, VirtualizationError,
    tree::Place,
    wire::{MemoryError, SyscallSymbol},
};

/// An instance that does nothing.
#[derive(Debug)]
pub struct Instance {
    module: Module,
    place: Place,
    /// None before it is first prepared, and where a run did not end well: then what there was is gone.
    live: Option<LiveInstance>,
}

/// An instance that is ready to run: at the beginning of a function, or where it waits for the answer to a syscall.
#[derive(Debug)]
pub struct Execution {
    module: Module,
    place: Place,
    at: At,
}

#[derive(Debug)]
enum At {
    /// The export at this position.
    Function {
        live: LiveInstance,
        export: usize,
    },
    Syscall(Suspended),
}

/// Who runs: what is left of an execution while its guest is on its way.
#[derive(Debug)]
pub(crate) struct Entered {
    module: Module,
    place: Place,
}

/// How a run came back.
#[derive(Debug)]
pub enum Outcome {
    /// The function returned.
    Finished {
        /// Can be prepared again, with the memory that the run left.
        instance: Instance,
        /// What the run did not use.
        gas_left: Gas,
    },
    /// The child waits for an answer, which is a0 of the next run.
    Syscall {
        /// Goes on.
        execution: Execution,
        /// What it asks.
        request: Request,
        /// What it has left. The next run sets what it has then.
        gas_left: Gas,
    },
    /// The child used all its gas. Prepared again, the instance is as new.
    OutOfGas {
        /// Can be prepared again.
        instance: Instance,
    },
    /// The child failed. Prepared again, the instance is as new.
    Trapped {
        /// How.
        trap: Trap,
        /// Can be prepared again.
        instance: Instance,
        /// What the run did not use.
        gas_left: Gas,
    },
}

/// What a child asks of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the function that it imports.
    pub symbol: SyscallSymbol,
    /// The arguments: 32-bit ones zero-extended, and zero what it does not have.
    pub args: [u64; 6],
}

impl Instance {
    pub(crate) const fn new(module: Module, place: Place) -> Self {
        Self {
            module,
            place,
            live: None,
        }
    }

    /// What it is an instance of.
    #[must_use]
    pub const fn module(&self) -> &Module {
        &self.module
    }

    /// Whether it can be prepared to run a function of this name: it exports one, which takes integers only.
    #[must_use]
    pub fn exports(&self, function: &[u8]) -> bool {
        entry(self.module.program(), function).is_some()
    }

    /// What preparing it costs whoever is not trusted with time: making it, if it is fresh.
    #[must_use]
    pub fn making_gas(&self) -> Gas {
        match self.live {
            Some(_) => Gas::ZERO,
            None => self.module.program().instance_gas,
        }
    }

    /// Makes the instance ready to run an exported function. Its memory is there from then on. The first run of a fresh
    /// instance runs the start function and `_initialize` first. No run pays for making it.
    ///
    /// # Errors
    ///
    /// The instance inside, as it was, if the program has no such function, or it takes what is not an integer; [`VirtualizationError`] if the
    /// engine cannot make the instance.
    pub fn prepare(
        self,
        function: &[u8],
    ) -> Result<Result<Execution, Instance>, VirtualizationError> {
        // Nobody knows yet how much gas it is given. So it is compiled, as for a run with much.
        self.prepare_for(function, Gas::MAX)
    }

    /// As [`prepare`](Self::prepare), for runs of which none has more than this gas: where a call with so much would not wait for a compiler,
    /// this does not either.
    pub(crate) fn prepare_for(
        mut self,
        function: &[u8],
        gas: Gas,
    ) -> Result<Result<Execution, Instance>, VirtualizationError> {
        let Some(export) = entry(self.module.program(), function) else {
            return Ok(Err(self));
        };
        let live = match self.live.take() {
            Some(live) => live,
            None => {
                let tree = self.module.tree();
                let request = tree.request("", &[], gas);
                let mut live = tree.executor().instance(self.module.prepared(), &request)?;
                live.make(&request)?;
                live
            }
        };
        let Self { module, place, .. } = self;
        let at = At::Function { live, export };
        Ok(Ok(Execution { module, place, at }))
    }
}

impl Execution {
    /// What it is an instance of.
    #[must_use]
    pub const fn module(&self) -> &Module {
        &self.module
    }

    /// Runs until the function returns, the child asks for something, or fails: with so much gas, whatever it had, and `a0` as
    /// the function's first argument, or as the answer to what the child asked. With less than no gas it is out of gas at once.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails. The instance is gone.
    pub fn run(self, gas: i64, a0: u64) -> Result<Outcome, VirtualizationError> {
        let Ok(gas) = u64::try_from(gas) else {
            let instance = self.end();
            return Ok(Outcome::OutOfGas { instance });
        };
        let (entered, outcome) = self.enter(Gas::new(gas), a0)?;
        let outcome = match entered.module.is_parent() {
            true => Parent::drive(outcome)?,
            false => outcome,
        };
        entered.leave(outcome)
    }

    /// As it is after a run that did not end well.
    pub(crate) fn end(self) -> Instance {
        Instance::new(self.module, self.place)
    }

    /// Begins a run: how far its guest comes on its own.
    pub(crate) fn enter(
        self,
        gas: Gas,
        a0: u64,
    ) -> Result<(Entered, executor::Outcome), VirtualizationError> {
        let Self { module, place, at } = self;
        let outcome = match at {
            At::Function { live, export } => {
                let program = module.program();
                let export = program.exports.get(export);
                let name = export.map_or("", |export| export.name.as_str());
                let args = args(program, export, a0);
                let host: Box<dyn Host> = match module.is_parent() {
                    true => Box::new(Parent::child(&module)),
                    false => Box::new(Asks),
                };
                live.run(module.tree().request(name, &args, gas), host)?
            }
            At::Syscall(mut suspended) => {
                suspended.set_gas(gas);
                suspended.resume(a0)?
            }
        };
        Ok((Entered { module, place }, outcome))
    }

    /// Reads the child's memory from `offset` on into all of `out`.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if one of the bytes is not there.
    pub fn read_memory(&mut self, offset: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let read = self.memory().read_into(offset.into(), out);
        read.map_err(|_| MemoryError::OutOfBounds)
    }

    /// Writes all bytes to the child's memory from `offset` on, or none.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if the memory is not there.
    pub fn write_memory(&mut self, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        let written = self.memory().write(offset.into(), bytes);
        written.map_err(|_| MemoryError::OutOfBounds)
    }

    /// The child's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        match &mut self.at {
            At::Function { live, .. } => live.memory(),
            At::Syscall(suspended) => suspended.memory(),
        }
    }
}

impl Entered {
    /// Ends a run that has come where it cannot go on without its parent.
    pub(crate) fn leave(self, outcome: executor::Outcome) -> Result<Outcome, VirtualizationError> {
        let Self { module, place } = self;
        Ok(match outcome {
            executor::Outcome::Finished(finished) => {
                let gas_left = finished.gas_left();
                let (live, _) = finished.recycle();
                let instance = Instance {
                    module,
                    place,
                    live,
                };
                Outcome::Finished { instance, gas_left }
            }
            executor::Outcome::Syscall(suspended) => Outcome::Syscall {
                request: request(module.program(), &suspended)?,
                gas_left: suspended.gas_left(),
                execution: Execution {
                    module,
                    place,
                    at: At::Syscall(suspended),
                },
            },
            executor::Outcome::Trapped(trap, ended) => Outcome::Trapped {
                trap,
                gas_left: ended.gas_left(),
                instance: Instance::new(module, place),
            },
            // A request of ours never asks to be parked where the gas ends.
            executor::Outcome::OutOfGas(_) | executor::Outcome::GasEnd(_) => Outcome::OutOfGas {
                instance: Instance::new(module, place),
            },
        })
    }
}

/// The host of a child, and what is left to its parent: each syscall waits.
#[derive(Debug)]
pub(crate) struct Asks;

impl Host for Asks {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Suspend)
    }
}

/// The position of the function of this name, if it can be entered with a0: its parameters are integers.
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

fn request(program: &Program, suspended: &Suspended) -> Result<Request, VirtualizationError> {
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
