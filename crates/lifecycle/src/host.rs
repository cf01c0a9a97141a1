//! Hosts whose answers may take time, and the suspended guest as they see it.

use std::{borrow::Cow, future::Future, pin::Pin};

use fusee_engine::{
    EngineError, Gas, GuestMemory, Host, Interrupt, OutOfGas, Stop, Syscall, SyscallRequest, Trap,
};
use fusee_executor::PausedGuest;

use crate::slots::Slot;

/// What [`AsyncHost::wait`] returns.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = Result<u64, Stop>> + Send + 'a>>;

/// Answers the syscalls of one instance, some of them later.
///
/// Every syscall goes to [`Host::syscall`], on a worker. Where the import may suspend, the host
/// answers at once, or returns [`Stop::Suspend`]: then the guest is suspended, its worker serves
/// other calls, and [`wait`](Self::wait) answers. A host without such imports needs an empty
/// `impl`.
pub trait AsyncHost: Host {
    /// Answers the syscall at which the guest is suspended. The future is polled by the task that
    /// awaits the call, on any runtime or none, and dropped with the call. Its time does not count
    /// against the time limit of the call.
    ///
    /// As with [`Host::syscall`], [`Stop`] ends the run. The instance is borrowed by the call, so a
    /// host cannot call it from here.
    fn wait<'a>(&'a mut self, guest: Guest<'a>) -> Waiting<'a> {
        let number = guest.request().number;
        let why = format!("the host suspends syscall {number}, but does not implement `wait`");
        Box::pin(std::future::ready(Err(Stop::Fail(EngineError::Host(
            why.into(),
        )))))
    }
}

impl<H: AsyncHost + ?Sized> AsyncHost for Box<H> {
    fn wait<'a>(&'a mut self, guest: Guest<'a>) -> Waiting<'a> {
        (**self).wait(guest)
    }
}

/// Refuses every syscall.
impl AsyncHost for () {}

/// A guest that is suspended at a syscall.
#[derive(Debug)]
pub struct Guest<'a>(PausedGuest<'a>);

impl<'a> Guest<'a> {
    pub(crate) const fn new(guest: PausedGuest<'a>) -> Self {
        Self(guest)
    }

    /// The syscall.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.0.request()
    }

    /// The argument of the syscall at `index`, of all arguments. Zero if it does not have it.
    #[must_use]
    pub fn arg(&self, index: usize) -> u64 {
        self.0.arg(index)
    }

    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.0.memory()
    }

    /// Reads bytes of the guest's memory.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if the range is not within the memory. A host passes it on where
    /// the guest chose the range.
    pub fn read(&mut self, offset: u64, length: u64) -> Result<Cow<'_, [u8]>, Trap> {
        self.0.memory().into_read(offset, length)
    }

    /// Writes bytes into the guest's memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Trap> {
        self.0.memory().write(offset, bytes)
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.0.gas_left()
    }

    /// Charges `price` to the guest's gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if less than `price` is left; a host passes it on.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.0.charge(price)
    }
}

/// The embedder's host of an instance, and the slot that the instance has. It goes wherever the
/// instance does, and is dropped after it.
#[derive(Debug)]
pub(crate) struct InstanceHost<H> {
    pub(crate) host: H,
    pub(crate) slot: Slot,
}

/// The host of one run: that of the instance, and the interrupt of the call.
#[derive(Debug)]
pub(crate) struct RunHost<H> {
    pub(crate) host: InstanceHost<H>,
    interrupt: Interrupt,
}

impl<H> RunHost<H> {
    pub(crate) fn new(host: InstanceHost<H>, interrupt: &Interrupt) -> Self {
        Self {
            host,
            interrupt: interrupt.clone(),
        }
    }

    pub(crate) fn into_host(self) -> InstanceHost<H> {
        self.host
    }
}

impl<H: Host> Host for RunHost<H> {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        // A guest that computes little between slow syscalls uses up its gas quantum much later.
        if self.interrupt.is_triggered() {
            return Err(Stop::Fail(EngineError::Interrupted));
        }
        self.host.host.syscall(call)
    }
}
