//! The driver: the one loop that runs guests which call each other.
//!
//! A guest that waits for another is a frame on the driver's stack, on the heap: a chain of calls
//! takes constant native stack. The driver owns the stack, the memory that waiting frames hold, the
//! gas that callers forward and callees use, and the interrupt. A [`Supervisor`] decides what a
//! guest asks for, and what a call is: the calls of a chain, nested VMs, system programs and an
//! embedder's own protocol are supervisors.

use std::{borrow::Cow, fmt, sync::Arc};

use fusee_engine::{EngineError, Gas, Host, Interrupt, Profiler, Stop, Value};

use crate::{
    End, Executor, LiveInstance, MemoryBudget, Outcome, Paused, PreparedProgram, Reservation,
    RunError, RunRequest, Suspended, Suspension, Tier,
};

/// Decides what guests ask for, and what becomes of their calls.
pub trait Supervisor: Sized {
    /// The host of every frame.
    type Host: Host;
    /// A call that a frame makes, or with which the driver begins.
    type Call;
    /// The result of a frame, for its caller or, from the outermost frame, for the embedder.
    type Return;
    /// What a frame asks of the outside.
    type Request;
    /// A fault of the host. It ends everything: nothing comes of the frames on the stack.
    type Error: From<RunError>;

    /// Begins a call. Its caller, if it has one, is on the stack already.
    ///
    /// # Errors
    ///
    /// A fault of the host.
    fn begin(&mut self, call: Self::Call) -> Result<Begin<Self>, Self::Error>;

    /// The result of a call for which the stack has no room.
    ///
    /// # Errors
    ///
    /// A fault of the host.
    fn refuse(&mut self, call: Self::Call, limit: FrameLimit) -> Result<Self::Return, Self::Error>;

    /// Decides how a frame continues that is suspended at a syscall.
    ///
    /// # Errors
    ///
    /// A fault of the host.
    fn suspended(&mut self, frame: Paused<'_, Self::Host>) -> Result<Action<Self>, Self::Error>;

    /// The result of a frame that returns to its caller where it is suspended
    /// ([`Action::Yield`]). A later call can continue it ([`Target::Suspended`]).
    ///
    /// # Errors
    ///
    /// A fault of the host.
    fn yielded(&mut self, frame: Suspended<Self::Host>) -> Result<Self::Return, Self::Error>;

    /// The result of a frame that has ended.
    ///
    /// # Errors
    ///
    /// A fault of the host.
    fn ended(&mut self, end: End<Self::Host>) -> Result<Self::Return, Self::Error>;

    /// Gives the result of a call to its caller, and decides how that continues. `used` is the gas
    /// that the call used, where the caller pays for it: it is charged already. A caller that
    /// cannot pay runs out of gas, whatever this decides.
    ///
    /// # Errors
    ///
    /// A fault of the host.
    fn returned(
        &mut self,
        caller: Paused<'_, Self::Host>,
        value: Self::Return,
        used: Gas,
    ) -> Result<Action<Self>, Self::Error>;
}

/// How a call begins.
#[derive(Debug)]
pub enum Begin<S: Supervisor> {
    /// A guest runs.
    Run(Callee<S::Host>),
    /// The call has its result without a guest.
    Return {
        /// The result.
        value: S::Return,
        /// The gas that the call used. Its caller pays it.
        used: Gas,
    },
}

/// A guest that is to run for a call.
#[derive(Debug)]
pub struct Callee<H> {
    /// What runs.
    pub target: Target<H>,
    /// The gas that it may use: at most, if its caller pays.
    pub gas: Gas,
    /// The price of loading its program, which it pays from this gas before it runs in a fresh
    /// instance.
    pub loading_gas: Gas,
    /// The payer of its gas.
    pub payer: Payer,
    /// Records where its gas goes. A frame that yielded before keeps the one that it began with.
    pub profiler: Option<Profiler>,
}

/// What runs for a call.
#[derive(Debug)]
pub enum Target<H> {
    /// A program, in a fresh instance.
    Program {
        /// The program.
        program: Arc<PreparedProgram>,
        /// The exported function.
        entry: Cow<'static, str>,
        /// Its arguments.
        args: Cow<'static, [Value]>,
        /// The host of the run.
        host: H,
    },
    /// An instance at rest.
    Instance {
        /// The instance.
        instance: LiveInstance,
        /// The exported function.
        entry: Cow<'static, str>,
        /// Its arguments.
        args: Cow<'static, [Value]>,
        /// The host of the run.
        host: H,
    },
    /// A frame that yielded before.
    Suspended {
        /// The frame.
        frame: Suspended<H>,
        /// The result of the syscall at which it is suspended, or why it does not continue.
        reply: Result<u64, Stop>,
    },
}

/// The payer of a callee's gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// The caller. It keeps a 64th of its gas, so that it can act on a callee that used up all of
    /// the rest (the rule of EIP-150); the callee gets no more than that.
    Caller,
    /// Not the caller: the callee has exactly the gas that it is given.
    Other,
}

