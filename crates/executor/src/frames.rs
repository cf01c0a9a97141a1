//! The frame stack: who waits for whom.
//!
//! A guest that calls another is parked here until the other has ended, so that a chain of calls
//! takes heap, not native stack. One budget holds for all the frames of a transaction, in bytes of
//! wasm memory, which every machine counts alike.

use crate::Suspended;

/// How much may wait on a [`FrameStack`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Frames.
    pub depth: usize,
    /// Bytes of wasm memory of all frames together.
    pub memory_bytes: u64,
}

/// Which limit a frame does not fit in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameLimit {
    /// There are as many frames as there may be.
    Depth,
    /// The frames hold as much memory as they may.
    Memory,
}

/// The frames that wait, the outermost first.
#[derive(Debug)]
pub struct FrameStack {
    limits: FrameLimits,
    frames: Vec<Frame>,
    memory_bytes: u64,
}

#[derive(Debug)]
struct Frame {
    suspended: Suspended,
    memory_bytes: u64,
}

impl FrameStack {
    /// A stack with no frames.
    #[must_use]
    pub const fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            frames: Vec::new(),
            memory_bytes: 0,
        }
    }

    /// How many frames wait.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Whether a frame fits on top.
    ///
    /// # Errors
    ///
    /// [`FrameLimit`] that it does not fit in.
    pub fn check(&self, suspended: &mut Suspended) -> Result<(), FrameLimit> {
        if self.frames.len() >= self.limits.depth {
            return Err(FrameLimit::Depth);
        }
        if self.memory_bytes.saturating_add(memory_bytes(suspended)) > self.limits.memory_bytes {
            return Err(FrameLimit::Memory);
        }
        Ok(())
    }

    /// Puts a frame on top, which [`check`](Self::check) let through.
    pub fn push(&mut self, mut suspended: Suspended) {
        let memory_bytes = memory_bytes(&mut suspended);
        self.memory_bytes = self.memory_bytes.saturating_add(memory_bytes);
        self.frames.push(Frame {
            suspended,
            memory_bytes,
        });
    }

    /// Takes the top frame.
    pub fn pop(&mut self) -> Option<Suspended> {
        let frame = self.frames.pop()?;
        self.memory_bytes = self.memory_bytes.saturating_sub(frame.memory_bytes);
        Some(frame.suspended)
    }
}

fn memory_bytes(suspended: &mut Suspended) -> u64 {
    suspended.memory().bytes()
}
