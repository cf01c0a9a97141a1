//! A run: a host and a meter, and what a backend does with them.
//!
//! Backends adapt calling conventions; what a call *means* is here, once for all of them.

use std::{
    any::Any,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    AtGasEnd, EngineError, GuestMemory, Host, MAX_SYSCALL_ARGS, Meter, Profiler, Stop, Syscall,
    SyscallRequest, Trap, Value,
    profile::{ENTER, LEAVE, Place},
};

/// What one run owns beside its instance. It is inside the backend while the guest runs, and
/// outside while it rests or is parked.
pub struct Run {
    /// Who answers the syscalls.
    pub host: Box<dyn Host>,
    /// The gas.
    pub meter: Meter,
    /// Who notes where the gas goes, if anybody does.
    pub profiler: Option<Profiler>,
    /// What the entry returned that was called last. It stays with the run, so that nothing is allocated for it the next time.
    pub values: Vec<Value>,
    /// The syscall at which the guest is parked, or was last. It stays here while outcomes are handed on: it is larger than
    /// all the rest of them.
    request: SyscallRequest,
}

/// What a guest does whose gas or height went below zero.
#[derive(Debug)]
pub enum Low {
    /// It goes on, with this counter.
    Continue(i64),
    /// It is parked until it has more gas.
    Park,
    /// It stops.
    Stop(Stop),
}

impl Run {
    /// A run that begins. The profiler forgets what it noted of another.
    #[must_use]
    pub fn new(host: Box<dyn Host>, meter: Meter, profiler: Option<Profiler>) -> Self {
        if let Some(profiler) = &profiler {
            profiler.begin();
        }
        Self {
            host,
            meter,
            profiler,
            values: Vec::new(),
            request: SyscallRequest {
                number: 0,
                args: [0; MAX_SYSCALL_ARGS],
            },
        }
    }

    /// Another run, in the place of one that has ended. The profiler forgets what it noted of that.
    pub fn renew(&mut self, host: Box<dyn Host>, meter: Meter, profiler: Option<Profiler>) {
        if let Some(profiler) = &profiler {
            profiler.begin();
        }
        self.host = host;
        self.meter = meter;
        self.profiler = profiler;
        self.values.clear();
    }

    /// The host, of a run that has ended and may be [renewed](Self::renew).
    #[must_use]
    pub fn release(&mut self) -> Box<dyn Host> {
        mem::replace(&mut self.host, Box::new(Nobody))
    }

    /// Whether somebody wants it to stop: for backends whose own work takes long.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.meter.is_interrupted()
    }

    /// What the guest asked when it was parked at a syscall.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.request
    }

    /// Answers a syscall of a guest whose counter is `counter`: the result. The meter has the new counter.
    ///
    /// # Errors
    ///
    /// [`Stop`] where the guest does not go on. A guest below zero does not reach the host. A host that panics is
    /// [`EngineError::HostPanicked`]: no engine has to be unwound.
    #[inline]
    pub fn syscall(
        &mut self,
        counter: i64,
        request: &SyscallRequest,
        memory: GuestMemory<'_>,
    ) -> Result<u64, Stop> {
        self.meter.note(counter);
        if request.number >= ENTER {
            self.tell(request);
            return Ok(0);
        }
        if self.meter.is_overdrawn() {
            return Err(Stop::OutOfGas);
        }
        self.enter(Place::Syscall(request.number));
        let Self { host, meter, .. } = self;
        // Whoever is told of a panic drops the run and its instance, so that nobody sees what it left half done.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            host.syscall(&mut Syscall::new(request, memory, meter))
        }))
        .unwrap_or_else(|panic| Err(Stop::Fail(panicked(request.number, panic))));
        if matches!(answer, Err(Stop::Suspend)) {
            self.request = *request;
        }
        let result = answer?;
        self.leave();
        self.meter.hand_out();
        Ok(result)
    }

    /// What a program tells that was metered for a profile. The guest is not stopped here, nor given more gas: it goes on
    /// as if it had told nothing.
    fn tell(&self, request: &SyscallRequest) {
        let [function, ..] = request.args;
        if request.number == LEAVE {
            self.leave();
        } else if let Ok(function) = u32::try_from(function) {
            self.enter(Place::Function(function));
        }
    }

    /// What is spent from now on is spent in this place, for whoever makes a profile.
    #[inline]
    pub fn enter(&self, place: Place) {
        if let Some(profiler) = &self.profiler {
            profiler.enter(place, &self.meter);
        }
    }

    /// What is spent from now on is spent in the place before. A syscall that parked the guest ends so once it is answered.
    #[inline]
    pub fn leave(&self) {
        if let Some(profiler) = &self.profiler {
            profiler.leave(&self.meter);
        }
    }

    /// The run has ended, and its gas is settled: the profile is complete.
    pub fn end(&mut self) {
        if let Some(profiler) = self.profiler.take() {
            profiler.end(&self.meter);
        }
    }

    /// What a trap that the engine raised comes to. `counter` is the guest's spilled counter.
    ///
    /// A guest spills its counter before an `unreachable`, so that nothing is lost there. At any
    /// other trap the counter is in a register, nobody knows it, and the run forfeits its limit.
    pub fn trapped(&mut self, trap: Trap, counter: i64) -> Stop {
        if trap == Trap::Unreachable {
            self.meter.note(counter);
            if self.meter.is_overdrawn() {
                return Stop::OutOfGas;
            }
        } else {
            self.meter.forfeit();
            if let Some(profiler) = &self.profiler {
                profiler.forfeit();
            }
        }
        Stop::Trap(trap)
    }

    /// Decides for a guest whose counter or height went below zero.
    pub fn low(&mut self, counter: i64, height: i64) -> Low {
        self.meter.note(counter);
        if self.meter.is_overdrawn() {
            return match self.meter.at_gas_end() {
                AtGasEnd::Stop => Low::Stop(Stop::OutOfGas),
                AtGasEnd::Suspend => Low::Park,
            };
        }
        if height < 0 {
            return Low::Stop(Stop::Trap(Trap::StackOverflow));
        }
        if self.meter.is_interrupted() {
            return Low::Stop(Stop::Fail(EngineError::Interrupted));
        }
        Low::Continue(self.meter.hand_out())
    }
}

/// Who answers when a run has ended. Its box is empty, so that none is allocated.
struct Nobody;

impl Host for Nobody {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Fail(EngineError::Host("the run has ended".into())))
    }
}

/// What a panic of the host's comes to.
#[cold]
fn panicked(number: u32, panic: Box<dyn Any + Send>) -> EngineError {
    let message = match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => match panic.downcast::<&str>() {
            Ok(message) => (*message).to_owned(),
            Err(other) => {
                // To drop it may be to panic again.
                mem::forget(other);
                "something that is no text".to_owned()
            }
        },
    };
    EngineError::HostPanicked { number, message }
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Run")
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}
