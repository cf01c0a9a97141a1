//! Where a contract panicked, which the message of its revert tells.

use std::{
    cell::RefCell,
    panic::{set_hook, take_hook},
    sync::Once,
};

std::thread_local! {
    /// The place of the last panic of this thread: file and line.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on, panics leave their place, and are then told as they were before.
pub(super) fn remember_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |info| {
            let place = info.location();
            let place = place.map(|place| format!("{}:{}", place.file(), place.line()));
            PLACE.set(place);
            tell(info);
        }));
    });
}

/// The message of a contract that panicked on this thread, as a guest has it.
pub(super) fn message() -> String {
    let place = PLACE.take().unwrap_or_default();
    format!("panicked at {place}")
}
