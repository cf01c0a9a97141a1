//! Modules: a compiled program, its imports and exports, and how instances of it are made.

use std::{fmt, sync::Arc, time::Duration};

use fusee_engine::{CodeHash, Export, Gas, Import, PAGE_BYTES, Program, Value};
use fusee_executor::{End, LiveInstance, PreparedProgram, RunError};

use crate::{
    AsyncHost, CallOutcome, Error, GuestFault, Instance, MemoryFault, RunOn, WhenFull,
    call::Call,
    host::InstanceHost,
    inner::Inner,
    instance::arguments,
    outcome,
    slots::{Slot, Turn},
    work::{Enter, Make, Work},
    workers::Refused,
};

/// A compiled program. It is cheap to clone: the executor keeps the compiled code, once for all
/// modules of the same code.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
    prepared: Arc<PreparedProgram>,
}

/// The instance to make.
#[derive(Clone, Debug)]
pub struct InstanceRequest {
    /// The id of the instance, which the embedder chooses. The guest is told, if it exports the
    /// function that [`SandboxBuilder::id_export`](crate::SandboxBuilder::id_export) names.
    pub id: i64,
    /// The least size of its memory before the first call, in bytes. The memory is grown if the
    /// program has less; that costs no gas.
    pub memory_bytes: u64,
    /// The gas for all code that runs until it is made.
    pub gas: Gas,
    /// How long a worker may run that code. Default, with `None`: the sandbox's limit for a call.
    pub time: Option<Duration>,
    /// What happens if the queue is full, or the engine has no room for another instance.
    pub when_full: WhenFull,
    /// The thread that runs that code. Default: a worker.
    pub run_on: RunOn,
}

impl InstanceRequest {
    /// An instance with the memory that the program declares and the sandbox's time limit, made on
    /// a worker and refused if the queue is full.
    #[must_use]
    pub const fn new(id: i64, gas: Gas) -> Self {
        Self {
            id,
            memory_bytes: 0,
            gas,
            time: None,
            when_full: WhenFull::Refuse,
            run_on: RunOn::Worker,
        }
    }
}

impl Module {
    pub(crate) const fn new(inner: Arc<Inner>, prepared: Arc<PreparedProgram>) -> Self {
        Self { inner, prepared }
    }

    /// The hash of its code.
    #[must_use]
    pub fn code_hash(&self) -> CodeHash {
        self.program().code_hash
    }

