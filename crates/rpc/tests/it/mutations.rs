//! Mutated requests, by a generator with a fixed seed: what the fuzz target does for longer.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use fusee_node::Production;
use fusee_rpc::methods::GetHealth;

use crate::{web::connect, world::World};

const SEEDS: [&[u8]; 10] = [
    include_bytes!("../../../../fuzz/corpus/rpc/1.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/2.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/3.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/4.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/5.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/6.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/7.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/8.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/9.json"),
    include_bytes!("../../../../fuzz/corpus/rpc/10.json"),
];

/// What is put into bodies besides parts of others.
const PARTS: [&[u8]; 12] = [
    b"null",
    b"-1",
    b"18446744073709551615",
    b"1e400",
    b"\"0x\"",
    b"{}",
    b"[]",
    b"[[",
    b"\\u0000",
    b"\xff\xfe",
    b"\"",
    b",",
];

/// Numbers by a linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn body(&mut self) -> Vec<u8> {
        let mut body = SEEDS[self.below(SEEDS.len())].to_vec();
        for _ in 0..=self.below(2) {
            let at = self.below(body.len() + 1);
            let end = (at + self.below(12)).min(body.len());
            let other = SEEDS[self.below(SEEDS.len())];
            let from = self.below(other.len());
            let part = match self.below(3) {
                0 => PARTS[self.below(PARTS.len())].to_vec(),
                1 => other[from..(from + self.below(40)).min(other.len())].to_vec(),
                _ => Vec::new(),
            };
            body.splice(at..end, part);
        }
        body
    }
}

/// The status and the body of the next answer of a connection that stays open.
fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let status = head[9..12].parse().unwrap();
    let length = head.split("content-length: ").nth(1).unwrap();
    let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (status, String::from_utf8(body).unwrap())
}

#[test]
fn mutated_bodies_are_answered_and_are_never_an_internal_error() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.calls_per_second = u32::MAX;
        options.limits.burst = u32::MAX;
    });
    world.node.produce().unwrap();
    let mut stream = connect(world.server.address());
    let mut numbers = Numbers(1);
    let mut results = 0;
    for _ in 0..3_000 {
        let body = numbers.body();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(&[head.as_bytes(), &body].concat())
            .unwrap();
        let (status, text) = answer(&mut stream);
        let body = String::from_utf8_lossy(&body);
        assert!(!text.contains("\"code\":-32603"), "{body}: {text}");
        assert!([200, 400].contains(&status), "{body}: {status} {text}");
        results += usize::from(text.contains("\"result\""));
    }
    assert!(
        results > 20,
        "the mutations leave {results} requests that have a result"
    );
    world.client().call(&GetHealth::new()).unwrap();
}
