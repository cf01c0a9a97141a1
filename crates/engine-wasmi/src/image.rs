//! The memory of a fresh instance, and how the memory of a used one becomes like it again.

/// Memory is compared and restored in pieces of this size.
pub(crate) const CHUNK_BYTES: usize = 4_096;

const ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

/// The memory of a fresh instance: its length, and the chunks that are not all zero.
#[derive(Debug)]
pub(crate) struct MemoryImage {
    length: usize,
    chunks: Vec<(usize, Box<[u8]>)>,
}

impl MemoryImage {
    /// The image of the memory of a fresh instance.
    pub(crate) fn of(memory: &[u8]) -> Self {
        let chunks = memory.chunks(CHUNK_BYTES).enumerate();
        Self {
            length: memory.len(),
            chunks: chunks
                .filter(|(_, chunk)| !is_zero(chunk))
                .map(|(position, chunk)| (position, chunk.into()))
                .collect(),
        }
    }

    /// Restores the memory of a used instance. Returns `false` if it was grown.
    ///
    /// Compares before it writes: most of the memory has not changed, and reading takes less than
    /// writing.
    pub(crate) fn restore(&self, memory: &mut [u8]) -> bool {
        if memory.len() != self.length {
            return false;
        }
        let mut known = self.chunks.iter().peekable();
        for (position, chunk) in memory.chunks_mut(CHUNK_BYTES).enumerate() {
            match known.next_if(|(at, _)| *at == position) {
                Some((_, fresh)) if *chunk != **fresh => chunk.copy_from_slice(fresh),
                Some(_) => {}
                None if !is_zero(chunk) => chunk.fill(0),
                None => {}
            }
        }
        true
    }
}

/// Whether all bytes are zero, of which there are at most [`CHUNK_BYTES`].
pub(crate) fn is_zero(chunk: &[u8]) -> bool {
    ZEROS.get(..chunk.len()) == Some(chunk)
}