/// How a suspended frame continues.
#[derive(Debug)]
pub enum Action<S: Supervisor> {
    /// With this result of its syscall.
    Resume(u64),
    /// After a call.
    Call {
        /// The call.
        call: S::Call,
        /// Whether the frame counts in the limits while it waits.
        counting: Counting,
    },
    /// It returns to its caller, and stays suspended.
    Yield,
    /// After an answer of the outside.
    Wait(S::Request),
    /// Not at all: it ends here.
    Stop(Stop),
}

/// Whether a frame that waits counts in the [`FrameLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// It does.
    Counted,
    /// It does not: something else bounds how deep these calls are, and their memory.
    Exempt,
}

/// How much may wait on the stack of a [`Driver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Frames.
    pub depth: usize,
    /// Bytes of guest memory of all frames together.
    pub memory_bytes: u64,
}

/// The limit for which a frame has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameLimit {
    /// As many frames wait as may.
    Depth,
    /// The frames hold as much memory as they may.
    Memory,
}

/// How the guests of a driver run.
#[derive(Clone, Debug)]
pub struct DriverSettings {
    /// How much may wait.
    pub limits: FrameLimits,
    /// Whether runs in fresh instances may be suspended where their program does not need it.
    pub suspension: Suspension,
    /// On what they run.
    pub tier: Tier,
    /// Stops all of them, with an error of the host.
    pub interrupt: Interrupt,
}

/// Runs calls. One driver runs one call tree at a time; what waits for the outside stays on its
/// stack.
pub struct Driver<S: Supervisor> {
    executor: Arc<Executor>,
    settings: DriverSettings,
    budget: MemoryBudget,
    /// The frames that wait for a callee, the outermost first.
    stack: Vec<Waiting<S::Host>>,
    /// How many of them count.
    counted: usize,
    /// The call of the frame that runs.
    grant: Grant,
}

/// The gas of a call.
#[derive(Clone, Copy, Debug)]
struct Grant {
    given: Gas,
    payer: Payer,
}

struct Waiting<H> {
    frame: Suspended<H>,
    /// The gas with which the frame itself runs.
    grant: Grant,
    /// What the frame holds of the budget, if it counts.
    reservation: Option<Reservation>,
}

/// How far a driver came.
#[derive(Debug)]
pub enum Progress<S: Supervisor> {
    /// The outermost call has this result. The stack is empty.
    Returned {
        /// The result.
        value: S::Return,
        /// The gas that the call used since it was begun or continued last.
        used: Gas,
    },
    /// A frame waits for the outside. [`Driver::resume`] continues it.
    Waiting {
        /// The frame.
        frame: Suspended<S::Host>,
        /// What it asks.
        request: S::Request,
    },
}

/// What the loop does next.
enum Next<S: Supervisor> {
    /// A guest is back.
    Reached(Outcome<S::Host>),
    /// A frame left this to its caller.
    Return { value: S::Return, used: Gas },
    /// The frame is suspended, and continues so.
    Act(Suspended<S::Host>, Action<S>),
}

impl<S: Supervisor> Driver<S> {
    /// A driver with an empty stack, and a memory budget of its own.
    #[must_use]
    pub fn new(executor: Arc<Executor>, settings: DriverSettings) -> Self {
        let budget = MemoryBudget::new(settings.limits.memory_bytes);
        Self {
            executor,
            settings,
            budget,
            stack: Vec::new(),
            counted: 0,
            grant: Grant {
                given: Gas::ZERO,
                payer: Payer::Other,
            },
        }
    }

    /// The budget that waiting frames take their memory from.
    #[must_use]
    pub const fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// How many frames wait for a callee.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Runs a call and every call that it makes.
    ///
    /// # Errors
    ///
    /// The supervisor's error. The frames on the stack are dropped.
    #[inline]
    pub fn call(&mut self, supervisor: &mut S, call: S::Call) -> Result<Progress<S>, S::Error> {
        // First, so that the frames of a call that waited hold nothing when this one begins.
        self.clear();
        let begun = supervisor.begin(call)?;
        self.run_begun(supervisor, begun)
    }

