//! Tests of forwarding, with a server that answers as CometBFT v0.38 does.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    thread,
};

use fusee::rpc::RelayError;

use super::to;

/// Answers one request, and returns what it was.
fn answered(answer: &'static str) -> (String, Result<(), RelayError>) {
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
        r#"{"jsonrpc":"2.0","id":1,"result":{"code":20,"log":"the nonce is past","codespace":"fusee","hash":"AB"}}"#,
    );
    let message = "the nonce is past".to_owned();
    let code = Some(20);
    assert_eq!(refused, Err(RelayError::Refused { code, message }));
    let (_, taken) = answered(
        r#"{"jsonrpc":"2.0","id":1,"result":{"code":1,"log":"it waits","codespace":"fusee-mempool","hash":"AB"}}"#,
    );
    let message = "it waits".to_owned();
    assert_eq!(taken, Err(RelayError::NonceTaken { message }));
    // No reason of the ledger's, though it has the same number.
    let (_, host) = answered(
        r#"{"jsonrpc":"2.0","id":1,"result":{"code":1,"log":"no state","codespace":"fusee-host","hash":"AB"}}"#,
    );
    let message = "code 1: no state".to_owned();
    let code = None;
    assert_eq!(host, Err(RelayError::Refused { code, message }));
    let (_, other) = answered("<html>");
    let Err(RelayError::Unreachable { message }) = other else {
        panic!("{other:?}")
    };
    assert!(message.contains("not understood"), "{message}");
}

/// What CometBFT refuses before it asks the application is not wrong with the transaction.
#[test]
fn a_full_mempool_and_a_limit_of_size_are_told_apart_from_refusals() {
    let (_, full) = answered(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"mempool is full: number of txs 1 (max: 1), total txs bytes 207 (max: 1073741824)"}}"#,
    );
    let Err(RelayError::Full { message }) = full else {
        panic!("{full:?}")
    };
    assert!(message.contains("(max: 1)"), "{message}");
    let (_, large) = answered(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"Tx too large. Max size is 10, but got 13"}}"#,
    );
    let message = "Tx too large. Max size is 10, but got 13".to_owned();
    let expected = RelayError::TooLarge {
        bytes: 13,
        limit: Some(10),
        message,
    };
    assert_eq!(large, Err(expected));
    let (_, body) = answered(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"error reading request body: http: request body too large"}}"#,
    );
    assert!(
        matches!(
            body,
            Err(RelayError::TooLarge {
                bytes: 13,
                limit: None,
                ..
            })
        ),
        "{body:?}"
    );
    let (_, other) = answered(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":"something else"}}"#,
    );
    let message = "Internal error: something else".to_owned();
    let code = None;
    assert_eq!(other, Err(RelayError::Refused { code, message }));
}

#[test]
fn an_engine_that_does_not_listen_is_told_by_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = to(&url)(b"a").unwrap_err();
    assert!(matches!(error, RelayError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&url), "{error}");
}
