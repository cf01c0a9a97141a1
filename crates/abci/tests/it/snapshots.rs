//! Snapshots: taken beside running blocks, and restored on another node chunk by chunk.

use std::num::NonZeroU64;
use std::path::Path;

use fusee_abci::{AppOptions, SnapshotOptions};
use fusee_contract::keys;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestListSnapshots, RequestLoadSnapshotChunk,
    RequestOfferSnapshot, RequestQuery, Snapshot, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offered,
};

use crate::client::{Client, Node};
use crate::world::{account, begin, file, genesis, transactions};

/// A snapshot every second block, in chunks of a few entries.
fn options() -> AppOptions {
    let mut snapshots = SnapshotOptions::every(NonZeroU64::new(2).unwrap());
    snapshots.chunk_bytes = 2_000;
    let mut options = AppOptions::new(&genesis());
    options.snapshots = Some(snapshots);
    options
}

/// A node with blocks, and the hash after each.
fn source(folder: &Path, count: i64) -> (Node, Client, Vec<Bytes>) {
    let node = Node::start_with(folder, genesis(), options());
    let mut client = node.connect();
    client.init(begin(&file()));
    let mut hashes = Vec::new();
    for height in 1..=count {
        hashes.push(client.block(height, &transactions(height)).app_hash);
        if height % 2 == 0 {
            wait(&mut client, height);
        }
    }
    (node, client, hashes)
}

/// The newest snapshot, once it is that of a height, and those before the last two are removed.
fn wait(client: &mut Client, height: i64) -> Snapshot {
    let height = u64::try_from(height).unwrap();
    loop {
        let listed = client.list(RequestListSnapshots {}).snapshots;
        let is_pruned = listed.len() <= 2;
        match listed.into_iter().next() {
            Some(snapshot) if snapshot.height == height && is_pruned => return snapshot,
            _ => std::thread::yield_now(),
        }
    }
}

fn offer(client: &mut Client, snapshot: &Snapshot, app_hash: &[u8]) -> Offered {
    let request = RequestOfferSnapshot {
        snapshot: Some(snapshot.clone()),
        app_hash: Bytes::copy_from_slice(app_hash),
    };
    Offered::try_from(client.offer(request).result).unwrap()
}

fn load(client: &mut Client, snapshot: &Snapshot, chunk: u32) -> Bytes {
    let request = RequestLoadSnapshotChunk {
        height: snapshot.height,
        format: snapshot.format,
        chunk,
    };
    client.load(request).chunk
}

fn apply(client: &mut Client, index: u32, chunk: Bytes) -> (Applied, Vec<u32>, Vec<String>) {
    let sender = "peer".to_owned();
    let applied = client.apply(RequestApplySnapshotChunk {
        index,
        chunk,
        sender,
    });
    let result = Applied::try_from(applied.result).unwrap();
    (result, applied.refetch_chunks, applied.reject_senders)
}

#[test]
fn a_node_begins_with_the_snapshot_of_another_one() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_source, mut from, hashes) = source(one.path(), 4);
    let snapshot = wait(&mut from, 4);
    assert!(snapshot.chunks >= 4, "{snapshot:?}");
    let node = Node::start_with(other.path(), genesis(), options());
    let mut to = node.connect();
    assert_eq!(offer(&mut to, &snapshot, &hashes[3]), Offered::Accept);
    for number in (0..snapshot.chunks).rev() {
        assert_eq!(to.info().last_block_height, 0);
        let chunk = load(&mut from, &snapshot, number);
        // A peer damages it: it is refused by its number, and fetched elsewhere.
        let mut damaged = chunk.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        let (result, refetch, rejected) = apply(&mut to, number, damaged.into());
        assert_eq!((result, refetch), (Applied::Retry, vec![number]));
        assert_eq!(rejected, ["peer"]);
        let (result, ..) = apply(&mut to, number, chunk);
        assert_eq!(result, Applied::Accept);
    }
    let info = to.info();
    assert_eq!((info.last_block_height, info.app_version), (4, 1));
    assert_eq!(info.last_block_app_hash, hashes[3]);
    // What it has is proven, as by any other node.
    let key = keys::balance(account(9));
    let query = |client: &mut Client| {
        client.query(RequestQuery {
            data: key.clone().into(),
            path: "/store".to_owned(),
            height: 4,
            prove: true,
        })
    };
    assert_eq!(query(&mut to), query(&mut from));
    // It goes on, also after it was stopped.
    let next = from.block(5, &transactions(5));
    assert_eq!(to.finalize(crate::client::block(5, &transactions(5))), next);
    node.stop();
    let node = Node::start_with(other.path(), genesis(), options());
    let mut to = node.connect();
    assert_eq!(to.info(), info);
    assert_eq!(to.block(5, &transactions(5)), next);
    assert_eq!(
        to.block(6, &transactions(6)),
        from.block(6, &transactions(6))
    );
    // And has the same snapshots then.
    assert_eq!(wait(&mut to, 6), wait(&mut from, 6));
    assert_eq!(offer(&mut to, &snapshot, &hashes[3]), Offered::Abort);
}

