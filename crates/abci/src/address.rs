//! Where a server listens: `unix://PATH` or `tcp://HOST:PORT`, as in CometBFT's `proxy_app`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenAddress {
    /// `unix://PATH`: a socket in the file system, whose folder decides who may connect.
    Unix(PathBuf),
    /// `tcp://HOST:PORT`.
    Tcp(String),
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is no address: write unix://PATH or tcp://HOST:PORT")]
pub struct AddressError {
    text: String,
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let unix = text.strip_prefix("unix://").filter(|path| !path.is_empty());
        if let Some(path) = unix {
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        let tcp = text.strip_prefix("tcp://");
        let tcp = tcp.filter(|rest| {
            let parts = rest.rsplit_once(':');
            parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        });
        tcp.map(|rest| Self::Tcp(rest.to_owned())).ok_or_else(|| {
            let text = text.to_owned();
            AddressError { text }
        })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
            Self::Tcp(address) => write!(formatter, "tcp://{address}"),
        }
    }
}
