//! Outcomes: how a run ended or paused, each owning what can come next.
//!
//! The host keeps its type from the request to the outcome. Each outcome owns the guest, whose
//! meter has the gas. Dropping a suspended run destroys its guest.

use fusee_engine::{
    Gas, GuestMemory, Host, Interrupt, OutOfGas, Stop, SyscallRequest, Trap, Value,
};

use crate::{
    LiveInstance, RunError, RunRequest,
    guest::{Guest, Reached},
};

/// How a run ended or paused.
#[derive(Debug)]
pub enum Outcome<H> {
    /// The entry returned, or a syscall finished the run.
    Finished(Finished<H>),
    /// The guest is suspended at a syscall.
    Syscall(Suspended<H>),
    /// The guest is suspended because its gas ended; only where the request asked for it.
    GasEnd(GasSuspended<H>),
    /// The guest used all its gas.
    OutOfGas(Ended<H>),
    /// The guest trapped.
    Trapped(Trap, Ended<H>),
}

/// A run that did not end well: its host and its gas. The instance is gone, unless it is
/// persistent: then [`Outcome::into_end`] gives it back.
#[derive(Debug)]
pub struct Ended<H> {
    guest: Box<Guest>,
    host: H,
}

/// A run that finished.
#[derive(Debug)]
pub struct Finished<H> {
    guest: Box<Guest>,
    host: H,
}

/// A run that is suspended at a syscall.
#[derive(Debug)]
pub struct Suspended<H> {
    guest: Box<Guest>,
    host: H,
}

/// A run that waits for more gas.
#[derive(Debug)]
pub struct GasSuspended<H> {
    suspended: Suspended<H>,
}

/// A suspended run, borrowed: the guest, and a host that may be a part of the run's own.
#[derive(Debug)]
pub struct Paused<'a, H> {
    /// The guest.
    pub guest: PausedGuest<'a>,
    /// The host.
    pub host: &'a mut H,
}

/// A suspended guest, borrowed without its host.
#[derive(Debug)]
pub struct PausedGuest<'a> {
    guest: &'a mut Guest,
}

/// The end of a run, whatever it was.
#[derive(Debug)]
pub struct End<H> {
    /// Why it ended.
    pub reason: EndReason,
    /// The gas that it used, the instantiation included.
    pub gas_used: Gas,
    /// The gas that it was given and did not use.
    pub gas_left: Gas,
    /// The instance at rest, if its entry returned, or a syscall made it return, or if it is
    /// [persistent](LiveInstance::make_persistent). It holds the results of an entry that returned.
    pub instance: Option<LiveInstance>,
    /// The host.
    pub host: H,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The entry returned, or a syscall finished the run.
    Finished,
    /// The guest trapped.
    Trapped(Trap),
    /// The guest used all its gas.
    OutOfGas,
}

impl LiveInstance {
    /// Enters the instance. The first run of an instance pays for the instantiation, and runs the
    /// program's start function and `_initialize` before the entry.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the request does not fit the program, or the host fails.
    // Inlined, so that the outcome is built where it is used: it would be stored in parts and
    // loaded whole, which a processor cannot forward from its store buffer.
    #[inline]
    pub fn run<H: Host>(
        mut self,
        mut request: RunRequest<'_>,
        mut host: H,
    ) -> Result<Outcome<H>, RunError> {
        let reached = self.guest.call(&mut request, &mut host)?;
        Ok(Outcome::new(self.guest, reached, host))
    }

    /// Makes the instance, and runs the program's start function and `_initialize`, but no entry:
    /// the request's entry and arguments are ignored. It finishes without results, and can be
    /// suspended before that. An instance that was run before does nothing.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the host fails.
    pub fn initialize<H: Host>(
        mut self,
        mut request: RunRequest<'_>,
        mut host: H,
    ) -> Result<Outcome<H>, RunError> {
        let reached = self.guest.begin(None, &mut request, &mut host)?;
        Ok(Outcome::new(self.guest, reached, host))
    }
}

