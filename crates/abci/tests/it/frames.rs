//! What a connection must not send, and what others notice of it.

use std::io::Write;

use fusee_abci::{App, AppOptions, ServeError, Server};
use prost::Message;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    Request, RequestEcho, RequestFlush, RequestQuery, request, response,
};

use crate::client::Node;
use crate::world::{begin, data, file, genesis, ledger, transactions};

#[test]
fn malformed_frames_end_their_connection_alone() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut consensus = node.connect();
    consensus.init(begin(&file()));
    let unknown_request = [2, 0xfa, 0x7f].as_slice();
    let empty_request = [0].as_slice();
    let wrong_wire_type = [2, 0x08, 1].as_slice();
    let cut_message = [3, 0x0a, 0x7f, 1].as_slice();
    let endless_length = [0xff; 11].as_slice();
    // The limit of this server is 16 MiB, that of the integers 2^64.
    let too_large = [0x81, 0x80, 0x80, 0x08].as_slice();
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1].as_slice();
    for bytes in [
        unknown_request,
        empty_request,
        wrong_wire_type,
        cut_message,
        endless_length,
        too_large,
        huge,
    ] {
        let mut client = node.connect();
        client.writer.write_all(bytes).unwrap();
        assert!(client.receive().is_err(), "{bytes:x?}");
    }
    for cut in [[5, 1].as_slice(), &[0x80]] {
        let mut client = node.connect();
        client.writer.write_all(cut).unwrap();
        client.writer.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(client.receive().is_err(), "{cut:x?}");
    }
    consensus.block(1, &transactions(1));
    node.stop();
}

#[test]
fn replies_come_in_the_order_of_requests_and_with_the_flush() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    let requests = (0..200).map(|number| match number % 2 {
        0 => request::Value::Echo(RequestEcho {
            message: number.to_string(),
        }),
        _ => request::Value::Query(RequestQuery {
            path: format!("/{number}"),
            data: Bytes::from(number.to_string()),
            ..RequestQuery::default()
        }),
    });
    // All in one write, and the last frame in two.
    let flush = request::Value::Flush(RequestFlush {});
    let requests = requests.chain([flush]).map(|value| {
        let value = Some(value);
        Request { value }.encode_length_delimited_to_vec()
    });
    let bytes = requests.collect::<Vec<_>>().concat();
    let (first, last) = bytes.split_at(bytes.len() - 1);
    client.writer.write_all(first).unwrap();
    client.writer.write_all(last).unwrap();
    for number in 0..200 {
        let text = number.to_string();
        match client.receive().unwrap() {
            response::Value::Echo(echo) => assert_eq!(echo.message, text),
            response::Value::Query(query) => assert_eq!(query.key, text),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(client.receive(), Ok(response::Value::Flush(_))));
}

#[test]
fn a_frame_can_be_as_large_as_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    let value = |bytes| {
        let message = "x".repeat(bytes);
        request::Value::Echo(RequestEcho { message })
    };
    let overhead = Request {
        value: Some(value(1 << 24)),
    };
    let overhead = overhead.encoded_len() - (1 << 24);
    let largest = (1 << 24) - overhead;
    let Ok(response::Value::Echo(echo)) = client.call(value(largest)) else {
        panic!("it is answered");
    };
    assert_eq!(echo.message.len(), largest);
    let request = Request {
        value: Some(value(largest + 1)),
    };
    // The server may stop to read before all is written.
    let _ = client
        .writer
        .write_all(&request.encode_length_delimited_to_vec());
    assert!(client.receive().is_err());
    assert!(matches!(
        node.connect().call(value(5)),
        Ok(response::Value::Echo(_))
    ));
}

#[test]
fn connections_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut clients: Vec<_> = (0..16).map(|_| node.connect()).collect();
    for client in &mut clients {
        client.info();
    }
    assert!(node.connect().receive().is_err());
    for client in &mut clients {
        client.info();
    }
}

#[test]
fn a_server_listens_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let unix = format!("unix://{}", socket.display());
    // A socket that a killed process has left.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let server = Server::bind(&unix).unwrap();
    let error = Server::bind(&unix).unwrap_err();
    assert!(matches!(error, ServeError::Bind { .. }), "{error}");
    drop(server);
    assert!(!socket.exists());
    std::fs::write(&socket, "of somebody else").unwrap();
    assert!(Server::bind(&unix).is_err());
    assert_eq!(std::fs::read(&socket).unwrap(), b"of somebody else");
    for text in [
        "",
        "unix://",
        "tcp://",
        "tcp://host",
        "tcp://:1",
        "tcp://h:70000",
        "http://h:1",
    ] {
        let error = Server::bind(text).unwrap_err();
        assert!(matches!(error, ServeError::Address(_)), "{error}");
    }

    let server = Server::bind("tcp://127.0.0.1:0").unwrap();
    let address = server.address().to_string();
    let stopper = server.stopper();
    let options = AppOptions::new(&genesis());
    let app = App::open(
        data(&folder.path().join("app"), genesis()),
        ledger(),
        options,
    )
    .unwrap();
    let thread = std::thread::spawn(move || server.serve(&app));
    let mut stream = std::net::TcpStream::connect(address.trim_start_matches("tcp://")).unwrap();
    let value = Some(request::Value::Flush(RequestFlush {}));
    let flush = Request { value }.encode_length_delimited_to_vec();
    stream.write_all(&flush).unwrap();
    let mut reply = [0; 3];
    std::io::Read::read_exact(&mut stream, &mut reply).unwrap();
    // Field 3 of the response, empty.
    assert_eq!(reply, [2, 0x1a, 0]);
    stopper.stop();
    thread.join().unwrap().unwrap();
}
