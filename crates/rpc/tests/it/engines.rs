//! Every engine gives the same answers.

use fusee_node::Production;
use serde_json::{Value, json};

use crate::{
    web::{call, post},
    world::{World, account, body, deploy, ledgers, sign, token, token_transfer, tokens, transfer},
};

/// Answers of one node to everything that engines could differ in.
fn answers(world: &World) -> Vec<Value> {
    let address = world.server.address();
    let ask = |method: &str, params: Value| post(address, &call(method, &params)).json();
    let token = token().to_string();
    let hex = |bytes: &[u8]| fusee_rpc::types::Bytes(bytes.to_vec()).to_string();
    let mut answers = Vec::new();
    for transaction in [
        deploy(),
        token_transfer(1, 2, 250),
        // Reverted: account 2 has not so many.
        sign(2, body(2, 0, tokens(0, 3, 300))),
        transfer(3, 0),
    ] {
        let params = json!({"transaction": hex(&transaction)});
        answers.push(ask(
            "simulateTransaction",
            json!({"transaction": hex(&transaction), "trace": true}),
        ));
        answers.push(ask("sendTransactionAndWait", params));
    }
    let input = hex(account(2).as_bytes());
    for gas in [1_000_000, 5_000, 500] {
        let query = json!({"address": token, "method": "balance_of", "input": input, "gas": gas});
        answers.push(ask("query", query));
    }
    answers.push(ask("getContract", json!({"address": token})));
    answers.push(ask("getStorage", json!({"address": token, "proof": true})));
    answers.push(ask("getEvents", json!({"address": token})));
    for height in 1..=4 {
        answers.push(ask(
            "getBlock",
            json!({"height": height, "transactions": "full"}),
        ));
    }
    answers
}

#[test]
fn every_engine_gives_the_same_answers() {
    let mut worlds = ledgers().into_iter().map(|(lane, ledger)| {
        let world = World::on(Production::Each, ledger, |_| {});
        (lane, answers(&world))
    });
    let (_, first) = worlds.next().unwrap();
    let results = first.iter().filter(|answer| answer.get("result").is_some());
    assert_eq!(results.count(), first.len(), "{first:#?}");
    let mut count = 1;
    for (lane, answers) in worlds {
        for (answer, expected) in answers.iter().zip(&first) {
            assert_eq!(answer, expected, "on {lane}");
        }
        count += 1;
    }
    assert!(count >= 3);
}
