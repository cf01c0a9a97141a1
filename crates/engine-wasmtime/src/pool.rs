//! The instance pool: address space, tables and stacks, reserved when the engine is created.
//!
//! When an instance ends, its slot is reset: resident memory is overwritten, and the rest is
//! returned to the system. So creating an instance needs no new mapping, and in most cases causes
//! no page fault.

use std::fmt;

use rustix::{
    io::Errno,
    mm::{Advice, madvise},
};
use wasmtime::{
    Enabled, Error, InstanceAllocationStrategy, PoolConcurrencyLimitError, PoolingAllocationConfig,
    PoolingAllocatorMetrics,
};

use fusee_engine::{EngineError, MAX_TABLE_ELEMENTS, Resource};

use crate::NAME;

/// The maximum number of tables of a program under version 1 of the rules.
const TABLES: u32 = 16;

/// The maximum size of Wasmtime's instance data: more than any admitted program needs. Wasmtime
/// compares it, and reserves nothing.
const INSTANCE_BYTES: usize = 16 << 20;

/// The resident bytes of each table. Most tables are smaller; the entries of larger ones are reset
/// one by one.
const TABLE_RESIDENT_BYTES: usize = 4 << 10;

/// How the engine resets the memory of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Finds the written pages with `PAGEMAP_SCAN` and resets only them: one system call, whatever
    /// the size. Falls back to [`Fill`](Reset::Fill) on older versions of Linux.
    Scan,
    /// Resets all resident bytes. Needs no system call if the whole memory is resident, so threads
    /// never wait for each other. For programs with small memories.
    Fill,
}

/// The options of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) instances: u32,
    pub(crate) resident_bytes: usize,
    /// The limit for all unused slots together.
    pub(crate) idle_bytes: u64,
    pub(crate) reset: Reset,
}

/// The maximum memory of an instance with guard pages, in bytes: the limit for trusted programs,
/// and half of the reserved address space.
pub(crate) const GUARDED_MEMORY_BYTES: u64 = 2 << 30;

/// The maximum memory of an instance with bounds checks, in bytes: four times the limit of version
/// 1 of the rules. Less address space is reserved.
pub(crate) const CHECKED_MEMORY_BYTES: u64 = 256 << 20;

impl Pool {
    /// Calls `make` with the largest pool that the system admits, and returns the size of that
    /// pool. Without any pool, each instance is mapped on demand.
    pub(crate) fn reserve<T>(
        mut self,
        memory_bytes: u64,
        mut make: impl FnMut(InstanceAllocationStrategy) -> Result<T, Error>,
    ) -> Result<(T, Option<u32>), Error> {
        while self.instances > 0 {
            if let Ok(made) = make(self.strategy(memory_bytes)) {
                return Ok((made, Some(self.instances)));
            }
            self.instances /= 2;
        }
        Ok((make(InstanceAllocationStrategy::OnDemand)?, None))
    }

    fn strategy(self, memory_bytes: u64) -> InstanceAllocationStrategy {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(self.instances)
            .total_memories(self.instances)
            .total_tables(self.instances.saturating_mul(TABLES))
            .total_stacks(self.instances)
            // An instance gets a slot that was used before, of whatever program, while there is
            // one: memory that is resident is some ten times as cheap to use as memory that is not.
            .max_unused_warm_slots(0)
            .max_memory_size(usize::try_from(memory_bytes).unwrap_or(usize::MAX))
            .max_tables_per_module(TABLES)
            .table_elements(usize::try_from(MAX_TABLE_ELEMENTS).unwrap_or(usize::MAX))
            .max_core_instance_size(INSTANCE_BYTES)
            .linear_memory_keep_resident(self.resident_bytes)
            .table_keep_resident(TABLE_RESIDENT_BYTES)
            .pagemap_scan(match self.reset {
                Reset::Scan => Enabled::Auto,
                Reset::Fill => Enabled::No,
            });
        InstanceAllocationStrategy::Pooling(pool)
    }
}

/// The limit of resident bytes in unused slots.
#[derive(Clone)]
pub(crate) struct Idle {
    limit: u64,
    /// `None` if there is no pool.
    metrics: Option<PoolingAllocatorMetrics>,
}

impl Idle {
    pub(crate) fn new(limit: u64, engine: &wasmtime::Engine) -> Self {
        Self {
            limit,
            metrics: engine.pooling_allocator_metrics(),
        }
    }

    /// Returns the pages of a memory to the system if they would exceed the limit.
    ///
    /// # Safety
    ///
    /// The memory is not read again before its slot is reset.
    pub(crate) unsafe fn make_room(&self, memory: &mut [u8]) {
        let Some(metrics) = &self.metrics else {
            return;
        };
        let kept = u64::try_from(metrics.unused_memory_bytes_resident()).unwrap_or(u64::MAX);
        let added = u64::try_from(memory.len()).unwrap_or(u64::MAX);
        if kept.saturating_add(added) > self.limit && !memory.is_empty() {
            // SAFETY: a memory consists of whole pages of a private mapping. After the call they
            // read as what was mapped, which is what the pool resets them to. The caller permits
            // the loss of the written data. If the call fails, the pool resets the pages as usual.
            let _ = unsafe {
                madvise(
                    memory.as_mut_ptr().cast(),
                    memory.len(),
                    Advice::LinuxDontNeed,
                )
            };
        }
    }
}

impl fmt::Debug for Idle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Idle")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The error of a failed instantiation.
pub(crate) fn refused(error: Error, instances: Option<u32>) -> EngineError {
    let resource = match instances {
        Some(limit) if error.is::<PoolConcurrencyLimitError>() => Some(Resource::Instances(limit)),
        _ if error.downcast_ref() == Some(&Errno::NOMEM) => Some(Resource::Mappings),
        _ => None,
    };
    match resource {
        Some(resource) => EngineError::Exhausted {
            engine: NAME,
            resource,
        },
        None => EngineError::Instantiate {
            engine: NAME,
            source: error.into(),
        },
    }
}
