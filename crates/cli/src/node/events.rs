//! What a running node waits for: signals, and requests of its own threads.

use std::{
    io, process,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use super::development::Command;
use crate::failure::{Exit, Failure};

/// How often the node is looked after while nothing happens.
const LOOK: Duration = Duration::from_millis(500);

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    /// The operator wants the node to end: a signal, or the method of operators.
    End(&'static str),
    /// The self-check has raised an alarm that ends the node.
    Alarm { height: u64 },
    /// A request about the state of a development chain.
    Development(Command),
    /// The server of the consensus engine has ended, with its failure if there was one.
    Served(Option<Failure>),
    /// A part of the node cannot go on.
    Failed(Failure),
}

/// Sends events. Clones send to the same node.
#[derive(Clone, Debug)]
pub(super) struct Events(Sender<Event>);

/// Receives them.
#[derive(Debug)]
pub(super) struct Waiting(Receiver<Event>);

/// Begins to wait for signals. A second one ends the process at once, which loses nothing that was
/// committed.
pub(super) fn wait() -> Result<(Events, Waiting), Failure> {
    let failed = |error: io::Error| {
        let error = anyhow::Error::new(error).context("cannot wait for signals");
        Failure::new(Exit::Host, error).next("run the command again")
    };
    let (sender, receiver) = channel();
    let events = Events(sender);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let to = events.clone();
    let waiting = thread::Builder::new().name("signals".to_owned());
    let waiting = waiting.spawn(move || {
        for (count, signal) in (0_u64..).zip(signals.forever()) {
            match (count, signal) {
                (0, SIGINT) => to.send(Event::End("Ctrl-C")),
                (0, _) => to.send(Event::End("SIGTERM")),
                _ => process::exit(Exit::Host.number().into()),
            }
        }
    });
    waiting.map_err(failed)?;
    Ok((events, Waiting(receiver)))
}

impl Events {
    pub(super) fn send(&self, event: Event) {
        // A node that has ended waits for nothing.
        let _ = self.0.send(event);
    }
}

impl Waiting {
    /// The next event. `None` if there was none for a while.
    pub(super) fn next(&self) -> Option<Event> {
        self.0.recv_timeout(LOOK).ok()
    }
}
