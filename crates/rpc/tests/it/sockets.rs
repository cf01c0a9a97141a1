//! Subscriptions: blocks and events in order, without gaps, to those that keep up.

use fusee_node::Production;
use fusee_rpc::ClientError;
use fusee_rpc::methods::{
    GetBlock, GetEvents, SendTransactionAndWait, SubscribeBlocks, SubscribeEvents,
};
use fusee_rpc::types::{Bytes, Hex32, TransactionDetail};
use serde_json::{Value, json};

use crate::{
    web::{Socket, kind, now},
    world::{World, deploy, id, token, token_transfer, transfer},
};

fn subscribe(socket: &mut Socket, method: &str, params: &Value) -> Value {
    let answer = socket.call(method, params);
    assert!(
        answer["result"].is_u64() || answer["result"].is_string(),
        "{answer}"
    );
    answer["result"].clone()
}

/// The block or event of the next notification that is of this height or a later one: the first
/// ones can be of a block that was committed just before the subscription.
fn next(socket: &mut Socket, from: u64) -> Value {
    loop {
        let message = socket.receive().unwrap();
        let item = &message["params"]["result"];
        let height = &[&item["height"], &item["place"]["height"]];
        if height.iter().any(|height| height.as_u64() >= Some(from)) {
            return message;
        }
    }
}

#[test]
fn subscribers_get_every_block_in_order_as_it_can_be_read() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    world.node.produce().unwrap();
    let mut ids = Socket::open(address);
    subscribe(&mut ids, "subscribeBlocks", &json!({}));
    let mut full = Socket::open(address);
    subscribe(
        &mut full,
        "subscribeBlocks",
        &json!({"transactions": "full"}),
    );
    for nonce in 0..5 {
        world.node.submit(transfer(3, nonce)).unwrap().unwrap();
        world.node.produce().unwrap();
    }
    let client = world.client();
    for height in 2..7 {
        for (socket, detail) in [
            (&mut ids, TransactionDetail::Ids),
            (&mut full, TransactionDetail::Full),
        ] {
            let message = next(socket, 2);
            assert_eq!(message["method"], "block");
            let mut get = GetBlock::new();
            get.height = Some(height);
            get.transactions = detail;
            let block = serde_json::to_value(client.call(&get).unwrap()).unwrap();
            assert_eq!(message["params"]["result"], block);
        }
    }
    // The same methods work as by HTTP.
    assert_eq!(ids.call("getHealth", &json!({}))["result"]["height"], 6);
}

#[test]
fn event_subscribers_get_what_the_filter_admits() {
    let world = World::new(Production::Each);
    let address = world.server.address();
    let client = world.client();
    client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    let contract = Hex32(*token().as_bytes());
    let mut all = Socket::open(address);
    subscribe(&mut all, "subscribeEvents", &json!({}));
    let mut of_token = Socket::open(address);
    subscribe(
        &mut of_token,
        "subscribeEvents",
        &json!({"address": contract}),
    );
    let mut others = Socket::open(address);
    subscribe(
        &mut others,
        "subscribeEvents",
        &json!({"address": Hex32([7; 32])}),
    );
    subscribe(&mut others, "subscribeEvents", &json!({"topic": "0x6e6f"}));
    client
        .call(&SendTransactionAndWait::new(Bytes(token_transfer(1, 2, 5))))
        .unwrap();
    let mut get = GetEvents::new(contract);
    get.from = Some(2);
    let events = client.call(&get).unwrap().events;
    assert!(!events.is_empty());
    for event in &events {
        let event = serde_json::to_value(event).unwrap();
        for socket in [&mut all, &mut of_token] {
            let message = next(socket, 2);
            assert_eq!(
                (&message["method"], &message["params"]["result"]),
                (&json!("event"), &event)
            );
        }
    }
    let topic = events[0].event.topic.clone();
    let mut of_topic = Socket::open(address);
    subscribe(&mut of_topic, "subscribeEvents", &json!({"topic": topic}));
    client
        .call(&SendTransactionAndWait::new(Bytes(token_transfer(2, 2, 5))))
        .unwrap();
    let message = next(&mut of_topic, 3);
    assert_eq!(message["params"]["result"]["topic"], json!(topic));
    // Nothing came for those whose filter admits none: the answer to a call is next.
    assert_eq!(others.call("getHealth", &json!({}))["id"], 1);
}

#[test]
fn a_subscription_ends_when_it_is_told_to() {
    let world = World::new(Production::ByHand);
    let mut socket = Socket::open(world.server.address());
    let subscription = subscribe(&mut socket, "subscribeBlocks", &json!({}));
    world.node.produce().unwrap();
    assert_eq!(socket.receive().unwrap()["params"]["result"]["height"], 1);
    let ended = socket.call("unsubscribeBlocks", &json!([subscription]));
    assert_eq!(ended["result"], true);
    world.node.produce().unwrap();
    assert_eq!(socket.call("getHealth", &json!({}))["result"]["height"], 2);
    let error = socket.call("subscribeBlocks", &json!({"transaction": "full"}));
    assert_eq!(kind(&error), "invalid_params");
}