impl<H> Outcome<H> {
    #[inline]
    pub(crate) fn new(mut guest: Box<Guest>, reached: Reached, host: H) -> Self {
        match reached {
            Reached::Finished => {
                guest.run.end();
                Outcome::Finished(Finished { guest, host })
            }
            Reached::Syscall => Outcome::Syscall(Suspended { guest, host }),
            Reached::Gas => Outcome::GasEnd(GasSuspended {
                suspended: Suspended { guest, host },
            }),
            // Using more than the limit is using the limit.
            Reached::OutOfGas => {
                guest.run.meter.forfeit();
                guest.run.end();
                Outcome::OutOfGas(Ended { guest, host })
            }
            Reached::Trapped(trap) => {
                guest.run.end();
                Outcome::Trapped(trap, Ended { guest, host })
            }
        }
    }

    /// The gas that the run has used so far, the instantiation included.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        match self {
            Outcome::Finished(finished) => finished.gas_used(),
            Outcome::Syscall(suspended) => suspended.gas_used(),
            Outcome::GasEnd(waiting) => waiting.suspended.gas_used(),
            Outcome::OutOfGas(ended) | Outcome::Trapped(_, ended) => ended.gas_used(),
        }
    }

    /// The gas that the run was given and has not used.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        match self {
            Outcome::Finished(finished) => finished.gas_left(),
            Outcome::Syscall(suspended) => suspended.gas_left(),
            Outcome::GasEnd(waiting) => waiting.suspended.gas_left(),
            Outcome::OutOfGas(ended) | Outcome::Trapped(_, ended) => ended.gas_left(),
        }
    }

    /// The results of the entry; empty unless it returned some.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        match self {
            Outcome::Finished(finished) => finished.values(),
            _ => &[],
        }
    }

    /// How the guest trapped, if it did.
    #[must_use]
    pub const fn trap(&self) -> Option<Trap> {
        match self {
            Outcome::Trapped(trap, _) => Some(*trap),
            _ => None,
        }
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &H {
        match self {
            Outcome::Finished(finished) => &finished.host,
            Outcome::Syscall(suspended) => &suspended.host,
            Outcome::GasEnd(waiting) => &waiting.suspended.host,
            Outcome::OutOfGas(ended) | Outcome::Trapped(_, ended) => &ended.host,
        }
    }

    /// The host. A suspended run is destroyed.
    #[must_use]
    pub fn into_host(self) -> H {
        match self {
            Outcome::Finished(finished) => finished.host,
            Outcome::Syscall(suspended) => suspended.host,
            Outcome::GasEnd(waiting) => waiting.suspended.host,
            Outcome::OutOfGas(ended) | Outcome::Trapped(_, ended) => ended.host,
        }
    }

    /// The finished run.
    ///
    /// # Errors
    ///
    /// The outcome itself, if it is another.
    pub fn finished(self) -> Result<Finished<H>, Self> {
        match self {
            Outcome::Finished(finished) => Ok(finished),
            other => Err(other),
        }
    }

    /// The end of the run.
    ///
    /// # Errors
    ///
    /// The suspended run, if it waits for a syscall. One that waits for gas ends here, out of gas.
    #[inline]
    pub fn into_end(self) -> Result<End<H>, Suspended<H>> {
        let (reason, ended) = match self {
            Outcome::Finished(finished) => {
                let (gas_used, gas_left) = (finished.gas_used(), finished.gas_left());
                let (instance, host) = finished.into_instance();
                return Ok(End {
                    reason: EndReason::Finished,
                    gas_used,
                    gas_left,
                    instance,
                    host,
                });
            }
            Outcome::Syscall(suspended) => return Err(suspended),
            Outcome::GasEnd(GasSuspended { suspended }) => {
                (EndReason::OutOfGas, suspended.end_out_of_gas())
            }
            Outcome::OutOfGas(ended) => (EndReason::OutOfGas, ended),
            Outcome::Trapped(trap, ended) => (EndReason::Trapped(trap), ended),
        };
        let (gas_used, gas_left) = (ended.gas_used(), ended.gas_left());
        let Ended { mut guest, host } = ended;
        Ok(End {
            reason,
            gas_used,
            gas_left,
            instance: guest.survives().then(|| LiveInstance::of(guest)),
            host,
        })
    }
}

