//! The log, on standard error. A command logs warnings and errors; a node logs what it does.

use std::io;

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The form of a node's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line for people.
    Text,
    /// A JSON document in each line.
    Json,
}

/// Installs the global subscriber of a command.
pub(crate) fn start() {
    tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .init();
}

/// Installs the global subscriber of a node.
pub(crate) fn start_node(level: &Targets, form: Form) {
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(level.clone());
    match form {
        Form::Text => registry.with(lines.with_target(false)).init(),
        Form::Json => {
            let documents = lines.json().flatten_event(true).with_current_span(false);
            registry.with(documents.with_span_list(false)).init();
        }
    }
}
