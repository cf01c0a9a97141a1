//! Transactions that are sent: each refusal has its kind, and what the client needs to go on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fusee_ledger::{Invalid, TransactionBody};
use fusee_node::{Node, Production};
use fusee_rpc::{Client, ClientError, ErrorKind, RelayError, RpcError, methods::*, types::*};
use serde_json::json;

use crate::world::{World, body, id, priced, sign, to_nine, transfer};

fn send(client: &Client, transaction: Vec<u8>) -> Result<Hex32, RpcError> {
    match client.call(&SendTransaction::new(Bytes(transaction))) {
        Ok(sent) => Ok(sent.id),
        Err(ClientError::Rpc(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

fn wait(client: &Client, transaction: Vec<u8>, time: u64) -> Result<Transaction, RpcError> {
    let mut send = SendTransactionAndWait::new(Bytes(transaction));
    send.timeout_ms = Some(time);
    match client.call(&send) {
        Ok(included) => Ok(included),
        Err(ClientError::Rpc(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn refusals_have_a_kind_and_say_what_to_do() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let check = |transaction: Vec<u8>, kind: ErrorKind, fields: &[(&str, &str)]| {
        let error = send(&client, transaction).unwrap_err();
        assert_eq!(
            (error.kind, error.code),
            (Some(kind), kind.code()),
            "{error:?}"
        );
        assert!(!error.next.is_empty());
        for (name, value) in fields {
            let found = error.fields.get(*name).map(|value| match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            assert_eq!(found.as_deref(), Some(*value), "{name} of {error:?}");
        }
    };
    let first = transfer(1, 0);
    let first_id = id(&first).to_string();
    assert_eq!(send(&client, first.clone()).unwrap().to_string(), first_id);
    check(first.clone(), ErrorKind::AlreadyKnown, &[("id", &first_id)]);
    let other = sign(1, body(1, 0, to_nine(2)));
    let required = [("id", first_id.as_str()), ("price", "1"), ("required", "2")];
    check(other, ErrorKind::ReplacementTooCheap, &required);
    let invalid = ErrorKind::InvalidTransaction;
    check(vec![], invalid, &[("reason", "cut")]);
    let mut forged = transfer(2, 0);
    *forged.last_mut().unwrap() ^= 1;
    check(
        forged,
        invalid,
        &[("reason", "wrong_signature"), ("reason_code", "17")],
    );
    check(transfer(2, 99), invalid, &[("reason", "future_nonce")]);
    check(
        priced(2, 0, 0),
        invalid,
        &[("reason", "price_below_minimum")],
    );
    let expired = TransactionBody {
        expiry: 0,
        ..body(2, 0, to_nine(1))
    };
    check(sign(2, expired), invalid, &[("reason", "expired")]);
    world.node.produce().unwrap();
    let included = [("id", first_id.as_str()), ("height", "1")];
    check(first, ErrorKind::AlreadyIncluded, &included);
    for nonce in 0..64 {
        send(&client, transfer(3, nonce)).unwrap();
    }
    // The window of nonces ends where the room of a sender does.
    check(transfer(3, 64), invalid, &[("reason", "future_nonce")]);
    let account = GetAccount::new(Hex32(*crate::world::account(3).as_bytes()));
    let account = client.call(&account).unwrap();
    assert_eq!((account.nonce, account.next_nonce), (0, 64));
}

#[test]
fn full_senders_and_mempools_are_told_apart() {
    let world = World::with_node(Production::ByHand, |options| {
        options.mempool.sender_transactions = 2;
        options.mempool.transactions = 3;
    });
    let client = world.client();
    send(&client, transfer(1, 0)).unwrap();
    send(&client, transfer(1, 1)).unwrap();
    let full = send(&client, transfer(1, 2)).unwrap_err();
    assert_eq!(
        (full.kind, &full.fields["transactions"]),
        (Some(ErrorKind::SenderFull), &2.into())
    );
    let suggested = || {
        client
            .call(&GetFeeStatistics::new())
            .unwrap()
            .suggested_price
    };
    let before = suggested();
    send(&client, transfer(2, 0)).unwrap();
    assert_eq!((before, suggested()), (Amount(1), Amount(2)));
    let full = send(&client, transfer(3, 0)).unwrap_err();
    assert_eq!(
        (full.kind, &full.fields["price"]),
        (Some(ErrorKind::MempoolFull), &"1".into())
    );
    let mempool = client.call(&GetMempool::new()).unwrap();
    assert_eq!((mempool.transactions, mempool.max_transactions), (3, 3));
    assert_eq!(mempool.ids.len(), 3);
    // What is suggested is enough.
    send(&client, priced(3, 0, 2)).unwrap();
}

#[test]
fn a_caller_that_waits_is_told_how_it_ended() {
    let world = World::new(Production::ByHand);
    let client = world.client();
    let error = wait(&client, transfer(1, 0), 50).unwrap_err();
    assert_eq!(error.kind, Some(ErrorKind::NotIncludedInTime));
    assert_eq!(error.fields["id"], id(&transfer(1, 0)).to_string());
    std::thread::scope(|scope| {
        let cheap = scope.spawn(|| wait(&world.client(), transfer(1, 0), 50_000));
        while world.node.metrics().watches == 0 {
            std::thread::yield_now();
        }
        send(&client, priced(1, 0, 2)).unwrap();
        let error = cheap.join().unwrap().unwrap_err();
        assert_eq!(error.kind, Some(ErrorKind::Dropped), "{error:?}");
        let dear = scope.spawn(|| wait(&world.client(), priced(1, 0, 2), 50_000));
        while world.node.metrics().watches == 0 {
            std::thread::yield_now();
        }
        world.node.produce().unwrap();
        let included = dear.join().unwrap().unwrap();
        assert_eq!((included.height, included.index), (Some(1), Some(0)));
        assert_eq!(included.body.gas_price, Amount(2));
        assert_eq!(included.transaction.0, priced(1, 0, 2));
    });
    assert_eq!(world.node.metrics().watches, 0);
}

#[test]
fn with_consensus_transactions_go_to_its_engine() {
    let without = World::new(Production::Elsewhere);
    let error = send(&without.client(), transfer(1, 0)).unwrap_err();
    assert_eq!(error.kind, Some(ErrorKind::NotSupported));

    let relayed = Arc::new(Mutex::new(Vec::new()));
    let world = World::with(Production::Elsewhere, "wasmi", |options| {
        let relayed = Arc::clone(&relayed);
        options.relay = Some(Arc::new(move |bytes: &[u8]| {
            relayed.lock().unwrap().push(bytes.to_vec());
            match bytes == transfer(2, 0) {
                true => Err(RelayError::Full {
                    message: "5 of 5".to_owned(),
                }),
                false => Ok(()),
            }
        }));
    });
    let client = world.client();
    let sent = send(&client, transfer(1, 0)).unwrap();
    assert_eq!(sent.0, *id(&transfer(1, 0)).as_bytes());
    let refused = send(&client, transfer(2, 0)).unwrap_err();
    assert_eq!(refused.kind, Some(ErrorKind::MempoolFull));
    assert!(refused.message.contains("5 of 5"), "{refused}");
    // As an engine commits a block.
    let commit = |node: &Node| {
        let block = crate::world::commit(node.chain(), vec![transfer(1, 0)]);
        node.committed(&block).unwrap();
    };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&world.client(), transfer(1, 0), 50_000));
        while world.node.metrics().watches == 0 {
            std::thread::yield_now();
        }
        commit(&world.node);
        assert_eq!(waiting.join().unwrap().unwrap().height, Some(1));
    });
    // Once it is in a block, it is not sent again.
    let count = relayed.lock().unwrap().len();
    assert_eq!(wait(&client, transfer(1, 0), 1).unwrap().height, Some(1));
    assert_eq!(relayed.lock().unwrap().len(), count);
    let chain = client.call(&GetChain::new()).unwrap();
    assert_eq!(chain.production, "consensus");
}

#[test]
fn an_engine_that_does_not_answer_holds_up_no_reads() {
    let gate = Arc::new(Mutex::new(()));
    let asked = Arc::new(AtomicUsize::new(0));
    let world = World::with(Production::Elsewhere, "wasmi", |options| {
        let (gate, asked) = (Arc::clone(&gate), Arc::clone(&asked));
        options.limits.queue_time = Duration::from_secs(50);
        options.limits.call_time = Duration::from_secs(50);
        options.relay = Some(Arc::new(move |_: &[u8]| {
            asked.fetch_add(1, Ordering::Relaxed);
            drop(gate.lock().unwrap());
            Ok(())
        }));
    });
    std::thread::scope(|scope| {
        let (held, world) = (gate.lock().unwrap(), &world);
        let client = world.client();
        let sends: Vec<_> = (0..8)
            .map(|nonce| scope.spawn(move || send(&world.client(), transfer(1, nonce))))
            .collect();
        while asked.load(Ordering::Relaxed) < 4 {
            std::thread::yield_now();
        }
        for _ in 0..10 {
            client.call(&GetState::new()).unwrap();
        }
        drop(held);
        for send in sends {
            send.join().unwrap().unwrap();
        }
    });
    assert_eq!(asked.load(Ordering::Relaxed), 8);
}

#[test]
fn why_the_engine_takes_no_transaction_is_an_error_of_a_kind() {
    let message = || "told by the engine".to_owned();
    let past = Invalid::PastNonce { nonce: 0, next: 1 };
    let refused = |code| RelayError::Refused {
        code,
        message: message(),
    };
    let too_large = RelayError::TooLarge {
        bytes: 9,
        limit: Some(5),
        message: message(),
    };
    for (error, kind, fields) in [
        (
            refused(Some(past.code())),
            ErrorKind::InvalidTransaction,
            vec![
                ("reason", json!(past.name())),
                ("reason_code", json!(past.code())),
            ],
        ),
        (
            refused(Some(9_999_999)),
            ErrorKind::InvalidTransaction,
            vec![("reason_code", json!(9_999_999))],
        ),
        (refused(None), ErrorKind::InvalidTransaction, vec![]),
        (
            RelayError::NonceTaken { message: message() },
            ErrorKind::ReplacementTooCheap,
            vec![],
        ),
        (
            RelayError::Full { message: message() },
            ErrorKind::MempoolFull,
            vec![],
        ),
        (
            too_large,
            ErrorKind::LimitExceeded,
            vec![("found", json!(9)), ("limit", json!(5))],
        ),
        (
            RelayError::TimedOut { message: message() },
            ErrorKind::Timeout,
            vec![],
        ),
        (
            RelayError::Unreachable { message: message() },
            ErrorKind::NodeFailed,
            vec![],
        ),
    ] {
        let world = World::with(Production::Elsewhere, "wasmi", |options| {
            let error = error.clone();
            options.relay = Some(Arc::new(move |_: &[u8]| Err(error.clone())));
        });
        let sent = transfer(1, 0);
        let by_id = ("id", json!(id(&sent).to_string()));
        let expected: Vec<_> = [fields, vec![by_id]].concat();
        for answered in [
            send(&world.client(), sent.clone()).map(|_| ()),
            wait(&world.client(), sent.clone(), 1).map(|_| ()),
        ] {
            let told = answered.unwrap_err();
            assert_eq!(told.kind, Some(kind), "{error:?}");
            assert!(told.message.contains("told by the engine"), "{told}");
            assert!(!told.next.is_empty(), "{told}");
            let found = told.fields.iter();
            let found: BTreeMap<_, _> = found
                .map(|(name, it)| (name.as_str(), it.clone()))
                .collect();
            assert_eq!(found, expected.iter().cloned().collect(), "{error:?}");
        }
    }
}

#[test]
fn a_caller_that_may_not_wait_has_sent_nothing() {
    let world = World::with(Production::ByHand, "wasmi", |options| {
        options.limits.waiting = 0
    });
    let error = wait(&world.client(), transfer(1, 0), 1).unwrap_err();
    assert_eq!(
        (error.kind, &error.fields["limit"]),
        (Some(ErrorKind::Busy), &0.into())
    );
    assert_eq!(world.node.mempool().size().transactions, 0);
}
