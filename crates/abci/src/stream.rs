//! Sockets of both kinds behind one type.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::ListenAddress;

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Listener {
    pub(crate) fn bind(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Unix(path) => {
                remove_stale(path)?;
                Ok(Self::Unix(UnixListener::bind(path)?, path.clone()))
            }
            ListenAddress::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address)?)),
        }
    }

    pub(crate) fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept()?.0)),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }

    /// The address, with the port that the system chose if port 0 was asked for.
    pub(crate) fn address(&self) -> io::Result<ListenAddress> {
        Ok(match self {
            Self::Unix(_, path) => ListenAddress::Unix(path.clone()),
            Self::Tcp(listener) => ListenAddress::Tcp(listener.local_addr()?.to_string()),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // Only a convenience: the next one removes a stale socket.
            let _ = fs::remove_file(path);
        }
    }
}

impl Stream {
    pub(crate) fn connect(address: &ListenAddress) -> io::Result<Self> {
        match address {
            ListenAddress::Unix(path) => Ok(Self::Unix(UnixStream::connect(path)?)),
            ListenAddress::Tcp(address) => {
                let address: SocketAddr = address.parse().map_err(io::Error::other)?;
                Ok(Self::Tcp(TcpStream::connect(address)?))
            }
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }

    /// Ends reads and writes on all clones.
    pub(crate) fn shutdown(&self) {
        // It fails only if the other side has ended the connection.
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(buffer),
            Self::Tcp(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.flush(),
            Self::Tcp(stream) => stream.flush(),
        }
    }
}

/// Removes the socket of a process that has ended. One that answers is left, and so is any other
/// file.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type().is_socket(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let refused = is_socket.then(|| UnixStream::connect(path).err());
    match refused.flatten().map(|error| error.kind()) {
        Some(ErrorKind::ConnectionRefused) => fs::remove_file(path),
        _ => Err(ErrorKind::AddrInUse.into()),
    }
}
