//! Tells the service manager that started the node, if there is one, when it is ready and when it
//! ends.

use sd_notify::NotifyState;

pub(super) fn ready() {
    notify(NotifyState::Ready);
}

pub(super) fn stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    // Without a service manager, this does nothing.
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager cannot be told of the state of the node");
    }
}
