//! Modules: programs that children are made of, and the ones that are kept under a name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fusee_engine::{Gas, Interrupt, Program, Source, Value};
use fusee_executor::{Executor, PrepareError, Prepared, RunRequest, Tier};

use crate::{
    ChildRules, Instance, VirtualizationError,
    wire::{CompileStatus, InstantiateError, ModuleError},
};

/// How much the instances of one owner may be, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// Instances that there are, whatever they do.
    pub instances: u32,
    /// Bytes of wasm memory that they can come to have.
    pub memory_bytes: u64,
}

impl Default for ChildLimits {
    /// 1,024 instances and 1,536 MiB.
    fn default() -> Self {
        Self {
            instances: 1_024,
            memory_bytes: 1_536 << 20,
        }
    }
}

/// How children run.
#[derive(Clone, Debug)]
pub struct ChildSettings {
    /// How much they may be.
    pub limits: ChildLimits,
    /// What they may run on.
    pub tier: Tier,
    /// Stops every run of theirs, with an error of the host.
    pub interrupt: Interrupt,
}

impl Default for ChildSettings {
    /// The limits unless told, on whatever is best, and nobody interrupts.
    fn default() -> Self {
        Self {
            limits: ChildLimits::default(),
            tier: Tier::Best,
            interrupt: Interrupt::new(),
        }
    }
}

/// Where code lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space<'a> {
    /// In the main state.
    Main,
    /// In a state of its own, with this name.
    Child(&'a [u8]),
}

impl<'a> Space<'a> {
    /// As it crosses the border: the main state has the empty name.
    #[must_use]
    pub const fn named(name: &'a [u8]) -> Self {
        if name.is_empty() {
            Space::Main
        } else {
            Space::Child(name)
        }
    }

    /// Its name; that of the main state is empty.
    #[must_use]
    pub const fn name(self) -> &'a [u8] {
        match self {
            Space::Main => &[],
            Space::Child(name) => name,
        }
    }
}

/// The programs of one owner, a block or a transaction, by the names under which it keeps them. It ends with its owner, and so does all that
/// is kept; the modules that were taken out of it, and their instances, live as long as anybody holds them.
#[derive(Debug)]
pub struct Modules {
    shared: Arc<Shared>,
    rules: ChildRules,
    /// By space and key. An identifier is a key of the main space.
    kept: BTreeMap<(Vec<u8>, Vec<u8>), Module>,
}

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Module {
    shared: Arc<Shared>,
    prepared: Arc<Prepared>,
}

/// What all modules and instances of an owner share.
#[derive(Debug)]
pub(crate) struct Shared {
    executor: Arc<Executor>,
    settings: ChildSettings,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    instances: u32,
    memory_bytes: u64,
}

/// An instance's part of the limits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
    memory_bytes: u64,
}

impl Modules {
    /// None yet.
    #[must_use]
    pub fn new(executor: Arc<Executor>, rules: ChildRules, settings: ChildSettings) -> Self {
        Self {
            shared: Arc::new(Shared {
                executor,
                settings,
                taken: Mutex::default(),
            }),
            rules,
            kept: BTreeMap::new(),
        }
    }

