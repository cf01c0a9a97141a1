//! The runtime: a sandbox with Freenet's limits and host functions, on an executor that the node
//! may share with others.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use fusee::{
    lifecycle::{
        CALL_TIME, InstanceRequest, MEMORY_PAGES, Module, RunOn, Sandbox, SandboxBuilder, WhenFull,
        rules,
    },
    sandbox::{Executor, Extensions, Floats, Gas, Limits, Rules, Schedule},
};

use crate::{
    Error, Instance, Node,
    host::{FreenetHost, syscalls},
};

/// What instances may use.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The largest memory, in pages of 64 KiB. Default: 4,096.
    pub memory_pages: u64,
    /// How long a guest may run for a call. Default: five seconds.
    pub call_time: Duration,
    /// The gas for making an instance, and for each call. Default: as much as there is, so that
    /// only time ends a guest, as in Freenet.
    pub gas: Gas,
    /// Guests that run at once on workers. Default: one.
    pub workers: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            memory_pages: MEMORY_PAGES,
            call_time: CALL_TIME,
            gas: Gas::MAX,
            workers: 1,
        }
    }
}

/// Compiles contracts and delegates, and makes instances of them. It is cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    sandbox: Sandbox,
    node: Arc<dyn Node>,
    gas: Gas,
}

impl Runtime {
    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// If the system cannot start the threads.
    pub fn new(executor: Arc<Executor>, node: Arc<dyn Node>, config: Config) -> io::Result<Self> {
        let sandbox = builder(executor, config.memory_pages)
            .workers(config.workers)
            .call_time(config.call_time)
            .id_export("__frnt_set_id")
            .alloc_export_raw("__frnt__initiate_buffer")
            .build()?;
        Ok(Self {
            sandbox,
            node,
            gas: config.gas,
        })
    }

    /// The sandbox, for its health and for steps on a worker.
    #[must_use]
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Compiles a program on this thread.
    ///
    /// # Errors
    ///
    /// [`Error::Compile`].
    pub fn compile(&self, wasm: &[u8]) -> Result<Module, Error> {
        Ok(self.sandbox.compile(wasm)?)
    }

    /// Compiles a program on a worker.
    ///
    /// # Errors
    ///
    /// [`Error::Compile`]; [`Error::Other`] if the sandbox was closed.
    pub async fn compile_on_worker(&self, wasm: Vec<u8>) -> Result<Module, Error> {
        Ok(self.sandbox.compile_on_worker(wasm, WhenFull::Wait).await?)
    }

    /// Makes an instance on this thread, whose memory has `memory_bytes` at least. Waits for room.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn create_instance(
        &self,
        module: &Module,
        id: i64,
        memory_bytes: u64,
    ) -> Result<Instance, Error> {
        let request = InstanceRequest {
            memory_bytes,
            when_full: WhenFull::Wait,
            run_on: RunOn::Caller,
            ..InstanceRequest::new(id, self.gas)
        };
        let host = FreenetHost {
            node: Arc::clone(&self.node),
            inputs: BTreeMap::new(),
            context: Vec::new(),
        };
        let made = module.instantiate_blocking(request, host)?;
        Ok(Instance::new(made.into_result()?, self.gas))
    }
}

/// Frames of a program may have this many bytes together, as Freenet's engine has 8 MiB of native
/// stack.
const STACK_BYTES: u64 = 8 << 20;

/// Native stack for programs that use all of that. An executor on Wasmtime needs
/// [`WasmtimeEngineBuilder::guest_stack_bytes`](fusee::engines::WasmtimeEngineBuilder) of at least
/// so many; what does not fit stays on the interpreter.
pub const NATIVE_STACK_BYTES: usize = 24 << 20;

/// Programs of Rust's standard library have floats, though few compute with them.
fn builder(executor: Arc<Executor>, memory_pages: u64) -> SandboxBuilder {
    let base = rules(syscalls());
    let limits = Limits {
        memory_pages,
        stack_bytes: STACK_BYTES,
        ..*base.limits()
    };
    let rules = Rules::named("freenet", Schedule::v2(), limits, syscalls())
        .with_floats(Floats::Canonical)
        .with_extensions(Extensions::ALL);
    Sandbox::builder(executor, rules)
}
