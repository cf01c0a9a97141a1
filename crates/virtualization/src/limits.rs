//! Limits that the nested VMs of one owner share, at all depths, and their settings.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use fusee_engine::{Gas, Interrupt, Value};
use fusee_executor::{Executor, MemoryBudget, Reservation, RunRequest, Tier};

use crate::ChildRules;

/// Limits of the nested VMs of one owner, including those at deeper levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// Maximum number of compiled modules, under a number or an identifier. A program that is
    /// compiled twice without an identifier counts twice.
    pub modules: u32,
    /// Maximum number of instances.
    pub instances: u32,
    /// Maximum memory in bytes: the sum of the maximum memory sizes of all instances.
    pub memory_bytes: u64,
    /// Maximum depth of nesting. VMs at this depth may not have nested VMs.
    pub generations: u32,
}

impl ChildLimits {
    /// No limits but those of the machine, and no nested VMs of nested VMs. For trusted owners.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            modules: u32::MAX,
            instances: u32::MAX,
            memory_bytes: u64::MAX,
            generations: 1,
        }
    }
}

impl Default for ChildLimits {
    /// 1,024 instances, 1,536 MiB, 4 generations, and any number of modules.
    fn default() -> Self {
        Self {
            modules: u32::MAX,
            instances: 1_024,
            memory_bytes: 1_536 << 20,
            generations: 4,
        }
    }
}

/// Settings of nested VMs.
#[derive(Clone, Debug)]
pub struct ChildSettings {
    /// The limits (default: see [`ChildLimits`]).
    pub limits: ChildLimits,
    /// The tier of engines that run them (default: the best).
    pub tier: Tier,
    /// Interrupts all runs with an error of the host.
    pub interrupt: Interrupt,
}

impl Default for ChildSettings {
    /// The default limits, the best tier, and an interrupt that is never raised.
    fn default() -> Self {
        Self {
            limits: ChildLimits::default(),
            tier: Tier::Best,
            interrupt: Interrupt::new(),
        }
    }
}

/// The state that all nested VMs of one owner share.
#[derive(Debug)]
pub struct Tree {
    executor: Arc<Executor>,
    rules: Arc<ChildRules>,
    settings: ChildSettings,
    memory: MemoryBudget,
    modules: AtomicU32,
    instances: AtomicU32,
}

/// A permit for a module, released on drop.
#[derive(Debug)]
pub(crate) struct ModulePermit {
    tree: Arc<Tree>,
}

/// A permit for an instance and its memory, released on drop.
#[derive(Debug)]
pub(crate) struct InstancePermit {
    tree: Arc<Tree>,
    _memory: Reservation,
}

impl Tree {
    /// Creates a tree with a memory budget of its own: the limit in bytes.
    #[must_use]
    pub fn new(
        executor: Arc<Executor>,
        rules: Arc<ChildRules>,
        settings: ChildSettings,
    ) -> Arc<Self> {
        let memory = MemoryBudget::new(settings.limits.memory_bytes);
        Self::within(executor, rules, settings, memory)
    }

    /// Creates a tree whose memory is part of another budget. Ignores the limit in bytes.
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

    pub(crate) const fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }

    pub(crate) const fn settings(&self) -> &ChildSettings {
        &self.settings
    }

    pub(crate) fn rules(&self) -> &ChildRules {
        &self.rules
    }

    /// Whether a program at this depth, counted from 1, may have nested VMs.
    pub(crate) const fn may_have_children(&self, generation: u32) -> bool {
        generation < self.settings.limits.generations
    }

    pub(crate) fn request<'a>(
        &'a self,
        entry: &'a str,
        args: &'a [Value],
        gas: Gas,
    ) -> RunRequest<'a> {
        RunRequest {
            tier: self.settings.tier,
            interrupt: Some(&self.settings.interrupt),
            ..RunRequest::new(entry, args, gas)
        }
    }

    /// Acquires a permit for an instance with this maximum memory size.
    pub(crate) fn take(self: &Arc<Self>, memory_bytes: u64) -> Option<InstancePermit> {
        let memory = self.memory.reserve(memory_bytes)?;
        take_one(&self.instances, self.settings.limits.instances)?;
        Some(InstancePermit {
            tree: Arc::clone(self),
            _memory: memory,
        })
    }

    /// Acquires a permit for a module.
    pub(crate) fn take_module(self: &Arc<Self>) -> Option<ModulePermit> {
        take_one(&self.modules, self.settings.limits.modules)?;
        Some(ModulePermit {
            tree: Arc::clone(self),
        })
    }
}

/// Increments the counter if it is below the limit.
fn take_one(taken: &AtomicU32, limit: u32) -> Option<()> {
    let next = |taken: u32| (taken < limit).then(|| taken.saturating_add(1));
    taken
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        .ok()?;
    Some(())
}

impl ModulePermit {
    pub(crate) const fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }
}

impl Drop for ModulePermit {
    fn drop(&mut self) {
        self.tree.modules.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for InstancePermit {
    fn drop(&mut self) {
        self.tree.instances.fetch_sub(1, Ordering::Relaxed);
    }
}
