//! Queries and simulations: what they come to, their limits, and how they end.

use std::{io::Write, time::Duration};

use fusee_engine::Gas;
use fusee_node::Production;
use fusee_rpc::{ClientError, ErrorKind, RpcError, methods::*, types::*};
use serde_json::json;

use crate::{
    web::{Socket, call, connect, post, request},
    world::{
        World, account, body, deploy, deploy_endless, endless, genesis, ledger, options, sign,
        to_nine, token, tokens, transfer,
    },
};

fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> RpcError {
    match answer {
        Err(ClientError::Rpc(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn send(world: &World, transaction: Vec<u8>) -> Transaction {
    let sent = SendTransactionAndWait::new(Bytes(transaction));
    world.client().call(&sent).unwrap()
}

/// The body of a transaction as a client writes it.
fn as_client(body: &fusee_ledger::TransactionBody) -> Body {
    let fusee_ledger::Operation::Call {
        to,
        method,
        input,
        value,
    } = &body.operations[0]
    else {
        panic!("only calls");
    };
    Body {
        chain_id: body.chain_id.clone(),
        sender: Hex32(*body.sender.as_bytes()),
        nonce: body.nonce,
        expiry: body.expiry,
        gas_limit: body.gas_limit.units(),
        gas_price: Amount(body.gas_price),
        fee_payer: None,
        operations: vec![Operation::Call {
            to: Hex32(*to.as_bytes()),
            method: method.clone(),
            input: Bytes(input.clone()),
            value: Amount(*value),
        }],
    }
}

#[test]
fn a_simulation_comes_to_what_the_transaction_comes_to() {
    let world = World::new(Production::Each);
    let client = world.client();
    send(&world, deploy());
    let unsigned = body(1, 1, tokens(1, 2, 250));
    let mut simulate = SimulateTransaction::new();
    simulate.body = Some(as_client(&unsigned));
    simulate.trace = true;
    let of_body = client.call(&simulate).unwrap();
    let mut simulate = SimulateTransaction::new();
    let mut forged = sign(1, unsigned.clone());
    *forged.last_mut().unwrap() ^= 1;
    simulate.transaction = Some(Bytes(forged));
    let of_encoding = client.call(&simulate).unwrap();
    assert_eq!(of_body.result, of_encoding.result);
    assert_eq!(of_body.changes, of_encoding.changes);
    assert!(of_encoding.trace.is_none());

    let sent = send(&world, sign(1, unsigned));
    assert_eq!(sent.result.as_ref(), Some(&of_body.result));
    assert_eq!(of_body.height, sent.height.unwrap());
    let state = world.node.version(sent.height).unwrap();
    for change in &of_body.changes {
        let now = fusee_state::StateReader::read(&state, &change.key.0).unwrap();
        assert_eq!(
            now.as_deref(),
            change.after.as_ref().map(|it| &it.0[..]),
            "{change:?}"
        );
    }
    // The gas of the trace adds up to that of the receipt.
    let trace = of_body.trace.unwrap();
    let own: u64 = trace.frames.iter().filter_map(|frame| frame.own_gas).sum();
    assert_eq!(trace.intrinsic_gas + own, of_body.result.gas_used);
    assert_eq!(trace.frames[0].method, "transfer");
    let accesses = trace.frames[0].steps.iter().filter_map(|step| match step {
        Step::Syscall(syscall) => Some(syscall.storage.len()),
        Step::Call { .. } => None,
    });
    assert!(accesses.sum::<usize>() >= 2);
    assert!(
        of_body
            .changes
            .iter()
            .any(|change| change.name.starts_with("storage "))
    );
}

#[test]
fn simulations_tell_what_is_wrong() {
    let world = World::new(Production::Each);
    let client = world.client();
    let mut simulate = SimulateTransaction::new();
    assert_eq!(
        refused(client.call(&simulate)).kind,
        Some(ErrorKind::InvalidParams)
    );
    simulate.transaction = Some(Bytes(sign(1, body(1, 5, to_nine(1)))));
    let future = client.call(&simulate).unwrap();
    assert_eq!(future.invalid.unwrap().name, "future_nonce");
    assert_eq!(future.result.status, "invalid");
    simulate.transaction = Some(Bytes(vec![1, 2, 3]));
    let error = refused(client.call(&simulate));
    assert_eq!(error.kind, Some(ErrorKind::InvalidTransaction));
    assert_eq!(
        (&error.fields["reason"], error.next.is_empty()),
        (&json!("cut"), false)
    );
    let keys = json!({"body": as_client(&body(1, 0, tokens(1, 2, 1))),
        "keys": {"sender": {"scheme": "rsa", "key": "0x00"}}});
    let answer = post(world.server.address(), &call("simulateTransaction", &keys));
    assert_eq!(answer.kind(), "invalid_params");
    let keys = json!({"body": as_client(&body(1, 0, tokens(1, 2, 1))),
        "keys": {"sender": {"scheme": "ed25519", "key": "0x00"}}});
    let answer = post(world.server.address(), &call("simulateTransaction", &keys));
    assert_eq!(answer.kind(), "invalid_params");
}

#[test]
fn queries_read_any_height_that_is_served_and_no_more_gas_than_the_node_gives() {
    let world = World::new(Production::Each);
    let client = world.client();
    send(&world, deploy());
    send(&world, sign(1, body(1, 1, tokens(1, 2, 250))));
    let mut query = Query::new(Hex32(*token().as_bytes()), "balance_of".to_owned());
    query.input = Bytes(account(2).as_bytes().to_vec());
    let now = client.call(&query).unwrap();
    assert_eq!(now.receipt.output.0, 250_u64.to_le_bytes());
    assert_eq!(now.receipt.gas_limit, 1_000_000_000);
    let block = client.call(&GetLatestBlock::new()).unwrap().header;
    assert_eq!(
        (now.position.block_hash, now.position.state_root),
        (Some(block.hash), block.state_root)
    );
    query.height = Some(1);
    assert_eq!(
        client.call(&query).unwrap().receipt.output.0,
        0_u64.to_le_bytes()
    );
    query.height = Some(9);
    let error = refused(client.call(&query));
    assert_eq!(
        (error.kind, &error.fields["height"]),
        (Some(ErrorKind::NotFound), &json!(2))
    );
    query.height = None;
    query.gas = Some(1_000_000_001);
    let error = refused(client.call(&query));
    assert_eq!(error.kind, Some(ErrorKind::LimitExceeded));
    assert_eq!(error.fields["limit"], 1_000_000_000);
    query.gas = Some(100);
    assert_eq!(client.call(&query).unwrap().receipt.status, "out_of_gas");
    query.method = "nope".to_owned();
    let rejected = client.call(&query).unwrap().receipt;
    assert_eq!(rejected.rejection.as_deref(), Some("unknown_method"));
}

/// A node whose queries run for days unless they are ended.
fn endless_world(call_time: Duration) -> World {
    let node = |folder: &std::path::Path| {
        let mut options = options(folder, Production::Each);
        options.query_gas = Gas::new(1 << 60);
        options
    };
    let ledger = ledger("wasmi, tiny slices");
    let world = World::start((&genesis(), ledger), node, |options| {
        options.limits.call_time = call_time;
        options.limits.executors = 1;
        options.limits.queue_time = Duration::from_secs(20);
    });
    send(&world, deploy_endless());
    world
}

fn endless_query() -> serde_json::Value {
    json!({"address": Hex32(*endless().as_bytes()), "method": "run"})
}

#[test]
fn a_call_that_takes_too_long_is_ended_and_frees_its_place() {
    let world = endless_world(Duration::from_millis(100));
    let address = world.server.address();
    for _ in 0..3 {
        let answer = post(address, &call("query", &endless_query()));
        assert_eq!(answer.kind(), "timeout");
    }
    assert_eq!(world.server.metrics().methods["query"].errors["timeout"], 3);
}

#[test]
fn a_client_that_leaves_ends_its_query() {
    let world = endless_world(Duration::from_secs(600));
    let address = world.server.address();
    let until_queries = |count| {
        while world.node.metrics().queries < count {
            std::thread::yield_now();
        }
    };
    // The one place of queries is free again, and the next query begins.
    let is_free = || {
        let mut query = endless_query();
        query["gas"] = json!(1_000);
        let answer = post(address, &call("query", &query)).json();
        assert_eq!(answer["result"]["receipt"]["status"], "out_of_gas");
    };
    let mut leaving = connect(address);
    let query = request(address, "", &call("query", &endless_query()));
    leaving.write_all(query.as_bytes()).unwrap();
    until_queries(1);
    drop(leaving);
    is_free();
    // Also one that has sent more than the request that works.
    let mut leaving = connect(address);
    let kept = query.replace("connection: close\r\n", "");
    leaving.write_all(format!("{kept}G").as_bytes()).unwrap();
    until_queries(3);
    drop(leaving);
    is_free();
    let mut socket = Socket::open(address);
    assert!(socket.send(&call("query", &endless_query())));
    until_queries(5);
    drop(socket);
    is_free();
    assert_eq!(
        world.server.metrics().methods["query"].errors["cancelled"],
        3
    );
}

#[test]
fn a_flood_of_queries_does_not_stop_the_node() {
    let world = World::with(Production::Each, "wasmi, tiny slices", |options| {
        options.limits.executors = 1;
        options.limits.call_time = Duration::from_millis(500);
        options.limits.queue_time = Duration::from_millis(500);
        options.limits.connections_per_client = 100;
    });
    send(&world, deploy_endless());
    let address = world.server.address();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = |_| {
            scope.spawn(|| {
                let mut count = 0;
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let answer = post(address, &call("query", &endless_query()));
                    assert!(
                        answer.status == 429
                            || ["timeout", "busy", "too_many_requests"]
                                .contains(&answer.kind().as_str()),
                        "{answer:?}"
                    );
                    count += 1;
                }
                count
            })
        };
        let floods: Vec<_> = (0..64).map(flood).collect();
        while world.node.metrics().queries < 3 {
            std::thread::yield_now();
        }
        // Transactions are sent and blocks made meanwhile, and the node says that it is ready.
        for nonce in 0..20 {
            let sent = loop {
                let sent = SendTransactionAndWait::new(Bytes(transfer(3, nonce)));
                match world.client().call(&sent) {
                    Ok(sent) => break sent,
                    // All come from one address here.
                    Err(ClientError::Rpc(error)) => {
                        assert_eq!(error.kind, Some(ErrorKind::TooManyRequests));
                    }
                    Err(error) => panic!("{error}"),
                }
            };
            assert_eq!(sent.result.unwrap().status, "success");
        }
        assert_eq!(crate::web::get(address, "/readyz", "").status, 200);
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        let answered: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        assert!(answered >= 64);
    });
    assert_eq!(world.node.head().unwrap().height, 21);
}