    /// As [`call`](Self::call), of a call that the supervisor has begun already.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    #[inline]
    pub fn run_begun(
        &mut self,
        supervisor: &mut S,
        begun: Begin<S>,
    ) -> Result<Progress<S>, S::Error> {
        self.clear();
        match self.begin(supervisor, begun) {
            // Most calls end at once. Their results take no detour by the loop.
            Ok(Next::Return { value, used }) => Ok(Progress::Returned { value, used }),
            next => self.drive(supervisor, next),
        }
    }

    /// Continues a frame that waited for the outside, with the result of its syscall.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn resume(
        &mut self,
        supervisor: &mut S,
        frame: Suspended<S::Host>,
        reply: u64,
    ) -> Result<Progress<S>, S::Error> {
        let next = Next::Act(frame, Action::Resume(reply));
        self.drive(supervisor, Ok(next))
    }

    #[inline(never)]
    fn drive(
        &mut self,
        supervisor: &mut S,
        first: Result<Next<S>, S::Error>,
    ) -> Result<Progress<S>, S::Error> {
        let progress = first.and_then(|first| self.run(supervisor, first));
        if progress.is_err() {
            self.clear();
        }
        progress
    }

    fn clear(&mut self) {
        self.stack.clear();
        self.counted = 0;
    }

    fn run(&mut self, supervisor: &mut S, mut next: Next<S>) -> Result<Progress<S>, S::Error> {
        loop {
            // A guest checks the interrupt itself. A supervisor may take long for little gas, so
            // that a suspended frame does not continue either. What has ended keeps its result.
            if matches!(next, Next::Act(..)) && self.settings.interrupt.is_triggered() {
                return Err(RunError::from(EngineError::Interrupted).into());
            }
            next = match next {
                Next::Reached(Outcome::Syscall(mut frame)) => {
                    let action = supervisor.suspended(frame.paused())?;
                    Next::Act(frame, action)
                }
                Next::Reached(outcome) => self.ended(supervisor, outcome)?,
                Next::Return { value, used } => match self.stack.pop() {
                    None => return Ok(Progress::Returned { value, used }),
                    Some(waiting) => self.give(supervisor, waiting, value, used)?,
                },
                Next::Act(frame, Action::Resume(reply)) => {
                    Next::Reached(frame.resume(reply).map_err(S::Error::from)?)
                }
                Next::Act(frame, Action::Stop(stop)) => {
                    Next::Reached(frame.stop(stop).map_err(S::Error::from)?)
                }
                Next::Act(frame, Action::Yield) => {
                    let used = self.used(frame.gas_left());
                    let value = supervisor.yielded(frame)?;
                    Next::Return { value, used }
                }
                Next::Act(frame, Action::Wait(request)) => {
                    return Ok(Progress::Waiting { frame, request });
                }
                Next::Act(frame, Action::Call { call, counting }) => {
                    self.push(supervisor, frame, call, counting)?
                }
            };
        }
    }

    /// Lets the guest of a call run.
    // Inlined with what it calls, so that callees and results are built where they are used: they
    // would be stored in parts and loaded whole, which a processor cannot forward from its store
    // buffer.
    #[inline(always)]
    fn begin(&mut self, supervisor: &mut S, begun: Begin<S>) -> Result<Next<S>, S::Error> {
        Ok(match begun {
            Begin::Run(callee) => {
                let outcome = self.enter(callee)?;
                match outcome {
                    // Most guests end at once. Their outcomes move nowhere.
                    Outcome::Finished(_) => self.ended(supervisor, outcome)?,
                    _ => Next::Reached(outcome),
                }
            }
            Begin::Return { value, used } => {
                self.grant = Grant {
                    given: used,
                    payer: Payer::Caller,
                };
                Next::Return { value, used }
            }
        })
    }

    /// Makes a frame wait for its call, if there is room for it.
    fn push(
        &mut self,
        supervisor: &mut S,
        mut frame: Suspended<S::Host>,
        call: S::Call,
        counting: Counting,
    ) -> Result<Next<S>, S::Error> {
        let reservation = match counting {
            Counting::Exempt => None,
            Counting::Counted => {
                let reserved = match self.counted >= self.settings.limits.depth {
                    true => Err(FrameLimit::Depth),
                    false => {
                        let bytes = frame.memory().bytes();
                        self.budget.reserve(bytes).ok_or(FrameLimit::Memory)
                    }
                };
                match reserved {
                    Ok(reservation) => Some(reservation),
                    Err(limit) => {
                        let value = supervisor.refuse(call, limit)?;
                        let action = supervisor.returned(frame.paused(), value, Gas::ZERO)?;
                        return Ok(Next::Act(frame, action));
                    }
                }
            }
        };
        if reservation.is_some() {
            self.counted = self.counted.saturating_add(1);
        }
        self.stack.push(Waiting {
            frame,
            grant: self.grant,
            reservation,
        });
        let begun = supervisor.begin(call)?;
        self.begin(supervisor, begun)
    }

    /// Lets a callee run.
    #[inline(always)]
    fn enter(&mut self, callee: Callee<S::Host>) -> Result<Outcome<S::Host>, S::Error> {
        let Callee {
            target,
            gas,
            loading_gas,
            payer,
            profiler,
        } = callee;
        let given = match (payer, self.stack.last()) {
            (Payer::Caller, Some(caller)) => gas.min(forwardable(caller.frame.gas_left())),
            _ => gas,
        };
        self.grant = Grant { given, payer };
        let request = |entry, args| RunRequest {
            suspension: self.settings.suspension,
            interrupt: Some(&self.settings.interrupt),
            tier: self.settings.tier,
            profiler,
            loading_gas,
            ..RunRequest::new(entry, args, given)
        };
        let outcome = match target {
            Target::Program {
                program,
                entry,
                args,
                host,
            } => {
                let request = request(&entry, &args);
                self.executor.run(&program, request, host)
            }
            Target::Instance {
                instance,
                entry,
                args,
                host,
            } => {
                // It was made for the runs that its program needs.
                let request = RunRequest {
                    suspension: Suspension::AsNeeded,
                    ..request(&entry, &args)
                };
                instance.run(request, host)
            }
            Target::Suspended { mut frame, reply } => {
                frame.set_gas(given);
                // It may have begun under another driver, whose interrupt is not this one's.
                frame.set_interrupt(&self.settings.interrupt);
                match reply {
                    Ok(reply) => frame.resume(reply),
                    Err(stop) => frame.stop(stop),
                }
            }
        };
        Ok(outcome?)
    }

    /// What the frame that runs has used of the gas that it was given for its call.
    fn used(&self, left: Gas) -> Gas {
        self.grant.given.saturating_sub(left)
    }

    #[inline(always)]
    fn ended(
        &mut self,
        supervisor: &mut S,
        outcome: Outcome<S::Host>,
    ) -> Result<Next<S>, S::Error> {
        let used = self.used(outcome.gas_left());
        match outcome.into_end() {
            Ok(end) => {
                let value = supervisor.ended(end)?;
                Ok(Next::Return { value, used })
            }
            Err(suspended) => Ok(Next::Reached(Outcome::Syscall(suspended))),
        }
    }

    /// Gives the result of a call to the frame that made it, which pays for the call first.
    fn give(
        &mut self,
        supervisor: &mut S,
        waiting: Waiting<S::Host>,
        value: S::Return,
        used: Gas,
    ) -> Result<Next<S>, S::Error> {
        let Waiting {
            mut frame,
            grant,
            reservation,
        } = waiting;
        if reservation.is_some() {
            self.counted = self.counted.saturating_sub(1);
        }
        let paid = match self.grant.payer {
            Payer::Caller => frame.charge(used),
            Payer::Other => Ok(()),
        };
        self.grant = grant;
        let action = supervisor.returned(frame.paused(), value, used)?;
        Ok(match paid {
            Ok(()) => Next::Act(frame, action),
            Err(_) => Next::Reached(frame.out_of_gas()),
        })
    }
}

/// The most gas that a caller with this gas left gives a callee for which it pays
/// ([`Payer::Caller`]): all but a 64th, rounded so that the caller keeps the more.
#[must_use]
pub fn forwardable(left: Gas) -> Gas {
    left.saturating_sub(Gas::new(left.units().div_ceil(64)))
}

impl<S: Supervisor> fmt::Debug for Driver<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Driver")
            .field("settings", &self.settings)
            .field("depth", &self.stack.len())
            .finish_non_exhaustive()
    }
}
