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
    /// Programs that were compiled and are held, under a number or a name. What is compiled twice without a name is held twice.
    pub modules: u32,
    /// Instances that there are, whatever they do.
    pub instances: u32,
    /// Bytes of wasm memory that they can come to have.
    pub memory_bytes: u64,
    /// Generations: of the last, none may have children.
    pub generations: u32,
}

impl Default for ChildLimits {
    /// 1,024 instances, 1,536 MiB, and 4 generations; and as many modules as anybody asks for.
    fn default() -> Self {
        Self {
            modules: u32::MAX,
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
    modules: AtomicU32,
    instances: AtomicU32,
}

/// A module's part of the limits, until nobody holds it.
#[derive(Debug)]
pub(crate) struct ModulePlace {
    tree: Arc<Tree>,
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
            modules: AtomicU32::new(0),
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
        take_one(&self.instances, self.settings.limits.instances)?;
        Some(Place {
            tree: Arc::clone(self),
            _memory: memory,
        })
    }

    /// Room for a module; none if there is none.
    pub(crate) fn take_module(self: &Arc<Self>) -> Option<ModulePlace> {
        take_one(&self.modules, self.settings.limits.modules)?;
        Some(ModulePlace {
            tree: Arc::clone(self),
        })
    }
}

/// One more, if there are less than the limit.
fn take_one(taken: &AtomicU32, limit: u32) -> Option<()> {
    let next = |taken: u32| (taken < limit).then(|| taken.saturating_add(1));
    taken
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        .ok()?;
    Some(())
}

impl ModulePlace {
    pub(crate) const fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }
}

impl Drop for ModulePlace {
    fn drop(&mut self) {
        self.tree.modules.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tree.instances.fetch_sub(1, Ordering::Relaxed);
    }
}
