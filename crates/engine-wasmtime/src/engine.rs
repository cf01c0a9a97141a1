//! The engine: two configurations of the compiler, each with a pool of instances.
//!
//! Where memory ends is found out by the processor: the pages behind it cannot be accessed, and metered code has no
//! check of its own. Memory that grows has to be protected anew for every instance, twice, which takes longer than a
//! short call does, and which threads cannot do at the same time. So an embedder can have programs that grow their
//! memory compiled with checks instead. What a program does, and its gas, is the same with both.

use std::{
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use fusee_engine::{Code, Compiler, Engine, EngineError, Fingerprint, Format, Module, Program};
use wasmtime::{Config, OptLevel, WasmFeatures};

use crate::{
    NAME,
    module::{WasmtimeModule, compile_failed},
    pool::{CHECKED_MEMORY_BYTES, GUARDED_MEMORY_BYTES, Idle, Pool, Reset},
};

/// Runs programs on Wasmtime with Cranelift.
#[derive(Debug)]
pub struct WasmtimeEngine {
    options: WasmtimeEngineBuilder,
    /// Made when the first such program is compiled: a pool takes milliseconds.
    guarded: Mutex<Option<Runtime>>,
    checked: Mutex<Option<Runtime>>,
    fingerprint: Fingerprint,
}

/// Wasmtime in one configuration, with its pool.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) engine: wasmtime::Engine,
    pub(crate) stack: NativeStack,
    /// How many instances can live at once; `None` if each is mapped when it is made.
    pub(crate) instances: Option<u32>,
    pub(crate) idle: Idle,
}

/// By whom it is found out where a memory ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// By the processor.
    Guarded,
    /// By compiled code.
    Checked,
}

/// Options of a [`WasmtimeEngine`]. None of them changes an outcome. But for [`growing`](Self::growing) none changes
/// the compiled code either: engines that differ in no more than these have the same fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct WasmtimeEngineBuilder {
    growing: Bounds,
    pool: Pool,
    stack: NativeStack,
}

/// How much native stack a run has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeStack {
    /// What guest code may use.
    pub(crate) guest_bytes: usize,
}

impl NativeStack {
    /// What host functions may use beside the guest.
    const HOST_BYTES: usize = 512 << 10;

    /// All of it.
    pub(crate) const fn bytes(self) -> usize {
        self.guest_bytes.saturating_add(Self::HOST_BYTES)
    }

    /// Whether the calling thread has so much left.
    pub(crate) fn is_left(self) -> bool {
        stacker::remaining_stack().is_some_and(|left| left >= self.bytes())
    }
}

impl WasmtimeEngineBuilder {
    /// How many instances can live at once, suspended ones included (10,000 unless told): so many of programs that grow their
    /// memory, and so many of those that do not. Each takes up to 4 GiB of addresses, which cost nothing; but Linux lets a
    /// process map so and so many ranges of them (`vm.max_map_count`), and an instance takes four to six. Where the
    /// system refuses so many the engine has room for fewer, and where it refuses any, each instance is mapped when it is made.
    #[must_use]
    pub const fn instances(mut self, most: u32) -> Self {
        self.pool.instances = most;
        self
    }

    /// By whom it is found out where a memory ends that grows ([`Bounds::Guarded`] unless told). Short calls of programs
    /// that grow their memory in each are three times faster if compiled code does, and scale over threads. Computing takes
    /// 1.05 to 1.7 times as long then, and compiling twice; prices and limits are measured with guards. Memory that never grows, or may grow
    /// beyond 256 MiB, is always guarded.
    #[must_use]
    pub const fn growing(mut self, bounds: Bounds) -> Self {
        self.growing = bounds;
        self
    }

    /// How many bytes of an instance's memory are put back by the engine when it ends, and stay resident for the next
    /// one (1 MiB unless told). What an instance wrote beyond that is given back to the system, which takes longer.
    #[must_use]
    pub const fn resident_bytes(mut self, bytes: usize) -> Self {
        self.pool.resident_bytes = bytes;
        self
    }

    /// How many bytes of memory stay resident in slots that nobody uses, all of them together (32 MiB unless told). Instances that
    /// end where there are so many already give theirs back to the system, so that the next ones take longer. Half of it is for programs that
    /// grow their memory, if these are compiled apart ([`growing`](Self::growing)).
    #[must_use]
    pub const fn idle_bytes(mut self, bytes: u64) -> Self {
        self.pool.idle_bytes = bytes;
        self
    }

    /// How it is found out what an instance wrote ([`Reset::Scan`] unless told).
    #[must_use]
    pub const fn reset(mut self, reset: Reset) -> Self {
        self.pool.reset = reset;
        self
    }

    /// How many bytes of native stack guest code may use (2 MiB unless told, which is eight times the metered height of
    /// the rules' version 1). A guest that outgrows it is a fault of the host, never a guest's stack overflow.
    #[must_use]
    pub const fn guest_stack_bytes(mut self, bytes: usize) -> Self {
        self.stack.guest_bytes = bytes;
        self
    }

