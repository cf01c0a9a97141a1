//! Blocks: proposed, processed, executed and committed, with crashes between the steps.

use std::sync::{Arc, mpsc::channel};

use fusee_abci::{App, AppOptions};
use fusee_chain::Chain;
use fusee_contract::Account;
use fusee_ledger::{Block, TransactionResult};
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestCommit, RequestFinalizeBlock, RequestPrepareProposal, ResponseFinalizeBlock, request,
};

use crate::client::{Client, Node, block, proposal, time};
use crate::world::{
    TIME, account, begin, data, file, genesis, ledger, operator, proposer, transactions, transfer,
};

/// The same block for the chain itself.
fn direct(height: i64) -> Block {
    let number = u64::try_from(height).unwrap();
    Block {
        height: number,
        time: TIME + number * 1_000 + 123,
        proposer: operator(70),
        transactions: transactions(height),
        misbehaviour: Vec::new(),
    }
}

/// The hashes of the first blocks, executed without an engine.
fn expected(count: i64) -> Vec<Bytes> {
    let folder = tempfile::tempdir().unwrap();
    let options = Chain::options(&genesis());
    let chain = Chain::open(folder.path(), &genesis(), ledger(), options).unwrap();
    let commit = |height| {
        let verified = chain.verify(direct(height)).unwrap();
        let executed = chain.execute(&chain.tip().unwrap(), verified).unwrap();
        let sealed = chain.seal(executed).unwrap();
        let (header, _) = chain.commit(sealed).unwrap();
        Bytes::from(header.hash().as_bytes().to_vec())
    };
    (1..=count).map(commit).collect()
}

fn prepare(client: &mut Client, height: i64, candidates: &[Vec<u8>], bytes: i64) -> Vec<Vec<u8>> {
    let request = RequestPrepareProposal {
        max_tx_bytes: bytes,
        txs: candidates.iter().cloned().map(Bytes::from).collect(),
        height,
        time: time(height),
        proposer_address: proposer().to_vec().into(),
        ..RequestPrepareProposal::default()
    };
    let proposal = client.prepare(request).txs.into_iter();
    proposal.map(Vec::from).collect()
}

#[test]
fn an_engine_agrees_on_the_headers_of_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    for (height, hash) in (1..).zip(expected(5)) {
        let block = block(height, &transactions(height));
        if height % 2 == 0 {
            // A proposal that has invalid transactions is refused, and may be decided all the same.
            assert!(!client.accepts(height, &transactions(height)));
        }
        assert_eq!(client.finalize(block).app_hash, hash);
        assert_eq!(client.commit().retain_height, 0);
        let info = client.info();
        assert_eq!(info.last_block_height, height);
        assert_eq!(info.last_block_app_hash, hash);
    }
}

#[test]
fn a_block_that_was_not_committed_is_executed_again_with_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let hashes = expected(4);
    let mut results: Vec<ResponseFinalizeBlock> = Vec::new();
    for height in 1..=4_i64 {
        let at = usize::try_from(height).unwrap() - 1;
        let request = block(height, &transactions(height));
        // A crash before `Commit`.
        let node = Node::start(folder.path());
        let mut client = node.connect();
        assert_eq!(client.info().last_block_height, height - 1);
        if height == 1 {
            client.init(begin(&file()));
        }
        let first = client.finalize(request.clone());
        // The engine has crashed alone, and asks again.
        let mut client = node.connect();
        assert_eq!(client.info().last_block_height, height - 1);
        assert_eq!(client.finalize(request.clone()), first);
        node.stop();

        // A crash after it, before its reply.
        let node = Node::start(folder.path());
        let mut client = node.connect();
        assert_eq!(client.info().last_block_height, height - 1);
        assert_eq!(client.finalize(request), first);
        client.commit();
        node.stop();
        assert_eq!(first.app_hash, hashes[at]);
        results.push(first);
    }
    let node = Node::start(folder.path());
    let info = node.connect().info();
    assert_eq!(info.last_block_height, 4);
    assert_eq!(info.last_block_app_hash, hashes[3]);
    // The reverted transaction of block 2 has its balance in block 4.
    let statuses = results
        .iter()
        .skip(1)
        .map(|it| it.tx_results[1].info.clone());
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        ["reverted", "success", "success"]
    );
}