    /// The functions that it imports.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.program().imports
    }

    /// The functions that it exports.
    #[must_use]
    pub fn exports(&self) -> &[Export] {
        &self.program().exports
    }

    /// The function that it exports by this name.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.program().export(name)
    }

    /// Whether it imports a function that may suspend the guest.
    #[must_use]
    pub fn needs_async(&self) -> bool {
        self.program().may_suspend()
    }

    /// The largest memory that an instance can have, in bytes.
    #[must_use]
    pub fn maximum_memory_bytes(&self) -> u64 {
        self.program().maximum_memory_bytes()
    }

    /// Makes an instance, on a worker. In this order: the program's start function and its export
    /// `_initialize` run, its memory is grown to the requested size, and the guest is told its id.
    /// The gas and the time of the request cover all of it.
    ///
    /// Nothing happens before the future is polled. Dropping it cancels the guest.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the program can never have so much memory, [`Error::Export`] if it
    /// takes something else for an id: no code has run. [`Error::Instantiation`] if the host has no
    /// room. Otherwise as [`Instance::call`].
    pub async fn instantiate<H: AsyncHost>(
        &self,
        request: InstanceRequest,
        host: H,
    ) -> Result<CallOutcome<Instance<H>>, Error> {
        let InstanceRequest {
            id,
            memory_bytes,
            gas,
            time,
            when_full,
            run_on,
        } = request;
        self.check_minimum(memory_bytes)?;
        let id_call = self.id_call(id)?;
        let workers = &self.inner.workers;
        let time = self.inner.time_budget(time);
        let mut call = Call::new(workers, time, run_on, when_full);
        let work = Work::Make(Box::new(Make {
            prepared: Arc::clone(&self.prepared),
            host: InstanceHost {
                host,
                slot: Slot::new(&self.inner.slots),
            },
            gas,
        }));
        let made = self
            .make(&mut call, work, when_full, memory_bytes, id_call)
            .await;
        call.end();
        let Made { instance, gas_left } = made?;
        let gas_used = gas.saturating_sub(gas_left);
        let instance = instance.map(|(live, host)| {
            let (inner, prepared) = (Arc::clone(&self.inner), Arc::clone(&self.prepared));
            Instance::new(inner, prepared, id, live, host, gas_used)
        });
        Ok(CallOutcome::new(instance, gas_used))
    }

    /// As [`instantiate`](Self::instantiate), and blocks the calling thread until the call ends.
    ///
    /// # Errors
    ///
    /// As there; and [`Error::Other`] on a worker thread, where the call would wait for itself.
    pub fn instantiate_blocking<H: AsyncHost>(
        &self,
        request: InstanceRequest,
        host: H,
    ) -> Result<CallOutcome<Instance<H>>, Error> {
        self.inner.block_on(self.instantiate(request, host))
    }

    async fn make<H: AsyncHost>(
        &self,
        call: &mut Call<'_>,
        work: Work<H>,
        when_full: WhenFull,
        memory_bytes: u64,
        id_call: Option<(String, Vec<Value>)>,
    ) -> Result<Made<H>, Error> {
        let end = begin(call, work, when_full).await?;
        let Made { instance, gas_left } = Made::of(end);
        let (mut live, host) = match instance {
            Ok(made) => made,
            failed => {
                return Ok(Made {
                    instance: failed,
                    gas_left,
                });
            }
        };
        self.grow(&mut live, memory_bytes)?;
        let Some((entry, args)) = id_call else {
            return Ok(Made {
                instance: Ok((live, host)),
                gas_left,
            });
        };
        let work = Work::Enter(Box::new(Enter {
            live,
            host,
            entry,
            args,
            gas: gas_left,
        }));
        let end = call.run(work).await.map_err(|refused| refused.error)?;
        Ok(Made::of(end))
    }

    fn check_minimum(&self, asked: u64) -> Result<(), MemoryFault> {
        let maximum = self.maximum_memory_bytes();
        if asked <= maximum {
            Ok(())
        } else {
            Err(MemoryFault::Minimum { asked, maximum })
        }
    }

    /// The call that tells the guest its id, if it exports the function.
    fn id_call(&self, id: i64) -> Result<Option<(String, Vec<Value>)>, Error> {
        let Some(name) = &self.inner.id_export else {
            return Ok(None);
        };
        match self.export(name) {
            Some(export) => Ok(Some((name.clone(), arguments(export, &[id])?))),
            None => Ok(None),
        }
    }

    /// Grows the memory to so many bytes, if it is smaller.
    fn grow(&self, live: &mut LiveInstance, bytes: u64) -> Result<(), Error> {
        let there = live.memory().bytes();
        let missing = bytes.saturating_sub(there).div_ceil(PAGE_BYTES);
        if missing == 0 {
            return Ok(());
        }
        let pages = u32::try_from(missing).unwrap_or(u32::MAX);
        match live.grow_memory(pages) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Error::Memory(MemoryFault::Minimum {
                asked: bytes,
                maximum: self.maximum_memory_bytes(),
            })),
            Err(RunError::Engine(error)) => Err(Error::Instantiation(error)),
            Err(error) => Err(Error::other(error)),
        }
    }

    fn program(&self) -> &Program {
        self.prepared.program()
    }
}

/// Makes an instance, and runs what comes before any entry. If the engine has no room, it waits
/// for that where the caller chose so.
async fn begin<H: AsyncHost>(
    call: &mut Call<'_>,
    mut work: Work<H>,
    when_full: WhenFull,
) -> Result<End<InstanceHost<H>>, Error> {
    let mut turn: Option<Turn> = None;
    loop {
        let attempt = match call.run(work).await {
            Ok(end) => Ok(end),
            Err(Refused {
                error: Error::Instantiation(error),
                work: Some(Work::Make(make)),
            }) => Err((error, make)),
            Err(refused) => return Err(refused.error),
        };
        if let Some(turn) = turn.take() {
            turn.end();
        }
        let (error, mut make) = match attempt {
            Ok(end) => return Ok(end),
            Err(refused) => refused,
        };
        let vacancy = make.host.slot.give_up();
        turn = match vacancy.filter(|_| when_full == WhenFull::Wait) {
            Some(vacancy) => vacancy.wait().await,
            None => return Err(Error::Instantiation(error)),
        };
        work = Work::Make(make);
    }
}

/// An instance on its way to the embedder.
struct Made<H> {
    instance: Result<(LiveInstance, InstanceHost<H>), GuestFault>,
    gas_left: Gas,
}

impl<H> Made<H> {
    fn of(end: End<InstanceHost<H>>) -> Self {
        let gas_left = end.gas_left;
        let instance = match (outcome::fault(&end), end.instance) {
            (Some(fault), _) => Err(fault),
            (None, Some(live)) => Ok((live, end.host)),
            (None, None) => Err(GuestFault::Finished),
        };
        Self { instance, gas_left }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Module")
            .field("code_hash", &self.code_hash())
            .finish_non_exhaustive()
    }
}
