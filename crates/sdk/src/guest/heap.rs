//! The allocator: it only moves forward, since memory is gone at the end of a call.
//!
//! The last allocation can grow and shrink in place, which is what a list does that is being built.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    num::NonZero,
    ptr::{self, NonNull},
};

struct Heap {
    /// The first free address, or 0 before the first allocation.
    next: Cell<usize>,
    /// The end of the memory that the heap may use.
    end: Cell<usize>,
}

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    next: Cell::new(0),
    end: Cell::new(0),
};

impl Heap {
    /// So many bytes. If the memory has no room for them, the call reverts: then no caller needs
    /// the code that formats a panic about it, which is two kilobytes.
    #[inline]
    fn take(&self, size: usize, align: usize) -> NonNull<u8> {
        match self.room(size, align).and_then(NonZero::new) {
            Some(start) => NonNull::with_exposed_provenance(start),
            None => full(),
        }
    }

    /// The start of so many bytes, or `None` if the memory has no room for them.
    #[inline(never)]
    fn room(&self, size: usize, align: usize) -> Option<usize> {
        if self.next.get() == 0 {
            let (start, end) = memory::initial();
            self.next.set(start);
            self.end.set(end);
        }
        let start = self.next.get().checked_next_multiple_of(align)?;
        let end = start.checked_add(size)?;
        if end > self.end.get() {
            self.end.set(memory::grow(end)?);
        }
        self.next.set(end);
        Some(start)
    }
}

#[cold]
fn full() -> ! {
    crate::contract::revert("the memory of the contract is full")
}

// SAFETY: each allocation has addresses of its own, behind all earlier ones, in memory that nothing
// else uses; the last one alone is resized, at its place.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.take(layout.size(), layout.align()).as_ptr()
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if start.addr().checked_add(layout.size()) == Some(self.next.get()) {
            self.next.set(start.addr());
        }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let is_last = start.addr().checked_add(layout.size()) == Some(self.next.get());
        if is_last || size <= layout.size() {
            if is_last {
                self.next.set(start.addr());
                self.take(size, 1);
            }
            return start;
        }
        let new = self.take(size, layout.align()).as_ptr();
        // SAFETY: the new allocation is larger than the old one, and behind it.
        unsafe { ptr::copy_nonoverlapping(start, new, layout.size()) };
        new
    }
}

/// The memory of a wasm module grows.
#[cfg(target_family = "wasm")]
mod memory {
    use core::arch::wasm32;

    const PAGE: usize = 65_536;

    unsafe extern "C" {
        /// The linker puts it behind the module's constants and stack. Only its address counts.
        static __heap_base: u8;
    }

    pub(super) fn initial() -> (usize, usize) {
        let pages = wasm32::memory_size::<0>();
        (
            (&raw const __heap_base).expose_provenance(),
            pages.saturating_mul(PAGE),
        )
    }

    /// Grows the memory to at least this end, and returns the new one.
    pub(super) fn grow(end: usize) -> Option<usize> {
        let pages = wasm32::memory_size::<0>();
        let more = end.div_ceil(PAGE).saturating_sub(pages);
        match wasm32::memory_grow::<0>(more) {
            usize::MAX => None,
            _ => pages.checked_add(more)?.checked_mul(PAGE),
        }
    }
}

/// The memory of a PolkaVM program does not grow, so the heap is a part of it from the start.
#[cfg(target_arch = "riscv64")]
mod memory {
    use core::cell::UnsafeCell;

    /// Bytes of the heap.
    const SIZE: usize = 128 * 1024;

    #[repr(align(16))]
    struct Arena(UnsafeCell<[u8; SIZE]>);

    // SAFETY: a guest has one thread.
    unsafe impl Sync for Arena {}

    static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));

    pub(super) fn initial() -> (usize, usize) {
        let start = ARENA.0.get().expose_provenance();
        (start, start.saturating_add(SIZE))
    }

    pub(super) fn grow(_: usize) -> Option<usize> {
        None
    }
}
