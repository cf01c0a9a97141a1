//! Nested VMs: programs that a contract runs, and whose imports it answers.
//!
//! A [`Module`] is a compiled program, and an [`Instance`] has its memory and globals. An
//! [`Execution`] is an instance that is ready to run a function, or to continue at an import. Each
//! state is a type, and dropping a value destroys the instance. These are the types that embedders
//! have as well, by the same names (`fusee::virtualization`).
//!
//! The contract pays for all that its nested VMs do, to the unit of gas. A nested VM cannot reach
//! its contract, nor the chain: each import is a name with up to six numbers, which the contract
//! answers as it likes, or not at all. A trap, a loop without end, and what else a program does are
//! values of [`Outcome`].
//!
//! ```
//! use fusee_sdk::{
//!     prelude::*,
//!     virtualization::{Module, Outcome},
//! };
//!
//! /// Runs programs that can do nothing but ask for the height of the block.
//! #[contract]
//! pub struct Sandbox {}
//!
//! #[methods]
//! impl Sandbox {
//!     /// Runs a program's `main`, and tells whether it returned.
//!     pub fn run(&mut self, program: Bytes, gas: u64) -> bool {
//!         env::restrict_imports("height");
//!         let Ok(module) = Module::compile(&program.0) else {
//!             revert("the rules refuse the program");
//!         };
//!         let Ok(instance) = module.instantiate() else {
//!             revert("there is no room for its memory");
//!         };
//!         let Ok(mut execution) = instance.prepare("main") else {
//!             revert("it has no function `main`");
//!         };
//!         let (mut gas, mut a0) = (gas, 0);
//!         loop {
//!             match execution.run(gas, a0) {
//!                 // The program has no other import.
//!                 Outcome::Syscall { execution: waits, gas_left, .. } => {
//!                     (execution, gas, a0) = (waits, gas_left, env::block_height());
//!                 }
//!                 Outcome::Finished { .. } => return true,
//!                 Outcome::OutOfGas { .. } | Outcome::Trapped { .. } => return false,
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! The gas of a run bounds what the program computes, and not what the contract does to answer it:
//! a contract that answers takes a price for each answer off the gas that is left, or programs make
//! their callers pay for more than they agreed to.
//!
//! All instances end with the call that made them. A transaction has at most 64 instances and 256
//! modules by the published rules, and instances share 64 MiB of memory with the waiting calls.

pub use crate::abi::virtualization::wire::{
    ExecError, InstantiateError, MemoryError, ModuleError, SyscallSymbol,
};
use crate::{
    abi::virtualization::wire::{
        CompiledModule, EXEC_BUFFER_BYTES, ExecBuffer, ExecStatus, InstanceId, ModuleId, WireError,
        WireValue, decode,
    },
    buffer::{Buffer, room},
    contract::revert,
    syscalls,
};

/// A compiled program.
#[derive(Clone, Copy, Debug)]
pub struct Module(ModuleId);

/// An idle instance: it has memory and globals, and runs nothing.
#[derive(Debug)]
#[must_use = "an instance that is dropped is destroyed"]
pub struct Instance(InstanceId);

/// A prepared instance: at the beginning of a function, or suspended at an import.
#[derive(Debug)]
#[must_use = "nothing runs before `run`"]
pub struct Execution(Instance);

/// The outcome of a run.
#[derive(Debug)]
#[must_use = "the instance is destroyed if it is dropped"]
pub enum Outcome {
    /// The function returned. Its result is not reported: a program that has one calls an import
    /// with it.
    Finished {
        /// The instance, with the memory that the run left. It can be prepared again.
        instance: Instance,
        /// The remaining gas.
        gas_left: u64,
    },
    /// The program is suspended at an import. The answer is the `a0` of the next run.
    Syscall {
        /// The execution to continue.
        execution: Execution,
        /// The import that was called.
        request: Request,
        /// The remaining gas. The next run replaces it.
        gas_left: u64,
    },
    /// The run is out of gas. The next preparation creates a fresh instance.
    OutOfGas {
        /// The instance, which can be prepared again.
        instance: Instance,
    },
    /// The program trapped. The next preparation creates a fresh instance.
    Trapped {
        /// The instance, which can be prepared again.
        instance: Instance,
    },
}

/// An import that a nested VM called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the function.
    pub symbol: SyscallSymbol,
    /// The arguments. 32-bit arguments are zero-extended, and missing ones are zero.
    pub args: [u64; 6],
}

impl Module {
    /// Compiles a program, WebAssembly or PolkaVM. The price is for its size, 50 gas a byte by the
    /// published rules. The program may import any function, unless
    /// [`env::restrict_imports`](crate::env::restrict_imports) was called before.
    ///
    /// # Errors
    ///
    /// [`ModuleError::InvalidImage`] if the rules refuse the program, or the transaction has too
    /// many modules.
    pub fn compile(program: &[u8]) -> Result<Self, ModuleError> {
        Self::compiled(program, &[])
    }

