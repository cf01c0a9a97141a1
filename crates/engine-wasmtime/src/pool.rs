//! The pool: addresses, tables and stacks of all the instances that can live at once, reserved when the engine is made.
//!
//! An instance takes a slot and leaves it as new: what it wrote is put back where it stays resident, and given back to
//! the system where it does not. So a fresh instance costs no mapping, and mostly no page fault.

use std::fmt;

use rustix::{
    io::Errno,
    mm::{Advice, madvise},
};
use wasmtime::{
    Enabled, Error, InstanceAllocationStrategy, PoolConcurrencyLimitError, PoolingAllocationConfig,
    PoolingAllocatorMetrics,
};

use fusee_engine::{EngineError, Resource};

use crate::NAME;

/// What version 1 of the rules admits.
const TABLES: u32 = 16;

/// What version 1 of the rules admits.
const TABLE_ELEMENTS: usize = 16_384;

/// More than the engine keeps for any program that the rules admit. Not reserved, only looked at.
const INSTANCE_BYTES: usize = 16 << 20;

/// What stays resident of a table. Most are smaller, and those that are not hold functions that are put back one by one.
const TABLE_RESIDENT_BYTES: usize = 4 << 10;

/// How many slots are left to the program that used them last: each keeps page tables, even if it keeps no page.
const WARM_SLOTS: u32 = 1_000;

/// How the engine finds out what an instance wrote into its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It asks Linux (`PAGEMAP_SCAN`), and puts back what was written: one system call, whatever the size. Where Linux is too
    /// old for that, as [`Fill`](Reset::Fill).
    Scan,
    /// It does not, and puts back as many bytes as stay resident: no system call where the whole memory does, so that threads
    /// never wait for each other. For programs whose memory is small.
    Fill,
}

/// What is reserved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) instances: u32,
    pub(crate) resident_bytes: usize,
    /// Of all slots together that nobody uses.
    pub(crate) idle_bytes: u64,
    pub(crate) reset: Reset,
}

/// The most that an instance's memory can grow to: what rules may admit for trusted programs, and half of what is reserved
/// for it anyway.
pub(crate) const GUARDED_MEMORY_BYTES: u64 = 2 << 30;

/// The same where no guard pages are, so that less is reserved: four times what version 1 of the rules admits.
pub(crate) const CHECKED_MEMORY_BYTES: u64 = 256 << 20;

impl Pool {
    /// What `make` makes of the largest pool that the system admits, and how many instances that pool has. If it admits
    /// none, every instance is mapped when it is made.
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
            .max_unused_warm_slots(self.instances.min(WARM_SLOTS))
            .max_memory_size(usize::try_from(memory_bytes).unwrap_or(usize::MAX))
            .max_tables_per_module(TABLES)
            .table_elements(TABLE_ELEMENTS)
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

/// Whether the slots that nobody uses keep as many bytes as they may.
#[derive(Clone)]
pub(crate) struct Idle {
    limit: u64,
    /// None if there is no pool.
    metrics: Option<PoolingAllocatorMetrics>,
}

impl Idle {
    pub(crate) fn new(limit: u64, engine: &wasmtime::Engine) -> Self {
        Self {
            limit,
            metrics: engine.pooling_allocator_metrics(),
        }
    }

    /// Gives the pages of a memory back to the system, if they would be too many to be kept.
    ///
    /// # Safety
    ///
    /// Nobody looks at this memory again before its slot is reset.
    pub(crate) unsafe fn make_room(&self, memory: &mut [u8]) {
        let Some(metrics) = &self.metrics else {
            return;
        };
        let kept = u64::try_from(metrics.unused_memory_bytes_resident()).unwrap_or(u64::MAX);
        let added = u64::try_from(memory.len()).unwrap_or(u64::MAX);
        if kept.saturating_add(added) > self.limit && !memory.is_empty() {
            // SAFETY: these are pages of a private mapping, whole ones since a memory is made of them, and reading them after this
            // yields what they were mapped with, which is what the pool resets them to. That they lose what
            // was written is what the caller agreed to. Should the system refuse, they are reset as others are.
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

/// Why an instance could not be made.
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
