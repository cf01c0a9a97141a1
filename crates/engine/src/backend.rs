//! What a backend implements.

use std::{fmt::Debug, sync::Arc};

use crate::{Code, EngineError, Fingerprint, Format, GuestMemory, Host, Program, Run, Stop, Value};

/// A compiler and a runtime.
pub trait Engine: Debug + Send + Sync {
    /// The engine's name, for people.
    fn name(&self) -> &'static str;

    /// Which engine this is, exactly.
    fn fingerprint(&self) -> &Fingerprint;

    /// Which programs it runs.
    fn formats(&self) -> &'static [Format];

    /// How many bytes it keeps at most of instances that have ended, so that the next ones are made faster.
    fn idle_bytes(&self) -> u64;

    /// Compiles a program.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if it cannot. The rules admit only what an engine can compile, so
    /// that this is a fault of ours, never an answer to a guest.
    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError>;
}

/// An engine whose compiled programs can leave the process and come back.
pub trait Compiler: Engine {
    /// Compiles a program. What comes out is [`Code`] for [`load`](Self::load), in this process or another.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`], as with [`compile`](Engine::compile).
    fn precompile(&self, program: &Program) -> Result<Vec<u8>, EngineError>;

    /// Makes a module of what was compiled before.
    ///
    /// The code is run as it is: an engine cannot tell whether it does what the program says. So it is
    /// taken as [`Code`], which says where it may come from.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if another engine made the code, or it cannot be mapped.
    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError>;
}

/// A compiled program.
pub trait Module: Debug + Send + Sync {
    /// About how many bytes it keeps in memory, for caches.
    fn resident_bytes(&self) -> u64;

    /// Makes a fresh instance. Guest code does not run yet.
    ///
    /// # Errors
    ///
    /// [`EngineError::Exhausted`] where there is no room for another instance now; [`EngineError::Instantiate`] where it
    /// cannot be made for another reason. Faults of the host, both.
    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError>;
}

/// Whether the runs of an instance may be parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They may not: a host function that wants to suspend is an error. The cheapest way to run.
    Plain,
    /// They may.
    Suspendable,
}

/// Where a run enters an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The start function, where the program has one.
    Start,
    /// The function at this position in `Program::exports`.
    Export(usize),
}

/// An instance of a module, and the guest in it.
///
/// It is at rest, or suspended in the middle of a call. The caller keeps track of which: [`call`]
/// enters an instance at rest, [`resume`] continues a suspended one, and the other way round is an
/// error of the host. After [`Step::Stopped`] and after an error the instance can only be dropped.
/// Dropping it at any time destroys the guest.
///
/// The run and the host are lent for the time of one call, so that no call moves or allocates them.
///
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

    /// Grows the memory of a guest at rest by so many pages, as the guest could, and returns its
    /// previous size in pages. `None` if the guest has no memory, or the rules or the program do
    /// not let it grow so far; then nothing has changed.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if the system has no memory for it: a fault of the host.
    fn grow_memory(&mut self, pages: u32) -> Result<Option<u32>, EngineError>;

    /// The mode that it was made for.
    fn mode(&self) -> Mode;
}

/// Why control is back from a guest.
#[derive(Debug)]
pub enum Step {
    /// The entry returned. The meter has the guest's counter, the run the results. The instance is
    /// at rest.
    Returned,
    /// The guest is suspended.
    Suspended(Pause),
    /// The guest was stopped where its counter is known to the meter. The instance can only be
    /// dropped.
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
