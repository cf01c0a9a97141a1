//! The log, on standard error. A command logs warnings and errors; a node logs what it does.

use std::io;

use tracing::Level;
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterExt as _, Targets, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

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

/// Installs the global subscriber of a node. `traces` receives what the log leaves out: spans.
pub(crate) fn start_node(
    level: &Targets,
    form: Form,
    traces: Option<Box<dyn Layer<Registry> + Send + Sync>>,
) {
    let filter = level.clone().and(filter_fn(|metadata| metadata.is_event()));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let registry = tracing_subscriber::registry().with(traces);
    match form {
        Form::Text => {
            let lines = lines.with_target(false).with_filter(filter);
            registry.with(lines).init();
        }
        Form::Json => {
            let documents = lines.json().flatten_event(true).with_current_span(false);
            let documents = documents.with_span_list(false).with_filter(filter);
            registry.with(documents).init();
        }
    }
}
