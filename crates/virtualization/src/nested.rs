//! Nested VMs as a layer over a supervisor, whose guests may run nested VMs.
//!
//! The layer answers the nine functions, and runs nested VMs as frames of the same driver. It
//! passes all other requests to the supervisor below, which does not know about nested VMs.

use std::{fmt, sync::Arc};

use fusee_engine::{EngineError, Gas, Program, Stop};
use fusee_executor::{
    Action, Begin, Callee, Counting, Direct, End, FrameLimit, Paused, RunError, Supervisor,
    Suspended, Target,
};
use fusee_instrument::SyscallPrices;

use crate::{
    children::{Children, Step},
    error::VirtualizationError,
    functions,
    guest::Guest,
    instance::ChildProgress,
    limits::Tree,
    modules::Module,
    owner::Owner,
    registry::{ModuleRegistry, RegistryCheckpoint},
};

/// A supervisor whose guests may have nested VMs.
pub trait Owners: Supervisor<Host: Owner, Error: From<VirtualizationError>> {
    /// Whether a call with this result is committed. Otherwise, the modules that it cached are
    /// removed from the registry.
    fn is_kept(value: &Self::Return) -> bool;
}

/// A supervisor with nested VMs.
pub struct Nested<S: Owners> {
    supervisor: S,
    policy: Policy<S::Host>,
}

/// Which frames may have nested VMs, and how long these live.
enum Policy<H> {
    /// No frame.
    None,
    /// Every frame whose program imports the nine functions. The nested VMs live until the frame
    /// ends, which pays for them.
    Billed {
        tree: Arc<Tree>,
        registry: ModuleRegistry<Module>,
        /// The prices of the owners' rules.
        prices: Arc<SyscallPrices>,
    },
    /// The single guest. Its nested VMs live across its calls, and are free.
    Trusted(Option<Box<Children<Guest<H>>>>),
}

/// A call in the layer.
pub enum Call<S: Supervisor> {
    /// A call of the supervisor below.
    Owner(S::Call),
    /// A run of a nested VM.
    Child(Callee<Guest<S::Host>>),
}

/// The result of a call in the layer.
pub enum Return<S: Supervisor> {
    /// The result of a call of the supervisor below.
    Owner(S::Return),
    /// The progress of a nested VM.
    Child(ChildProgress<Guest<S::Host>>),
}

impl<S: Owners> Nested<S> {
    /// Creates a layer without nested VMs.
    #[must_use]
    pub const fn none(supervisor: S) -> Self {
        Self {
            supervisor,
            policy: Policy::None,
        }
    }

    /// Creates a layer in which every frame whose program imports the nine functions may have
    /// nested VMs. They live until the frame ends, which pays for them with its own gas, at the
    /// prices of its own rules. All of them share the limits of `tree`.
    #[must_use]
    pub fn billed(supervisor: S, tree: Arc<Tree>, prices: Arc<SyscallPrices>) -> Self {
        Self {
            supervisor,
            policy: Policy::Billed {
                tree,
                registry: ModuleRegistry::default(),
                prices,
            },
        }
    }

    /// Creates a layer in which the single guest has these nested VMs. They live across its calls,
    /// and are free.
    #[must_use]
    pub fn trusted(supervisor: S, children: Children<Guest<S::Host>>) -> Self {
        Self {
            supervisor,
            policy: Policy::Trusted(Some(Box::new(children))),
        }
    }

    /// The supervisor below the layer.
    pub const fn supervisor(&mut self) -> &mut S {
        &mut self.supervisor
    }

    /// The nested VMs of a [`trusted`](Self::trusted) guest. `None` while it runs.
    pub fn children(&mut self) -> Option<&mut Children<Guest<S::Host>>> {
        match &mut self.policy {
            Policy::Trusted(children) => children.as_deref_mut(),
            Policy::None | Policy::Billed { .. } => None,
        }
    }

    /// Creates the host of a new frame of the supervisor below.
    fn guest(&mut self, owner: S::Host, program: &Program) -> Guest<S::Host> {
        let mut guest = Guest {
            owner: None,
            children: None,
            checkpoint: RegistryCheckpoint::default(),
        };
        match &mut self.policy {
            Policy::None => {}
            Policy::Billed {
                tree,
                registry,
                prices,
            } => {
                guest.checkpoint = registry.checkpoint();
                if functions::are_imported(program) {
                    let children = Children::billed(
                        Arc::clone(tree),
                        registry.clone(),
                        owner.identity(),
                        Arc::clone(prices),
                    );
                    guest.children = Some(Box::new(children));
                }
            }
            Policy::Trusted(children) => guest.children = children.take(),
        }
        guest.owner = Some(owner);
        guest
    }

    /// Converts a callee of the supervisor below into a guest of the layer.
    fn adopt(&mut self, callee: Callee<S::Host>) -> Callee<Guest<S::Host>> {
        let target = match callee.target {
            Target::Program {
                program,
                entry,
                args,
                host,
            } => Target::Program {
                host: self.guest(host, program.program()),
                program,
                entry,
                args,
            },
            Target::Instance {
                instance,
                entry,
                args,
                host,
            } => Target::Instance {
                host: self.guest(host, instance.program()),
                instance,
                entry,
                args,
            },
            // A frame that yielded has lost its nested VMs.
            Target::Suspended { frame, reply } => Target::Suspended {
                frame: frame.map_host(|owner| Guest {
                    owner: Some(owner),
                    children: None,
                    checkpoint: RegistryCheckpoint::default(),
                }),
                reply,
            },
        };
        Callee {
            target,
            gas: callee.gas,
            loading_gas: callee.loading_gas,
            payer: callee.payer,
            profiler: callee.profiler,
        }
    }

