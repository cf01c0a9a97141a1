//! A oneshot channel: one thread sends a value to a future, once.
//!
//! Dropping the sender ends the future too: no receiver waits for ever.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

#[derive(Debug)]
struct Shared<T> {
    content: Content<T>,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum Content<T> {
    Awaited,
    Here(T),
    /// The value was taken, or the sender dropped without one.
    Nothing,
}

/// The sending side.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Mutex<Shared<T>>>);

/// The receiving side.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Mutex<Shared<T>>>);

pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Mutex::new(Shared {
        content: Content::Awaited,
        waker: None,
    }));
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Whether the receiver is still there.
    pub(crate) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Sends the value. If the receiver is gone, the value is dropped.
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
    /// The value; `None` if the sender dropped without one.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut channel = open(&self.0);
        match std::mem::replace(&mut channel.content, Content::Nothing) {
            Content::Here(value) => Poll::Ready(Some(value)),
            Content::Nothing => Poll::Ready(None),
            Content::Awaited => {
                channel.content = Content::Awaited;
                match &mut channel.waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// The first content stays.
fn leave<T>(shared: &Mutex<Shared<T>>, content: Content<T>) {
    let mut channel = open(shared);
    if !matches!(channel.content, Content::Awaited) {
        return;
    }
    channel.content = content;
    let waker = channel.waker.take();
    // No waker runs while this is locked.
    drop(channel);
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn open<T>(shared: &Mutex<Shared<T>>) -> MutexGuard<'_, Shared<T>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
