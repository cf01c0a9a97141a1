//! Compilation in the background.
//!
//! The queue does not own programs: one that the cache evicts while it waits is not compiled,
//! unless a run still uses it. So the memory of queued programs counts against the cache's budget.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use crate::{PreparedProgram, preparer::Preparer};

/// The capacity of the queue. If the queue is full, the program's next call queues it again.
const QUEUED_PROGRAMS: usize = 1_024;

/// The queue of the background thread that compiles. The first program starts the thread; dropping
/// the queue ends it.
#[derive(Debug, Default)]
pub(crate) struct CompileQueue(Mutex<Option<SyncSender<Weak<PreparedProgram>>>>);

impl CompileQueue {
    /// Queues a program, unless it is queued or compiled already.
    pub(crate) fn push(&self, preparer: &Arc<Preparer>, prepared: &Arc<PreparedProgram>) {
        if !prepared.mark_queued() {
            return;
        }
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_none() {
            *queue = start_thread(Arc::clone(preparer));
        }
        let sent = queue
            .as_ref()
            .map(|queue| queue.try_send(Arc::downgrade(prepared)));
        match sent {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                prepared.unmark_queued();
            }
        }
    }
}

fn start_thread(preparer: Arc<Preparer>) -> Option<SyncSender<Weak<PreparedProgram>>> {
    let (sender, receiver) = sync_channel::<Weak<PreparedProgram>>(QUEUED_PROGRAMS);
    let compile = move || {
        for queued in receiver {
            if let Some(prepared) = queued.upgrade() {
                // The program records the error, and `compile` logs it.
                let _ = preparer.compile(&prepared);
            }
        }
    };
    match thread::Builder::new()
        .name("fusee-compile".to_owned())
        .spawn(compile)
    {
        Ok(_) => Some(sender),
        Err(error) => {
            tracing::warn!(
                error = %error,
                "failed to start the compiler thread; programs stay on the interpreter"
            );
            None
        }
    }
}
