//! Blocks: committed one after another, in a pipeline, and read again.

use std::fs;
use std::sync::Arc;

use fusee_chain::{Chain, ChainError, Pipeline};
use fusee_contract::Account;
use fusee_ledger::{Header, LedgerError};
use fusee_store::chain::snapshot::{Import, chunk_name};
use fusee_store::chain::{ChainStoreError, Retention};
use fusee_store::log::LogError;

use crate::world::{MIGRATION, account, blocks, commit, genesis, ledger, open, options, seal};

#[test]
fn a_chain_is_the_same_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(6);
    let (first, later) = blocks.split_at(3);
    let chain = open(folder.path());
    assert_eq!(chain.last_hash().as_bytes(), &genesis().identity());
    let mut headers = commit(&chain, first);
    drop(chain);

    let chain = open(folder.path());
    assert_eq!(chain.last_hash(), headers[2].hash());
    headers.extend(commit(&chain, later));
    drop(chain);

    let chain = open(folder.path());
    for (block, header) in blocks.iter().zip(&headers) {
        let stored = chain.block(block.height).unwrap();
        assert_eq!((&stored.header, stored.block()), (header, block.clone()));
        let version = chain.version(Some(block.height)).unwrap();
        assert_eq!(version.root(), header.state_root);
    }
    for pair in headers.windows(2) {
        assert_eq!(pair[1].parent, pair[0].hash());
    }
    let [included, reverted, invalid, _] = &chain.block(2).unwrap().results[..] else {
        panic!("a result for each transaction");
    };
    let code = |result: &[u8]| {
        fusee_ledger::TransactionResult::decode(result)
            .unwrap()
            .code
    };
    assert_eq!((code(included), code(reverted)), (0, 0));
    assert_eq!(code(invalid), 20, "a past nonce");
}

/// A header is asked for with every answer, and a block may have megabytes.
#[test]
fn headers_that_were_committed_or_read_are_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(6);
    let options = |blocks| {
        let mut options = options();
        options.retention = Retention::Last(blocks);
        options
    };
    let chain = Chain::open(folder.path(), &genesis(), ledger("wasmi"), options(6)).unwrap();
    let mut headers = commit(&chain, &blocks[..4]);
    drop(chain);
    let chain = Chain::open(folder.path(), &genesis(), ledger("wasmi"), options(6)).unwrap();
    assert_eq!(chain.header(2).unwrap(), headers[1]);
    headers.extend(commit(&chain, &blocks[4..]));
    // From here on, no block can be read.
    for file in fs::read_dir(folder.path().join("log")).unwrap() {
        let file = file.unwrap().path();
        let length = fs::metadata(&file).unwrap().len();
        fs::write(&file, vec![0xff; usize::try_from(length).unwrap()]).unwrap();
    }
    for height in [2, 5, 6] {
        let index = usize::try_from(height).unwrap() - 1;
        assert_eq!(chain.header(height).unwrap(), headers[index]);
        chain.block(height).unwrap_err();
    }
    chain.header(3).unwrap_err();
    let beyond = chain.header(7).unwrap_err();
    assert!(matches!(beyond, ChainError::NoBlock { .. }), "{beyond}");
}

#[test]
fn a_pipeline_commits_what_single_steps_commit() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let blocks = blocks(12);
    let expected = commit(&open(one.path()), &blocks);
    for lane in ["wasmi", "wasmtime"] {
        let folder = other.path().join(lane);
        let chain = Chain::open(&folder, &genesis(), ledger(lane), options()).unwrap();
        let chain = Arc::new(chain);
        let mut pipeline = Pipeline::new(Arc::clone(&chain)).unwrap();
        for block in &blocks {
            pipeline.add(block.clone()).unwrap();
        }
        pipeline.close();
        let committed = std::iter::from_fn(|| pipeline.next());
        let headers: Vec<Header> = committed.map(|it| it.unwrap().header).collect();
        assert_eq!(headers, expected, "{lane}");
        assert_eq!(chain.last_hash(), expected[11].hash());
    }
}

#[test]
fn an_error_ends_a_pipeline_and_what_was_committed_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut blocks = blocks(6);
    blocks[3].height = 9;
    let chain = Arc::new(open(folder.path()));
    let pipeline = Pipeline::new(Arc::clone(&chain)).unwrap();
    // Later blocks may find it stopped.
    let added = blocks.iter().map(|block| pipeline.add(block.clone()));
    let _ = added.collect::<Result<Vec<_>, _>>();
    for height in 1..4 {
        assert_eq!(pipeline.next().unwrap().unwrap().header.height, height);
    }
    let error = pipeline.next().unwrap().unwrap_err();
    let ChainError::Ledger(LedgerError::Misplaced(misplaced)) = error else {
        panic!("{error}");
    };
    assert_eq!(
        misplaced.to_string(),
        "the block has height 9, the next one has height 4"
    );
    assert!(pipeline.next().is_none());
    drop(pipeline);
    assert_eq!(chain.tip().unwrap().height(), 3);
}

