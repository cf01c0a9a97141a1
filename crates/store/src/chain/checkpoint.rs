//! Checkpoints: a thread that moves epochs from memory into the flat state, one after the other.
//!
//! An epoch is complete before it comes here, and its blocks are in the log. So a checkpoint that
//! fails, or is killed, loses nothing: the flat state has all of the epoch or nothing of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::ChainStoreError;
use super::epoch::Epoch;
use super::flat::{Flat, Meta};
use super::shown::Shown;
use super::version::Base;
use crate::text::with_causes;

/// A complete epoch, and the state after it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) epoch: Arc<Epoch>,
    pub(super) meta: Meta,
}

/// The thread that writes checkpoints. Dropping it waits for the checkpoint that is being written.
#[derive(Debug)]
pub(super) struct Checkpointer {
    path: PathBuf,
    progress: Arc<Progress>,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many jobs were given and are not finished.
    pending: usize,
    /// The height of the last finished checkpoint of this thread.
    done: Option<u64>,
    failure: Option<String>,
}

/// What a checkpoint needs besides its epoch.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) flat: Flat,
    pub(super) shown: Arc<Shown>,
}

impl Checkpointer {
    pub(super) fn start(target: Target) -> Result<Self, ChainStoreError> {
        let path = target.flat.path().to_path_buf();
        let progress = Arc::<Progress>::default();
        let (jobs, given) = channel();
        let told = Arc::clone(&progress);
        let thread = thread::Builder::new()
            .name("fusee checkpoint".into())
            .spawn(move || run(&target, &told, &given))
            .map_err(ChainStoreError::io(&path))?;
        Ok(Self {
            path,
            progress,
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Writes an epoch in the background. Waits if another one is waiting already, so that memory
    /// is bounded.
    pub(super) fn give(&self, job: Job) -> Result<(), ChainStoreError> {
        let mut state = self.progress.lock();
        while state.pending > 1 && state.failure.is_none() {
            state = self.progress.wait(state);
        }
        self.check(&state)?;
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.failed("its thread has ended"));
        }
        state.pending = state.pending.saturating_add(1);
        Ok(())
    }

    /// The height of the last checkpoint that has finished since the store was opened.
    ///
    /// # Errors
    ///
    /// [`ChainStoreError::Checkpoint`] if one has failed.
    pub(super) fn done(&self) -> Result<Option<u64>, ChainStoreError> {
        let state = self.progress.lock();
        self.check(&state)?;
        Ok(state.done)
    }

    /// Waits until all given checkpoints have finished, or one has failed.
    pub(super) fn wait(&self) -> Result<(), ChainStoreError> {
        let mut state = self.progress.lock();
        while state.pending > 0 && state.failure.is_none() {
            state = self.progress.wait(state);
        }
        self.check(&state)
    }

    fn check(&self, state: &State) -> Result<(), ChainStoreError> {
        match &state.failure {
            Some(cause) => Err(self.failed(cause)),
            None => Ok(()),
        }
    }

    fn failed(&self, cause: &str) -> ChainStoreError {
        ChainStoreError::Checkpoint {
            path: self.path.clone(),
            cause: cause.to_string(),
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // It has caught its panics.
            let _ = thread.join();
        }
    }
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let woken = self.changed.wait(state);
        woken.unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(target: &Target, progress: &Progress, jobs: &Receiver<Job>) {
    for job in jobs {
        let written = catch_unwind(AssertUnwindSafe(|| write(target, &job)));
        let mut state = progress.lock();
        state.pending = state.pending.saturating_sub(1);
        match written {
            Ok(Ok(())) => state.done = Some(job.meta.height),
            Ok(Err(error)) => state.failure = Some(with_causes(&error)),
            Err(_) => state.failure = Some("it panicked".into()),
        }
        let is_over = state.failure.is_some();
        progress.changed.notify_all();
        if is_over {
            return;
        }
    }
}

fn write(target: &Target, job: &Job) -> Result<(), ChainStoreError> {
    target.flat.ingest(&job.meta, |take| {
        job.epoch
            .newest(|key, value| take(key, value.map(AsRef::as_ref)))
    })?;
    let base = Base {
        height: Some(job.meta.height),
        view: target.flat.view(),
    };
    let replaced = target.shown.write().advance(base);
    // Freed without the lock, unless a version has it still.
    drop(replaced);
    Ok(())
}
