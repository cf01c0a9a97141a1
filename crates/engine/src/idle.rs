//! Idle instances: whole instances that are used again, one run after the other, since resetting
//! one takes less than making one.
//!
//! This module guarantees that only instances whose last run returned are kept, that each is reset
//! first, and that their total size is within the limit.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The minimum size that an idle instance counts with. It bounds the number of instances to search.
const LEAST_BYTES: u64 = 64 << 10;

/// The idle instances of an engine.
#[derive(Debug)]
pub struct Idle<T> {
    limit: u64,
    /// Makes an instance at rest like a fresh one. Returns `false` if that is not possible.
    reset: fn(&mut T) -> bool,
    state: Mutex<IdleState<T>>,
}

#[derive(Debug)]
struct IdleState<T> {
    bytes: u64,
    /// The most recently used instance is at the back.
    instances: VecDeque<IdleInstance<T>>,
    /// The number of modules so far, for their ids.
    modules: u64,
}

#[derive(Debug)]
struct IdleInstance<T> {
    module: u64,
    bytes: u64,
    instance: Box<T>,
}

/// The idle instances of one module. Dropping it drops them.
#[derive(Debug)]
pub struct ModulePool<T> {
    idle: Arc<Idle<T>>,
    module: u64,
    /// The maximum size of an instance of the module.
    bytes: u64,
}

/// An instance in use. Dropping it makes it idle if it is marked as clean.
#[derive(Debug)]
pub struct Lease<T> {
    /// `None` only during the drop.
    instance: Option<Box<T>>,
    pool: Arc<ModulePool<T>>,
    is_clean: bool,
}

impl<T> Idle<T> {
    /// A set of idle instances with a limit of `limit` bytes.
    ///
    /// `reset` makes an instance whose last run returned like a fresh one, and returns `false` if
    /// that is not possible.
    #[must_use]
    pub fn new(limit: u64, reset: fn(&mut T) -> bool) -> Arc<Self> {
        Arc::new(Self {
            limit,
            reset,
            state: Mutex::new(IdleState {
                bytes: 0,
                instances: VecDeque::new(),
                modules: 0,
            }),
        })
    }

    /// The limit of all idle instances together, in bytes.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    fn lock(&self) -> MutexGuard<'_, IdleState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, module: u64) -> Option<Box<T>> {
        let mut state = self.lock();
        let mut instances = state.instances.iter();
        let at = instances.rposition(|instance| instance.module == module)?;
        let taken = state.instances.remove(at)?;
        state.bytes = state.bytes.saturating_sub(taken.bytes);
        Some(taken.instance)
    }

    /// Adds an instance, and drops the least recently used ones beyond the limit.
    fn put(&self, instance: IdleInstance<T>) {
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
    #[must_use]
    pub fn held(&self) -> (usize, u64) {
        let state = self.lock();
        (state.instances.len(), state.bytes)
    }
}

impl<T> ModulePool<T> {
    /// A pool for a module whose instances have at most `bytes` bytes each.
    #[must_use]
    pub fn new(idle: &Arc<Idle<T>>, bytes: u64) -> Arc<Self> {
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
    ///
    /// # Errors
    ///
    /// Those of `make`.
    pub fn lease<E>(self: &Arc<Self>, make: impl FnOnce() -> Result<T, E>) -> Result<Lease<T>, E> {
        let instance = match self.idle.take(self.module) {
            Some(instance) => instance,
            None => Box::new(make()?),
        };
        Ok(Lease {
            instance: Some(instance),
            pool: Arc::clone(self),
            is_clean: false,
        })
    }
}

impl<T> Drop for ModulePool<T> {
    fn drop(&mut self) {
        self.idle.forget(self.module);
    }
}

impl<T> Lease<T> {
    /// Sets whether the instance can be used again after a reset. Default: `false`.
    pub const fn set_clean(&mut self, is_clean: bool) {
        self.is_clean = is_clean;
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let instance = self.instance.as_ref();
        instance.expect("only the drop takes the instance")
    }
}

impl<T> DerefMut for Lease<T> {
    fn deref_mut(&mut self) -> &mut T {
        let instance = self.instance.as_mut();
        instance.expect("only the drop takes the instance")
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        let Some(mut instance) = self.instance.take() else {
            return;
        };
        let ModulePool {
            idle,
            module,
            bytes,
        } = &*self.pool;
        // Reset now rather than on reuse, so that no guest data stays in memory.
        if self.is_clean && idle.limit > 0 && (idle.reset)(&mut instance) {
            idle.put(IdleInstance {
                module: *module,
                bytes: *bytes,
                instance,
            });
        }
    }
}
