//! Idle instances, whose run ended: interpreters, kept with what they translated, and sandboxes of the recompiler, kept with their mappings.
//!
//! PolkaVM's interpreter (0.37.0) keeps its translation in the instance, beside addresses of that instance's own, and has no way to share it. So what is
//! shared is the instance, one run after the other. Guarantees that only an instance comes here whose last run returned, that its memory is that of
//! a fresh one, and that all that is kept is less than the limit. Registers and gas are for the caller to set, as it must on a fresh one.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use polkavm::RawInstance;

/// Each counts as this much at least, so that there are few enough to look through.
const LEAST_BYTES: u64 = 64 << 10;

/// The idle instances of an engine.
pub(crate) struct Idle {
    limit: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: u64,
    /// Those that came last are at the back.
    instances: VecDeque<Instance>,
    modules: u64,
}

struct Instance {
    module: u64,
    bytes: u64,
    raw: Box<RawInstance>,
}

/// A module's place among the idle instances. When it goes, its idle instances go.
pub(crate) struct Shelf {
    idle: Arc<Idle>,
    module: u64,
    /// The most that an instance of the module keeps.
    bytes: u64,
}

/// An instance in use. It is kept when it is dropped, if somebody said that it ended cleanly.
pub(crate) struct Lease {
    /// Until it is dropped.
    raw: Option<Box<RawInstance>>,
    shelf: Arc<Shelf>,
    is_clean: bool,
}

impl Idle {
    /// That keeps no more than `limit` bytes.
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            kept: Mutex::default(),
        })
    }

    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, module: u64) -> Option<Box<RawInstance>> {
        let mut kept = self.kept();
        let mut instances = kept.instances.iter();
        let at = instances.rposition(|instance| instance.module == module)?;
        let instance = kept.instances.remove(at)?;
        kept.bytes = kept.bytes.saturating_sub(instance.bytes);
        Some(instance.raw)
    }

    /// Keeps an instance, and drops those that came first as far as there is no room for all.
    fn put(&self, instance: Instance) {
        if instance.bytes > self.limit {
            return;
        }
        let mut dropped = Vec::new();
        let mut kept = self.kept();
        kept.bytes = kept.bytes.saturating_add(instance.bytes);
        kept.instances.push_back(instance);
        while kept.bytes > self.limit
            && let Some(oldest) = kept.instances.pop_front()
        {
            kept.bytes = kept.bytes.saturating_sub(oldest.bytes);
            dropped.push(oldest);
        }
        // To unmap memory takes long: nobody waits for it here.
        drop(kept);
        drop(dropped);
    }

    fn forget(&self, module: u64) {
        let mut kept = self.kept();
        let instances = std::mem::take(&mut kept.instances);
        let (of_module, others) = instances
            .into_iter()
            .partition::<VecDeque<_>, _>(|instance| instance.module == module);
        kept.instances = others;
        let bytes: u64 = of_module.iter().map(|instance| instance.bytes).sum();
        kept.bytes = kept.bytes.saturating_sub(bytes);
        drop(kept);
        drop(of_module);
    }

    /// How many there are, and how much they count.
    #[cfg(test)]
    pub(crate) fn held(&self) -> (usize, u64) {
        let kept = self.kept();
        (kept.instances.len(), kept.bytes)
    }
}

impl Shelf {
    /// For a module whose instances keep no more than so many bytes each.
    pub(crate) fn new(idle: &Arc<Idle>, bytes: u64) -> Arc<Self> {
        let mut kept = idle.kept();
        kept.modules = kept.modules.saturating_add(1);
        let module = kept.modules;
        drop(kept);
        Arc::new(Self {
            idle: Arc::clone(idle),
            module,
            bytes: bytes.max(LEAST_BYTES),
        })
    }

    /// An instance that was kept, or what `make` makes.
    pub(crate) fn lease<E>(
        self: &Arc<Self>,
        make: impl FnOnce() -> Result<RawInstance, E>,
    ) -> Result<Lease, E> {
        let raw = match self.idle.take(self.module) {
            Some(raw) => raw,
            None => Box::new(make()?),
        };
        Ok(Lease {
            raw: Some(raw),
            shelf: Arc::clone(self),
            is_clean: false,
        })
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.idle.forget(self.module);
    }
}

impl Lease {
    /// Says whether the instance may be used again as it is now, but for its memory. Nobody has said so when it is new.
    pub(crate) const fn set_clean(&mut self, is_clean: bool) {
        self.is_clean = is_clean;
    }
}

impl Deref for Lease {
    type Target = RawInstance;

    fn deref(&self) -> &RawInstance {
        self.raw.as_ref().expect("only dropping it takes it out")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut RawInstance {
        self.raw.as_mut().expect("only dropping it takes it out")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut raw) = self.raw.take() else {
            return;
        };
        // Before it is kept, so that what a guest wrote does not lie about.
        if self.is_clean && self.shelf.idle.limit > 0 && raw.reset_memory().is_ok() {
            self.shelf.idle.put(Instance {
                module: self.shelf.module,
                bytes: self.shelf.bytes,
                raw,
            });
        }
    }
}

#[cfg(test)]
mod tests;
