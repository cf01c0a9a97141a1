//! The stream of a connection, which does not wait for ever for a client that does not read.
//!
//! While a write waits, nothing is read: so a client that asks without reading the answers is not
//! read either, and its requests do not pile up in memory. A write that makes no progress for a
//! while ends the connection.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{self, Sleep},
};

#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    limit: Duration,
    /// The end of a write that waits.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The reader that waits for the write.
    reader: Option<Waker>,
    /// Whether a write has waited too long.
    is_over: bool,
}

impl Stream {
    /// A stream whose writes may wait so long.
    pub(super) const fn new(tcp: TcpStream, limit: Duration) -> Self {
        Self {
            tcp,
            limit,
            stalled: None,
            reader: None,
            is_over: false,
        }
    }

    fn write(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.is_over {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let ended = match write(Pin::new(&mut self.tcp), context) {
            Poll::Ready(written) => written,
            Poll::Pending => {
                let limit = self.limit;
                let stalled = || Box::pin(time::sleep(limit));
                let stalled = self.stalled.get_or_insert_with(stalled);
                ready!(stalled.as_mut().poll(context));
                self.is_over = true;
                Err(io::ErrorKind::TimedOut.into())
            }
        };
        self.stalled = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(ended)
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
        if self.stalled.is_some() {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |tcp, context| tcp.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |tcp, context| {
            tcp.poll_write_vectored(context, parts)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
