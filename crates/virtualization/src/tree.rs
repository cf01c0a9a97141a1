//! Trees: the children of one owner, with theirs. All of them share what they run on, and what they may be together.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use fusee_engine::{Gas, Interrupt, Value};
use fusee_executor::{Executor, Held, MemoryBudget, RunRequest, Tier};

use crate::ChildRules;

/// How much the instances of one owner may be, together with those of their own children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// Instances that there are, whatever they do.
    pub instances: u32,
    /// Bytes of wasm memory that they can come to have.
    pub memory_bytes: u64,
    /// Generations: of the last, none may have children.
    pub generations: u32,
}

impl Default for ChildLimits {
    /// 1,024 instances, 1,536 MiB, and 4 generations.
    fn default() -> Self {
        Self {
            instances: 1_024,
            memory_bytes: 1_536 << 20,
            generations: 4,
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

/// What all modules and instances of an owner share.
#[derive(Debug)]
pub struct Tree {
    executor: Arc<Executor>,
    rules: Arc<ChildRules>,
    settings: ChildSettings,
    memory: MemoryBudget,
    instances: AtomicU32,
}

/// An instance's part of the limits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    tree: Arc<Tree>,
    _memory: Held,
}

impl Tree {
    /// No children yet. They have a budget of their own, of as many bytes as the limits say.
    #[must_use]
    pub fn new(
        executor: Arc<Executor>,
        rules: Arc<ChildRules>,
        settings: ChildSettings,
    ) -> Arc<Self> {
        let memory = MemoryBudget::new(settings.limits.memory_bytes);
        Self::within(executor, rules, settings, memory)
    }

    /// No children yet. Their memory is part of somebody's budget, and the limit in bytes is not looked at.
    #[must_use]
    pub fn within(
        executor: Arc<Executor>,
        rules: Arc<ChildRules>,
        settings: ChildSettings,
        memory: MemoryBudget,
    ) -> Arc<Self> {
        Arc::new(Self {
            executor,
            rules,
            settings,
            memory,
            instances: AtomicU32::new(0),
        })
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.executor
    }

    pub(crate) fn rules(&self) -> &ChildRules {
        &self.rules
    }

    /// Whether a program of this generation, which counts from 1, may have children.
    pub(crate) const fn may_have_children(&self, generation: u32) -> bool {
        generation < self.settings.limits.generations
    }

    pub(crate) fn request<'a>(
        &self,
        entry: &'a str,
        args: &'a [Value],
        gas: Gas,
    ) -> RunRequest<'a> {
        RunRequest {
            tier: self.settings.tier,
            interrupt: Some(self.settings.interrupt.clone()),
            ..RunRequest::new(entry, args, gas)
        }
    }

    /// Room for an instance that can come to have so much memory; none if there is none.
    pub(crate) fn take(self: &Arc<Self>, memory_bytes: u64) -> Option<Place> {
        let memory = self.memory.take(memory_bytes)?;
        let next =
            |taken: u32| (taken < self.settings.limits.instances).then(|| taken.saturating_add(1));
        self.instances
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .ok()?;
        Some(Place {
            tree: Arc::clone(self),
            _memory: memory,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tree.instances.fetch_sub(1, Ordering::Relaxed);
    }
}
