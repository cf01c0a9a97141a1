//! The server: accepts connections, and serves each on a thread of its own.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};

use crate::connection;
use crate::stream::{Listener, Stream};
use crate::{App, ListenAddress, ServeError};

/// The greatest frame: that of CometBFT.
const FRAME_BYTES: u64 = 100 << 20;

/// How many connections are served at once. An engine has four.
const CONNECTIONS: usize = 16;

/// A server that listens. Only the engine has to reach it: it trusts what connects as far as an
/// application trusts its engine.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    address: ListenAddress,
    stopper: Stopper,
    events: Receiver<Event>,
    frame_bytes: u64,
}

/// What the thread that serves waits for.
#[derive(Debug)]
enum Event {
    Connected(Stream),
    NotAccepted(io::Error),
    Stop,
}

/// Stops a server, from any thread. Clones stop the same one.
#[derive(Clone, Debug)]
pub struct Stopper(Sender<Event>);

/// What connections share.
struct Served<'a> {
    app: &'a App,
    stopper: &'a Stopper,
    frame_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The connections by number, to be ended.
    streams: BTreeMap<u64, Stream>,
    /// Why the application cannot go on: the first reason.
    failure: Option<ServeError>,
}

impl Server {
    /// Listens on `unix://PATH` or `tcp://HOST:PORT`. A socket that a process left behind is
    /// replaced. Port 0 is one that the system chooses.
    ///
    /// # Errors
    ///
    /// [`ServeError::Address`] if the text is no address, [`ServeError::Bind`] if the operating
    /// system refuses.
    pub fn bind(address: &str) -> Result<Self, ServeError> {
        let address: ListenAddress = address.parse()?;
        let bound = Listener::bind(&address).and_then(|it| Ok((it.address()?, it)));
        let (address, listener) = bound.map_err(|source| ServeError::Bind { address, source })?;
        let (sender, events) = channel();
        Ok(Self {
            listener,
            address,
            stopper: Stopper(sender),
            events,
            frame_bytes: FRAME_BYTES,
        })
    }

    /// Sets the greatest size of a frame in bytes (default: 100 MiB, as in CometBFT). A larger one
    /// ends its connection.
    #[must_use]
    pub const fn frame_bytes(mut self, bytes: u64) -> Self {
        self.frame_bytes = bytes;
        self
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// What stops it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves an application until it is stopped. All connections have ended when it returns, and
    /// every block whose `Commit` was answered is durable.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if the application cannot go on: the caller ends the process, and the engine
    /// replays when both are started again.
    pub fn serve(self, app: &App) -> Result<(), ServeError> {
        let Self {
            listener,
            address,
            stopper,
            events,
            frame_bytes,
        } = self;
        let served = Served {
            app,
            stopper: &stopper,
            frame_bytes,
            state: Mutex::default(),
        };
        let accepted = stopper.0.clone();
        let accepting = thread::Builder::new().name("abci accept".to_owned());
        let accepting = accepting.spawn(move || accept(&listener, &accepted));
        let accepting = accepting.map_err(ServeError::Accept)?;
        thread::scope(|scope| {
            for (event, number) in events.iter().zip(0..) {
                match event {
                    Event::Connected(stream) => served.start(scope, number, stream),
                    Event::NotAccepted(error) => served.fail(ServeError::Accept(error)),
                    Event::Stop => break,
                }
            }
            served.lock().streams.values().for_each(Stream::shutdown);
        });
        drop(events);
        // Wakes the thread that accepts, which nobody listens to any more. If the socket was
        // removed, nobody else can wake it either, and it stays until the process ends.
        if Stream::connect(&address).is_ok() {
            let _ = accepting.join();
        }
        let failure = served.lock().failure.take();
        failure.map_or(Ok(()), Err)
    }
}

impl Stopper {
    /// Stops the server: what is executed is answered, and nothing that waits.
    pub fn stop(&self) {
        // If the server is gone already, there is nothing to stop.
        let _ = self.0.send(Event::Stop);
    }
}

impl Served<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: ServeError) {
        tracing::error!(%failure, "the application stops");
        self.lock().failure.get_or_insert(failure);
        self.stopper.stop();
    }

    fn start<'scope, 'env>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        number: u64,
        stream: Stream,
    ) {
        let mut state = self.lock();
        if state.streams.len() >= CONNECTIONS {
            tracing::warn!("a connection is refused: {CONNECTIONS} are served already");
            return;
        }
        let thread = thread::Builder::new().name(format!("abci {number}"));
        let started = stream.try_clone().and_then(|clone| {
            thread.spawn_scoped(scope, move || self.run(number, stream))?;
            Ok(clone)
        });
        match started {
            Ok(clone) => drop(state.streams.insert(number, clone)),
            Err(error) => tracing::error!(%error, "a connection cannot be served"),
        }
    }

    fn run(&self, number: u64, stream: Stream) {
        let served = AssertUnwindSafe(|| connection::serve(stream, self.app, self.frame_bytes));
        match catch_unwind(served) {
            Ok(Ok(())) => {}
            Ok(Err(connection::Ended::Protocol(error))) => {
                tracing::error!(%error, "an ABCI connection is closed");
            }
            Ok(Err(connection::Ended::App(error))) => self.fail(error.into()),
            Err(_) => self.fail(ServeError::Panicked),
        }
        if let Some(stream) = self.lock().streams.remove(&number) {
            stream.shutdown();
        }
    }
}

/// Accepts connections until nobody wants them.
fn accept(listener: &Listener, events: &Sender<Event>) {
    loop {
        let event = match listener.accept() {
            Ok(stream) => Event::Connected(stream),
            Err(error) if is_transient(&error) => continue,
            Err(error) => Event::NotAccepted(error),
        };
        let is_end = matches!(event, Event::NotAccepted(_));
        if events.send(event).is_err() || is_end {
            return;
        }
    }
}

/// Whether accepting can be tried again: the other side was gone, or a signal came.
fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