impl<H> Ended<H> {
    /// The gas that the run used, the instantiation included.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        self.guest.run.meter.used()
    }

    /// The gas that the run was given and did not use.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.guest.run.meter.left()
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// The host, back from the run.
    #[must_use]
    pub fn into_host(self) -> H {
        self.host
    }
}

impl<H> Finished<H> {
    /// The results of the entry; empty if a syscall finished the run.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.guest.run.values
    }

    /// The gas that the run used, the instantiation included.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        self.guest.run.meter.used()
    }

    /// The gas that the run was given and did not use.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.guest.run.meter.left()
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// The host, back from the run.
    #[must_use]
    pub fn into_host(self) -> H {
        self.host
    }

    /// The instance at rest, with its memory as the run left it, to be entered again, and the
    /// host. `None` if a syscall finished the run in the middle of a function, unless by
    /// [`Stop::Return`].
    #[must_use]
    #[inline]
    pub fn into_instance(self) -> (Option<LiveInstance>, H) {
        let Self { guest, host, .. } = self;
        let live = guest.is_live().then(|| LiveInstance::of(guest));
        (live, host)
    }
}

impl<H> Suspended<H> {
    /// The syscall at which the guest is suspended.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.guest.run.request()
    }

    /// The argument of that syscall at `index`, of all arguments. Zero if it does not have it.
    #[must_use]
    pub fn arg(&self, index: usize) -> u64 {
        self.guest.run.arg(index)
    }

    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.guest.memory()
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// The host.
    pub const fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// The guest's whole memory, and the host.
    pub fn memory_and_host(&mut self) -> (GuestMemory<'_>, &mut H) {
        (self.guest.memory(), &mut self.host)
    }

    /// The suspended run with another host, made of this one.
    pub fn map_host<T>(self, map: impl FnOnce(H) -> T) -> Suspended<T> {
        Suspended {
            guest: self.guest,
            host: map(self.host),
        }
    }

    /// The suspended run with a host that is made of this one, or with this one.
    ///
    /// # Errors
    ///
    /// The suspended run with the host that `map` gives back.
    pub fn try_map_host<T>(
        self,
        map: impl FnOnce(H) -> Result<T, H>,
    ) -> Result<Suspended<T>, Self> {
        let Self { guest, host } = self;
        match map(host) {
            Ok(host) => Ok(Suspended { guest, host }),
            Err(host) => Err(Self { guest, host }),
        }
    }

    /// The suspended run, borrowed.
    pub fn paused(&mut self) -> Paused<'_, H> {
        Paused {
            guest: PausedGuest {
                guest: &mut self.guest,
            },
            host: &mut self.host,
        }
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.guest.run.meter.left()
    }

    /// The gas that the guest has used so far, the instantiation included.
    #[must_use]
    pub fn gas_used(&self) -> Gas {
        self.guest.run.meter.used()
    }

    /// Charges `price` to the guest's gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if less than `price` is left; the caller ends the run with
    /// [`out_of_gas`](Self::out_of_gas).
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.guest.charge(price)
    }

    /// Sets the gas that the guest has left. What it has used so far stays used.
    pub fn set_gas(&mut self, gas: Gas) {
        self.guest.run.meter.set_left(gas);
    }

    /// Sets what interrupts the run from now on. What interrupted it before no longer does.
    pub fn set_interrupt(&mut self, interrupt: &Interrupt) {
        self.guest.run.meter.set_interrupt(Some(interrupt));
    }

    /// Ends the run: the syscall costs more gas than is left.
    #[must_use]
    pub fn out_of_gas(self) -> Outcome<H> {
        Outcome::OutOfGas(self.end_out_of_gas())
    }

    /// Ends the run: the guest may not make the syscall so.
    #[must_use]
    pub fn trap(self, trap: Trap) -> Outcome<H> {
        Outcome::new(self.guest, Reached::Trapped(trap), self.host)
    }

    fn end_out_of_gas(mut self) -> Ended<H> {
        self.guest.run.meter.forfeit();
        self.guest.run.end();
        Ended {
            guest: self.guest,
            host: self.host,
        }
    }
}