#[test]
fn a_restore_goes_on_where_a_crash_has_ended_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_source, mut from, hashes) = source(one.path(), 4);
    let snapshot = wait(&mut from, 4);
    let node = Node::start(other.path());
    let mut to = node.connect();
    assert_eq!(offer(&mut to, &snapshot, &hashes[3]), Offered::Accept);
    for number in 0..snapshot.chunks - 1 {
        apply(&mut to, number, load(&mut from, &snapshot, number));
    }
    node.stop();
    let node = Node::start(other.path());
    let mut to = node.connect();
    assert_eq!(to.info().last_block_height, 0);
    assert_eq!(offer(&mut to, &snapshot, &hashes[3]), Offered::Accept);
    let last = snapshot.chunks - 1;
    apply(&mut to, last, load(&mut from, &snapshot, last));
    assert_eq!(to.info().last_block_app_hash, hashes[3]);
    node.stop();

    // A crash between the steps by which the restored state becomes the chain.
    let app = other.path().join("app");
    let rename = |from: &str, to: &str| std::fs::rename(app.join(from), app.join(to)).unwrap();
    rename("chain", "restored");
    rename("base", "base.new");
    let begun = |name: &str| {
        let node = Node::start(other.path());
        assert_eq!(
            node.connect().info().last_block_app_hash,
            hashes[3],
            "{name}"
        );
        node.stop();
    };
    begun("nothing was moved");
    rename("chain", "restored");
    begun("the header was moved, and the old chain removed");
}

#[test]
fn another_offer_ends_a_restore() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_source, mut from, hashes) = source(one.path(), 4);
    let (early, late) = {
        let listed = from.list(RequestListSnapshots {}).snapshots;
        let [late, early] = &listed[..] else {
            panic!("two are kept: {listed:?}");
        };
        (early.clone(), late.clone())
    };
    let node = Node::start(other.path());
    let mut to = node.connect();
    assert_eq!(offer(&mut to, &late, &hashes[3]), Offered::Accept);
    apply(&mut to, 0, load(&mut from, &late, 0));
    assert_eq!(offer(&mut to, &early, &hashes[1]), Offered::Accept);
    for number in 0..early.chunks {
        let (result, ..) = apply(&mut to, number, load(&mut from, &early, number));
        assert_eq!(result, Applied::Accept);
    }
    assert_eq!(to.info().last_block_app_hash, hashes[1]);
    // The node can also give up, and begin at genesis.
    let third = tempfile::tempdir().unwrap();
    let node = Node::start(third.path());
    let mut to = node.connect();
    assert_eq!(offer(&mut to, &late, &hashes[3]), Offered::Accept);
    apply(&mut to, 0, load(&mut from, &late, 0));
    to.init(begin(&file()));
    assert_eq!(to.block(1, &transactions(1)).app_hash, hashes[0]);
}

#[test]
fn only_what_the_trusted_hash_leads_to_is_restored() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_source, mut from, hashes) = source(one.path(), 4);
    let snapshot = wait(&mut from, 4);
    let node = Node::start(other.path());
    let mut to = node.connect();
    assert_eq!(offer(&mut to, &snapshot, &hashes[2]), Offered::Reject);
    assert_eq!(offer(&mut to, &snapshot, &[1, 2]), Offered::Reject);
    let mut changed = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = snapshot.clone();
        change(&mut snapshot);
        offer(&mut to, &snapshot, &hashes[3])
    };
    assert_eq!(changed(&|it| it.format = 2), Offered::RejectFormat);
    assert_eq!(changed(&|it| it.height = 5), Offered::Reject);
    assert_eq!(changed(&|it| it.chunks += 1), Offered::Reject);
    assert_eq!(changed(&|it| it.metadata = Bytes::new()), Offered::Reject);
    for byte in 0..snapshot.metadata.len() {
        let result = changed(&|it| {
            let mut metadata = it.metadata.to_vec();
            metadata[byte] ^= 1;
            it.metadata = metadata.into();
        });
        assert_eq!(result, Offered::Reject, "byte {byte}");
    }
    // Nothing was begun, so a chunk has no place.
    let chunk = load(&mut from, &snapshot, 0);
    assert_eq!(apply(&mut to, 0, chunk).0, Applied::Abort);
    assert!(load(&mut from, &snapshot, snapshot.chunks).is_empty());
    let request = tendermint_proto::v0_38::abci::RequestOfferSnapshot::default();
    assert_eq!(to.offer(request).result, i32::from(Offered::Reject));
}

#[test]
fn blocks_are_kept_as_long_as_a_snapshot_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.store.retention = fusee_store::chain::Retention::Last(3);
    let node = Node::start_with(folder.path(), genesis(), options);
    let mut client = node.connect();
    client.init(begin(&file()));
    let mut retained = Vec::new();
    for height in 1..=12 {
        client.finalize(crate::client::block(height, &transactions(height)));
        retained.push(client.commit().retain_height);
        if height % 2 == 0 {
            wait(&mut client, height);
        }
    }
    // Snapshots of the last two even heights, and three blocks at least.
    let (first, later) = retained.split_at(6);
    assert!(
        first
            .iter()
            .zip(1..)
            .all(|(retain, height)| *retain <= (height - 2).max(0))
    );
    assert_eq!(later, [4, 4, 6, 6, 8, 8]);
    node.stop();
    // What crashes leave is removed, and nothing else.
    let snapshots = folder.path().join("app/snapshots");
    let names = || {
        let entries = std::fs::read_dir(&snapshots).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    assert_eq!(before.len(), 4);
    for name in ["8", "14.unfinished", "12.unfinished"] {
        std::fs::create_dir(snapshots.join(name)).unwrap();
    }
    for name in ["14.header", "12.header.unfinished", "12.other"] {
        std::fs::write(snapshots.join(name), "").unwrap();
    }
    let node = Node::start_with(folder.path(), genesis(), options);
    assert_eq!(names(), before);
    assert_eq!(
        node.connect().list(RequestListSnapshots {}).snapshots.len(),
        2
    );
}
