//! The traits that a backend implements.

use std::{fmt::Debug, sync::Arc};

use crate::{
    Code, DEFAULT_SLICE, Effort, EngineError, Fingerprint, Format, Gas, GuestMemory, Host, Program,
    Run, Stop, Value,
};

/// A compiler or interpreter, with its runtime.
pub trait Engine: Debug + Send + Sync {
    /// The engine's name, for errors and logs.
    fn name(&self) -> &'static str;

    /// Identifies the engine's build and configuration.
    fn fingerprint(&self) -> &Fingerprint;

    /// The program formats that the engine supports.
    fn formats(&self) -> &'static [Format];

    /// The maximum number of bytes that the engine keeps of instances that ended, to create the
    /// next ones faster.
    fn idle_bytes(&self) -> u64;

    /// Compiles a program.
    ///
    /// The engine validates the body of each metered wasm function before it first runs, now or
    /// then: preparing a program validates everything else. A body that is not valid, which is a
    /// fault of metering, is an [`EngineError`] and never runs.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if compilation fails, or if the native frames of the compiled code
    /// could exceed the native stack within the limit of [`Program::frames`]. Neither is an outcome
    /// of the program: another engine may run it.
    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError>;
}

/// An engine whose compiled programs can be serialized and loaded again.
pub trait Compiler: Engine {
    /// Compiles a program to bytes that [`load`](Self::load) accepts as [`Code`], in this process
    /// or another. It may optimise the program as much as `most` admits.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`], as with [`compile`](Engine::compile).
    fn precompile(&self, program: &Program, most: Effort) -> Result<Vec<u8>, EngineError>;

    /// Loads compiled code.
    ///
    /// The engine executes the code without verifying it. [`Code`] documents where it may come
    /// from.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if another engine compiled the code, or mapping it fails.
    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError>;

    /// What [`precompile`](Self::precompile) may take with the effort that this compiler makes for
    /// a program, in the units of [`CompileWork`](crate::CompileWork). Default: with the most
    /// effort.
    fn work(&self, program: &Program, most: Effort) -> u64 {
        match most {
            Effort::Full => program.compile_work.optimized,
            Effort::Reduced => program.compile_work.plain,
        }
    }

    /// A second compiler for a program: instances of its code cost less where they grow their
    /// memory, and its code computes more slowly. Outcome and gas are the same, and the fingerprint
    /// is another. Default: `None`, as for a program that has only one form.
    ///
    /// A caller that compiles with both chooses by what calls of the program do.
    fn for_short_calls(&self, program: &Program) -> Option<Arc<dyn Compiler>> {
        let _ = program;
        None
    }
}

/// An engine that runs every program of its formats that the rules admit.
///
/// Preparing a program takes time in proportion to its size, and a run needs no native stack in
/// proportion to its calls. So whether a program can be run does not depend on the machine.
pub trait Interpreter: Engine {}

/// A compiled program.
pub trait Module: Debug + Send + Sync {
    /// The module's approximate size in memory, in bytes. Caches use it.
    fn resident_bytes(&self) -> u64;

    /// Creates a fresh instance. No guest code runs.
    ///
    /// # Errors
    ///
    /// [`EngineError::Exhausted`] if the engine has reached its limit of instances;
    /// [`EngineError::Instantiate`] if instantiation fails for another reason. Both are faults of
    /// the host.
    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError>;

    /// The slice of gas that a guest receives at a time, unless the embedder sets one. It affects
    /// no outcome. The longer the engine takes to stop a guest and continue it, the larger it
    /// should be, as long as it takes no more than milliseconds of computation. Default:
    /// [`DEFAULT_SLICE`].
    fn default_slice(&self) -> Gas {
        DEFAULT_SLICE
    }
}

/// Whether the runs of an instance can be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They cannot: a host function that suspends is an error. This is the fastest mode.
    Plain,
    /// They can.
    Suspendable,
}

/// Where a run enters an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The start function, if the program has one.
    Start,
    /// The function at this position in `Program::exports`.
    Export(usize),
}

/// An instance of a module, and the guest in it.
///
/// An instance is at rest, or suspended in the middle of a call. [`call`] enters an instance at
/// rest, and [`resume`] continues a suspended one; the reverse is a fault of the host. After
/// [`Step::Stopped`] the instance can only be dropped, unless its engine can [abandon the call],
/// and after an error it can only be dropped. Dropping it at any time destroys the guest.
///
/// The instance borrows the run and the host for one call, so that no call moves or allocates them.
///
/// [abandon the call]: Instance::abandon_call
/// [`call`]: Instance::call
/// [`resume`]: Instance::resume
pub trait Instance: Debug + Send {
    /// Enters a function of an instance at rest, with the run's gas.
    ///
    /// The caller has checked that the function exists and takes these arguments.
    ///
    /// # Errors
    ///
    /// Faults of the host.
    fn call(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entry: Entry,
        args: &[Value],
    ) -> Result<Step, EngineError>;

    /// Continues a suspended guest. `reply` is the result of the syscall at which it was suspended;
    /// where it was suspended for gas, it is ignored, and the guest is suspended again if it still
    /// owes gas. The run is the one with which the guest was suspended.
    ///
    /// # Errors
    ///
    /// Faults of the host.
    fn resume(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        reply: u64,
    ) -> Result<Step, EngineError>;

    /// The guest's whole memory, at rest or suspended; empty if it has none.
    fn memory(&mut self) -> GuestMemory<'_>;

    /// Grows the memory of a guest at rest by `pages`, with the same limits as `memory.grow`.
    /// Returns its previous size in pages, or `None`, without a change, if the guest has no memory
    /// or the rules or the program do not allow that size.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if the system is out of memory: a fault of the host.
    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError>;

    /// Ends a call that stopped or is suspended: the instance is at rest, with the memory that the
    /// call left. The memory is the same on every engine of the format that returns `true`.
    /// `false` if the engine cannot do this: then the instance can only be dropped.
    fn abandon_call(&mut self) -> bool {
        false
    }

    /// The mode that the instance was created with.
    fn mode(&self) -> Mode;
}

/// Why control returned from a guest.
#[derive(Debug)]
pub enum Step {
    /// The entry returned. The meter contains the guest's counter, the run the results. The
    /// instance is at rest.
    Returned,
    /// The guest is suspended.
    Suspended(Pause),
    /// The guest stopped. The meter contains its counter. The call can be abandoned at most.
    Stopped(Stop),
}

/// What a suspended guest waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The answer to a syscall, which is [`Run::request`].
    Syscall,
    /// More gas.
    Gas,
}
