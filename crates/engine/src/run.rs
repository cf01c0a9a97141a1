//! A run: its meter and its results, and what a syscall, the end of gas and a trap mean for them.
//!
//! Backends adapt calling conventions. The meaning of a call is defined here, once for all of them.

use std::{
    any::Any,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    EngineError, Gas, GuestMemory, Host, Interrupt, MAX_REGISTER_ARGS, Meter, MoreArgs,
    OutOfGasPolicy, Profiler, Stop, Syscall, SyscallRequest, Trap, Value, host,
    profile::{ENTER, LEAVE, ProfileSpan},
};

/// What one run owns beside its instance and its host. Backends borrow it while the guest runs.
pub struct Run {
    /// The gas.
    pub meter: Meter,
    /// Records where the gas goes, where a profile was asked for.
    pub profiler: Option<Profiler>,
    /// The results of the entry that was called last. The vector is reused, so that a call of an
    /// instance allocates nothing for its results.
    pub values: Vec<Value>,
    /// The syscall at which the guest is suspended, or was last.
    request: SyscallRequest,
    /// Its arguments after those of the request, if it has more. Not an option, and not boxed: this
    /// is moved and dropped with every run.
    more: MoreArgs,
    has_more: bool,
}

/// What a guest does whose gas or stack height went below zero.
#[derive(Debug)]
pub enum Low {
    /// It continues, with this counter.
    Continue(i64),
    /// It is suspended until it has more gas.
    Suspend,
    /// It stops.
    Stop(Stop),
}

impl Run {
    /// A run that begins. The profiler drops what it recorded of another run.
    #[must_use]
    pub fn new(meter: Meter, profiler: Option<Profiler>) -> Self {
        if let Some(profiler) = &profiler {
            profiler.begin();
        }
        Self {
            meter,
            profiler,
            values: Vec::new(),
            request: SyscallRequest {
                number: 0,
                args: [0; MAX_REGISTER_ARGS],
            },
            more: MoreArgs::default(),
            has_more: false,
        }
    }

    /// Another run, in the place of one that has ended.
    #[inline]
    pub fn renew(
        &mut self,
        limit: Gas,
        out_of_gas_policy: OutOfGasPolicy,
        interrupt: Option<&Interrupt>,
        profiler: Option<Profiler>,
    ) {
        if let Some(profiler) = &profiler {
            profiler.begin();
        }
        self.meter.renew(limit, out_of_gas_policy, interrupt);
        self.profiler = profiler;
        self.values.clear();
    }

    /// Whether the run is to be interrupted. For backends whose own work takes long.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.meter.is_interrupted()
    }

    /// The syscall at which the guest was suspended last.
    #[must_use]
    pub const fn request(&self) -> SyscallRequest {
        self.request
    }

    /// The argument at `index` of that syscall. Zero if it does not have it.
    #[must_use]
    pub fn arg(&self, index: usize) -> u64 {
        host::arg(&self.request, self.has_more.then_some(&self.more), index)
    }

    /// Answers a syscall of a guest whose counter is `counter`. The meter has the new counter.
    ///
    /// # Errors
    ///
    /// [`Stop`] where the guest does not continue. A guest below zero does not reach the host. A
    /// host that panics is [`EngineError::HostPanicked`], so that no engine has to be unwound.
    // Inlined, so that the memory is built where the host finds it: it would be stored in parts and
    // loaded whole, which a processor cannot forward from its store buffer.
    #[inline(always)]
    pub fn syscall(
        &mut self,
        host: &mut (dyn Host + 'static),
        counter: i64,
        request: &SyscallRequest,
        memory: GuestMemory<'_>,
    ) -> Result<u64, Stop> {
        self.syscall_with(host, counter, request, None, memory)
    }

    /// Like [`syscall`](Self::syscall), for one that may have more arguments than its request.
    ///
    /// # Errors
    ///
    /// As [`syscall`](Self::syscall).
    #[inline(always)]
    pub fn syscall_with(
        &mut self,
        host: &mut (dyn Host + 'static),
        counter: i64,
        request: &SyscallRequest,
        more: Option<&MoreArgs>,
        memory: GuestMemory<'_>,
    ) -> Result<u64, Stop> {
        self.meter.note(counter);
        if request.number >= ENTER {
            self.record(request);
            return Ok(0);
        }
        if self.meter.is_overdrawn() {
            return Err(Stop::OutOfGas);
        }
        self.enter(ProfileSpan::Syscall(request.number));
        let meter = &mut self.meter;
        // After a panic the run and its instance are dropped: nothing observes a broken state.
        let answer = catch_unwind(AssertUnwindSafe(|| {
            host.syscall(&mut Syscall::new(request, more, memory, meter))
        }))
        .unwrap_or_else(|panic| Err(Stop::Fail(panicked(request.number, panic))));
        match answer {
            Ok(result) => {
                self.leave();
                self.meter.hand_out();
                Ok(result)
            }
            Err(stop) => {
                if matches!(stop, Stop::Suspend) {
                    self.request = *request;
                    self.has_more = more.is_some();
                    if let Some(more) = more {
                        self.more = *more;
                    }
                }
                Err(stop)
            }
        }
    }

    /// Records an event of a program that was metered for a profile. The guest is neither stopped
    /// here nor given more gas.
    #[cold]
    fn record(&self, request: &SyscallRequest) {
        let [function, ..] = request.args;
        if request.number == LEAVE {
            self.leave();
        } else if let Ok(function) = u32::try_from(function) {
            self.enter(ProfileSpan::Function(function));
        }
    }

    /// Gas is spent in this place from now on. For the profiler, if there is one.
    #[inline]
    pub fn enter(&self, place: ProfileSpan) {
        if let Some(profiler) = &self.profiler {
            profiler.enter(place, &self.meter);
        }
    }

    /// Gas is spent in the previous place again. A syscall that suspended the guest ends so once
    /// it is answered.
    #[inline]
    pub fn leave(&self) {
        if let Some(profiler) = &self.profiler {
            profiler.leave(&self.meter);
        }
    }

    /// The run has ended and its gas is settled. Completes the profile.
    #[inline]
    pub fn end(&mut self) {
        if self.profiler.is_some() {
            self.end_profile();
        }
    }

    #[cold]
    fn end_profile(&mut self) {
        if let Some(profiler) = self.profiler.take() {
            profiler.end(&self.meter);
        }
    }

    /// The meaning of a trap that the engine raised. `counter` is the guest's spilled counter.
    ///
    /// A guest spills its counter before an `unreachable`, so that nothing is lost there. At any
    /// other trap the counter is in a register that the host cannot read, and the run forfeits all
    /// gas that is left.
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
            return match self.meter.out_of_gas_policy() {
                OutOfGasPolicy::Stop => Low::Stop(Stop::OutOfGas),
                OutOfGasPolicy::Suspend => Low::Suspend,
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

/// A panic of the host, as an error.
#[cold]
fn panicked(number: u32, panic: Box<dyn Any + Send>) -> EngineError {
    let message = match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => match panic.downcast::<&str>() {
            Ok(message) => (*message).to_owned(),
            Err(other) => {
                // Dropping it might panic again.
                mem::forget(other);
                "(a panic payload that is not text)".to_owned()
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