    /// The module that is kept under the identifier, whatever the program is; or else the program's, which is kept under it from then on.
    /// Without identifier, nothing is looked up and nothing is kept.
    ///
    /// # Errors
    ///
    /// [`ModuleError::InvalidImage`] inside if the rules refuse the program; [`VirtualizationError`] if the engine fails on it.
    pub fn compile(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<Result<(Module, CompileStatus), ModuleError>, VirtualizationError> {
        match identifier {
            Some(identifier) => self.find_or_compile(Space::Main, identifier, || Ok(Some(program))),
            None => Ok(self
                .prepare(program)?
                .map(|module| (module, CompileStatus::Compiled))),
        }
    }

    /// The module that is kept under the identifier.
    ///
    /// # Errors
    ///
    /// [`ModuleError::NotCached`] if there is none.
    pub fn lookup(&self, identifier: &[u8]) -> Result<Module, ModuleError> {
        self.find(Space::Main, identifier)
            .ok_or(ModuleError::NotCached)
    }

    /// The module that is kept under the key of this space; or else that of the code that `code` finds there, which is kept under it from
    /// then on. A key of the main space is an identifier; what is kept for another space, only that space finds.
    ///
    /// # Errors
    ///
    /// [`ModuleError::NotFound`] inside if there is no code, [`ModuleError::InvalidImage`] if the rules refuse it; [`VirtualizationError`] if the
    /// engine fails on it, or the code cannot be read.
    pub fn compile_key(
        &mut self,
        space: Space<'_>,
        key: &[u8],
        code: impl FnOnce(Space<'_>, &[u8]) -> Result<Option<Vec<u8>>, Source>,
    ) -> Result<Result<(Module, CompileStatus), ModuleError>, VirtualizationError> {
        self.find_or_compile(space, key, || {
            code(space, key).map_err(VirtualizationError::Code)
        })
    }

    fn find(&self, space: Space<'_>, key: &[u8]) -> Option<Module> {
        let key = (space.name().to_vec(), key.to_vec());
        self.kept.get(&key).cloned()
    }

    fn find_or_compile<P: AsRef<[u8]>>(
        &mut self,
        space: Space<'_>,
        key: &[u8],
        program: impl FnOnce() -> Result<Option<P>, VirtualizationError>,
    ) -> Result<Result<(Module, CompileStatus), ModuleError>, VirtualizationError> {
        if let Some(module) = self.find(space, key) {
            return Ok(Ok((module, CompileStatus::Cached)));
        }
        let Some(program) = program()? else {
            return Ok(Err(ModuleError::NotFound));
        };
        Ok(self.prepare(program.as_ref())?.map(|module| {
            let key = (space.name().to_vec(), key.to_vec());
            self.kept.insert(key, module.clone());
            (module, CompileStatus::Compiled)
        }))
    }

    fn prepare(&self, program: &[u8]) -> Result<Result<Module, ModuleError>, VirtualizationError> {
        let rules = self.rules.for_program(program);
        match self.shared.executor.prepare(program, &rules) {
            Ok(prepared) => Ok(Ok(Module {
                shared: Arc::clone(&self.shared),
                prepared,
            })),
            Err(PrepareError::Refused(_)) => Ok(Err(ModuleError::InvalidImage)),
            Err(error) => Err(error.into()),
        }
    }
}

impl Module {
    /// What is known of the program.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.prepared.program()
    }

    /// A new instance. Nothing of it is made before it is prepared.
    ///
    /// # Errors
    ///
    /// [`InstantiateError::InvalidImage`] if there are as many as there may be, or their memory could come to be more than it may.
    pub fn instantiate(&self) -> Result<Instance, InstantiateError> {
        let place = Shared::take(&self.shared, self.memory_bytes())
            .ok_or(InstantiateError::InvalidImage)?;
        Ok(Instance::new(self.clone(), place))
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.shared.executor
    }

    pub(crate) const fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    pub(crate) fn request<'a>(
        &self,
        entry: &'a str,
        args: &'a [Value],
        gas: Gas,
    ) -> RunRequest<'a> {
        RunRequest {
            tier: self.shared.settings.tier,
            interrupt: Some(self.shared.settings.interrupt.clone()),
            ..RunRequest::new(entry, args, gas)
        }
    }

    /// The bytes of memory that an instance can come to have.
    fn memory_bytes(&self) -> u64 {
        let program = self.program();
        match program.memory {
            Some(memory) if !program.grows_memory => {
                u64::from(memory.initial).saturating_mul(fusee_engine::PAGE_BYTES)
            }
            Some(_) => program.maximum_memory_bytes(),
            None => 0,
        }
    }
}

impl Shared {
    fn take(shared: &Arc<Self>, memory_bytes: u64) -> Option<Place> {
        let mut taken = shared.open();
        let instances = taken.instances.checked_add(1)?;
        let bytes = taken.memory_bytes.checked_add(memory_bytes)?;
        let limits = shared.settings.limits;
        if instances > limits.instances || bytes > limits.memory_bytes {
            return None;
        }
        *taken = Taken {
            instances,
            memory_bytes: bytes,
        };
        drop(taken);
        Some(Place {
            shared: Arc::clone(shared),
            memory_bytes,
        })
    }

    fn open(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.shared.open();
        taken.instances = taken.instances.saturating_sub(1);
        taken.memory_bytes = taken.memory_bytes.saturating_sub(self.memory_bytes);
    }
}
