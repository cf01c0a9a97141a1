//! Modules: programs that children are made of, and the ones that are kept under a name.

use std::{collections::BTreeMap, sync::Arc};

use fusee_engine::{Program, Source};
use fusee_executor::{Executor, PrepareError, Prepared};

use crate::{
    ChildRules, ChildSettings, Instance, Symbols, Tree, VirtualizationError, functions,
    tree::ModulePlace,
    wire::{CompileStatus, InstantiateError, ModuleError},
};

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
    tree: Arc<Tree>,
    /// Of what is compiled here, counted from 1.
    generation: u32,
    names: Names,
    symbols: Symbols,
}

/// What modules are kept under. The first who writes a name wins.
#[derive(Debug, Default)]
pub struct Names {
    /// By space and key. An identifier is a key of the main space.
    kept: BTreeMap<Name, Module>,
    /// The names in the order in which they came.
    order: Vec<Name>,
}

type Name = (Vec<u8>, Vec<u8>);

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Module {
    place: Arc<ModulePlace>,
    prepared: Arc<Prepared>,
    generation: u32,
    /// Bytes of the program before it was metered.
    code_bytes: u64,
    /// Whether it imports one of the nine functions.
    is_parent: bool,
}

impl Names {
    /// How many names there are: to go back to by [`undo`](Self::undo).
    #[must_use]
    pub fn mark(&self) -> usize {
        self.order.len()
    }

    /// Forgets the names that came after the mark.
    pub fn undo(&mut self, mark: usize) {
        for name in self.order.drain(mark.min(self.order.len())..) {
            self.kept.remove(&name);
        }
    }

    fn find(&self, space: Space<'_>, key: &[u8]) -> Option<&Module> {
        self.kept.get(&(space.name().to_vec(), key.to_vec()))
    }

    fn keep(&mut self, space: Space<'_>, key: &[u8], module: Module) {
        let name = (space.name().to_vec(), key.to_vec());
        self.order.push(name.clone());
        self.kept.insert(name, module);
    }
}

impl Modules {
    /// None yet.
    #[must_use]
    pub fn new(executor: Arc<Executor>, rules: ChildRules, settings: ChildSettings) -> Self {
        Self::first(
            Tree::new(executor, Arc::new(rules), settings),
            Names::default(),
        )
    }

    /// The first generation of a tree, with the names that there are.
    #[must_use]
    pub(crate) const fn first(tree: Arc<Tree>, names: Names) -> Self {
        Self {
            tree,
            generation: 1,
            names,
            symbols: Symbols::Any,
        }
    }

    /// Which symbols may be imported by what is compiled from now on, beside what the rules say. What is kept stays as it is.
    pub fn admit(&mut self, symbols: Symbols) {
        self.symbols = symbols;
    }

    pub(crate) const fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn into_names(self) -> Names {
        self.names
    }

    /// The module that is kept under the identifier, whatever the program is; or else the program's, which is kept under it from then on.
    /// Without identifier, nothing is looked up and nothing is kept.
    ///
    /// # Errors
    ///
    /// [`ModuleError::InvalidImage`] inside if the rules refuse the program, or there are as many modules as there may be;
    /// [`VirtualizationError`] if the engine fails on it.
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

    /// The module that is kept under the key of this space.
    pub(crate) fn find(&self, space: Space<'_>, key: &[u8]) -> Option<Module> {
        self.names.find(space, key).cloned()
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
            self.names.keep(space, key, module.clone());
            (module, CompileStatus::Compiled)
        }))
    }

    fn prepare(&self, program: &[u8]) -> Result<Result<Module, ModuleError>, VirtualizationError> {
        let Some(place) = self.tree.take_module() else {
            return Ok(Err(ModuleError::InvalidImage));
        };
        let may_have_children = self.tree.may_have_children(self.generation);
        let rules = self.tree.rules();
        let rules = rules.for_program(program, &self.symbols, may_have_children);
        match self.tree.executor().prepare(program, &rules) {
            Ok(prepared) => Ok(Ok(Module {
                place: Arc::new(place),
                generation: self.generation,
                code_bytes: u64::try_from(program.len()).unwrap_or(u64::MAX),
                is_parent: functions::are_imported(prepared.program()),
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
        let place = self.tree().take(self.memory_bytes());
        let place = place.ok_or(InstantiateError::InvalidImage)?;
        Ok(Instance::new(self.clone(), place))
    }

    pub(crate) fn tree(&self) -> &Arc<Tree> {
        self.place.tree()
    }

    pub(crate) const fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    pub(crate) const fn code_bytes(&self) -> u64 {
        self.code_bytes
    }

    pub(crate) const fn is_parent(&self) -> bool {
        self.is_parent
    }

    /// For the children of an instance.
    pub(crate) fn next_generation(&self) -> Modules {
        Modules {
            tree: Arc::clone(self.tree()),
            generation: self.generation.saturating_add(1),
            names: Names::default(),
            symbols: Symbols::Any,
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
