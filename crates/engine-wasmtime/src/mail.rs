//! How a parked guest and its keeper talk.
//!
//! The guest's future borrows its store, so that its keeper cannot reach the run in there. But the future is polled, and whoever
//! polls it brings a waker, which no guest needs: nobody polls it before it can go on. So the waker leads to the keeper's mail.

use std::{
    cell::Cell,
    ptr,
    task::{Context, RawWaker, RawWakerVTable, Waker},
};

use fusee_engine::Run;

use crate::{link::Parking, view::MemoryView};

/// What is handed over during one poll.
pub(crate) struct Mail {
    /// From the guest, when it is parked.
    pub(crate) note: Cell<Option<Note>>,
    /// For the guest, when it goes on.
    pub(crate) reply: Cell<Option<Reply>>,
}

/// What a guest hands out when it is parked.
pub(crate) struct Note {
    pub(crate) run: Box<Run>,
    pub(crate) parking: Parking,
    pub(crate) memory: MemoryView,
}

/// What it finds when it goes on.
pub(crate) struct Reply {
    pub(crate) run: Box<Run>,
    pub(crate) result: u64,
}

/// Of wakers that lead to mail. A clone may outlive the poll, and leads nowhere.
static TABLE: RawWakerVTable = RawWakerVTable::new(
    |_| RawWaker::new(ptr::null(), &TABLE),
    |_| {},
    |_| {},
    |_| {},
);

impl Mail {
    /// Polls with a context that leads here.
    pub(crate) fn poll<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        // SAFETY: the functions of the table do nothing, on any thread and any number of times.
        let waker = unsafe { Waker::new(ptr::from_ref(self).cast(), &TABLE) };
        poll(&mut Context::from_waker(&waker))
    }

    /// The mail to which a context leads, if it leads to any.
    pub(crate) fn with<T>(context: &Context<'_>, look: impl FnOnce(&Mail) -> T) -> Option<T> {
        let waker = context.waker();
        if !ptr::eq(waker.vtable(), &TABLE) {
            return None;
        }
        // SAFETY: only this file makes wakers of this table. One that is not null was made in `poll`, from a reference
        // that lives as long as the context does, and it leads there on the thread that polls: what is not that
        // waker but its clone is null.
        let mail = unsafe { waker.data().cast::<Mail>().as_ref() };
        mail.map(look)
    }
}
