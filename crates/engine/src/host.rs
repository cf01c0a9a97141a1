//! Hosts: who answers a guest's syscalls.

use std::any::Any;

use crate::{EngineError, Gas, GuestMemory, Meter, OutOfGas, Trap};

/// The most arguments that a syscall takes, on any engine.
pub const MAX_SYSCALL_ARGS: usize = 6;

/// Answers the syscalls of one run.
///
/// A host goes into a run by value and comes back with its outcome.
pub trait Host: Any + Send {
    /// Answers one syscall: the result (ignored where the syscall has none; its low 32 bits where
    /// it is an `i32`), or why the guest does not go on.
    ///
    /// Gas was looked at before the call and is not below zero.
    ///
    /// # Errors
    ///
    /// [`Stop`] ends or parks the run; it is not a failure of the host unless it says so.
    ///
    /// # Panics
    ///
    /// It had better not, but then it is [`EngineError::HostPanicked`]: the run is gone, and the engine and all other runs go on.
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop>;
}

/// The number and the arguments of a syscall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallRequest {
    /// The number by which the rules name the syscall.
    pub number: u32,
    /// The arguments; those that the syscall does not have are zero, and `i32` are zero-extended.
    pub args: [u64; MAX_SYSCALL_ARGS],
}

/// One syscall, while the host answers it.
#[derive(Debug)]
pub struct Syscall<'a> {
    /// What the guest asked. Where it lies, since moving it would take longer than all the rest of a syscall.
    pub request: &'a SyscallRequest,
    /// The guest's whole memory; empty if it has none.
    pub memory: GuestMemory<'a>,
    meter: &'a mut Meter,
}

impl<'a> Syscall<'a> {
    pub(crate) fn new(
        request: &'a SyscallRequest,
        memory: GuestMemory<'a>,
        meter: &'a mut Meter,
    ) -> Self {
        Self {
            request,
            memory,
            meter,
        }
    }

    /// Takes `price` from the guest's gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if that leaves less than none; a host passes it on.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.meter.charge(price)
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.meter.left()
    }
}

/// Why a guest does not go on after a syscall.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stop {
    /// It is parked until somebody resumes it; only where its import may suspend.
    Suspend,
    /// It ends well, here.
    Finish,
    /// It used more gas than it was given.
    OutOfGas,
    /// It traps.
    Trap(Trap),
    /// The host cannot answer, through no fault of the guest.
    Fail(EngineError),
}

impl From<OutOfGas> for Stop {
    fn from(OutOfGas: OutOfGas) -> Self {
        Stop::OutOfGas
    }
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Stop::Trap(trap)
    }
}