    /// The engine.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn build(self) -> Result<WasmtimeEngine, EngineError> {
        let mut description = Description::default();
        for bounds in [Bounds::Guarded, self.growing] {
            wasmtime::Engine::new(&config(bounds, self.stack))
                .map_err(unsupported)?
                .precompile_compatibility_hash()
                .hash(&mut description);
        }
        Ok(WasmtimeEngine {
            options: self,
            guarded: Mutex::new(None),
            checked: Mutex::new(None),
            fingerprint: Fingerprint::of(&description.0),
        })
    }

    /// What the instances of one pool keep.
    const fn pool_idle_bytes(self) -> u64 {
        match self.growing {
            Bounds::Guarded => self.pool.idle_bytes,
            Bounds::Checked => self.pool.idle_bytes / 2,
        }
    }

    /// By the program alone, so that whoever loads compiled code chooses as whoever made it.
    fn bounds(self, program: &Program) -> Bounds {
        if program.grows_memory && program.maximum_memory_bytes() <= CHECKED_MEMORY_BYTES {
            self.growing
        } else {
            Bounds::Guarded
        }
    }

    fn runtime(self, bounds: Bounds) -> Result<Runtime, EngineError> {
        let mut config = config(bounds, self.stack);
        let (engine, instances) = self
            .pool
            .reserve(memory_bytes(bounds), |strategy| {
                wasmtime::Engine::new(config.allocation_strategy(strategy))
            })
            .map_err(unsupported)?;
        Ok(Runtime {
            idle: Idle::new(self.pool_idle_bytes(), &engine),
            engine,
            stack: self.stack,
            instances,
        })
    }
}

impl WasmtimeEngine {
    /// An engine with the options as they are unless told.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn new() -> Result<Self, EngineError> {
        Self::builder().build()
    }

    /// An engine with options to set.
    #[must_use]
    pub const fn builder() -> WasmtimeEngineBuilder {
        WasmtimeEngineBuilder {
            growing: Bounds::Guarded,
            pool: Pool {
                instances: 10_000,
                resident_bytes: 1 << 20,
                idle_bytes: 32 << 20,
                reset: Reset::Scan,
            },
            stack: NativeStack {
                guest_bytes: 2 << 20,
            },
        }
    }

    /// The runtime for programs of these bounds.
    fn runtime(&self, bounds: Bounds) -> Result<Runtime, EngineError> {
        let place = match bounds {
            Bounds::Guarded => &self.guarded,
            Bounds::Checked => &self.checked,
        };
        // A panic leaves it as it was, so that a poisoned lock is as good as any.
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Some(runtime) => Ok(runtime.clone()),
            None => Ok(place.insert(self.options.runtime(bounds)?).clone()),
        }
    }
}

impl Engine for WasmtimeEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Wasm]
    }

    fn idle_bytes(&self) -> u64 {
        self.options.pool.idle_bytes
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        let runtime = self.runtime(self.options.bounds(program))?;
        Ok(Arc::new(WasmtimeModule::compile(&runtime, program)?))
    }
}

impl Compiler for WasmtimeEngine {
    fn precompile(&self, program: &Program) -> Result<Vec<u8>, EngineError> {
        let config = config(self.options.bounds(program), self.options.stack);
        // Without a pool, since it makes no instance.
        wasmtime::Engine::new(&config)
            .map_err(unsupported)?
            .precompile_module(&program.code)
            .map_err(compile_failed)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        let runtime = self.runtime(self.options.bounds(program))?;
        Ok(Arc::new(WasmtimeModule::load(&runtime, program, code)?))
    }
}

fn unsupported(error: wasmtime::Error) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source: error.into(),
    }
}

fn config(bounds: Bounds, stack: NativeStack) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(false)
        .epoch_interruption(false)
        .cranelift_opt_level(OptLevel::Speed)
        // Unwind tables are registered with a global list, which a churn of modules makes slow.
        .native_unwind_info(false)
        .generate_address_map(false)
        // A trap is an answer, not an error to be traced, and tracing it takes time.
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(stack.guest_bytes)
        .async_stack_size(stack.bytes())
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(
            WasmFeatures::MUTABLE_GLOBAL
                | WasmFeatures::SIGN_EXTENSION
                | WasmFeatures::SATURATING_FLOAT_TO_INT
                | WasmFeatures::FLOATS
                | WasmFeatures::MULTI_VALUE
                | WasmFeatures::BULK_MEMORY
                | WasmFeatures::REFERENCE_TYPES,
            true,
        )
        // Metered code says which of its branches are rare.
        .wasm_branch_hinting(true);
    match bounds {
        // Whatever 32 bits and an offset add up to lies in here.
        Bounds::Guarded => config
            .memory_reservation(4 << 30)
            .memory_guard_size(32 << 20),
        Bounds::Checked => config
            .signals_based_traps(false)
            .memory_reservation(CHECKED_MEMORY_BYTES)
            .memory_guard_size(0)
            .memory_may_move(false),
    };
    config
}

/// The most that a memory can grow to.
const fn memory_bytes(bounds: Bounds) -> u64 {
    match bounds {
        Bounds::Guarded => GUARDED_MEMORY_BYTES,
        Bounds::Checked => CHECKED_MEMORY_BYTES,
    }
}

/// Takes down what a value would hash, so that it can be digested by a hash that is the same on
/// every run.
#[derive(Default)]
struct Description(Vec<u8>);

impl std::hash::Hasher for Description {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
