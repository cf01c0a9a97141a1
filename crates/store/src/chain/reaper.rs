//! The reaper: a thread that frees trees which are not served any more.
//!
//! A block of 10,000 changes leaves some 150,000 nodes that no later tree has. Freeing them takes
//! about as long as the rest of a commit, so commits leave it to this thread.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::ChainStoreError;
use crate::Tree;

/// How many blocks' trees can wait. Then commits wait, so that memory is bounded.
const WAITING: usize = 8;

#[derive(Debug)]
pub(super) struct Reaper {
    past: Option<SyncSender<Vec<Tree>>>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    pub(super) fn start(path: &Path) -> Result<Self, ChainStoreError> {
        let (past, given): (_, Receiver<Vec<Tree>>) = sync_channel(WAITING);
        let thread = thread::Builder::new()
            .name("fusee reaper".into())
            .spawn(move || given.into_iter().for_each(drop))
            .map_err(ChainStoreError::io(path))?;
        Ok(Self {
            past: Some(past),
            thread: Some(thread),
        })
    }

    /// Frees trees soon.
    pub(super) fn free(&self, trees: Vec<Tree>) {
        if let Some(past) = &self.past {
            // If the thread has ended, they are freed here.
            let _ = past.send(trees);
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.past.take());
        if let Some(thread) = self.thread.take() {
            // Freeing does not panic.
            let _ = thread.join();
        }
    }
}
