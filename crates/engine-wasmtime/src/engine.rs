//! The engine: two configurations of Wasmtime, each with a pool of instances.
//!
//! By default guard pages detect accesses beyond the end of memory, and compiled code contains no
//! bounds checks. An instance whose memory grows then needs two `mprotect` calls, which take longer
//! than a short call and are serialized between threads. With bounds checks it needs none, since
//! the next instance may leave the memory of its slot accessible. So the engine offers a second
//! compiler for programs that grow their memory ([`Compiler::for_short_calls`]), and an embedder
//! can have them compiled so in the first place. Behaviour and gas are the same with both.

use std::{
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use fusee_engine::{
    Code, Compiler, Effort, Engine, EngineError, Fingerprint, Format, Module, Program,
};
use wasmtime::{Config, InstanceAllocationStrategy, WasmFeatures};

use crate::{
    NAME,
    address_space::AddressSpace,
    effort::{effort, level, work},
    error::compile_failed,
    frames::{self, Check, NativeStackNeed},
    module::WasmtimeModule,
    pool::{CHECKED_MEMORY_BYTES, GUARDED_MEMORY_BYTES, Idle, Pool, Reset},
    runtime::{NativeStack, Runtime},
};

/// The addresses that a memory which moves gets beyond its size, so that it does not move again at
/// once.
const GROWTH_BYTES: u64 = 8 << 20;

/// Runs programs on Wasmtime with Cranelift.
#[derive(Debug)]
pub struct WasmtimeEngine {
    options: WasmtimeEngineBuilder,
    /// Created when the first such program is compiled, since reserving a pool takes milliseconds.
    guarded: Mutex<Option<Runtime>>,
    checked: Mutex<Option<Runtime>>,
    unreserved: Mutex<Option<Runtime>>,
    fingerprint: Fingerprint,
    /// The compiler for short calls of programs that grow their memory.
    short_calls: Option<Arc<WasmtimeEngine>>,
}

/// How accesses beyond the end of memory are detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// By guard pages.
    Guarded,
    /// By bounds checks in compiled code. 256 MiB of addresses are reserved for each memory.
    Checked,
    /// By bounds checks in compiled code. No addresses are reserved: a memory is mapped as it
    /// grows, and moves if it has to. Such instances have no pool.
    Unreserved,
}

impl Bounds {
    /// Where compiled code checks the native stack: see [`config`].
    pub(crate) const fn stack_check(self) -> Check {
        match self {
            Bounds::Guarded => Check::Prologue,
            Bounds::Checked | Bounds::Unreserved => Check::Body,
        }
    }
}

/// Options of a [`WasmtimeEngine`]. No option affects an outcome. Only [`growing`](Self::growing)
/// and [`address_space`](Self::address_space) affect compiled code: engines that differ in other
/// options have the same fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct WasmtimeEngineBuilder {
    growing: Bounds,
    short_calls: Bounds,
    /// The default is decided when the engine is built.
    address_space: Option<AddressSpace>,
    pool: Pool,
    stack: NativeStack,
}

impl WasmtimeEngineBuilder {
    /// The maximum number of live instances, including suspended ones. Default: 10,000.
    ///
    /// The limit applies separately to programs that grow their memory, if they are compiled apart
    /// ([`growing`](Self::growing)). For [`short_calls`](Self::short_calls) an eighth is reserved
    /// beside it, when the first such program is compiled. Each instance reserves up to 4 GiB of
    /// address space and four to six memory mappings, which Linux limits (`vm.max_map_count`). If
    /// the system refuses a pool of this size, the engine tries smaller ones. If it refuses all of
    /// them, the engine maps each instance on demand. A host that has no addresses for many
    /// instances gets none of this: [`address_space`](Self::address_space).
    #[must_use]
    pub const fn instances(mut self, most: u32) -> Self {
        self.pool.instances = most;
        self
    }

