//! Calls of a node, and the failures that they can end with.

use std::{
    thread,
    time::{Duration, Instant},
};

use fusee::rpc::{Client, ClientError, ClientOptions, ErrorKind, RpcError, methods::Method};

use crate::failure::{Exit, Failure};

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// How much longer than the node the client waits for an answer.
const MARGIN: Duration = Duration::from_secs(5);

/// A node, and how long to wait for it.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    pub(super) wait: Duration,
}

/// The time that is left.
#[derive(Debug)]
pub(super) struct Deadline {
    begin: Instant,
    wait: Duration,
}

impl Remote {
    pub(super) fn new(url: &str, wait: Duration) -> Result<Self, ClientError> {
        let mut options = ClientOptions::default();
        options.timeout = wait.saturating_add(MARGIN);
        let client = Client::new(url, options)?;
        Ok(Self { client, wait })
    }

    pub(super) fn url(&self) -> &str {
        self.client.url()
    }

    /// Calls a method. Asks again for a while if the node has too much to do.
    pub(super) fn call<M: Method>(&self, params: &M) -> Result<M::Answer, ClientError> {
        let deadline = Deadline::after(self.wait);
        loop {
            match self.client.call(params) {
                Err(error) if is_busy(&error) && deadline.pause() => {}
                answered => return answered,
            }
        }
    }

    /// Calls a method once.
    pub(super) fn try_call<M: Method>(&self, params: &M) -> Result<M::Answer, ClientError> {
        self.client.call(params)
    }
}

impl Deadline {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long to wait for a node is no part of what it answers"
    )]
    pub(super) fn after(wait: Duration) -> Self {
        let begin = Instant::now();
        Self { begin, wait }
    }

    pub(super) fn left(&self) -> Duration {
        self.wait.saturating_sub(self.begin.elapsed())
    }

    /// Waits before the next attempt. Returns whether there is one.
    pub(super) fn pause(&self) -> bool {
        let pause = PAUSE.min(self.left());
        thread::sleep(pause);
        !pause.is_zero()
    }
}

/// The kind of an error that the node answered with.
pub(super) fn kind(error: &ClientError) -> Option<ErrorKind> {
    match error {
        ClientError::Rpc(error) => error.kind,
        _ => None,
    }
}

/// Whether the node has too much to do now.
fn is_busy(error: &ClientError) -> bool {
    matches!(
        kind(error),
        Some(ErrorKind::Busy | ErrorKind::TooManyRequests)
    )
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, next) = match &error {
            ClientError::Rpc(error) => return Self::from(error.clone()),
            ClientError::Url { .. } => (
                Exit::Usage,
                "give the URL of a node, such as http://127.0.0.1:8645",
            ),
            ClientError::Unreachable { .. } => (
                Exit::Host,
                "check the URL, and that the node runs there: `fusee node --dev` starts one",
            ),
            ClientError::Timeout { .. } => (
                Exit::Host,
                "check that it is a node, or give it longer with --wait",
            ),
            ClientError::Answer { .. } => (
                Exit::Host,
                "check the URL; if it is a node, use the version of fusee that it has",
            ),
            _ => (Exit::Host, "run the command again"),
        };
        Self::new(exit, error).next(next)
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        let exit = match error.kind {
            Some(ErrorKind::InvalidTransaction) => Exit::Invalid,
            Some(ErrorKind::NotFound | ErrorKind::Pruned | ErrorKind::InvalidParams) => Exit::Usage,
            _ => Exit::Host,
        };
        let next = error.next.clone();
        let failure = Self::new(exit, anyhow::Error::new(error));
        match next.is_empty() {
            true => failure.next("see `fusee status`"),
            false => failure.next(next),
        }
    }
}
