//! Suspended instances: how many there are, and what each of many keeps in memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// With more suspended instances than this, each gives the pages of its memory that are zero back
/// to the system. With fewer that is not worth the time.
const MANY: usize = 64;

/// The number of suspended instances of an engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParkedCount(Arc<AtomicUsize>);

/// A suspended instance, while it is counted.
#[derive(Debug)]
pub(crate) struct Parked(ParkedCount);

impl ParkedCount {
    /// Counts an instance that is suspended. If there are many, its memory takes up no more than
    /// what is not zero.
    pub(crate) fn park(&self, memory: &mut [u8]) -> Parked {
        if self.0.fetch_add(1, Ordering::Relaxed) >= MANY {
            give_back(memory);
        }
        Parked(self.clone())
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Gives pages that are zero back to the system, where they can be read as zero afterwards.
///
/// wasmi writes zeros into all memory of an instance, so every page is resident, used or not.
#[cfg(target_os = "linux")]
fn give_back(memory: &mut [u8]) {
    use rustix::{
        mm::{Advice, madvise},
        param::page_size,
    };

    use crate::image::{CHUNK_BYTES, is_zero};

    let page_bytes = page_size();
    let unaligned = memory.as_ptr().align_offset(page_bytes);
    let Some(memory) = memory.get_mut(unaligned..) else {
        return;
    };
    let (pages, _) = memory.split_at_mut(memory.len() / page_bytes * page_bytes);
    let is_zero = |page: &[u8]| page.chunks(CHUNK_BYTES).all(is_zero);
    let mut rest = pages;
    while !rest.is_empty() {
        let zeros = rest
            .chunks(page_bytes)
            .take_while(|page| is_zero(page))
            .count();
        let (given, after) = rest.split_at_mut(zeros.saturating_mul(page_bytes));
        if !given.is_empty() {
            // SAFETY: these are whole pages, borrowed mutably, of the global allocator. Its memory
            // is private and anonymous, so that the pages read as zero after the call, as they do
            // before it. If the call fails, nothing changes.
            let _ = unsafe {
                madvise(
                    given.as_mut_ptr().cast(),
                    given.len(),
                    Advice::LinuxDontNeed,
                )
            };
        }
        let used = after
            .chunks(page_bytes)
            .take_while(|page| !is_zero(page))
            .count();
        (_, rest) = after.split_at_mut(used.saturating_mul(page_bytes));
    }
}

/// Other systems keep or lose the contents in other ways.
#[cfg(not(target_os = "linux"))]
fn give_back(_: &mut [u8]) {}