#[test]
fn a_block_with_invalid_transactions_is_executed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    client.block(1, &transactions(1));
    let too_large = vec![1; 2 << 20];
    let mut wrong_signature = transfer(4, 0, 1);
    *wrong_signature.last_mut().unwrap() ^= 1;
    let block = [
        transactions(2),
        vec![too_large, wrong_signature, Vec::new()],
    ]
    .concat();
    let results = client.block(2, &block).tx_results;
    let codes: Vec<_> = results.iter().map(|it| it.code).collect();
    assert_eq!(codes, [0, 0, 20, 0, 3, 30, 17, 3]);
    for result in results.iter().filter(|result| result.code != 0) {
        assert_eq!((result.gas_wanted, result.gas_used), (0, 0));
        assert!(!result.log.is_empty() && result.codespace == "fusee");
    }
    let [sent, reverted, ..] = &results[..] else {
        panic!("a result for each transaction");
    };
    assert_eq!(
        (sent.info.as_str(), reverted.info.as_str()),
        ("success", "reverted")
    );
    assert_eq!(sent.gas_wanted, 20_000_000);
    assert!(sent.gas_used > 0 && sent.gas_used < sent.gas_wanted);
    let decoded = TransactionResult::decode(&sent.data).unwrap();
    assert_eq!(decoded.receipts.len(), 1);
    let types: Vec<_> = sent
        .events
        .iter()
        .map(|event| event.r#type.as_str())
        .collect();
    assert_eq!(types[0], "fusee_transaction");
    assert_eq!(types.len(), 1 + decoded.receipts[0].events.len());
    for event in &sent.events[1..] {
        let keys: Vec<_> = event.attributes.iter().map(|it| it.key.as_str()).collect();
        assert_eq!((keys[0], keys[keys.len() - 1]), ("contract", "data"));
        assert!(
            event
                .attributes
                .iter()
                .all(|it| it.index == (it.key != "data"))
        );
    }
}

#[test]
fn a_proposal_is_what_every_node_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    let mut candidates = vec![vec![7; 10], transfer(3, 1, 5), transfer(3, 0, 5)];
    candidates.extend((0..60).map(|nonce| transfer(4, nonce, 1)));
    let whole = prepare(&mut client, 1, &candidates, 1 << 20);
    // The gas limits of 50 transactions are that of a block.
    assert_eq!(whole.len(), 50);
    assert_eq!(whole[0], transfer(3, 0, 5));
    assert!(client.accepts(1, &whole));
    // The engine counts two or three bytes more for each transaction, and stops if there are more.
    let size = |transactions: &[Vec<u8>]| -> usize {
        transactions
            .iter()
            .map(|it| it.len() + 2 + usize::from(it.len() > 127))
            .sum()
    };
    for bytes in [0, 1, 300, size(&whole) - 1, size(&whole)] {
        let proposal = prepare(&mut client, 1, &candidates, i64::try_from(bytes).unwrap());
        assert!(size(&proposal) <= bytes, "{bytes}");
        assert!(client.accepts(1, &proposal));
    }
    let exact = i64::try_from(size(&whole)).unwrap();
    assert_eq!(prepare(&mut client, 1, &candidates, exact), whole);
    assert!(!client.accepts(1, &candidates));
    // A valid transaction for which the block has no gas left.
    let next = u64::try_from(whole.len()).unwrap() - 2;
    let too_much = [whole.clone(), vec![transfer(4, next, 1)]].concat();
    assert!(!client.accepts(1, &too_much));
    assert!(client.accepts(1, &[&too_much[..1], &too_much[2..]].concat()));
    assert!(!client.accepts(2, &[]), "it is not the next one");
    let mut late = proposal(&block(1, &[]));
    late.time = None;
    assert_eq!(client.process(late).status, 2);
    // Nothing of all this is there.
    assert_eq!(client.info().last_block_height, 0);
}

