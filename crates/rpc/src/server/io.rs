//! The stream of a connection, which does not wait for ever for a client that does not read.
//!
//! While a write waits, nothing is read: so a client that asks without reading the answers is not
//! read either, and its requests do not pile up in memory. A write that makes no progress for a
//! while ends the connection. What is written is counted ([`Unsent`]).

use std::{
    future::Future,
    io,
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::{self, Sleep},
};

use super::unsent::Unsent;

/// Between looks whether a client has left that has sent more than was read.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Stream {
    tcp: Arc<TcpStream>,
    unsent: Arc<Unsent>,
    limit: Duration,
    /// The end of a write that waits.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The reader that waits, for the client or for the write.
    reader: Option<Waker>,
    /// Whether a write has waited too long.
    is_over: bool,
}

impl Stream {
    /// A stream whose writes may wait so long.
    pub(super) const fn new(tcp: Arc<TcpStream>, unsent: Arc<Unsent>, limit: Duration) -> Self {
        Self {
            tcp,
            unsent,
            limit,
            stalled: None,
            reader: None,
            is_over: false,
        }
    }

    fn write(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.is_over {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let ended = match ready_to(|| self.tcp.poll_write_ready(context), || write(&self.tcp)) {
            Poll::Ready(written) => {
                if let Ok(bytes) = &written {
                    self.unsent.sent(*bytes);
                }
                written
            }
            Poll::Pending => {
                self.unsent.stalls();
                let limit = self.limit;
                let stalled = || Box::pin(time::sleep(limit));
                let stalled = self.stalled.get_or_insert_with(stalled);
                ready!(stalled.as_mut().poll(context));
                self.is_over = true;
                Err(io::ErrorKind::TimedOut.into())
            }
        };
        // Otherwise the reader waits for the client, which wakes it.
        if self.stalled.take().is_some()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        Poll::Ready(ended)
    }
}

/// Does what does not block, once it can be done.
fn ready_to<T>(
    mut ready: impl FnMut() -> Poll<io::Result<()>>,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        ready!(ready())?;
        match attempt() {
            // It was not ready after all, and is waited for anew.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

/// Waits until the client of a connection has left. The server of HTTP sees that by itself only as
/// long as it has read everything: not while a client has sent more than the request that works.
pub(super) async fn left(tcp: &TcpStream) {
    loop {
        match tcp.ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => time::sleep(LOOK).await,
            _ => return,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.stalled.is_none() {
            let tcp = &self.tcp;
            let read = || tcp.try_read_buf(buffer);
            if let Poll::Ready(read) = ready_to(|| tcp.poll_read_ready(context), read) {
                return Poll::Ready(read.map(drop));
            }
        }
        match &mut self.reader {
            Some(reader) => reader.clone_from(context.waker()),
            reader => *reader = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |tcp| tcp.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |tcp| tcp.try_write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A write after this has to fail: otherwise a WebSocket sends a second close frame.
        Poll::Ready(SockRef::from(&*self.tcp).shutdown(Shutdown::Write))
    }
}
