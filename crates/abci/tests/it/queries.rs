//! Queries of the state, whose proofs lead to the hash in the engine's header.

use fusee_abci::{ProofError, verify_query};
use fusee_contract::keys;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};
use tendermint_proto::v0_38::crypto::ProofOps;

use crate::client::{Client, Node};
use crate::world::{account, begin, file, transactions};

fn query(client: &mut Client, key: &[u8], height: i64, prove: bool) -> ResponseQuery {
    client.query(RequestQuery {
        data: Bytes::copy_from_slice(key),
        path: "/store".to_owned(),
        height,
        prove,
    })
}

/// A node with blocks, and their hashes.
fn blocks(count: i64) -> (tempfile::TempDir, Node, Client, Vec<[u8; 32]>) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    client.init(begin(&file()));
    let block = |height| client.block(height, &transactions(height)).app_hash;
    let hashes = (1..=count).map(block);
    let hashes = hashes.map(|hash| <[u8; 32]>::try_from(&hash[..]).unwrap());
    let hashes = hashes.collect();
    (folder, node, client, hashes)
}

#[test]
fn values_are_proven_by_the_hash_of_their_block() {
    let (_folder, _node, mut client, hashes) = blocks(5);
    let receiver = keys::balance(account(9));
    let absent = keys::balance(account(8));
    for height in 1..=5_i64 {
        let at = usize::try_from(height).unwrap() - 1;
        let hash = &hashes[at];
        let answer = query(&mut client, &receiver, height, true);
        assert_eq!((answer.code, answer.height), (0, height));
        let proof = answer.proof_ops.unwrap();
        // Each block after the first one has a transfer of 5.
        let is_there = height > 1;
        let value = is_there.then_some(&answer.value[..]);
        let header = verify_query(hash, &receiver, value, &proof).unwrap();
        assert_eq!(header.height, u64::try_from(height).unwrap());
        assert_eq!(answer.info, if is_there { "present" } else { "absent" });
        if is_there {
            let balance = u128::from_le_bytes(answer.value[1..].try_into().unwrap());
            assert_eq!(balance, 5 * (u128::try_from(height).unwrap() - 1));
        }
        refuses(hash, &receiver, value, &proof);
        let answer = query(&mut client, &absent, height, true);
        verify_query(hash, &absent, None, &answer.proof_ops.unwrap()).unwrap();
    }
}

/// Changes everything of a valid proof.
fn refuses(hash: &[u8; 32], key: &[u8], value: Option<&[u8]>, proof: &ProofOps) {
    let other = value.is_none().then_some(&b"x"[..]);
    let error = verify_query(hash, key, other, proof).unwrap_err();
    assert!(matches!(error, ProofError::Value(_)), "{error}");
    let error = verify_query(&[0; 32], key, value, proof).unwrap_err();
    assert!(matches!(error, ProofError::OtherHeader { .. }), "{error}");
    let mut changed = proof.clone();
    changed.ops.reverse();
    let error = verify_query(hash, key, value, &changed).unwrap_err();
    assert!(matches!(error, ProofError::Operations), "{error}");
    for operation in 0..2 {
        for byte in 0..proof.ops[operation].data.len() {
            let mut changed = proof.clone();
            changed.ops[operation].data[byte] ^= 1;
            assert!(verify_query(hash, key, value, &changed).is_err());
        }
    }
}

#[test]
fn a_query_without_a_height_has_the_newest_that_fits() {
    let (_folder, _node, mut client, hashes) = blocks(3);
    let key = keys::balance(account(9));
    let newest = query(&mut client, &key, 0, false);
    assert_eq!((newest.code, newest.height, newest.proof_ops), (0, 3, None));
    // The engine has the hash of block 2 in the header of block 3, and that of block 3 nowhere yet.
    let proven = query(&mut client, &key, 0, true);
    assert_eq!((proven.code, proven.height), (0, 2));
    assert_ne!(newest.value, proven.value);
    let proof = proven.proof_ops.unwrap();
    verify_query(&hashes[1], &key, Some(&proven.value), &proof).unwrap();
}

#[test]
fn what_is_not_there_is_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    let key = keys::balance(account(1));
    // Before the first block, there is the state of genesis, and no header.
    let genesis = query(&mut client, &key, 0, false);
    assert_eq!(
        (genesis.code, genesis.height, genesis.info.as_str()),
        (0, 0, "present")
    );
    let refused = |answer: ResponseQuery, code, log: &str| {
        assert_eq!(
            (answer.code, answer.codespace.as_str()),
            (code, "fusee-query")
        );
        assert!(answer.log.contains(log), "{}", answer.log);
    };
    refused(
        query(&mut client, &key, 0, true),
        2,
        "no header of height 1",
    );
    client.init(begin(&file()));
    client.block(1, &transactions(1));
    refused(
        query(&mut client, &key, 2, true),
        2,
        "no header of height 2",
    );
    refused(
        query(&mut client, &key, 2, false),
        2,
        "height 2 is not served",
    );
    refused(query(&mut client, &key, -1, false), 2, "no height -1");
    refused(query(&mut client, &key, i64::MAX, false), 2, "not served");
    let path = "/accounts".to_owned();
    let other = RequestQuery {
        path,
        ..RequestQuery::default()
    };
    refused(client.query(other), 1, "no path `/accounts`: `/store`");
    for height in 2..70 {
        client.block(height, &[]);
    }
    refused(query(&mut client, &key, 3, true), 2, "heights 6 to 69 are");
}
