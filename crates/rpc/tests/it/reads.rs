//! What the node tells: the chain, blocks, transactions, accounts and events.

use fusee_node::Production;
use fusee_rpc::{ErrorKind, methods::*, types::*};

use crate::world::{World, account, deploy, id, token, token_transfer, transfer};

#[test]
fn a_transaction_is_sent_waited_for_and_looked_up() {
    let world = World::new(Production::Each);
    let client = world.client();
    let sent = client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    assert_eq!(sent.state, TransactionState::Included);
    assert_eq!(sent.result.as_ref().unwrap().status, "success");
    let found = client
        .call(&GetTransaction::new(Hex32(*id(&deploy()).as_bytes())))
        .unwrap();
    assert_eq!(found, sent);
    // Sending it again is as good.
    let again = client
        .call(&SendTransactionAndWait::new(Bytes(deploy())))
        .unwrap();
    assert_eq!(again, sent);

    let latest = client.call(&GetLatestBlock::new()).unwrap();
    assert_eq!(latest.header.height, 1);
    assert_eq!(latest.transaction_ids, [Some(sent.id)]);
    let mut by_hash = GetBlock::new();
    by_hash.hash = Some(latest.header.hash);
    assert_eq!(client.call(&by_hash).unwrap(), latest);
    let health = client.call(&GetHealth::new()).unwrap();
    assert_eq!((health.status, health.height), (HealthStatus::Ok, Some(1)));
    let chain = client.call(&GetChain::new()).unwrap();
    assert_eq!(
        (chain.chain_id.as_str(), chain.production.as_str()),
        ("fusee-test-1", "each")
    );

    let contract = Hex32(*token().as_bytes());
    let mut query = Query::new(contract, "balance_of".to_owned());
    query.input = Bytes(account(1).as_bytes().to_vec());
    let answer = client.call(&query).unwrap();
    assert_eq!(answer.receipt.output.0, 1_000_000_u64.to_le_bytes());
    let sent = client.call(&SendTransactionAndWait::new(Bytes(token_transfer(
        1, 2, 250,
    ))));
    let sent = sent.unwrap();
    let events = client.call(&GetEvents::new(contract)).unwrap();
    assert!(
        events
            .events
            .iter()
            .any(|it| it.transaction == Some(sent.id))
    );
    let storage = client.call(&GetStorage::new(contract)).unwrap();
    assert!(!storage.entries.is_empty());
}

#[test]
fn what_is_not_there_is_an_error_with_a_kind() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let error = client
        .call(&GetTransaction::new(Hex32([1; 32])))
        .unwrap_err();
    let fusee_rpc::ClientError::Rpc(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.kind, Some(ErrorKind::NotFound));
    let sent = client
        .call(&SendTransaction::new(Bytes(transfer(1, 0))))
        .unwrap();
    let waiting = client.call(&GetTransaction::new(sent.id)).unwrap();
    assert_eq!(waiting.state, TransactionState::Waiting);
    assert_eq!(client.call(&GetMempool::new()).unwrap().ids, [sent.id]);
}
