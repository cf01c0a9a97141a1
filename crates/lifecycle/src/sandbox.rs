//! The sandbox: an executor with workers, a watchdog and a time limit.

use std::{future::Future, io, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use fusee_executor::{Executor, Suspension};
use fusee_instrument::{Limits, Rules, Schedule, SyscallRule};

use crate::{
    Error, Health, Module,
    blocking::block_on,
    workers::{Clock, Workers},
};

/// The time that a call has unless told: five seconds, in which a worker runs the guest.
pub const CALL_TIME: Duration = Duration::from_secs(5);

/// The pages of memory that a guest can have by [`rules`]: 256 MiB.
pub const MEMORY_PAGES: u64 = 4_096;

/// The set `lifecycle-1`, with these syscalls: `program-2`, with the memory that a peer-to-peer node usually gives a guest: [`MEMORY_PAGES`].
#[must_use]
pub fn rules(syscalls: Vec<SyscallRule>) -> Rules {
    let limits = Limits {
        memory_pages: MEMORY_PAGES,
        ..Limits::v1()
    };
    Rules::named("lifecycle-1", Schedule::v2(), limits, syscalls)
}

/// Compiles programs and runs their instances. Cheap to clone; the last of its clones, modules and instances closes it.
#[derive(Clone, Debug)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

/// Options of a [`Sandbox`].
#[derive(Debug)]
pub struct SandboxBuilder {
    executor: Arc<Executor>,
    rules: Rules,
    workers: usize,
    queue: usize,
    call_time: Duration,
    id_export: Option<String>,
    buffer_export: Option<String>,
    suspension: Suspension,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) workers: Arc<Workers>,
    pub(crate) id_export: Option<String>,
    pub(crate) buffer_export: Option<String>,
    rules: Rules,
    call_time: Duration,
}

impl SandboxBuilder {
    /// How many guests run at once, each on a thread: one for each processor unless told, and at least one.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many calls may wait for a worker (256 unless told). One more is refused as [`Error::Overloaded`], unless it wants to wait for room.
    #[must_use]
    pub const fn queue(mut self, calls: usize) -> Self {
        self.queue = calls;
        self
    }

    /// How long a worker runs a guest for one call ([`CALL_TIME`] unless told).
    #[must_use]
    pub const fn call_time(mut self, time: Duration) -> Self {
        self.call_time = time;
        self
    }

    /// The export by which a guest is told its instance's id, once: it takes one integer. A program without it is not told.
    #[must_use]
    pub fn id_export(mut self, name: &str) -> Self {
        self.id_export = Some(name.to_owned());
        self
    }

    /// The export by which a guest sets aside a buffer for input: it takes the size as an `i32`, and returns the address as one
    /// integer.
    #[must_use]
    pub fn buffer_export(mut self, name: &str) -> Self {
        self.buffer_export = Some(name.to_owned());
        self
    }

    /// Whether an instance can be parked that need not be ([`Suspension::AsNeeded`] unless told). No outcome depends on it.
    #[must_use]
    pub const fn suspension(mut self, suspension: Suspension) -> Self {
        self.suspension = suspension;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// If the system has no thread for each.
    pub fn build(self) -> io::Result<Sandbox> {
        let Self {
            executor,
            rules,
            workers,
            queue,
            call_time,
            id_export,
            buffer_export,
            suspension,
        } = self;
        Ok(Sandbox {
            inner: Arc::new(Inner {
                workers: Workers::start(executor, suspension, workers, queue)?,
                id_export,
                buffer_export,
                rules,
                call_time,
            }),
        })
    }
}

impl Sandbox {
    /// A sandbox of an executor, which may have others and runs of its own, for programs that these rules admit.
    #[must_use]
    pub fn builder(executor: Arc<Executor>, rules: Rules) -> SandboxBuilder {
        SandboxBuilder {
            executor,
            rules,
            workers: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            queue: 256,
            call_time: CALL_TIME,
            id_export: None,
            buffer_export: None,
            suspension: Suspension::AsNeeded,
        }
    }

    /// Checks, meters and compiles a program, on the calling thread, or finds it among those that the executor keeps: by its code,
    /// whoever brings it, and within a budget of bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Compile`] if the rules refuse it, or the engine cannot compile it.
    pub fn compile(&self, wasm: &[u8]) -> Result<Module, Error> {
        let executor = self.inner.workers.executor();
        let prepared = executor
            .prepare(wasm, &self.inner.rules)
            .map_err(Error::Compile)?;
        Ok(Module::new(Arc::clone(&self.inner), prepared))
    }

    /// How it is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.workers.health()
    }

    /// Ends it for all who share it: guests that run are cancelled, calls that wait end as [`Error::Closed`], and no other begins. Instances that rest
    /// can be read still.
    pub fn close(&self) {
        self.inner.workers.close();
    }

    /// Ends the watchdog as if it had died, for drills: guests that run are interrupted, no other runs, and [`Health`] has to say so.
    pub fn kill_watchdog(&self) {
        self.inner.workers.watchdog().kill();
    }
}

impl Inner {
    pub(crate) fn clock(&self, time: Option<Duration>) -> Clock {
        let limit = time.unwrap_or(self.call_time);
        Clock { limit, left: limit }
    }

    /// What a future of this sandbox comes to.
    pub(crate) fn block_on<T>(
        &self,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.workers.is_here() {
            return Err(Error::other(
                "a host function cannot wait for a call on the worker that runs its guest",
            ));
        }
        block_on(future)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.workers.close();
    }
}
