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

use crate::{PreparedProgram, compiling::Calls, preparer::Preparer};

/// The capacity of the queue. If the queue is full, the program's next call queues it again.
const QUEUED_PROGRAMS: usize = 1_024;

/// The queue of the background thread that compiles. The first program starts the thread; dropping
/// the queue ends it.
#[derive(Debug, Default)]
pub(crate) struct CompileQueue(Mutex<Option<SyncSender<Queued>>>);

/// A program, and the calls for which it is to be compiled.
type Queued = (Weak<PreparedProgram>, Calls);

impl CompileQueue {
    /// Queues a program, unless it is queued or compiled already.
    pub(crate) fn push(
        &self,
        preparer: &Arc<Preparer>,
        prepared: &Arc<PreparedProgram>,
        calls: Calls,
    ) {
        let code = match (calls, prepared.short_calls()) {
            (Calls::Short, Some(short_calls)) => &short_calls.code,
            (Calls::Short, None) => return,
            (Calls::All, _) => prepared.code(),
        };
        if !code.mark_queued() {
            return;
        }
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_none() {
            *queue = start_thread(Arc::clone(preparer));
        }
        let sent = queue
            .as_ref()
            .map(|queue| queue.try_send((Arc::downgrade(prepared), calls)));
        match sent {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => {
                code.unmark_queued();
            }
        }
    }
}

fn start_thread(preparer: Arc<Preparer>) -> Option<SyncSender<Queued>> {
    let (sender, receiver) = sync_channel::<Queued>(QUEUED_PROGRAMS);
    let compile = move || {
        for (queued, calls) in receiver {
            if let Some(prepared) = queued.upgrade() {
                preparer.compile_queued(&prepared, calls);
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
