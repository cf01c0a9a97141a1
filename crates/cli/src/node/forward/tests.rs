//! Tests of forwarding, with a server that answers as CometBFT v0.38 does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread,
};

use super::to;

/// Answers one request, and returns what it was.
fn answered(answer: &'static str) -> (String, Result<(), String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        for line in reader.by_ref().lines() {
            let line = line.unwrap().to_lowercase();
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        String::from_utf8(body).unwrap()
    });
    let result = to(&url)(b"a transaction");
    (server.join().unwrap(), result)
}

#[test]
fn a_transaction_is_handed_over_or_the_reason_is_told() {
    let (request, result) = answered(
        r#"{"jsonrpc":"2.0","id":1,"result":{"code":0,"data":"","log":"","codespace":"","hash":"AB"}}"#,
    );
    let request: serde_json::Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["method"], "broadcast_tx_sync");
    assert_eq!(request["params"]["tx"], "YSB0cmFuc2FjdGlvbg==");
    assert_eq!(result, Ok(()));
    // It waits there already, so nothing is wrong.
    let (_, known) = answered(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"tx already exists in cache"}}"#,
    );
    assert_eq!(known, Ok(()));
    let (_, refused) = answered(
        r#"{"jsonrpc":"2.0","id":1,"result":{"code":7,"log":"the nonce is past","hash":"AB"}}"#,
    );
    assert_eq!(refused.unwrap_err(), "code 7: the nonce is past");
    let (_, full) = answered(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"mempool is full"}}"#,
    );
    assert_eq!(full.unwrap_err(), "Internal error: mempool is full");
    let (_, other) = answered("<html>");
    assert!(other.unwrap_err().contains("not understood"));
}

#[test]
fn an_engine_that_does_not_listen_is_told_by_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(to(&url)(b"a").unwrap_err().contains(&url));
}