impl<H: Host> Suspended<H> {
    /// Continues, with `reply` as the result of the syscall.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if the host fails.
    // Inlined as `LiveInstance::run` is.
    #[inline]
    pub fn resume(mut self, reply: u64) -> Result<Outcome<H>, RunError> {
        self.guest.run.leave();
        let reached = self.guest.resume(&mut self.host, reply)?;
        Ok(Outcome::new(self.guest, reached, self.host))
    }

    /// Ends the run as a host function that returned this: finished, trapped, out of gas, or as a
    /// fault of the host.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] for a fault of the host, and for [`Stop::Suspend`], which ends nothing.
    pub fn stop(mut self, stop: Stop) -> Result<Outcome<H>, RunError> {
        let reached = self.guest.stopped(stop)?;
        Ok(Outcome::new(self.guest, reached, self.host))
    }
}

impl<H> GasSuspended<H> {
    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.suspended.memory()
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.suspended.host
    }

    /// Ends the run.
    #[must_use]
    pub fn out_of_gas(self) -> Outcome<H> {
        self.suspended.out_of_gas()
    }
}

impl<H: Host> GasSuspended<H> {
    /// Continues with `more` gas. If that is less than the guest owes, it is suspended again.
    ///
    /// # Errors
    ///
    /// [`RunError::Engine`] if the host fails.
    pub fn resume_with(self, more: Gas) -> Result<Outcome<H>, RunError> {
        let Suspended {
            mut guest,
            mut host,
        } = self.suspended;
        guest.run.meter.top_up(more);
        let reached = guest.resume(&mut host, 0)?;
        Ok(Outcome::new(guest, reached, host))
    }
}

impl<'a> PausedGuest<'a> {
    /// The syscall at which the guest is suspended.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.guest.run.request()
    }

    /// The argument of that syscall at `index`, of all arguments. Zero if it does not have it.
    #[must_use]
    pub fn arg(&self, index: usize) -> u64 {
        self.guest.run.arg(index)
    }

    /// The guest's whole memory.
    pub fn memory(&mut self) -> GuestMemory<'_> {
        self.guest.memory()
    }

    /// The gas that the guest has left.
    #[must_use]
    pub fn gas_left(&self) -> Gas {
        self.guest.run.meter.left()
    }

    /// Charges `price` to the guest's gas.
    ///
    /// # Errors
    ///
    /// [`OutOfGas`] if less than `price` is left; the caller stops the run.
    pub fn charge(&mut self, price: Gas) -> Result<(), OutOfGas> {
        self.guest.charge(price)
    }

    /// The guest with this host.
    pub const fn with_host<H>(self, host: &'a mut H) -> Paused<'a, H> {
        Paused { guest: self, host }
    }
}

impl<H> End<H> {
    /// The results of the entry; empty unless it returned some.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        match &self.instance {
            Some(instance) if self.reason == EndReason::Finished => instance.results(),
            _ => &[],
        }
    }

    /// The end with another host, made of this one.
    pub fn map_host<T>(self, map: impl FnOnce(H) -> T) -> End<T> {
        End {
            reason: self.reason,
            gas_used: self.gas_used,
            gas_left: self.gas_left,
            instance: self.instance,
            host: map(self.host),
        }
    }
}
