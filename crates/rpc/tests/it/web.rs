//! Raw HTTP and WebSockets over loopback, to send what no client library would.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The kind of the error in the body.
    pub(crate) fn kind(&self) -> String {
        kind(&self.json())
    }
}

/// The kind of a JSON-RPC error, or its number if it has none.
pub(crate) fn kind(answer: &Value) -> String {
    // Of a batch, the first.
    let answer = answer.get(0).unwrap_or(answer);
    let error = &answer["error"];
    let kind = error["data"]["kind"].as_str().map(str::to_owned);
    kind.unwrap_or_else(|| error["code"].to_string())
}

/// The time, for limits that keep a failing test from lasting for ever.
#[expect(
    clippy::disallowed_methods,
    reason = "what a test checks does not depend on it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends bytes, and reads until the server closes the connection.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(address);
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request);
    read(&mut stream)
}

/// Reads an answer until the server closes the connection.
pub(crate) fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut part = [0; 1 << 16];
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            // What came before a reset is the answer.
            Err(_) if !bytes.is_empty() => break,
            Err(error) => panic!("{error}"),
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    Answer {
        status: status.unwrap_or_default(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    let host = match headers.to_lowercase().contains("host:") {
        true => String::new(),
        false => format!("host: {address}\r\n"),
    };
    let request = format!("GET {path} HTTP/1.1\r\n{host}{headers}connection: close\r\n\r\n");
    exchange(address, request.as_bytes())
}

pub(crate) fn post(address: SocketAddr, body: &str) -> Answer {
    post_with(address, "", body)
}

pub(crate) fn post_with(address: SocketAddr, headers: &str, body: &str) -> Answer {
    exchange(address, request(address, headers, body).as_bytes())
}

pub(crate) fn request(address: SocketAddr, headers: &str, body: &str) -> String {
    let host = match headers.to_lowercase().contains("host:") {
        true => String::new(),
        false => format!("host: {address}\r\n"),
    };
    format!(
        "POST / HTTP/1.1\r\n{host}content-type: application/json\r\ncontent-length: {}\r\n\
         {headers}connection: close\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn call(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// A WebSocket of a client.
pub(crate) struct Socket {
    stream: TcpStream,
}

impl Socket {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::try_open(address, "").unwrap_or_else(|answer| panic!("{answer}"))
    }

    /// The head of the answer, if the server refuses.
    pub(crate) fn try_open(address: SocketAddr, headers: &str) -> Result<Self, String> {
        let mut stream = connect(address);
        let request = format!(
            "GET / HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => break,
            }
        }
        let head = String::from_utf8(head).unwrap();
        match head.starts_with("HTTP/1.1 101") {
            true => Ok(Self { stream }),
            false => Err(head),
        }
    }

    /// Sends a text. Whether it could be sent.
    pub(crate) fn send(&mut self, text: &str) -> bool {
        self.stream.write_all(&frame(text)).is_ok()
    }

    /// Sends a text `times` times, in one write.
    pub(crate) fn send_repeatedly(&mut self, text: &str, times: usize) {
        self.stream.write_all(&frame(text).repeat(times)).unwrap();
    }

    /// The next text. `None` when the connection is closed.
    pub(crate) fn receive(&mut self) -> Option<Value> {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).ok()?;
            let length = match head[1] & 0x7f {
                126 => {
                    let mut bytes = [0; 2];
                    self.stream.read_exact(&mut bytes).ok()?;
                    u64::from(u16::from_be_bytes(bytes))
                }
                127 => {
                    let mut bytes = [0; 8];
                    self.stream.read_exact(&mut bytes).ok()?;
                    u64::from_be_bytes(bytes)
                }
                short => u64::from(short),
            };
            let mut body = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut body).ok()?;
            match head[0] & 0x0f {
                1 => return Some(serde_json::from_slice(&body).unwrap()),
                8 => return None,
                _ => {}
            }
        }
    }

    /// Sends a close frame, and reads until the server closes the connection.
    pub(crate) fn close(mut self) -> Vec<u8> {
        self.stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        rest
    }

    /// Calls a method, and reads its answer, which has to come next.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        assert!(self.send(&call(method, params)));
        self.receive().unwrap()
    }
}

/// The frame of a text, whose mask is 0.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ ..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        length => {
            frame.push(0x80 | 127);
            frame.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}
