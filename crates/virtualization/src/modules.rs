//! Modules: the compiled programs of nested VMs, and the storage scopes of their code.

use std::sync::Arc;

use fusee_engine::{EngineError, Format, Program, Source, ValueType};
use fusee_executor::{Executor, PrepareError, PreparedProgram};
use fusee_instrument::Rules;

use crate::{
    conventions::Conventions,
    error::VirtualizationError,
    functions,
    limits::{ChildSettings, InstancePermit, ModulePermit, Tree},
    registry::ModuleRegistry,
    rules::{ChildRules, Symbols, checks},
    wire::{CompileStatus, InstantiateError, ModuleError, SyscallSymbol},
};

/// The part of the storage that has the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageScope<'a> {
    /// The main storage.
    Main,
    /// The child storage of this name.
    Child(&'a [u8]),
}

impl<'a> StorageScope<'a> {
    /// The scope of this name on the wire. The empty name is the main storage.
    #[must_use]
    pub const fn named(name: &'a [u8]) -> Self {
        if name.is_empty() {
            StorageScope::Main
        } else {
            StorageScope::Child(name)
        }
    }

    /// The name of the scope. The name of the main storage is empty.
    #[must_use]
    pub const fn name(self) -> &'a [u8] {
        match self {
            StorageScope::Main => &[],
            StorageScope::Child(name) => name,
        }
    }
}

/// Compiles the programs of one owner, and caches modules under identifiers and storage keys. The
/// cache lives as long as the registry. A module, and its instances, live until their last handle
/// is dropped.
#[derive(Debug)]
pub struct Modules {
    tree: Arc<Tree>,
    /// The depth of the modules, counted from 1.
    generation: u32,
    /// Shared by all frames of the same owner.
    registry: ModuleRegistry<Module>,
    owner: Vec<u8>,
    /// `None`: any.
    symbols: Option<Arc<Symbols>>,
}

/// A compiled program. Clones share it.
#[derive(Clone, Debug)]
pub struct Module(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    permit: ModulePermit,
    prepared: Arc<PreparedProgram>,
    generation: u32,
    /// The size of the program in bytes, before metering.
    code_bytes: u64,
    /// Whether the program imports one of the nine functions.
    is_owner: bool,
    /// The number and the name of each imported syscall.
    symbols: Vec<(u32, SyscallSymbol)>,
}

impl Modules {
    /// Creates an empty set of modules.
    #[must_use]
    pub fn new(executor: Arc<Executor>, rules: ChildRules, settings: ChildSettings) -> Self {
        let tree = Tree::new(executor, Arc::new(rules), settings);
        Self::first(tree, ModuleRegistry::default(), Vec::new())
    }

    /// Creates the set of modules of an owner in a tree, with a shared registry.
    #[must_use]
    pub(crate) const fn first(
        tree: Arc<Tree>,
        registry: ModuleRegistry<Module>,
        owner: Vec<u8>,
    ) -> Self {
        Self {
            tree,
            generation: 1,
            registry,
            owner,
            symbols: None,
        }
    }

    /// Restricts the symbols that programs may import which are compiled from now on, in addition
    /// to the rules. Does not affect cached modules.
    pub fn admit(&mut self, symbols: impl Into<Arc<Symbols>>) {
        self.symbols = Some(symbols.into());
    }

    /// Compiles a program, unless a module is cached under the identifier, and caches the module. A
    /// cached module may have been compiled from another program. Without an identifier, the cache
    /// is not used.
    ///
    /// # Errors
    ///
    /// Inner error [`ModuleError::InvalidImage`] if the rules refuse the program, the executor has
    /// no engine for its format, or the limit of modules is reached. [`VirtualizationError`] if the
    /// engine fails.
    pub fn compile(
        &mut self,
        program: &[u8],
        identifier: Option<&[u8]>,
    ) -> Result<Result<(Module, CompileStatus), ModuleError>, VirtualizationError> {
        match identifier {
            Some(identifier) => {
                self.find_or_compile(StorageScope::Main, identifier, || Ok(Some(program)))
            }
            None => Ok(self
                .prepare(program)?
                .map(|module| (module, CompileStatus::Compiled))),
        }
    }

    /// Returns the module that is cached under the identifier.
    ///
    /// # Errors
    ///
    /// [`ModuleError::NotCached`] if the cache has no module.
    pub fn lookup(&self, identifier: &[u8]) -> Result<Module, ModuleError> {
        self.find(StorageScope::Main, identifier)
            .ok_or(ModuleError::NotCached)
    }

