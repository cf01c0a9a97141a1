//! The log: what went another way than it should, and was dealt with. It goes to the standard error.

use std::io;

use tracing::Level;

/// Writes warnings and errors from now on.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}
