//! The address space of the host: whether there is enough to reserve 4 GiB for each instance.
//!
//! A limit (`ulimit -v`, a container) or a processor with short addresses can leave room for a
//! handful of instances, or for none. Then memories are mapped as they grow instead. Outcomes and
//! gas are the same; computation takes 1.05 to 1.7 times as long, and an instance takes longer to
//! create.

use std::{ptr, sync::OnceLock};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// How much address space there is for instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSpace {
    /// Enough to reserve 4 GiB for each instance.
    Ample,
    /// Little: nothing is reserved.
    Scarce,
}

/// What 64 instances reserve. A host that has less is better off without reservations.
const AMPLE_BYTES: usize = 64 * (4 << 30);

impl AddressSpace {
    /// What the host had when this was first asked in the process: [`Ample`](Self::Ample) if 256
    /// GiB could be reserved at once. All engines of a process get the same answer, so that they
    /// have the same compiled code.
    #[must_use]
    pub fn of_host() -> Self {
        static OF_HOST: OnceLock<AddressSpace> = OnceLock::new();
        *OF_HOST.get_or_init(Self::probe)
    }

    fn probe() -> Self {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: the system chooses addresses that nothing else uses, and they are not accessed.
        let reserved =
            unsafe { mmap_anonymous(ptr::null_mut(), AMPLE_BYTES, ProtFlags::empty(), flags) };
        let Ok(reserved) = reserved else {
            return Self::Scarce;
        };
        // SAFETY: it is the mapping that was made above, and nothing has its addresses. If this
        // fails, the addresses stay reserved.
        let _ = unsafe { munmap(reserved, AMPLE_BYTES) };
        Self::Ample
    }
}
