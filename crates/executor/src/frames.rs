//! The frame stack: who waits for whom.
//!
//! A guest that calls another is parked here until the other has ended, so that a chain of calls
//! takes heap, not native stack. One budget holds for all the frames of a transaction, and for what else its guests
//! hold, in bytes of wasm memory, which every machine counts alike.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

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
    depth: usize,
    budget: MemoryBudget,
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Frame {
    suspended: Suspended,
    /// Of the budget, until the frame goes on.
    _held: Option<Held>,
}

/// Bytes of wasm memory that may be held together. Its clones are the same budget.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    shared: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    most: u64,
    held: AtomicU64,
}

/// Bytes of a [`MemoryBudget`], until they are dropped.
#[derive(Debug)]
pub struct Held {
    budget: MemoryBudget,
    bytes: u64,
}

impl MemoryBudget {
    /// At most so many bytes.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Self {
            shared: Arc::new(Budget {
                most,
                held: AtomicU64::new(0),
            }),
        }
    }

    /// Takes bytes; `None`, and nothing is taken, if that is more than is left.
    #[must_use]
    pub fn take(&self, bytes: u64) -> Option<Held> {
        let Budget { most, held } = &*self.shared;
        let taken = |held: u64| held.checked_add(bytes).filter(|sum| sum <= most);
        held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .ok()?;
        Some(Held {
            budget: self.clone(),
            bytes,
        })
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.shared.held.load(Ordering::Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget
            .shared
            .held
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl FrameStack {
    /// A stack with no frames.
    #[must_use]
    pub fn new(limits: FrameLimits) -> Self {
        Self {
            depth: limits.depth,
            budget: MemoryBudget::new(limits.memory_bytes),
            frames: Vec::new(),
        }
    }

    /// How many frames wait.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Out of which the frames hold their memory.
    #[must_use]
    pub const fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Puts a frame on top.
    ///
    /// # Errors
    ///
    /// The frame, if it does not fit, and in which limit.
    pub fn push(&mut self, mut suspended: Suspended) -> Result<(), (FrameLimit, Suspended)> {
        if self.frames.len() >= self.depth {
            return Err((FrameLimit::Depth, suspended));
        }
        let Some(held) = self.budget.take(suspended.memory().bytes()) else {
            return Err((FrameLimit::Memory, suspended));
        };
        self.frames.push(Frame {
            suspended,
            _held: Some(held),
        });
        Ok(())
    }

    /// Puts a frame on top that waits for a child of its own: its owner bounds how deep that goes, and how much memory they hold.
    pub fn push_parent(&mut self, suspended: Suspended) {
        self.frames.push(Frame {
            suspended,
            _held: None,
        });
    }

    /// The top frame.
    pub fn top(&mut self) -> Option<&mut Suspended> {
        self.frames.last_mut().map(|frame| &mut frame.suspended)
    }

    /// Takes the top frame.
    pub fn pop(&mut self) -> Option<Suspended> {
        self.frames.pop().map(|frame| frame.suspended)
    }
}
