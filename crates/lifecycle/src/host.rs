//! Hosts whose answers may take time, and what they see of a guest that waits.

use std::{borrow::Cow, fmt, future::Future, pin::Pin};

use fusee_engine::{
    EngineError, Gas, GuestMemory, Host, Interrupt, OutOfGas, Stop, Syscall, SyscallRequest, Trap,
};
use fusee_executor::Suspended;

/// What [`AsyncHost::wait`] returns.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = Result<u64, Stop>> + Send + 'a>>;

/// Answers the syscalls of one instance, some of them later.
///
/// Every syscall goes to [`Host::syscall`], on a worker. Where the import may suspend, it can answer at once, or say
/// [`Stop::Suspend`]: then the guest is parked, its worker serves others, and [`wait`](Self::wait) is asked instead. A host without
/// such imports needs an empty `impl`.
pub trait AsyncHost: Host {
    /// Answers the syscall at which the guest is parked. The future is polled by whoever awaits the call, on any runtime or
    /// none, and dropped where the call is. Its time is not the guest's.
    ///
    /// As with [`Host::syscall`], [`Stop`] ends the run. An instance cannot be called meanwhile, so that nothing here enters the guest.
    fn wait<'a>(&'a mut self, guest: Guest<'a>) -> Waiting<'a> {
        let number = guest.request().number;
        let why = format!("nobody answers syscall {number}, at which the guest is parked");
        Box::pin(std::future::ready(Err(Stop::Fail(EngineError::Host(
            why.into(),
        )))))
    }
}

/// A guest that waits for the answer to a syscall.
#[derive(Debug)]
pub struct Guest<'a>(&'a mut Suspended);

impl<'a> Guest<'a> {
    pub(crate) const fn new(suspended: &'a mut Suspended) -> Self {
        Self(suspended)
    }

    /// What it asked.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.0.request()
    }

    /// Its whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.0.memory()
    }

    /// Bytes of its memory.
    ///
    /// # Errors
    ///
    /// [`Trap::MemoryOutOfBounds`] if they are not within it: the guest's fault, if it named them.
    pub fn read(&mut self, offset: u64, length: u64) -> Result<Cow<'_, [u8]>, Trap> {
        self.0.memory().into_read(offset, length)
    }

    /// Writes into its memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Trap> {
        self.0.memory().write(offset, bytes)
    }

    /// The gas that it has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.0.gas_left()
    }

    /// Takes `price` from its gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if that leaves less than none; a host passes it on.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.0.charge(price)
    }
}

/// The host of one run: the embedder's, which is lent out while the guest is parked.
pub(crate) struct Bridge {
    host: Option<Box<dyn AsyncHost>>,
    interrupt: Interrupt,
}

impl Bridge {
    pub(crate) fn new(host: Box<dyn AsyncHost>, interrupt: &Interrupt) -> Box<Self> {
        Box::new(Self {
            host: Some(host),
            interrupt: interrupt.clone(),
        })
    }

    pub(crate) const fn lend(&mut self) -> Option<Box<dyn AsyncHost>> {
        self.host.take()
    }

    pub(crate) fn give_back(&mut self, host: Box<dyn AsyncHost>) {
        self.host = Some(host);
    }

    /// The embedder's host, out of the host of a run.
    pub(crate) fn open(host: Box<dyn Host>) -> Option<Box<dyn AsyncHost>> {
        let any: Box<dyn std::any::Any> = host;
        any.downcast::<Self>().ok()?.lend()
    }
}

impl Host for Bridge {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        // A guest that does little between slow syscalls would use up its slice of gas much later.
        if self.interrupt.is_triggered() {
            return Err(Stop::Fail(EngineError::Interrupted));
        }
        match &mut self.host {
            Some(host) => host.syscall(call),
            None => Err(Stop::Fail(EngineError::Host(
                "the host of the run was lent out and not given back".into(),
            ))),
        }
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bridge")
    }
}
