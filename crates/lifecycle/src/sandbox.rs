//! The sandbox: an executor with workers, a watchdog and a time limit.

use std::{io, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use fusee_executor::{Executor, Suspension};
use fusee_instrument::{Limits, Rules, Schedule, SyscallRule};

use crate::{
    Error, Health, Module, WhenFull,
    inner::{AllocExport, Inner},
    slots::Slots,
    workers::Workers,
};

/// The default time limit of a call: a worker runs the guest for at most five seconds.
pub const CALL_TIME: Duration = Duration::from_secs(5);

/// The largest memory of a guest under [`rules`], in pages: 256 MiB.
pub const MEMORY_PAGES: u64 = 4_096;

/// The set `lifecycle-1`, with these syscalls: `program-1` with the memory limit of a peer-to-peer
/// node, [`MEMORY_PAGES`].
#[must_use]
pub fn rules(syscalls: Vec<SyscallRule>) -> Rules {
    let limits = Limits {
        memory_pages: MEMORY_PAGES,
        ..Limits::v1()
    };
    Rules::named("lifecycle-1", Schedule::v1(), limits, syscalls)
}

/// Compiles programs and runs their instances. It is cheap to clone; the last of its clones,
/// modules and instances closes it.
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
    alloc_export: Option<AllocExport>,
    suspension: Suspension,
}

impl SandboxBuilder {
    /// The number of worker threads, and so of guests that run at once. At least one; default: one
    /// for each processor.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many calls may wait for a worker (default: 256). Another one is refused as
    /// [`Error::Overloaded`], or waits for room ([`WhenFull::Wait`](crate::WhenFull)).
    #[must_use]
    pub const fn queue(mut self, calls: usize) -> Self {
        self.queue = calls;
        self
    }

    /// How long a worker runs a guest for one call (default: [`CALL_TIME`]).
    #[must_use]
    pub const fn call_time(mut self, time: Duration) -> Self {
        self.call_time = time;
        self
    }

    /// The export that tells a guest the id of its instance, once. It takes one integer. A program
    /// without the export is not told (default: none is).
    #[must_use]
    pub fn id_export(mut self, name: &str) -> Self {
        self.id_export = Some(name.to_owned());
        self
    }

    /// The export that allocates a buffer for input. It takes the size as an `i32`, and returns the
    /// address as one integer.
    #[must_use]
    pub fn alloc_export(self, name: &str) -> Self {
        self.with_alloc_export(name, true)
    }

    /// As [`alloc_export`](Self::alloc_export), for an export that returns something else than the
    /// address of the buffer, such as that of a descriptor:
    /// [`Instance::alloc`](crate::Instance::alloc) returns it as it is. The embedder reads the
    /// descriptor, and has to expect anything in it.
    #[must_use]
    pub fn alloc_export_raw(self, name: &str) -> Self {
        self.with_alloc_export(name, false)
    }

    fn with_alloc_export(mut self, name: &str, returns_address: bool) -> Self {
        let name = name.to_owned();
        self.alloc_export = Some(AllocExport {
            name,
            returns_address,
        });
        self
    }

    /// Whether an instance can be suspended whose program does not need it (default:
    /// [`Suspension::AsNeeded`]). No outcome depends on it.
    #[must_use]
    pub const fn suspension(mut self, suspension: Suspension) -> Self {
        self.suspension = suspension;
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// If the system cannot start the threads.
    pub fn build(self) -> io::Result<Sandbox> {
        let Self {
            executor,
            rules,
            workers,
            queue,
            call_time,
            id_export,
            alloc_export,
            suspension,
        } = self;
        Ok(Sandbox {
            inner: Arc::new(Inner {
                workers: Workers::start(executor, suspension, workers, queue)?,
                id_export,
                alloc_export,
                slots: Arc::new(Slots::default()),
                rules,
                call_time,
            }),
        })
    }
}

impl Sandbox {
    /// A sandbox for programs under these rules. The executor can be shared with other sandboxes
    /// and with runs of its own.
    #[must_use]
    pub fn builder(executor: Arc<Executor>, rules: Rules) -> SandboxBuilder {
        SandboxBuilder {
            executor,
            rules,
            workers: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            queue: 256,
            call_time: CALL_TIME,
            id_export: None,
            alloc_export: None,
            suspension: Suspension::AsNeeded,
        }
    }

    /// Checks, meters and compiles a program, on the calling thread, or finds it in the executor's
    /// cache.
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

    /// As [`compile`](Self::compile), on a worker: the caller's thread is not blocked.
    ///
    /// # Errors
    ///
    /// As there, and as [`on_worker`](Self::on_worker).
    pub async fn compile_on_worker(
        &self,
        wasm: Vec<u8>,
        when_full: WhenFull,
    ) -> Result<Module, Error> {
        let sandbox = self.clone();
        self.on_worker(when_full, move || sandbox.compile(&wasm))
            .await?
    }

    /// Runs steps on a worker in one go, such as to make an instance, fill its buffers and call it:
    /// one way to a worker and back for all of them. Among the steps the methods that block run
    /// their guests on this worker. Each has its own time limit. If a host function waits, the
    /// worker waits for it.
    ///
    /// Nothing happens before the future is polled. Dropping it cancels the steps: in the queue
    /// they never begin; later the guest that runs is interrupted, and another call in them is
    /// [`Error::Cancelled`]. The steps' own code is not interrupted, so it should be short.
    ///
    /// # Errors
    ///
    /// [`Error::Overloaded`], [`Error::Unwatched`] and [`Error::Closed`] if the steps never began;
    /// [`Error::Other`] if they panicked.
    pub async fn on_worker<T: Send + 'static>(
        &self,
        when_full: WhenFull,
        steps: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let job = self.inner.workers.submit_steps(steps, when_full)?;
        let died = || Err(Error::other("the worker that ran the steps died"));
        job.await.unwrap_or_else(died)
    }

    /// As [`on_worker`](Self::on_worker), and blocks the calling thread until the steps end.
    ///
    /// # Errors
    ///
    /// As there; and [`Error::Other`] on a worker thread, where the steps would wait for
    /// themselves.
    pub fn on_worker_blocking<T: Send + 'static>(
        &self,
        when_full: WhenFull,
        steps: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if self.inner.workers.steps_here().is_some() {
            return Err(Error::other("steps cannot wait for other steps"));
        }
        self.inner.block_on(self.on_worker(when_full, steps))
    }

    /// The state of the workers, the queue and the watchdog.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.workers.health()
    }

    /// Closes the sandbox and all its clones: guests that run are cancelled, calls that wait end as
    /// [`Error::Closed`], and no other call begins. Memory of instances at rest can still be read.
    pub fn close(&self) {
        self.inner.workers.close();
    }

    /// Ends the watchdog as if it had died, to test an alarm: guests that run are interrupted, no
    /// other guest runs, and [`Health`] says so.
    pub fn kill_watchdog(&self) {
        self.inner.workers.watchdog().kill();
    }
}