    /// How programs that grow their memory detect its end. Default: [`Bounds::Guarded`].
    ///
    /// [`Bounds::Checked`] makes short calls that grow their memory three times as fast, and lets
    /// them scale over threads. Computation takes 1.05 to 1.7 times as long, and compilation twice
    /// as long. Gas prices and limits are calibrated with guard pages. Memory that never grows, or
    /// can grow beyond 256 MiB, is always guarded.
    #[must_use]
    pub const fn growing(mut self, bounds: Bounds) -> Self {
        self.growing = bounds;
        self
    }

    /// How much address space there is for instances. Default: [`AddressSpace::of_host`].
    ///
    /// With [`AddressSpace::Scarce`], [`Bounds::Unreserved`] is how every program detects the end
    /// of memory, whatever the other options say, and there is no pool.
    #[must_use]
    pub const fn address_space(mut self, address_space: AddressSpace) -> Self {
        self.address_space = Some(address_space);
        self
    }

    /// How the second code of a program that grows its memory detects the end of memory.
    /// Default: [`Bounds::Checked`].
    ///
    /// An executor compiles the second code for programs whose calls grow their memory and compute
    /// little, and runs those calls on it ([`Compiler::for_short_calls`]). With
    /// [`Bounds::Guarded`], or where [`growing`](Self::growing) is [`Bounds::Checked`], there is no
    /// second code.
    #[must_use]
    pub const fn short_calls(mut self, bounds: Bounds) -> Self {
        self.short_calls = bounds;
        self
    }

    /// The number of bytes of each instance's memory that stay resident in its pool slot.
    /// Default: 2 MiB, the resident pages of the schedule.
    ///
    /// The engine resets these bytes when the instance ends. Memory beyond them is returned to the
    /// system, which takes longer.
    #[must_use]
    pub const fn resident_bytes(mut self, bytes: usize) -> Self {
        self.pool.resident_bytes = bytes;
        self
    }

    /// The number of bytes that stay resident in all unused pool slots together. Default: 64 MiB,
    /// which is what the frames of one transaction can have.
    ///
    /// An instance that ends beyond this limit returns its memory to the system, which makes later
    /// instances slower to create. Half of it belongs to programs that grow their memory, if they
    /// are compiled apart ([`growing`](Self::growing)), and otherwise a quarter to their
    /// [`short_calls`](Self::short_calls).
    #[must_use]
    pub const fn idle_bytes(mut self, bytes: u64) -> Self {
        self.pool.idle_bytes = bytes;
        self
    }

    /// How the engine resets memory. Default: [`Reset::Scan`].
    #[must_use]
    pub const fn reset(mut self, reset: Reset) -> Self {
        self.pool.reset = reset;
        self
    }

    /// The maximum native stack of guest code, in bytes. Default: 2 MiB.
    ///
    /// The default is eight times the metered stack height of version 1 of the rules. A program
    /// that could exceed it within its metered height is not compiled:
    /// [`WasmtimeEngine::native_stack_need`] tells what a program needs. On processors for which
    /// that is not known, exceeding it is [`EngineError::NativeStack`], a fault of the host and not
    /// a guest's stack overflow.
    #[must_use]
    pub const fn guest_stack_bytes(mut self, bytes: usize) -> Self {
        self.stack.guest_bytes = bytes;
        self
    }

