//! A value that one thread leaves for a future elsewhere, once.
//!
//! Whoever was to leave one and is gone without it has said so too: nobody waits for ever.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

#[derive(Debug)]
struct Slot<T> {
    content: Content<T>,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum Content<T> {
    Awaited,
    Here(T),
    /// It was taken, or nobody will leave one.
    Nothing,
}

/// The side that leaves the value.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Mutex<Slot<T>>>);

/// The side that waits for it.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Mutex<Slot<T>>>);

pub(crate) fn slot<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(Mutex::new(Slot {
        content: Content::Awaited,
        waker: None,
    }));
    (Sender(Arc::clone(&slot)), Receiver(slot))
}

impl<T> Sender<T> {
    /// Whether the other side is there.
    pub(crate) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Leaves the value. If nobody waits any more it is dropped, here or where the other side is dropped.
    pub(crate) fn send(self, value: T) {
        leave(&self.0, Content::Here(value));
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        leave(&self.0, Content::Nothing);
    }
}

impl<T> Receiver<T> {
    /// The value; `None` if nobody will leave one.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut slot = open(&self.0);
        match std::mem::replace(&mut slot.content, Content::Nothing) {
            Content::Here(value) => Poll::Ready(Some(value)),
            Content::Nothing => Poll::Ready(None),
            Content::Awaited => {
                slot.content = Content::Awaited;
                match &mut slot.waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// The first content stays.
fn leave<T>(slot: &Mutex<Slot<T>>, content: Content<T>) {
    let mut slot = open(slot);
    if !matches!(slot.content, Content::Awaited) {
        return;
    }
    slot.content = content;
    let waker = slot.waker.take();
    // Nobody's waker runs while this is locked.
    drop(slot);
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn open<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