    fn lift(action: Action<S>) -> Action<Self> {
        match action {
            Action::Resume(reply) => Action::Resume(reply),
            Action::Call { call, counting } => Action::Call {
                call: Call::Owner(call),
                counting,
            },
            Action::Yield => Action::Yield,
            Action::Wait(request) => Action::Wait(request),
            Action::Stop(stop) => Action::Stop(stop),
        }
    }
}

impl<S: Owners> Supervisor for Nested<S> {
    type Host = Guest<S::Host>;
    type Call = Call<S>;
    type Return = Return<S>;
    type Request = S::Request;
    type Error = S::Error;

    fn begin(&mut self, call: Call<S>) -> Result<Begin<Self>, S::Error> {
        Ok(match call {
            Call::Owner(call) => match self.supervisor.begin(call)? {
                Begin::Run(callee) => Begin::Run(self.adopt(callee)),
                Begin::Return { value, used } => Begin::Return {
                    value: Return::Owner(value),
                    used,
                },
            },
            Call::Child(callee) => Begin::Run(callee),
        })
    }

    fn refuse(&mut self, call: Call<S>, limit: FrameLimit) -> Result<Return<S>, S::Error> {
        match call {
            Call::Owner(call) => Ok(Return::Owner(self.supervisor.refuse(call, limit)?)),
            // The limit of nesting bounds nested VMs, instead of the limits of the stack.
            Call::Child(_) => Err(lost().into()),
        }
    }

    fn suspended(
        &mut self,
        mut frame: Paused<'_, Guest<S::Host>>,
    ) -> Result<Action<Self>, S::Error> {
        let gas_left = frame.guest.gas_left();
        let Guest {
            owner, children, ..
        } = &mut *frame.host;
        if let Some(children) = children
            && let Some(step) = children.serve(gas_left, owner.as_mut())?
        {
            return Ok(match step {
                Step::Reply { reply, price } => match frame.guest.charge(price) {
                    Ok(()) => Action::Resume(reply),
                    Err(_) => Action::Stop(Stop::OutOfGas),
                },
                Step::Run(callee) => Action::Call {
                    call: Call::Child(callee),
                    counting: Counting::Exempt,
                },
            });
        }
        let Paused { guest, host } = frame;
        match &mut host.owner {
            // The syscall of a nested VM is answered by its owner.
            None => Ok(Action::Yield),
            Some(owner) => {
                let action = self.supervisor.suspended(guest.with_host(owner))?;
                Ok(Self::lift(action))
            }
        }
    }

    fn yielded(&mut self, frame: Suspended<Guest<S::Host>>) -> Result<Return<S>, S::Error> {
        let owner = frame.try_map_host(|mut guest| guest.owner.take().ok_or(guest));
        Ok(match owner {
            Ok(frame) => Return::Owner(self.supervisor.yielded(frame)?),
            Err(frame) => Return::Child(ChildProgress::Syscall(frame)),
        })
    }

    fn ended(&mut self, mut end: End<Guest<S::Host>>) -> Result<Return<S>, S::Error> {
        let Some(owner) = end.host.owner.take() else {
            return Ok(Return::Child(ChildProgress::ended(end)));
        };
        let (children, checkpoint) = (end.host.children.take(), end.host.checkpoint);
        let value = self.supervisor.ended(end.map_host(|_| owner))?;
        match &mut self.policy {
            Policy::None => {}
            Policy::Billed { registry, .. } => {
                if !S::is_kept(&value) {
                    registry.revert(checkpoint);
                }
            }
            Policy::Trusted(kept) => *kept = children,
        }
        Ok(Return::Owner(value))
    }

    fn returned(
        &mut self,
        mut caller: Paused<'_, Guest<S::Host>>,
        value: Return<S>,
        used: Gas,
    ) -> Result<Action<Self>, S::Error> {
        match value {
            Return::Child(reached) => {
                let children = caller.host.children.as_deref_mut();
                let ran = children.ok_or_else(lost)?.leave(reached, used)?;
                if let Some((address, bytes)) = ran.filled()
                    && let Err(trap) = caller.guest.memory().write(address.into(), &bytes)
                {
                    return Ok(Action::Stop(Stop::Trap(trap)));
                }
                Ok(Action::Resume(ran.reply()))
            }
            Return::Owner(value) => {
                let Paused { guest, host } = caller;
                let owner = host.owner.as_mut().ok_or_else(lost)?;
                let action = self
                    .supervisor
                    .returned(guest.with_host(owner), value, used)?;
                Ok(Self::lift(action))
            }
        }
    }
}

impl<H: Owner> Owners for Direct<H, VirtualizationError> {
    fn is_kept(_: &End<H>) -> bool {
        true
    }
}

/// A frame received the result of a call that it did not make.
fn lost() -> RunError {
    let why = "internal error: a frame received the result of a call that it did not make";
    EngineError::Host(why.into()).into()
}

impl<S: Owners + fmt::Debug> fmt::Debug for Nested<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Nested")
            .field("supervisor", &self.supervisor)
            .finish_non_exhaustive()
    }
}

impl<S: Supervisor> fmt::Debug for Call<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Call::Owner(_) => "Owner",
            Call::Child(_) => "Child",
        })
    }
}

impl<S: Supervisor> fmt::Debug for Return<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Return::Owner(_) => "Owner",
            Return::Child(_) => "Child",
        })
    }
}
