//! Modules: a compiled program, to look into and to make instances of.

use std::{fmt, sync::Arc, time::Duration};

use fusee_engine::{CodeHash, Export, Gas, Import, PAGE_BYTES, Program};
use fusee_executor::{LiveInstance, Prepared, RunError};

use crate::{
    AsyncHost, Error, Instance, MemoryFault, WhenFull,
    call::Call,
    instance::arguments,
    sandbox::Inner,
    work::{Ended, Enter, Make, Work},
    workers::Admission,
};

/// A compiled program. Cheap to clone; the executor keeps what it was compiled to, once for all who bring the same code.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
    prepared: Arc<Prepared>,
}

/// Which instance to make.
#[derive(Clone, Debug)]
pub struct InstanceRequest {
    /// What the instance is known by, which the embedder chooses. The guest is told, if it exports the function that
    /// [`SandboxBuilder::id_export`](crate::SandboxBuilder::id_export) names.
    pub id: i64,
    /// Bytes of memory that it has at least when it begins to serve calls. It is grown if the program has fewer; that costs no gas.
    pub memory_bytes: u64,
    /// The gas for all that runs until it is there.
    pub gas: Gas,
    /// The time for it; `None` for what the sandbox allows a call.
    pub time: Option<Duration>,
    /// What happens where the queue is full.
    pub when_full: WhenFull,
}

impl InstanceRequest {
    /// An instance with the memory that the program declares, and the sandbox's time, refused where the queue is full.
    #[must_use]
    pub const fn new(id: i64, gas: Gas) -> Self {
        Self {
            id,
            memory_bytes: 0,
            gas,
            time: None,
            when_full: WhenFull::Refuse,
        }
    }
}

impl Module {
    pub(crate) const fn new(inner: Arc<Inner>, prepared: Arc<Prepared>) -> Self {
        Self { inner, prepared }
    }

    /// What it was compiled from.
    #[must_use]
    pub fn code_hash(&self) -> CodeHash {
        self.program().code_hash
    }

    /// The functions that it imports.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.program().imports
    }

    /// The functions that it exports and that can be called.
    #[must_use]
    pub fn exports(&self) -> &[Export] {
        &self.program().exports
    }

    /// The function that it exports by this name.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.program().export(name)
    }

    /// Whether it imports a function whose host may wait.
    #[must_use]
    pub fn needs_async(&self) -> bool {
        self.program().may_suspend()
    }

    /// Bytes of memory that an instance can come to have.
    #[must_use]
    pub fn maximum_memory_bytes(&self) -> u64 {
        self.program().maximum_memory_bytes()
    }

    /// Makes an instance. On a worker, as a call is: the program's start function and its export `_initialize` run first; then memory
    /// is grown as asked, and the guest is told its id. All of that shares the request's gas and time.
    ///
    /// Nothing happens before the future is polled. Dropping it cancels the guest.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the program can never have so much memory, [`Error::Export`] if it takes something else for an id: nothing
    /// has run. [`Error::Instantiation`] where the host has no room. Otherwise as [`Instance::call`].
    pub async fn instantiate(
        &self,
        request: InstanceRequest,
        host: impl AsyncHost,
    ) -> Result<Instance, Error> {
        let InstanceRequest {
            id,
            memory_bytes,
            gas,
            time,
            when_full,
        } = request;
        self.check_minimum(memory_bytes)?;
        let id_call = self.id_call(id)?;
        let workers = &self.inner.workers;
        let clock = self.inner.clock(time);
        let mut call = Call::new(workers, clock, Admission::New(when_full));
        let work = Work::Make(Make {
            prepared: Arc::clone(&self.prepared),
            host: Box::new(host),
            gas,
        });
        let made = self.make(&mut call, work, memory_bytes, id_call).await;
        call.end();
        let (live, ended) = made?;
        Ok(Instance::new(
            Arc::clone(&self.inner),
            Arc::clone(&self.prepared),
            id,
            live,
            ended.host,
            gas.saturating_sub(ended.gas_left),
        ))
    }

    /// As [`instantiate`](Self::instantiate), and the calling thread sleeps until the instance is there.
    ///
    /// # Errors
    ///
    /// As there; and [`Error::Other`] on a thread that is a worker, which a host function would keep from its guest.
    pub fn instantiate_blocking(
        &self,
        request: InstanceRequest,
        host: impl AsyncHost,
    ) -> Result<Instance, Error> {
        self.inner.block_on(self.instantiate(request, host))
    }

    async fn make(
        &self,
        call: &mut Call<'_>,
        work: Work,
        memory_bytes: u64,
        id_call: Option<(String, Vec<fusee_engine::Value>)>,
    ) -> Result<(LiveInstance, Box<Ended>), Error> {
        let ended = call.run(work).await.map_err(|refused| refused.error)?;
        let (mut live, mut ended) = ended.alive()?;
        self.grow(&mut live, memory_bytes)?;
        let Some((entry, args)) = id_call else {
            return Ok((live, ended));
        };
        let work = Work::Enter(Box::new(Enter {
            live,
            host: ended.host,
            entry,
            args,
            gas: ended.gas_left,
        }));
        ended = call.run(work).await.map_err(|refused| refused.error)?;
        ended.alive()
    }

    fn check_minimum(&self, asked: u64) -> Result<(), MemoryFault> {
        let maximum = self.maximum_memory_bytes();
        if asked <= maximum {
            Ok(())
        } else {
            Err(MemoryFault::Minimum { asked, maximum })
        }
    }

    /// How the guest is told its id, if it wants to know.
    fn id_call(&self, id: i64) -> Result<Option<(String, Vec<fusee_engine::Value>)>, Error> {
        let Some(name) = &self.inner.id_export else {
            return Ok(None);
        };
        match self.export(name) {
            Some(export) => Ok(Some((name.clone(), arguments(export, &[id])?))),
            None => Ok(None),
        }
    }

    /// Grows the memory to so many bytes, if it has fewer.
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

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Module")
            .field("code_hash", &self.code_hash())
            .finish_non_exhaustive()
    }
}
