//! Idle instances: interpreters with their translation, and recompiler sandboxes with their
//! mappings.
//!
//! PolkaVM's interpreter (0.37.0) stores its translation in the instance, together with addresses
//! of that instance, and cannot share it. So whole instances are reused, one run after the other.
//! This module guarantees that only instances whose last run returned are kept, that their memory
//! is reset, and that their total size is within the limit. The caller sets registers and gas, as
//! on a fresh instance.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use polkavm::RawInstance;

/// The minimum size that an idle instance counts with. It bounds the number of instances to search.
const LEAST_BYTES: u64 = 64 << 10;

/// The idle instances of an engine.
pub(crate) struct Idle {
    limit: u64,
    state: Mutex<IdleState>,
}

#[derive(Default)]
struct IdleState {
    bytes: u64,
    /// The most recently used instance is at the back.
    instances: VecDeque<IdleInstance>,
    /// The number of modules so far, for their ids.
    modules: u64,
}

struct IdleInstance {
    module: u64,
    bytes: u64,
    raw: Box<RawInstance>,
}

/// The idle instances of one module. Dropping it drops them.
pub(crate) struct ModulePool {
    idle: Arc<Idle>,
    module: u64,
    /// The maximum size of an instance of the module.
    bytes: u64,
}

/// An instance in use. Dropping it makes it idle if it is marked as clean.
pub(crate) struct Lease {
    /// `None` only during the drop.
    raw: Option<Box<RawInstance>>,
    pool: Arc<ModulePool>,
    is_clean: bool,
}

impl Idle {
    /// A set of idle instances with a limit of `limit` bytes.
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Mutex::default(),
        })
    }

    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    fn lock(&self) -> MutexGuard<'_, IdleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, module: u64) -> Option<Box<RawInstance>> {
        let mut state = self.lock();
        let mut instances = state.instances.iter();
        let at = instances.rposition(|instance| instance.module == module)?;
        let instance = state.instances.remove(at)?;
        state.bytes = state.bytes.saturating_sub(instance.bytes);
        Some(instance.raw)
    }

    /// Adds an instance, and drops the least recently used ones beyond the limit.
    fn put(&self, instance: IdleInstance) {
        if instance.bytes > self.limit {
            return;
        }
        let mut dropped = Vec::new();
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_add(instance.bytes);
        state.instances.push_back(instance);
        while state.bytes > self.limit
            && let Some(oldest) = state.instances.pop_front()
        {
            state.bytes = state.bytes.saturating_sub(oldest.bytes);
            dropped.push(oldest);
        }
        // Unmapping memory is slow, so it happens without the lock.
        drop(state);
        drop(dropped);
    }

    fn forget(&self, module: u64) {
        let mut state = self.lock();
        let instances = std::mem::take(&mut state.instances);
        let (of_module, others) = instances
            .into_iter()
            .partition::<VecDeque<_>, _>(|instance| instance.module == module);
        state.instances = others;
        let bytes: u64 = of_module.iter().map(|instance| instance.bytes).sum();
        state.bytes = state.bytes.saturating_sub(bytes);
        drop(state);
        drop(of_module);
    }

    /// The number of idle instances, and their size in bytes.
    #[cfg(test)]
    pub(crate) fn held(&self) -> (usize, u64) {
        let state = self.lock();
        (state.instances.len(), state.bytes)
    }
}

impl ModulePool {
    /// A pool for a module whose instances have at most `bytes` bytes each.
    pub(crate) fn new(idle: &Arc<Idle>, bytes: u64) -> Arc<Self> {
        let mut state = idle.lock();
        state.modules = state.modules.saturating_add(1);
        let module = state.modules;
        drop(state);
        Arc::new(Self {
            idle: Arc::clone(idle),
            module,
            bytes: bytes.max(LEAST_BYTES),
        })
    }

    /// An idle instance, or else a new one from `make`.
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
            pool: Arc::clone(self),
            is_clean: false,
        })
    }
}

impl Drop for ModulePool {
    fn drop(&mut self) {
        self.idle.forget(self.module);
    }
}

impl Lease {
    /// Sets whether the instance can be reused after a reset of its memory. Default: `false`.
    pub(crate) const fn set_clean(&mut self, is_clean: bool) {
        self.is_clean = is_clean;
    }
}

impl Deref for Lease {
    type Target = RawInstance;

    fn deref(&self) -> &RawInstance {
        self.raw.as_ref().expect("only the drop takes the instance")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut RawInstance {
        self.raw.as_mut().expect("only the drop takes the instance")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut raw) = self.raw.take() else {
            return;
        };
        // Reset now rather than on reuse, so that no guest data stays in memory.
        if self.is_clean && self.pool.idle.limit > 0 && raw.reset_memory().is_ok() {
            self.pool.idle.put(IdleInstance {
                module: self.pool.module,
                bytes: self.pool.bytes,
                raw,
            });
        }
    }
}

#[cfg(test)]
mod tests;
