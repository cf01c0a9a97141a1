//! The node: made blocks, followed blocks, and who waits for them.

use std::{
    fs,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use fusee_chain::{Chain, Start, replay};
use fusee_contract::{Account, Status};
use fusee_ledger::TransactionResult;
use fusee_node::{
    Dropped, EventFilter, NoBlock, Node, NodeError, NotIncluded, Order, Production, Rejected,
};

use crate::world::{
    BEGIN, LONG, MIGRATION, SHORT, account, blocks, clock, commit, deploy, genesis, id, ledger,
    ledger_without_migration, open, open_with, options, priced, start, token, token_transfer,
    transfer,
};

#[test]
fn each_transaction_has_a_block_that_who_waits_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::Each);
    let subscription = node.subscribe(8).unwrap();
    let deployed = node.submit_and_wait(deploy(), LONG).unwrap().unwrap();
    assert_eq!((deployed.block.header.height, deployed.index), (1, 0));
    assert_eq!(deployed.result.receipts[0].deployed, Some(token()));
    // Two at once have two blocks, in the order of their nonces.
    let second = node.watch(id(&transfer(3, 1))).unwrap();
    node.submit(transfer(3, 1)).unwrap().unwrap();
    assert_eq!(second.wait(SHORT).unwrap_err(), NotIncluded::Timeout);
    let first = node.submit_and_wait(transfer(3, 0), LONG).unwrap().unwrap();
    assert_eq!(first.block.header.height, 2);
    assert_eq!(second.wait(LONG).unwrap().block.header.height, 3);
    for height in 1..=3 {
        let block = subscription.next(LONG).unwrap();
        assert_eq!(block.header.height, height);
        assert_eq!(*block, node.block(height).unwrap());
    }
    assert_eq!(subscription.next(SHORT), Err(NoBlock::Timeout));
    let metrics = node.metrics();
    assert_eq!(
        (metrics.height, metrics.blocks, metrics.transactions),
        (3, 3, 3)
    );
    assert_eq!((metrics.submitted, metrics.mempool.transactions), (3, 0));
    // What it was told stays.
    assert_eq!(second.wait(SHORT).unwrap().index, 0);
    assert_eq!((metrics.watches, metrics.subscriptions), (0, 1));
}

#[test]
fn who_waits_as_a_future_is_woken_once_it_is_told() {
    struct Woken(AtomicU64);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::ByHand);
    let woken = Arc::new(Woken(AtomicU64::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut task = Context::from_waker(&waker);
    let mut included = pin!(node.watch(id(&transfer(1, 0))).unwrap());
    let mut left = pin!(node.watch(id(&transfer(2, 0))).unwrap());
    node.submit(transfer(1, 0)).unwrap().unwrap();
    assert!(included.as_mut().poll(&mut task).is_pending());
    assert!(left.as_mut().poll(&mut task).is_pending());
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    // Those who wait in a block of few are told by the thread that makes it.
    node.produce().unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    let Poll::Ready(Ok(in_block)) = included.as_mut().poll(&mut task) else {
        panic!("it is in the block");
    };
    assert_eq!((in_block.block.header.height, in_block.index), (1, 0));
    assert!(left.as_mut().poll(&mut task).is_pending());
    node.shut_down().unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    let ended = left.as_mut().poll(&mut task);
    assert!(matches!(ended, Poll::Ready(Err(NotIncluded::ShutDown))));
}

#[test]
fn a_transaction_can_be_sent_again_after_an_answer_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::Each);
    let first = node.submit_and_wait(transfer(1, 0), LONG).unwrap().unwrap();
    let again = node.submit_and_wait(transfer(1, 0), LONG).unwrap().unwrap();
    assert_eq!(first.block, again.block);
    assert_eq!(first.result, again.result);
    let included = Rejected::AlreadyIncluded {
        id: id(&transfer(1, 0)),
        height: 1,
    };
    assert_eq!(node.submit(transfer(1, 0)).unwrap(), Err(included));
    // Another one with its nonce is another matter.
    let rejected = node.submit(priced(1, 0, 7)).unwrap().unwrap_err();
    assert!(matches!(rejected, Rejected::Invalid(_)), "{rejected}");
}

#[test]
fn many_senders_at_once_all_get_their_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::Every(Duration::from_millis(5)));
    thread::scope(|scope| {
        for sender in 1..=4 {
            let node = &node;
            scope.spawn(move || {
                for nonce in 0..25 {
                    let sent = node.submit_and_wait(transfer(sender, nonce), LONG);
                    assert_eq!(
                        sent.unwrap().unwrap().result.status(),
                        Some(Status::Success)
                    );
                }
            });
        }
    });
    let state = node.version(None).unwrap();
    assert_eq!(Account::balance(&state, account(9)).unwrap(), 100);
    assert_eq!(node.metrics().transactions, 100);
    node.shut_down().unwrap();
    let chain = Arc::clone(node.chain());
    let genesis = genesis();
    let ledger = ledger("wasmi");
    let replayed = replay(
        &chain,
        Start::Genesis(&genesis),
        &ledger,
        fusee_chain::Scope::Same,
        |_| std::ops::ControlFlow::Continue(()),
    );
    assert_eq!(replayed.unwrap().differences, []);
}

