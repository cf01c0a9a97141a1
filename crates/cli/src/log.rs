//! The log: warnings and errors, on standard error.

use std::io;

use tracing::Level;

/// Installs the global subscriber.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}