    /// Builds the engine.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn build(mut self) -> Result<WasmtimeEngine, EngineError> {
        let address_space = self.address_space.unwrap_or_else(AddressSpace::of_host);
        self.address_space = Some(address_space);
        let fixed = match address_space {
            AddressSpace::Ample => Bounds::Guarded,
            AddressSpace::Scarce => {
                self.growing = Bounds::Unreserved;
                Bounds::Unreserved
            }
        };
        let short_calls = match self.has_short_calls() {
            true => Some(Arc::new(self.for_short_calls().build()?)),
            false => None,
        };
        let mut description = Description::default();
        for bounds in [fixed, self.growing] {
            for effort in [Effort::Full, Effort::Reduced] {
                wasmtime::Engine::new(&config(bounds, self.stack, effort))
                    .map_err(unsupported)?
                    .precompile_compatibility_hash()
                    .hash(&mut description);
            }
        }
        Ok(WasmtimeEngine {
            options: self,
            guarded: Mutex::new(None),
            checked: Mutex::new(None),
            unreserved: Mutex::new(None),
            fingerprint: Fingerprint::of(&description.0),
            short_calls,
        })
    }

    /// Whether there is a second code. On a machine without address space for a pool it would have
    /// no advantage.
    const fn has_short_calls(self) -> bool {
        matches!(
            (self.growing, self.short_calls),
            (Bounds::Guarded, Bounds::Checked)
        ) && self.pool.instances > 0
    }

    /// The options of the engine for short calls. Its pool is small, since each stack takes two of
    /// the mappings that Linux limits. A call for which it is full runs on the other code.
    const fn for_short_calls(mut self) -> Self {
        self.growing = Bounds::Checked;
        self.pool.instances = self.pool.instances.div_ceil(8);
        // It has half of it, as any engine with such programs.
        self.pool.idle_bytes /= 2;
        self
    }

    /// The idle bytes of one pool.
    const fn pool_idle_bytes(self) -> u64 {
        let bytes = self.pool.idle_bytes;
        match self.growing {
            Bounds::Guarded if self.has_short_calls() => bytes.saturating_sub(bytes / 4),
            Bounds::Guarded => bytes,
            Bounds::Checked | Bounds::Unreserved => bytes / 2,
        }
    }

    /// Depends on the program only, so that loading compiled code chooses the same configuration as
    /// compiling it.
    fn bounds(self, program: &Program) -> Bounds {
        if self.address_space == Some(AddressSpace::Scarce) {
            Bounds::Unreserved
        } else if program.grows_memory && program.maximum_memory_bytes() <= CHECKED_MEMORY_BYTES {
            self.growing
        } else {
            Bounds::Guarded
        }
    }

    /// An engine that compiles the program as [`runtime`](Self::runtime) does, and creates no
    /// instances.
    fn without_pool(
        self,
        program: &Program,
        effort: Effort,
    ) -> Result<wasmtime::Engine, EngineError> {
        let config = config(self.bounds(program), self.stack, effort);
        wasmtime::Engine::new(&config).map_err(unsupported)
    }

    fn runtime(self, bounds: Bounds) -> Result<Runtime, EngineError> {
        let mut config = config(bounds, self.stack, Effort::Full);
        let mut make = |strategy| wasmtime::Engine::new(config.allocation_strategy(strategy));
        let made = match memory_bytes(bounds) {
            Some(bytes) => self.pool.reserve(bytes, make),
            None => make(InstanceAllocationStrategy::OnDemand).map(|engine| (engine, None)),
        };
        let (engine, instances) = made.map_err(unsupported)?;
        Ok(Runtime {
            idle: Idle::new(self.pool_idle_bytes(), &engine),
            engine,
            stack: self.stack,
            stack_check: bounds.stack_check(),
            instances,
        })
    }
}

impl WasmtimeEngine {
    /// An engine with default options.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if Wasmtime does not support this machine.
    pub fn new() -> Result<Self, EngineError> {
        Self::builder().build()
    }

    /// A builder with default options.
    #[must_use]
    pub const fn builder() -> WasmtimeEngineBuilder {
        WasmtimeEngineBuilder {
            growing: Bounds::Guarded,
            short_calls: Bounds::Checked,
            address_space: None,
            pool: Pool {
                instances: 10_000,
                resident_bytes: 2 << 20,
                idle_bytes: 64 << 20,
                reset: Reset::Scan,
            },
            stack: NativeStack {
                guest_bytes: 2 << 20,
            },
        }
    }

    /// Compiles a program and tells how much native stack its runs can take. `None` on a processor
    /// for which this is not known. A program that needs more than
    /// [`guest_stack_bytes`](WasmtimeEngineBuilder::guest_stack_bytes) is not admitted.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`] if the program does not compile, or has a function whose frame size
    /// cannot be read from its code.
    pub fn native_stack_need(
        &self,
        program: &Program,
    ) -> Result<Option<NativeStackNeed>, EngineError> {
        let engine = self
            .options
            .without_pool(program, effort(program, Effort::Full))?;
        let module = wasmtime::Module::new(&engine, &program.code).map_err(compile_failed)?;
        frames::need(&module, program, self.options.bounds(program).stack_check())
    }