#[test]
fn what_turns_out_to_be_invalid_is_dropped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::ByHand);
    // Each can be paid, and both together cannot.
    let most = |nonce| {
        let operation = crate::world::to_nine(600_000_000_000);
        crate::world::sign(1, crate::world::body(1, nonce, operation))
    };
    let watch = node.watch(id(&most(1))).unwrap();
    for transaction in [most(0), most(1), transfer(2, 0)] {
        node.submit(transaction).unwrap().unwrap();
    }
    let block = node.produce().unwrap();
    assert_eq!(block.transactions, [most(0), transfer(2, 0)]);
    let code = |result: &Vec<u8>| TransactionResult::decode(result).unwrap().code;
    assert_eq!(block.results.iter().map(code).collect::<Vec<_>>(), [0, 0]);
    let NotIncluded::Dropped(Dropped::Invalid(invalid)) = watch.wait(LONG).unwrap_err() else {
        panic!("it was dropped");
    };
    assert_eq!(invalid.name(), "cannot_pay");
    let metrics = node.metrics();
    assert_eq!((metrics.mempool.transactions, metrics.dropped), (0, 1));
    // An empty block is one, too.
    assert_eq!(node.produce().unwrap().header.height, 2);
}

#[test]
fn a_clock_that_goes_back_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicU64::new(BEGIN + 5_000));
    let mut options = options(folder.path(), Production::ByHand);
    options.clock = clock(&time);
    let node = Node::start(open(folder.path()), options).unwrap();
    assert_eq!(node.produce().unwrap().header.time, BEGIN + 5_000);
    time.store(BEGIN - 1, Ordering::SeqCst);
    assert_eq!(node.produce().unwrap().header.time, BEGIN + 5_000);
    time.store(BEGIN + 5_001, Ordering::SeqCst);
    assert_eq!(node.produce().unwrap().header.time, BEGIN + 5_001);
}

#[test]
fn a_slow_subscriber_is_dropped_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::ByHand);
    let slow = node.subscribe(2).unwrap();
    let quick = node.subscribe(2).unwrap();
    for height in 1..=5 {
        node.produce().unwrap();
        assert_eq!(quick.next(LONG).unwrap().header.height, height);
    }
    for height in 1..=2 {
        assert_eq!(slow.next(LONG).unwrap().header.height, height);
    }
    assert_eq!(slow.next(LONG), Err(NoBlock::TooSlow { height: 3 }));
    let metrics = node.metrics();
    assert_eq!((metrics.subscriptions, metrics.slow_subscriptions), (1, 1));
    node.shut_down().unwrap();
    assert_eq!(quick.next(LONG), Err(NoBlock::ShutDown));
    assert!(matches!(node.subscribe(1), Err(NodeError::ShuttingDown)));
}

#[test]
fn shutting_down_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::ByHand);
    let waiting = [transfer(1, 0), transfer(1, 1), transfer(2, 1)];
    for transaction in &waiting {
        node.submit(transaction.clone()).unwrap().unwrap();
    }
    let watch = node.watch(id(&waiting[0])).unwrap();
    let subscription = node.subscribe(4).unwrap();
    node.shut_down().unwrap();
    assert_eq!(watch.wait(LONG).unwrap_err(), NotIncluded::ShutDown);
    assert_eq!(subscription.next(LONG), Err(NoBlock::ShutDown));
    assert!(matches!(
        node.submit(transfer(3, 0)),
        Err(NodeError::ShuttingDown)
    ));
    assert!(matches!(node.produce(), Err(NodeError::ShuttingDown)));
    // Once more is no error.
    node.shut_down().unwrap();
    drop(node);

    let node = start(folder.path(), Production::Each);
    assert!(!folder.path().join("waiting").exists());
    let watch = node.watch(id(&waiting[2])).unwrap();
    // The gap of account 2.
    node.submit_and_wait(transfer(2, 0), LONG).unwrap().unwrap();
    watch.wait(LONG).unwrap();
    for transaction in &waiting {
        assert!(node.transaction(&id(transaction)).unwrap().is_some());
    }
    assert_eq!(node.metrics().mempool.transactions, 0);
    drop(node);

    fs::write(folder.path().join("waiting"), "garbage").unwrap();
    let error = Node::start(
        open(folder.path()),
        options(folder.path(), Production::Each),
    );
    assert!(matches!(error, Err(NodeError::Waiting { .. })), "{error:?}");
}

