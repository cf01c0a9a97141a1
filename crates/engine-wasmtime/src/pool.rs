//! The pool: addresses, tables and stacks of all the instances that can live at once, reserved when the engine is made.
//!
//! An instance takes a slot and leaves it as new: what it wrote is put back where it stays resident, and given back to
//! the system where it does not. So a fresh instance costs no mapping, and mostly no page fault.

use rustix::io::Errno;
use wasmtime::{
    Enabled, Error, InstanceAllocationStrategy, PoolConcurrencyLimitError, PoolingAllocationConfig,
};

use fusee_engine::{EngineError, Resource};

use crate::NAME;

/// As much as 32 bits address: the pool refuses no memory that the rules admit.
const MEMORY_BYTES: usize = 4 << 30;

/// What version 1 of the rules admits.
const TABLES: u32 = 16;

/// What version 1 of the rules admits.
const TABLE_ELEMENTS: usize = 16_384;

/// More than the engine keeps for any program that the rules admit. Not reserved, only looked at.
const INSTANCE_BYTES: usize = 16 << 20;

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
    pub(crate) reset: Reset,
}

impl Pool {
    /// What `make` makes of the largest pool that the system admits, and how many instances that pool has. If it admits
    /// none, every instance is mapped when it is made.
    pub(crate) fn reserve<T>(
        mut self,
        make: impl Fn(InstanceAllocationStrategy) -> Result<T, Error>,
    ) -> Result<(T, Option<u32>), Error> {
        while self.instances > 0 {
            if let Ok(made) = make(self.strategy()) {
                return Ok((made, Some(self.instances)));
            }
            self.instances /= 2;
        }
        Ok((make(InstanceAllocationStrategy::OnDemand)?, None))
    }

    fn strategy(self) -> InstanceAllocationStrategy {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_core_instances(self.instances)
            .total_memories(self.instances)
            .total_tables(self.instances.saturating_mul(TABLES))
            .total_stacks(self.instances)
            .max_unused_warm_slots(self.instances)
            .max_memory_size(MEMORY_BYTES)
            .max_tables_per_module(TABLES)
            .table_elements(TABLE_ELEMENTS)
            .max_core_instance_size(INSTANCE_BYTES)
            .linear_memory_keep_resident(self.resident_bytes)
            .table_keep_resident(self.resident_bytes)
            .pagemap_scan(match self.reset {
                Reset::Scan => Enabled::Auto,
                Reset::Fill => Enabled::No,
            });
        InstanceAllocationStrategy::Pooling(pool)
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