    /// The runtime for these bounds, created on first use.
    fn runtime(&self, bounds: Bounds) -> Result<Runtime, EngineError> {
        let slot = match bounds {
            Bounds::Guarded => &self.guarded,
            Bounds::Checked => &self.checked,
            Bounds::Unreserved => &self.unreserved,
        };
        // A panic leaves the slot unchanged, so poisoning is ignored.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(runtime) => Ok(runtime.clone()),
            None => Ok(slot.insert(self.options.runtime(bounds)?).clone()),
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
        Ok(Arc::new(match effort(program, Effort::Full) {
            Effort::Full => WasmtimeModule::compile(&runtime, program)?,
            // The runtime's own compiler optimises. It can load what another one compiled.
            Effort::Reduced => WasmtimeModule::load(
                &runtime,
                program,
                Code::Bytes(self.precompile(program, Effort::Reduced)?),
            )?,
        }))
    }
}

impl Compiler for WasmtimeEngine {
    fn precompile(&self, program: &Program, most: Effort) -> Result<Vec<u8>, EngineError> {
        let engine = self.options.without_pool(program, effort(program, most))?;
        let module = wasmtime::Module::new(&engine, &program.code).map_err(compile_failed)?;
        // Here too, so that the code of a program that is not admitted is not stored.
        let stack_check = self.options.bounds(program).stack_check();
        let stack_bytes = self.options.stack.guest_bytes;
        frames::check(&module, program, stack_check, stack_bytes)?;
        module.serialize().map_err(compile_failed)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        let runtime = self.runtime(self.options.bounds(program))?;
        Ok(Arc::new(WasmtimeModule::load(&runtime, program, code)?))
    }

    fn work(&self, program: &Program, most: Effort) -> u64 {
        work(program, effort(program, most))
    }

    fn for_short_calls(&self, program: &Program) -> Option<Arc<dyn Compiler>> {
        let engine = self.short_calls.as_ref()?;
        let is_another = engine.options.bounds(program) != self.options.bounds(program);
        is_another.then(|| -> Arc<dyn Compiler> { Arc::<Self>::clone(engine) })
    }
}

fn unsupported(error: wasmtime::Error) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source: error.into(),
    }
}

pub(crate) fn config(bounds: Bounds, stack: NativeStack, effort: Effort) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(false)
        .epoch_interruption(false)
        .cranelift_opt_level(level(effort))
        // Unwind tables are registered in a global list, which makes creating many modules slow.
        .native_unwind_info(false)
        .generate_address_map(false)
        // A slot that a program had before has resident memory for the next one only without an
        // image: data segments are copied instead.
        .memory_init_cow(false)
        // Collecting backtraces makes traps slow, and nothing uses them.
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
                | WasmFeatures::REFERENCE_TYPES
                | WasmFeatures::TAIL_CALL
                | WasmFeatures::WIDE_ARITHMETIC,
            true,
        )
        // Metered code marks its cold branches.
        .wasm_branch_hinting(true);
    match bounds {
        // Reservation and guard cover every 32-bit address plus offset.
        Bounds::Guarded => config
            .memory_reservation(4 << 30)
            .memory_guard_size(32 << 20),
        Bounds::Checked => config
            .signals_based_traps(false)
            .memory_reservation(CHECKED_MEMORY_BYTES)
            .memory_guard_size(0)
            .memory_may_move(false),
        Bounds::Unreserved => config
            .signals_based_traps(false)
            .memory_reservation(0)
            .memory_reservation_for_growth(GROWTH_BYTES)
            .memory_guard_size(0)
            .memory_may_move(true),
    };
    config
}

/// The maximum size of a memory in the pool, in bytes. `None` if there is no pool.
const fn memory_bytes(bounds: Bounds) -> Option<u64> {
    match bounds {
        Bounds::Guarded => Some(GUARDED_MEMORY_BYTES),
        Bounds::Checked => Some(CHECKED_MEMORY_BYTES),
        Bounds::Unreserved => None,
    }
}

/// Collects the bytes that a value hashes, for a digest that is the same in every process.
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