#[test]
fn a_block_that_is_being_made_is_announced_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), Production::Each);
    let subscription = node.subscribe(1_000).unwrap();
    for nonce in 0..40 {
        node.submit(transfer(1, nonce)).unwrap().unwrap();
    }
    node.shut_down().unwrap();
    let mut announced = 0;
    while let Ok(block) = subscription.next(LONG) {
        announced = block.header.height;
    }
    assert_eq!(announced, node.head().unwrap().height);
    assert_eq!(node.metrics().indexed_height, announced);
    let waits = node.metrics().mempool.transactions;
    assert_eq!(usize::try_from(announced).unwrap() + waits, 40);
}

/// Commits and follows blocks as the driver of a consensus engine does.
fn follow(chain: &Chain, node: &Node, count: u64) {
    for block in blocks(count) {
        let block = commit(chain, block);
        node.committed(&block).unwrap();
    }
}

#[test]
fn a_node_follows_what_a_consensus_engine_commits() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let options = options(folder.path(), Production::Elsewhere);
    let node = Node::start(Arc::clone(&chain), options).unwrap();
    assert!(matches!(node.produce(), Err(NodeError::ProducedElsewhere)));
    let subscription = node.subscribe(8).unwrap();
    // Waits here, and comes in a block of the engine.
    let watch = node.watch(id(&token_transfer(2, 2, 250))).unwrap();
    node.submit(token_transfer(2, 2, 250)).unwrap().unwrap();
    follow(&chain, &node, 4);
    let found = watch.wait(LONG).unwrap();
    assert_eq!((found.block.header.height, found.index), (3, 0));
    assert_eq!(node.mempool().size().transactions, 0);
    for height in 1..=4 {
        assert_eq!(subscription.next(LONG).unwrap().header.height, height);
    }
    let filter = EventFilter {
        contract: token(),
        topic: Some(b"transfer".to_vec()),
        from: 0,
        to: u64::MAX,
        order: Order::NewestFirst,
    };
    let events = node.events(&filter, None, 2).unwrap();
    assert_eq!(events[1].transaction, Some(id(&token_transfer(3, 2, 250))));
    assert_eq!(events[1].event.data[..32], *account(1).as_bytes());
    let rest = node.events(&filter, Some(events[1].place), 10).unwrap();
    assert_eq!((events.len(), rest.len()), (2, 3));
}

#[test]
fn lists_of_those_who_wait_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), Production::ByHand);
    options.watches = 2;
    options.subscriptions = 1;
    let node = Node::start(open(folder.path()), options).unwrap();
    let first = id(&transfer(1, 0));
    let watches = [node.watch(first).unwrap(), node.watch(first).unwrap()];
    let error = node.watch(first).unwrap_err();
    assert!(matches!(error, NodeError::TooManyWatches { limit: 2 }));
    drop(watches);
    node.watch(first).unwrap();
    let subscription = node.subscribe(1).unwrap();
    let error = node.subscribe(1).unwrap_err();
    assert!(matches!(
        error,
        NodeError::TooManySubscriptions { limit: 1 }
    ));
    // Its place is free then.
    drop(subscription);
    node.subscribe(1).unwrap();
}

#[test]
fn a_producer_that_fails_tells_why_and_loses_no_block() {
    let folder = tempfile::tempdir().unwrap();
    let options_of_chain = Chain::options(&genesis());
    // It lacks the migration of a later height.
    let chain = open_with(folder.path(), options_of_chain, ledger_without_migration());
    let options = options(folder.path(), Production::Each);
    let node = Node::start(Arc::clone(&chain), options).unwrap();
    let subscription = node.subscribe(8).unwrap();
    for nonce in 0..MIGRATION - 1 {
        let sent = node.submit_and_wait(transfer(1, nonce), LONG);
        sent.unwrap().unwrap();
    }
    for height in 1..MIGRATION {
        assert_eq!(subscription.next(LONG).unwrap().header.height, height);
    }
    // The thread has ended by itself.
    while node.failure().is_none() {
        thread::yield_now();
    }
    let error = node.submit(transfer(1, MIGRATION - 1)).unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, NodeError::Failed(_)), "{message}");
    assert!(message.contains("the migration `halve`"), "{message}");
    // Reads go on.
    let last = node.transaction(&id(&transfer(1, MIGRATION - 2))).unwrap();
    assert_eq!(last.unwrap().block.header.height, MIGRATION - 1);
    drop(node);
    drop(chain);
    // A program that has it goes on.
    let node = start(folder.path(), Production::Each);
    let sent = node.submit_and_wait(transfer(1, MIGRATION - 1), LONG);
    assert_eq!(sent.unwrap().unwrap().block.header.height, MIGRATION);
}