#[test]
fn of_several_proposals_the_decided_one_counts() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    let proposals = [1, 2, 3].map(|value| vec![transfer(3, 0, value)]);
    for proposal in &proposals {
        assert!(client.accepts(1, proposal));
    }
    let first = client.finalize(block(1, &proposals[0]));
    let last = client.finalize(block(1, &proposals[2]));
    assert_ne!(first.app_hash, last.app_hash);
    // Accepted, and then decided: it is not executed again, and is the same.
    assert!(client.accepts(1, &proposals[2]));
    assert_eq!(client.finalize(block(1, &proposals[2])), last);
    client.commit();
    assert_eq!(client.info().last_block_app_hash, last.app_hash);
}

#[test]
fn a_decided_block_that_is_not_the_next_one_ends_the_node() {
    let ends = |request: fn() -> request::Value, message: &str| {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(folder.path());
        let mut client = node.connect();
        client.init(begin(&file()));
        client.end(request());
        let failure = node.failure();
        assert!(failure.contains(message), "{failure}");
    };
    ends(
        || request::Value::FinalizeBlock(block(2, &[])),
        "the block has height 2, the next one has height 1",
    );
    ends(
        || request::Value::FinalizeBlock(block(-1, &[])),
        "the engine's height is -1",
    );
    ends(
        || request::Value::Commit(RequestCommit {}),
        "no block was finalized",
    );
}

#[test]
fn the_fees_of_a_block_are_those_of_its_validator() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    let results = client.block(1, &transactions(1)).tx_results;
    // Another proposer, which the parameters do not list.
    let unlisted = RequestFinalizeBlock {
        proposer_address: vec![3; 20].into(),
        ..block(2, &[transfer(3, 0, 1)])
    };
    client.finalize(unlisted);
    client.commit();
    node.stop();
    let options = Chain::options(&genesis());
    let path = folder.path().join("app/chain");
    let chain = Chain::open(&path, &genesis(), ledger(), options).unwrap();
    let version = chain.version(None).unwrap();
    let balance = Account::balance(&version, operator(70)).unwrap();
    assert_eq!(balance, u128::try_from(results[0].gas_used).unwrap());
    let header = chain.header(2).unwrap();
    assert_ne!(header.proposer, operator(70));
    let spent = 1_000_000_000_000 - Account::balance(&version, account(3)).unwrap();
    let earned = Account::balance(&version, header.proposer).unwrap();
    assert_eq!(earned, spent - 1);
}

#[test]
fn what_follows_the_chain_sees_each_block_before_the_engine_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, seen) = channel();
    let open = || {
        let data = data(&folder.path().join("app"), genesis());
        App::open(data, ledger(), AppOptions::new(&genesis())).unwrap()
    };
    let app = open();
    // A snapshot can still take its place.
    assert!(app.begun_chain().unwrap().is_none());
    let app = app.on_commit(move |chain, block| {
        assert_eq!(chain.last_hash(), block.header.hash());
        sender.send(Arc::clone(block)).unwrap();
    });
    let node = Node::serve(folder.path(), app);
    let mut client = node.connect();
    client.init(begin(&file()));
    for height in 1..=3 {
        client.finalize(block(height, &transactions(height)));
        assert!(seen.try_recv().is_err());
        client.commit();
        let block = seen
            .try_recv()
            .expect("the function was called before the reply");
        assert_eq!(block.block(), direct(height));
    }
    node.stop();
    let chain = open().begun_chain().unwrap().expect("it has blocks");
    assert_eq!(chain.tip().unwrap().height(), 3);
}