#[test]
fn a_subscriber_that_does_not_read_is_ended_with_the_height_that_it_missed() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.idle_time = std::time::Duration::from_secs(50);
    });
    let mut socket = Socket::open(world.server.address());
    for _ in 0..16 {
        subscribe(
            &mut socket,
            "subscribeBlocks",
            &json!({"transactions": "full"}),
        );
    }
    // Until the buffers of the connection and of the subscriptions are full.
    let mut nonce = 0;
    while world.server.metrics().slow_subscriptions < 16 {
        for _ in 0..20 {
            world.node.submit(transfer(3, nonce)).unwrap().unwrap();
            nonce += 1;
        }
        world.node.produce().unwrap();
        assert!(nonce < 100_000, "no subscription is ended");
        // They notice when they are to send the next block, for which they need room.
        if world.node.head().unwrap().height > 400 {
            break;
        }
    }
    // The node never waited for it. What it reads now has no gap up to the end that it is told.
    let mut next: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    let mut ended = 0;
    while ended < 16 {
        let message = socket.receive().unwrap();
        let params = &message["params"];
        let subscription = params["subscription"].to_string();
        let expected = next.entry(subscription).or_insert(1);
        if params["error"].is_object() {
            assert_eq!(params["error"]["data"]["kind"], "too_slow");
            assert_eq!(params["error"]["data"]["height"], *expected);
            ended += 1;
        } else {
            assert_eq!(params["result"]["height"], *expected);
            *expected += 1;
        }
    }
    assert_eq!(world.server.metrics().slow_subscriptions, 16);
}

#[test]
fn subscriptions_are_bounded_for_a_connection_and_together() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.subscriptions = 2;
        options.limits.all_subscriptions = 3;
    });
    let address = world.server.address();
    let mut one = Socket::open(address);
    subscribe(&mut one, "subscribeBlocks", &json!({}));
    subscribe(&mut one, "subscribeEvents", &json!({}));
    assert_eq!(kind(&one.call("subscribeBlocks", &json!({}))), "-32006");
    let mut other = Socket::open(address);
    subscribe(&mut other, "subscribeBlocks", &json!({}));
    assert_eq!(
        kind(&other.call("subscribeBlocks", &json!({}))),
        "limit_exceeded"
    );
    assert_eq!(world.server.metrics().subscriptions, 3);
    drop(one);
    // Its places are free once the server has noticed.
    let until = now() + std::time::Duration::from_secs(20);
    while kind(&other.call("subscribeBlocks", &json!({}))) != "null" {
        assert!(now() < until, "the places are never free");
    }
}

#[test]
fn subscribers_and_waiting_callers_are_told_that_the_server_stops() {
    let world = World::new(Production::ByHand);
    let address = world.server.address();
    let mut socket = Socket::open(address);
    subscribe(&mut socket, "subscribeBlocks", &json!({}));
    let params = json!({"transaction": Bytes(transfer(1, 0)), "timeout_ms": 50_000});
    let waiting = std::thread::spawn(move || {
        crate::web::post(
            address,
            &crate::web::call("sendTransactionAndWait", &params),
        )
        .kind()
    });
    while world.node.mempool().size().transactions == 0 {
        std::thread::yield_now();
    }
    let begin = now();
    world.server.stop();
    assert!(begin.elapsed() < std::time::Duration::from_secs(15));
    let message = socket.receive().unwrap();
    assert_eq!(message["params"]["error"]["data"]["kind"], "shutting_down");
    assert!(socket.receive().is_none());
    assert_eq!(waiting.join().unwrap(), "not_included_in_time");
    // The transaction still waits in the node.
    assert!(
        world
            .node
            .mempool()
            .transaction(&id(&transfer(1, 0)))
            .is_some()
    );
}

#[test]
fn a_socket_that_its_client_closes_is_closed_once() {
    let world = World::new(Production::ByHand);
    for _ in 0..20 {
        let mut socket = Socket::open(world.server.address());
        subscribe(&mut socket, "subscribeBlocks", &json!({}));
        let frames = socket.close();
        // A ping may come before the answer to the close, and nothing after it.
        let frames = frames.strip_prefix(&[0x89, 0]).unwrap_or(&frames);
        assert_eq!(frames, [0x88, 0]);
    }
}

#[test]
fn the_client_gets_what_it_subscribes_to() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let mut blocks = client.subscribe(&SubscribeBlocks::default()).unwrap();
    let mut events = client.subscribe(&SubscribeEvents::default()).unwrap();
    for nonce in 0..3 {
        world.node.submit(transfer(3, nonce)).unwrap().unwrap();
        world.node.produce().unwrap();
    }
    world.node.submit(deploy()).unwrap().unwrap();
    world.node.produce().unwrap();
    world.node.submit(token_transfer(1, 2, 5)).unwrap().unwrap();
    world.node.produce().unwrap();
    for height in 1..=5 {
        let block = blocks.wait().unwrap();
        assert_eq!(block.header.height, height);
    }
    assert_eq!(
        events.wait().unwrap().event.address,
        Hex32(*token().as_bytes())
    );
    drop(world);
    let ended = blocks.wait().unwrap_err();
    assert!(
        matches!(ended, ClientError::Unreachable { .. }),
        "{ended:?}"
    );
}
