//! The registry of modules: the cached modules of all owners, by identifier or storage key.
//!
//! All frames of a transaction share one registry, so that the frames of one owner share modules in
//! any order of calls. The registry is a journal: reverting a frame removes the modules that it
//! cached, and restores those that it replaced.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The registry. Clones share the same registry.
#[derive(Debug)]
pub(crate) struct ModuleRegistry<M>(Arc<Mutex<Entries<M>>>);

/// A checkpoint of a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RegistryCheckpoint(usize);

#[derive(Debug)]
struct Entries<M> {
    kept: BTreeMap<Name, M>,
    /// The names in the order of insertion, each with the module that was replaced.
    order: Vec<(Name, Option<M>)>,
}

/// An owner, the name of a storage scope, and a key. An identifier is a key of the main scope.
type Name = (Vec<u8>, Vec<u8>, Vec<u8>);

impl<M: Clone> ModuleRegistry<M> {
    pub(crate) fn find(&self, owner: &[u8], scope: &[u8], key: &[u8]) -> Option<M> {
        let name = (owner.to_vec(), scope.to_vec(), key.to_vec());
        self.lock().kept.get(&name).cloned()
    }

    pub(crate) fn keep(&self, owner: &[u8], scope: &[u8], key: &[u8], module: M) {
        let name = (owner.to_vec(), scope.to_vec(), key.to_vec());
        let mut entries = self.lock();
        let replaced = entries.kept.insert(name.clone(), module);
        entries.order.push((name, replaced));
    }

    pub(crate) fn checkpoint(&self) -> RegistryCheckpoint {
        RegistryCheckpoint(self.lock().order.len())
    }

    /// Undoes what was cached since the checkpoint.
    pub(crate) fn revert(&self, checkpoint: RegistryCheckpoint) {
        let mut entries = self.lock();
        let start = checkpoint.0.min(entries.order.len());
        let Entries { kept, order } = &mut *entries;
        for (name, replaced) in order.drain(start..).rev() {
            match replaced {
                Some(module) => kept.insert(name, module),
                None => kept.remove(&name),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries<M>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Default for ModuleRegistry<M> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Entries {
            kept: BTreeMap::new(),
            order: Vec::new(),
        })))
    }
}

impl<M> Clone for ModuleRegistry<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests;