    /// Compiles the code that `code` reads at the key, unless a module is cached under the key, and
    /// caches the module. A key of the main scope is also an identifier. Each scope has its own
    /// keys.
    ///
    /// # Errors
    ///
    /// Inner error [`ModuleError::NotFound`] if there is no code; [`ModuleError::InvalidImage`] as
    /// [`compile`](Self::compile). [`VirtualizationError`] if the engine fails, or the code cannot
    /// be read.
    pub fn compile_key(
        &mut self,
        scope: StorageScope<'_>,
        key: &[u8],
        code: impl FnOnce(StorageScope<'_>, &[u8]) -> Result<Option<Vec<u8>>, Source>,
    ) -> Result<Result<(Module, CompileStatus), ModuleError>, VirtualizationError> {
        self.find_or_compile(scope, key, || {
            code(scope, key).map_err(VirtualizationError::Code)
        })
    }

    /// Compiles a program and caches the module under the identifier, in place of the module that
    /// is cached there. Instances of that module continue.
    ///
    /// # Errors
    ///
    /// As [`compile`](Self::compile). The cached module stays.
    pub fn recompile(
        &mut self,
        program: &[u8],
        identifier: &[u8],
    ) -> Result<Result<Module, ModuleError>, VirtualizationError> {
        let compiled = self.prepare(program)?;
        if let Ok(module) = &compiled {
            self.keep(StorageScope::Main, identifier, module);
        }
        Ok(compiled)
    }

    pub(crate) fn conventions(&self) -> Conventions {
        self.tree.rules().conventions()
    }

    /// The module that is cached under the key of this scope.
    pub(crate) fn find(&self, scope: StorageScope<'_>, key: &[u8]) -> Option<Module> {
        let scope = self.conventions().cached_under(scope);
        self.registry.find(&self.owner, scope, key)
    }

    fn keep(&self, scope: StorageScope<'_>, key: &[u8], module: &Module) {
        let scope = self.conventions().cached_under(scope);
        self.registry.keep(&self.owner, scope, key, module.clone());
    }

    fn find_or_compile<P: AsRef<[u8]>>(
        &mut self,
        scope: StorageScope<'_>,
        key: &[u8],
        program: impl FnOnce() -> Result<Option<P>, VirtualizationError>,
    ) -> Result<Result<(Module, CompileStatus), ModuleError>, VirtualizationError> {
        if let Some(module) = self.find(scope, key) {
            return Ok(Ok((module, CompileStatus::Cached)));
        }
        let Some(program) = program()? else {
            return Ok(Err(ModuleError::NotFound));
        };
        Ok(self.prepare(program.as_ref())?.map(|module| {
            self.keep(scope, key, &module);
            (module, CompileStatus::Compiled)
        }))
    }

    fn prepare(&self, program: &[u8]) -> Result<Result<Module, ModuleError>, VirtualizationError> {
        if !self.conventions().admit(Format::of(program)) {
            return Ok(Err(ModuleError::InvalidImage));
        }
        let Some(permit) = self.tree.take_module() else {
            return Ok(Err(ModuleError::InvalidImage));
        };
        let may_have_children = self.tree.may_have_children(self.generation);
        let rules = self.tree.rules();
        let admitted = self.symbols.as_deref().unwrap_or(&Symbols::Any);
        let rules = rules.for_program(program, admitted, may_have_children);
        match self.tree.executor().prepare(program, &rules) {
            Ok(prepared) => Ok(Ok(Module(Arc::new(Compiled {
                permit,
                generation: self.generation,
                code_bytes: u64::try_from(program.len()).unwrap_or(u64::MAX),
                is_owner: functions::are_imported(prepared.program()),
                symbols: symbols(&rules, prepared.program()),
                prepared,
            })))),
            // The owner chooses the bytes, and thereby the format. The formats of the executor are
            // a property of the machine that its owner sees, like the rules.
            Err(PrepareError::Refused(_) | PrepareError::Engine(EngineError::NoEngine { .. })) => {
                Ok(Err(ModuleError::InvalidImage))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Module {
    /// Properties of the program.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.0.prepared.program()
    }

    /// The position of the export of this name, if its parameters are integers.
    pub(crate) fn entry(&self, function: &[u8]) -> Option<usize> {
        let program = self.program();
        let rules = self.tree().rules().rules();
        let name = checks(rules, program.format).name(function)?;
        let is_integer = |ty: &ValueType| matches!(ty, ValueType::I32 | ValueType::I64);
        let position = program.exports.position(&name)?;
        let export = program.exports.get(position)?;
        export.params.iter().all(is_integer).then_some(position)
    }

    pub(crate) fn conventions(&self) -> Conventions {
        self.tree().rules().conventions()
    }

    /// Acquires a permit for an instance.
    pub(crate) fn permit(&self) -> Result<InstancePermit, InstantiateError> {
        let permit = self.tree().take(self.memory_bytes());
        permit.ok_or(InstantiateError::InvalidImage)
    }

    pub(crate) fn tree(&self) -> &Arc<Tree> {
        self.0.permit.tree()
    }

    pub(crate) fn prepared(&self) -> &Arc<PreparedProgram> {
        &self.0.prepared
    }

    pub(crate) fn code_bytes(&self) -> u64 {
        self.0.code_bytes
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.0.is_owner
    }

    /// The name of an imported syscall. `None` if the program imports none with this number.
    pub(crate) fn symbol(&self, number: u32) -> Option<&SyscallSymbol> {
        let mut symbols = self.0.symbols.iter();
        let (_, symbol) = symbols.find(|(other, _)| *other == number)?;
        Some(symbol)
    }

    /// Creates the set of modules for the nested VMs of an instance.
    pub(crate) fn next_generation(&self) -> Modules {
        Modules {
            tree: Arc::clone(self.tree()),
            generation: self.0.generation.saturating_add(1),
            registry: ModuleRegistry::default(),
            owner: Vec::new(),
            symbols: None,
        }
    }

    /// The maximum memory size of an instance in bytes.
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

/// The number and the name of each syscall that a program imports by these rules. They admit no
/// name that is too long for a symbol.
fn symbols(rules: &Rules, program: &Program) -> Vec<(u32, SyscallSymbol)> {
    let checks = checks(rules, program.format);
    let imports = program.imports.iter();
    imports
        .filter_map(|import| {
            let symbol = SyscallSymbol::new(&checks.bytes(&import.name))?;
            Some((import.number, symbol))
        })
        .collect()
}
