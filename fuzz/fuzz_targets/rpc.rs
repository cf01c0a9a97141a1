//! Bodies of requests, to a real server of a running node: each is answered, an answer to JSON is
//! JSON-RPC, and none is an internal error. A body that ends a thread of the server would be
//! answered by nothing, or by an error of that kind.
#![no_main]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use fusee_chain::DataFolder;
use fusee_conformance::lanes;
use fusee_contract::{ContractRules, Contracts};
use fusee_ledger::{Genesis, Ledger, LedgerRules, Rulebook};
use fusee_node::{Node, NodeOptions, Production};
use fusee_rpc::{RpcOptions, RpcServer};
use libfuzzer_sys::fuzz_target;

static SERVER: Mutex<Option<(RpcServer, TcpStream)>> = Mutex::new(None);

/// A development chain with one block.
fn open() -> (RpcServer, TcpStream) {
    let path = std::env::temp_dir().join(format!("fusee-rpc-{}", std::process::id()));
    let genesis = Genesis::development(ContractRules::latest().id(), &[("alice", 1 << 60)]);
    let lane = lanes().into_iter().find(|lane| lane.name == "wasmi");
    let executor = Arc::new(lane.expect("there is such a lane").executor);
    let contracts = Contracts::without_fallback(executor, ContractRules::latest());
    let rulebook = Rulebook::new()
        .with_ledger(LedgerRules::latest().with_development_accounts())
        .with_contracts(contracts);
    let mut options = RpcOptions::new(&genesis);
    let folder = DataFolder::create(&path, genesis).expect("a folder can be made");
    let chain = folder.chain(Ledger::new(rulebook), folder.options());
    let chain = Arc::new(chain.expect("a chain can be opened"));
    let mut node_options = NodeOptions::new(&path);
    node_options.production = Production::ByHand;
    let node = Arc::new(Node::start(chain, node_options).expect("a node can start"));
    node.produce().expect("a block can be made");
    options.address.set_port(0);
    options.limits.calls_per_second = u32::MAX;
    options.limits.burst = u32::MAX;
    let server = RpcServer::start(node, options).expect("a server can start");
    let stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_nodelay(true).expect("the stream is open");
    (server, stream)
}

/// The status and the body of an answer.
fn answer(stream: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the server answers");
        head.extend(byte);
    }
    let head = String::from_utf8(head)
        .expect("the head is text")
        .to_lowercase();
    let status = head.get(9..12).and_then(|digits| digits.parse().ok());
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.expect("answers have a length")];
    stream.read_exact(&mut body).expect("the server answers");
    (status.expect("there is a status"), body)
}

fuzz_target!(|body: &[u8]| {
    let mut server = SERVER.lock().expect("no input panics");
    let (_, stream) = server.get_or_insert_with(open);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    stream.write_all(&request).expect("the server reads");
    let (status, answer) = answer(stream);
    let text = String::from_utf8(answer).expect("an answer is text");
    assert!(!text.contains("\"code\":-32603"), "{text}");
    match status {
        // The answer to a request without an id, a notification, is `null`.
        200 => assert!(
            text.is_empty() || text == "null" || text.contains("\"jsonrpc\":\"2.0\""),
            "{text}"
        ),
        status => assert_eq!(status, 400, "{text}"),
    }
});
