//! Traces, as a collector receives them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::json;

use super::{APART, start, transfer};
use crate::support::Folder;

/// Listens as a collector does. Sends the path and the body of each request.
fn collect() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            // A connection can have several requests.
            while reader.read_line(&mut line).unwrap_or(0) > 0 {
                let path = line.split(' ').nth(1).unwrap().to_owned();
                let mut length = 0;
                loop {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                    let header = line.to_ascii_lowercase();
                    if let Some(value) = header.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
                let _ = sender.send((path, body));
                line.clear();
            }
        }
    });
    (url, received)
}

#[test]
fn a_collector_gets_the_spans_of_a_block() {
    let folder = Folder::new();
    let (url, received) = collect();
    let node = start(&folder, &format!("--dev {APART} --otlp {url}"));
    let params = json!({"transaction": transfer("alice", 0)});
    node.call("sendTransactionAndWait", params).unwrap();
    // What is left is sent in the end.
    let (code, log) = node.end("TERM");
    assert_eq!(code, Some(0), "{log}");
    // The log has events alone, and spans neither make lines of it nor a part of them.
    assert!(!log.contains("execute"), "{log}");
    let first = received.recv_timeout(Duration::from_secs(10)).unwrap();
    let requests: Vec<_> = [first].into_iter().chain(received.try_iter()).collect();
    assert!(requests.iter().all(|(path, _)| path == "/v1/traces"));
    let bytes: Vec<u8> = requests.into_iter().flat_map(|(_, body)| body).collect();
    let text = String::from_utf8_lossy(&bytes);
    for span in [
        "block",
        "verify",
        "execute",
        "seal",
        "commit",
        "sendTransactionAndWait",
    ] {
        assert!(text.contains(span), "{span}: {text}");
    }
}

#[test]
fn a_collector_that_is_not_there_holds_up_nothing() {
    let folder = Folder::new();
    let node = start(&folder, &format!("--dev {APART} --otlp http://127.0.0.1:9"));
    let params = json!({"transaction": transfer("alice", 0)});
    node.call("sendTransactionAndWait", params).unwrap();
    let (code, log) = node.end("TERM");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("WARN"), "{log}");
}
