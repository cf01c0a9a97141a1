//! The least of HTTP that a call of CometBFT's RPC needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The body of an answer, whatever its status is. `None` if there is none.
pub(crate) fn get(address: &str, path: &str) -> Option<Vec<u8>> {
    let address: SocketAddr = address.parse().unwrap();
    let patience = Duration::from_secs(20);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    // The server closes the connection, so the end of the body is that of the stream.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    Some(answer.split_off(end + 4))
}
