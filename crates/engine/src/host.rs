//! Hosts: the embedder's state of one run, which answers the guest's syscalls.

use crate::{EngineError, Gas, GuestMemory, Meter, OutOfGas, Trap};

/// The most arguments that a syscall of a wasm program takes, on any engine.
pub const MAX_SYSCALL_ARGS: usize = 16;

/// The most arguments that a syscall or an entry of a PolkaVM program takes: its argument
/// registers. A [`SyscallRequest`] has as many.
pub const MAX_REGISTER_ARGS: usize = 6;

/// The arguments of a syscall after those in its [`SyscallRequest`].
pub type MoreArgs = [u64; MAX_SYSCALL_ARGS - MAX_REGISTER_ARGS];

/// Answers the syscalls of one run.
///
/// A run takes its host by value and gives it back with its outcome, as the type that it is. The
/// host is owned, since a suspended run may outlive every borrow; it shares what it does not own
/// (a store, a node) through an `Arc`.
///
/// `()` is the host of a program that may make no syscall.
pub trait Host: Send + 'static {
    /// Answers one syscall: the result, or why the guest does not continue. The result is ignored
    /// where the syscall has none. Where it is an `i32`, its low 32 bits are used; where it is a
    /// floating-point number, it is the bits.
    ///
    /// The gas left was checked before the call and is not below zero.
    ///
    /// # Errors
    ///
    /// [`Stop`] ends or suspends the run. Only [`Stop::Fail`] is a failure of the host.
    ///
    /// # Panics
    ///
    /// A panic becomes [`EngineError::HostPanicked`]: the run is lost, the engine and all other
    /// runs are not.
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop>;
}

impl<H: Host + ?Sized> Host for Box<H> {
    #[inline]
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        (**self).syscall(call)
    }
}

/// Refuses every syscall.
impl Host for () {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Trap(Trap::SyscallRefused))
    }
}

/// The number and the first arguments of a syscall. Few syscalls have more, which are apart so that
/// the others do not pay for them: [`Syscall::arg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallRequest {
    /// The number by which the rules name the syscall.
    pub number: u32,
    /// The first arguments. Those that the syscall does not have are zero, `i32` are zero-extended,
    /// and floating-point numbers are their bits.
    pub args: [u64; MAX_REGISTER_ARGS],
}

/// One syscall, while the host answers it.
#[derive(Debug)]
pub struct Syscall<'a> {
    /// What the guest asked. By reference: a copy would cost more than the rest of a syscall.
    pub request: &'a SyscallRequest,
    /// The guest's whole memory; empty if it has none.
    pub memory: GuestMemory<'a>,
    more: Option<&'a MoreArgs>,
    meter: &'a mut Meter,
}

impl<'a> Syscall<'a> {
    pub(crate) fn new(
        request: &'a SyscallRequest,
        more: Option<&'a MoreArgs>,
        memory: GuestMemory<'a>,
        meter: &'a mut Meter,
    ) -> Self {
        Self {
            request,
            memory,
            more,
            meter,
        }
    }

    /// The argument at `index`, of all arguments. Zero if the syscall does not have it.
    #[must_use]
    #[inline]
    pub fn arg(&self, index: usize) -> u64 {
        arg(self.request, self.more, index)
    }

    /// Charges `price` to the guest's gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if less than `price` is left; a host passes it on.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.meter.charge(price)
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.meter.left()
    }
}

/// The argument of a syscall at `index`.
#[inline]
pub(crate) fn arg(request: &SyscallRequest, more: Option<&MoreArgs>, index: usize) -> u64 {
    let first = request.args.get(index);
    let arg = first.or_else(|| more?.get(index.checked_sub(MAX_REGISTER_ARGS)?));
    arg.copied().unwrap_or(0)
}

/// Why a guest does not continue after a syscall.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stop {
    /// The run is suspended until it is resumed. Only where the rules let the import suspend.
    Suspend,
    /// The run finishes here, successfully.
    Finish,
    /// Like [`Finish`](Self::Finish), and the instance can be entered again. The guest's frames are
    /// gone; what it keeps of them in its memory and its globals, such as a stack pointer, stays as
    /// it is. A run that is stopped so while it is suspended, or before its entry, loses its
    /// instance.
    Return,
    /// The run used more gas than its limit.
    OutOfGas,
    /// The run traps.
    Trap(Trap),
    /// The host failed, through no fault of the guest.
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