    /// As [`compile`](Self::compile), for [`lookup`](Self::lookup) in the same transaction: the
    /// module is kept under an identifier, which is not empty. If a module is kept there already,
    /// that one is the result, whatever the program is.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile).
    pub fn compile_as(identifier: &[u8], program: &[u8]) -> Result<Self, ModuleError> {
        Self::compiled(program, identifier)
    }

    /// The module that this contract keeps under an identifier. It needs neither the program nor
    /// the gas to compile it.
    ///
    /// # Errors
    ///
    /// [`ModuleError::NotCached`] if no call of this transaction kept one.
    pub fn lookup(identifier: &[u8]) -> Result<Self, ModuleError> {
        decoded::<ModuleId, _>(syscalls::lookup(identifier)).map(Self)
    }

    /// Creates an instance, which reserves the memory to which its program can grow.
    ///
    /// # Errors
    ///
    /// [`InstantiateError::InvalidImage`] if the limit of instances or of their memory is reached.
    pub fn instantiate(self) -> Result<Instance, InstantiateError> {
        decoded(syscalls::instantiate(self.0.0)).map(Instance)
    }

    fn compiled(program: &[u8], identifier: &[u8]) -> Result<Self, ModuleError> {
        let compiled = syscalls::compile_from_bytes(program, identifier);
        decoded::<CompiledModule, _>(compiled).map(|module| Self(module.id))
    }
}

impl Instance {
    /// Prepares the instance to run an exported function, whose parameters are integers. The first
    /// preparation makes the memory, at the price of an instantiation.
    ///
    /// # Errors
    ///
    /// [`ExecError::InvalidImage`] if the program has no such function. The instance is destroyed.
    pub fn prepare(self, function: &str) -> Result<Execution, ExecError> {
        decoded::<(), _>(syscalls::prepare(self.0.0, function.as_bytes()))?;
        Ok(Execution(self))
    }
}

impl Execution {
    /// Runs the program until it returns, calls an import, traps or is out of gas.
    ///
    /// `gas` is what it may use from here on, whatever it had left. More than [`i64::MAX`] counts
    /// as that, and it gets at most 63/64 of what this call has.
    ///
    /// `a0` is the first argument of the function at its beginning, and the answer to the import
    /// later. Both are truncated to the program's types. Further parameters of the function are
    /// zero.
    pub fn run(self, gas: u64, a0: u64) -> Outcome {
        let Self(instance) = self;
        let gas = i64::try_from(gas).unwrap_or(i64::MAX);
        let mut status = ExecStatus::Finished;
        let buffer = Buffer::<EXEC_BUFFER_BYTES>::try_array(|room| {
            status = decoded(syscalls::run(instance.0.0, gas, a0, room))?;
            Ok(())
        });
        let result = match buffer {
            Ok(bytes) => ExecBuffer::decode(&bytes),
            Err(ExecError::OutOfGas) => return Outcome::OutOfGas { instance },
            Err(ExecError::Trap) => return Outcome::Trapped { instance },
            // The types are the states: the instance is there, and prepared.
            Err(ExecError::InvalidInstance | ExecError::InvalidImage) => malformed(),
        };
        let Some(result) = result else { malformed() };
        let gas_left = u64::try_from(result.gas_left).unwrap_or_default();
        match status {
            ExecStatus::Finished => Outcome::Finished { instance, gas_left },
            ExecStatus::Syscall => Outcome::Syscall {
                execution: Self(instance),
                request: Request {
                    symbol: result.symbol,
                    args: result.args,
                },
                gas_left,
            },
        }
    }

    /// Reads the program's memory from an offset on. Hold a length that the program chose against a
    /// limit before you make room for it: a guest does not get back memory that it allocated.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if the memory does not have all of the bytes: then none is
    /// read.
    pub fn read_memory(&self, offset: u32, to: &mut [u8]) -> Result<(), MemoryError> {
        decoded(syscalls::read_memory(self.instance(), offset, room(to)))
    }

    /// Writes bytes to the program's memory from an offset on.
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfBounds`] if the memory does not have room for all of them: then none is
    /// written.
    pub fn write_memory(&mut self, offset: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        decoded(syscalls::write_memory(self.instance(), offset, bytes))
    }

    const fn instance(&self) -> u32 {
        self.0.0.0
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A native run that ends unwinds: its machine destroys what it has.
        #[cfg(not(target_os = "none"))]
        if std::thread::panicking() {
            return;
        }
        syscalls::destroy(self.0.0);
    }
}

/// The result of a function.
fn decoded<T: WireValue, E: WireError>(answer: i64) -> Result<T, E> {
    decode(answer).unwrap_or_else(|| malformed())
}

/// The host does not answer so.
#[cold]
fn malformed() -> ! {
    revert("the answer of the host is malformed")
}