#[test]
fn blocks_are_executed_before_those_below_are_committed() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let blocks = blocks(6);
    let expected = commit(&open(one.path()), &blocks);
    let chain = open(other.path());
    let mut tip = chain.tip().unwrap();
    let mut executed = Vec::new();
    for block in &blocks {
        let verified = chain.verify(block.clone()).unwrap();
        let next = chain.execute(&tip, verified).unwrap();
        tip = next.tip(tip);
        assert_eq!(tip.height(), block.height);
        executed.push(next);
    }
    let last = executed.pop().unwrap();
    let error = chain.seal(last.clone()).unwrap_err();
    assert!(matches!(
        error,
        ChainError::OtherTip {
            found: 6,
            expected: 1
        }
    ));
    for (executed, expected) in executed.into_iter().chain([last]).zip(expected) {
        let (header, _) = chain.commit(chain.seal(executed).unwrap()).unwrap();
        assert_eq!(header, expected);
    }
}

#[test]
fn of_two_blocks_at_a_height_one_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mut blocks = blocks(1);
    let one = seal(&chain, &blocks[0]);
    blocks[0].transactions.clear();
    let other = seal(&chain, &blocks[0]);
    let (header, finalized) = chain.commit(one).unwrap();
    assert_eq!(finalized.transactions.len(), 1);
    let error = chain.commit(other).unwrap_err();
    assert!(matches!(
        error,
        ChainError::OtherTip {
            found: 1,
            expected: 2
        }
    ));
    assert_eq!(chain.last_hash(), header.hash());
}

#[test]
fn a_proposal_is_refused_or_executed() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let mut blocks = blocks(2);
    let tip = chain.tip().unwrap();
    let executed = chain.process(&tip, &blocks[0]).unwrap().unwrap();
    chain.commit(chain.seal(executed).unwrap()).unwrap();
    let tip = chain.tip().unwrap();
    let refused = chain.process(&tip, &blocks[1]).unwrap().unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("transaction 2 of the block is invalid")
    );
    blocks[1].transactions.remove(2);
    chain.process(&tip, &blocks[1]).unwrap().unwrap();
}

#[test]
fn a_migration_changes_the_state_at_its_height() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    commit(&chain, &blocks(MIGRATION));
    let balance = |height| {
        let version = chain.version(Some(height)).unwrap();
        Account::balance(&version, account(4)).unwrap()
    };
    assert_eq!(balance(MIGRATION), balance(MIGRATION - 1) / 2);
}

#[test]
fn another_genesis_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    commit(&open(folder.path()), &blocks(1));
    let mut other = genesis();
    other.time += 1;
    let options = Chain::options(&other);
    let error = Chain::open(folder.path(), &other, ledger("wasmi"), options).unwrap_err();
    let ChainError::Store(ChainStoreError::Log(LogError::OtherIdentity { .. })) = error else {
        panic!("{error}");
    };
    let chain = open(folder.path());
    assert_eq!(chain.tip().unwrap().height(), 1);
    let error = chain.block(2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the chain has no block of height 2; it has 1 to 1"
    );
}

#[test]
fn a_chain_goes_on_from_a_snapshot_with_the_header_of_its_block() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(6);
    let (first, later) = blocks.split_at(3);
    let chain = open(&folder.path().join("whole"));
    let headers = commit(&chain, first);
    let snapshot = folder.path().join("snapshot");
    let manifest = chain.store().export(None, &snapshot, 1_000).unwrap();
    let expected = commit(&chain, later);

    let target = folder.path().join("restored");
    let import = Import::begin(&target, options(), manifest, manifest.head).unwrap();
    for number in 0..manifest.chunks() {
        let chunk = std::fs::read(snapshot.join(chunk_name(number))).unwrap();
        import.add(number, &chunk).unwrap();
    }
    drop(import.finish().unwrap());
    let open_after = |base: &Header| {
        Chain::open_after(
            base.clone(),
            &target,
            &genesis(),
            ledger("wasmi"),
            options(),
        )
    };
    // Without the header, the next block has no parent.
    let error = Chain::open(&target, &genesis(), ledger("wasmi"), options()).unwrap_err();
    assert!(matches!(error, ChainError::NoBase { height: 3 }), "{error}");
    let mut other = headers[2].clone();
    other.state_root = [0; 32];
    let error = open_after(&other).unwrap_err();
    assert!(
        matches!(error, ChainError::Header { height: 3, .. }),
        "{error}"
    );

    let chain = open_after(&headers[2]).unwrap();
    assert_eq!(chain.last_hash(), headers[2].hash());
    assert_eq!(chain.header(3).unwrap(), headers[2]);
    assert_eq!(commit(&chain, later), expected);
    drop(chain);
    // The header of a block that is there does not matter any more.
    let chain = open_after(&headers[2]).unwrap();
    assert_eq!(chain.last_hash(), expected[2].hash());
    assert_eq!(chain.header(6).unwrap(), expected[2]);
}

/// Stores of versions before misbehaviour have other blocks.
#[test]
fn a_block_of_another_version_is_refused_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let chain = open(folder.path());
    let staged = chain.store().stage(fusee_state::Diff::default()).unwrap();
    chain.store().commit(staged, &[1, 0, 0, 0, 0]).unwrap();
    drop(chain);
    let error = Chain::open(folder.path(), &genesis(), ledger("wasmi"), options()).unwrap_err();
    let ChainError::Body { height: 1, source } = error else {
        panic!("{error}");
    };
    assert_eq!(source.to_string(), "it has version 1, this program reads 2");
}
