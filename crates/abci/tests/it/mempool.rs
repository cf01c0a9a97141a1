//! Transactions that wait: checked, checked again after a block, and many at once.

use tendermint_proto::v0_38::abci::{CheckTxType, ResponseCheckTx, request, response};

use crate::client::{Client, Node, check_tx};
use crate::world::{begin, file, transactions, transfer};

fn begun() -> (tempfile::TempDir, Node, Client) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    (folder, node, client)
}

#[track_caller]
fn refused(response: &ResponseCheckTx, codespace: &str, code: u32, log: &str) {
    assert_eq!(
        (response.codespace.as_str(), response.code),
        (codespace, code)
    );
    assert!(response.log.contains(log), "{}", response.log);
    assert_eq!(response.gas_wanted, 0);
}

#[test]
fn transactions_wait_if_a_block_can_have_them() {
    let (_folder, _node, mut client) = begun();
    let admitted = client.check_new(&transfer(3, 0, 5));
    assert_eq!((admitted.code, admitted.gas_wanted), (0, 20_000_000));
    assert_eq!(admitted.data.len(), 32);
    // Up to 63 nonces ahead, as on a chain without an engine.
    assert_eq!(client.check_new(&transfer(3, 63, 5)).code, 0);
    refused(
        &client.check_new(&transfer(3, 64, 5)),
        "fusee",
        21,
        "in the future",
    );
    refused(&client.check_new(&[]), "fusee", 3, "is cut");
    refused(&client.check_new(&[1, 2, 3]), "fusee", 3, "is cut");
    refused(
        &client.check_new(&transfer(9, 0, 5)),
        "fusee",
        26,
        "has to pay",
    );
    let mut unsigned = transfer(4, 0, 1);
    *unsigned.last_mut().unwrap() ^= 1;
    refused(&client.check_new(&unsigned), "fusee", 17, "signature");
}

#[test]
fn transactions_are_checked_again_after_each_block() {
    let (_folder, _node, mut client) = begun();
    let [first, second] = [transfer(3, 0, 5), transfer(3, 1, 5)];
    assert_eq!(client.check_new(&first).code, 0);
    assert_eq!(client.check_new(&second).code, 0);
    // The state of a block that is not committed yet does not count.
    client.finalize(crate::client::block(1, std::slice::from_ref(&first)));
    assert_eq!(client.check_new(&first).code, 0);
    client.commit();
    refused(&client.recheck(&first), "fusee", 20, "the nonce 0 is past");
    assert_eq!(client.recheck(&second).code, 0);
}

#[test]
fn a_sender_waits_with_one_transaction_for_each_nonce() {
    let (_folder, _node, mut client) = begun();
    let [one, other] = [transfer(3, 0, 1), transfer(3, 0, 2)];
    assert_eq!(client.check_new(&one).code, 0);
    assert_eq!(client.check_new(&one).code, 0, "it is the same");
    refused(
        &client.check_new(&other),
        "fusee-mempool",
        1,
        "with nonce 0 waits already",
    );
    client.block(1, &transactions(1));
    // The engine tells what still waits; it could also have dropped it.
    assert_eq!(client.recheck(&one).code, 0);
    refused(
        &client.check_new(&other),
        "fusee-mempool",
        1,
        "waits already",
    );
    client.block(2, &[]);
    assert_eq!(client.check_new(&other).code, 0);
}

#[test]
fn a_flood_is_answered_in_its_order_while_blocks_go_on() {
    let (_folder, node, mut client) = begun();
    let mut flood = node.connect();
    let transactions: Vec<_> = (0..300_u64)
        .map(|index| match index % 3 {
            0 => transfer(4, index / 3 % 64, u128::from(index / 192)),
            1 => vec![1; 3],
            _ => transfer(3, 100 + index, 1),
        })
        .collect();
    for transaction in &transactions {
        let check = check_tx(transaction, CheckTxType::New);
        flood.send(request::Value::CheckTx(check));
    }
    flood.flush();
    for height in 1..=4 {
        client.block(height, &crate::world::transactions(height));
    }
    assert_eq!(client.info().last_block_height, 4);
    for index in 0..transactions.len() {
        let Ok(response::Value::CheckTx(checked)) = flood.receive() else {
            panic!("a reply for each");
        };
        match index % 3 {
            1 => refused(&checked, "fusee", 3, "is cut"),
            2 => refused(
                &checked,
                "fusee",
                21,
                &format!("the nonce {} is", 100 + index),
            ),
            _ => assert_ne!(checked.codespace, "fusee"),
        }
    }
    assert!(matches!(flood.receive(), Ok(response::Value::Flush(_))));
}
