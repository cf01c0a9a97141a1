//! The cell that an instance and its store share: the run and the host of the current call, and the
//! state that a host function leaves behind.
//!
//! A suspended guest's future borrows its store, so the instance cannot reach the run through the
//! store. Both hold this cell instead. They never use it at the same time: host functions use it
//! while Wasmtime runs, the instance while it does not, and both on the thread of the call.

use std::{cell::UnsafeCell, ptr::NonNull, sync::Arc};

use fusee_engine::{Host, Pause, Run, Stop};

use crate::view::MemoryView;

/// The shared cell. Its clones are the same cell.
#[derive(Clone)]
pub(crate) struct Lent(Arc<Shared>);

struct Shared(UnsafeCell<Contents>);

/// What is in the cell.
pub(crate) struct Contents {
    /// The run and the host, during a call.
    call: Option<Call>,
    /// The location of the instance's memory. Looking it up in the store would take longer than the
    /// rest of a syscall.
    pub(crate) view: MemoryView,
    /// The reason why a host function unwound the guest.
    pub(crate) stop: Option<Stop>,
    /// The suspension, if the guest is suspended.
    pub(crate) suspended: Option<Suspension>,
    /// The result of the syscall at which the guest is suspended, when it is resumed.
    pub(crate) reply: u64,
}

/// The host function in which a guest is suspended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Suspension {
    Syscall,
    Low { height: i64 },
}

impl Suspension {
    pub(crate) const fn pause(self) -> Pause {
        match self {
            Suspension::Syscall => Pause::Syscall,
            Suspension::Low { .. } => Pause::Gas,
        }
    }
}

#[derive(Clone, Copy)]
struct Call {
    run: NonNull<Run>,
    host: NonNull<dyn Host>,
}

// SAFETY: an instance and its store move between threads together, since the instance owns the
// store, directly or inside the future of a suspended guest; and no call runs while they move, so
// that no pointer is in the cell. What else is in it may be sent.
unsafe impl Send for Shared {}
// SAFETY: a shared reference gives access through `contents` and `during` alone. They are unsafe,
// and their callers answer for it that nobody else uses the contents, on this thread or another.
unsafe impl Sync for Shared {}

impl Lent {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared(UnsafeCell::new(Contents {
            call: None,
            view: MemoryView::EMPTY,
            stop: None,
            suspended: None,
            reply: 0,
        }))))
    }

    /// The contents.
    ///
    /// # Safety
    ///
    /// No other reference to the contents of this cell is alive.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller guarantees that it is the only one"
    )]
    #[inline]
    pub(crate) unsafe fn contents(&self) -> &mut Contents {
        // SAFETY: guaranteed by the caller.
        unsafe { &mut *self.0.0.get() }
    }

    /// Lends a run and a host to the host functions while `call` runs.
    ///
    /// # Safety
    ///
    /// No reference to the contents of this cell is alive, and `call` keeps none.
    #[inline]
    pub(crate) unsafe fn during<T>(
        &self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        call: impl FnOnce() -> T,
    ) -> T {
        /// Removes the pointers, also if Wasmtime panics.
        struct TakeBack<'a>(&'a Lent);
        impl Drop for TakeBack<'_> {
            fn drop(&mut self) {
                // SAFETY: guaranteed by the caller of `during`, whose `call` has ended.
                unsafe { self.0.contents() }.call = None;
            }
        }
        // SAFETY: guaranteed by the caller.
        unsafe { self.contents() }.call = Some(Call {
            run: NonNull::from(run),
            host: NonNull::from(host),
        });
        let _back = TakeBack(self);
        call()
    }
}

impl Contents {
    /// The run and the host of the current call, and the memory. `None` outside a call.
    #[inline]
    pub(crate) fn call(&mut self) -> Option<(&mut Run, &mut (dyn Host + 'static), MemoryView)> {
        let Call { mut run, mut host } = self.call?;
        // SAFETY: `during` borrows both mutably for as long as they are here, nothing else has
        // their addresses, and the references returned here borrow the contents mutably.
        let (run, host) = unsafe { (run.as_mut(), host.as_mut()) };
        Some((run, host, self.view))
    }
}
