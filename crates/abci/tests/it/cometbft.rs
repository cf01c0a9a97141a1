//! Networks of real CometBFT nodes on loopback addresses, each with the example `application`. They
//! need CometBFT v0.38 and take minutes, so they run on request alone:
//!
//! ```sh
//! go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.25
//! cargo build -p fusee-abci --example application
//! FUSEE_COMETBFT=~/go/bin/cometbft cargo test -p fusee-abci --test it -- cometbft:: --ignored
//! ```

mod exact_kills;
mod remote_signer;

use std::collections::BTreeSet;

use fusee_abci::verify_query;
use fusee_conformance::lanes;
use fusee_contract::{Address, keys};
use fusee_engine::CodeHash;
use fusee_ledger::Operation;
use serde_json::Value;
use tendermint_proto::v0_38::crypto::{ProofOp, ProofOps};

use crate::network::{Network, Process, wait};
use crate::rpc;
use crate::world::{TOKEN, account, call, deploy, signed_with, tokens, transfer};

/// Fails as each kind of contract can.
const FAILING: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "trap") unreachable)
    (func (export "loop") (loop $again (br $again))))"#;

fn failing() -> (Vec<u8>, Address) {
    let code = wat::parse_str(FAILING).unwrap();
    let address = Address::of_contract(account(2), 0, CodeHash::of(&code));
    (code, address)
}

/// The transactions of a round: 200 of each of the first four accounts, of all kinds.
fn round(sender: u8, nonces: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    let (code, failing) = failing();
    let transaction = |nonce| match (sender, nonce) {
        (1, 0) => deploy(1, 0, TOKEN, &1_000_000_u64.to_le_bytes()),
        (2, 0) => deploy(2, 0, &code, &[]),
        (1, _) => tokens(1, nonce, 3, 10),
        (2, _) if nonce % 2 == 0 => call(2, nonce, failing, "trap", &[]),
        (2, _) => {
            let operation = Operation::Call {
                to: failing,
                method: "loop".to_owned(),
                input: Vec::new(),
                value: 0,
            };
            signed_with(2, nonce, operation, 500_000)
        }
        // Reverts: it has no tokens, or nobody has deployed them yet.
        (3, _) if nonce % 2 == 0 => tokens(3, nonce, 4, 1_000_000),
        _ => transfer(sender, nonce, 1),
    };
    nonces.map(transaction).collect()
}

/// Sends rounds from all accounts to all nodes, and waits until they are in blocks.
#[track_caller]
fn flood(network: &Network, nodes: &[usize], nonces: std::ops::Range<u64>) {
    for from in nonces.clone().step_by(50) {
        let until = nonces.end.min(from + 50);
        for (sender, number) in (1..=4).zip(nodes.iter().cycle()) {
            for transaction in round(sender, from..until) {
                assert_eq!(network.send(*number, &transaction), 0, "{sender} {from}");
            }
        }
        for (sender, number) in (1..=4).zip(nodes.iter().cycle()) {
            network.included(*number, sender, until);
        }
    }
}

#[test]
#[ignore = "needs CometBFT"]
fn a_single_validator_commits_and_goes_on_after_kills() {
    let mut network = Network::start(1, 1, 1);
    network.reach(&[0], 2);
    flood(&network, &[0], 0..50);
    for turn in 0..4 {
        match turn {
            0 => network.kill_app(0),
            1 => network.kill_engine(0),
            _ => network.kill(0),
        }
        // An engine ends itself without its application.
        network.kill_engine(0);
        network.run(0);
        network.go_on(&[0]);
    }
    flood(&network, &[0], 50..75);
    let before = network.hashes(0);
    network.roll_back(0);
    network.go_on(&[0]);
    assert_eq!(network.hashes(0)[..before.len()], before);
    let (count, kinds) = network.agree(&[0], 1);
    assert_eq!(count, 300);
    assert!(kinds.len() >= 4, "{kinds:?}");
}

#[test]
#[ignore = "needs CometBFT"]
fn four_validators_agree_through_kills_and_a_fifth_node_syncs() {
    let all = [0, 1, 2, 3];
    let mut network = Network::start(4, 5, 2);
    network.reach(&all, 2);
    flood(&network, &all, 0..100);
    // The application, the engine, and both, while transactions come.
    for number in 0..3 {
        match number {
            0 => network.kill_app(number),
            1 => network.kill_engine(number),
            _ => network.kill(number),
        }
        let others: Vec<_> = all.into_iter().filter(|it| *it != number).collect();
        network.go_on(&others);
        let from = 100 + 50 * u64::try_from(number).unwrap();
        flood(&network, &others, from..from + 50);
        network.kill_engine(number);
        network.run(number);
        let height = network.go_on(&others);
        network.reach(&all, height);
    }
    let (count, kinds) = network.agree(&all, 1);
    assert_eq!(count, 1_000);
    let expected = ["out_of_gas", "reverted", "success", "trapped"];
    let expected = expected.map(|status| format!("0 \"{status}\""));
    assert_eq!(kinds, BTreeSet::from(expected));

    // Half of them are down: nothing is decided, and goes on without a fork.
    network.kill(2);
    network.kill(3);
    let halted = network.halt(&[0, 1], &[transfer(4, 250, 1)]);
    network.run(2);
    network.run(3);
    network.reach(&all, halted + 5);
    network.included(0, 4, 251);
    network.agree(&all, halted - 2);

    // A new node begins with a snapshot of theirs.
    let trusted = network.height(0).unwrap() - 1;
    let commit = network
        .rpc(0, &format!("/commit?height={trusted}"))
        .unwrap();
    let hash = commit["signed_header"]["commit"]["block_id"]["hash"].clone();
    let servers = [0, 1].map(|number| format!("{}:26657", network.address(number)));
    network.go_on(&all);
    // Of the chunks of most of them, a bit is changed.
    for number in 1..4 {
        network.damage_snapshots(number);
    }
    network.nodes.push(Process::default());
    network.run_with(
        4,
        &[
            ("CMT_STATESYNC_ENABLE", "true"),
            ("CMT_STATESYNC_RPC_SERVERS", &servers.join(",")),
            ("CMT_STATESYNC_TRUST_HEIGHT", &trusted.to_string()),
            ("CMT_STATESYNC_TRUST_HASH", hash.as_str().unwrap()),
            ("CMT_STATESYNC_TRUST_PERIOD", "168h"),
            ("CMT_STATESYNC_DISCOVERY_TIME", "5s"),
        ],
    );
    let height = network.go_on(&all) + 10;
    network.reach(&[0, 4], height);
    let first = network.rpc(4, "/status").unwrap();
    let first = first["sync_info"]["earliest_block_height"].as_str();
    let first: u64 = first.unwrap().parse().unwrap();
    assert!(first > 1, "it has no blocks before the snapshot");
    network.agree(&[0, 4], first);
    // A light client, which trusts one header, has the hash that proves what the node answers.
    let light = network.light(trusted, hash.as_str().unwrap());
    let proven = height - 2;
    let app_hash = wait("the light client has verified a header", || {
        let path = format!("/commit?height={}", proven + 1);
        let answer: Value = serde_json::from_slice(&rpc::get(&light.address, &path)?).ok()?;
        let header = &answer["result"]["signed_header"]["header"];
        Some(header["app_hash"].as_str()?.to_owned())
    });
    proves(&network, 4, proven, &app_hash);
    // The chain of each node, and on every lane.
    for number in all {
        network.kill(number);
    }
    for (lane, number) in lanes().iter().zip(all.into_iter().cycle()) {
        assert_eq!(network.replay(number, lane.name), 1_001, "{}", lane.name);
    }
}

/// Checks that a node proves a balance by the hash in the header of the next block.
#[track_caller]
fn proves(network: &Network, number: usize, height: u64, app_hash: &str) {
    let key = keys::balance(account(4));
    let answer = network.query(number, &key, Some(height)).unwrap();
    let decode = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        data_encoding::BASE64.decode(text.as_bytes()).unwrap()
    };
    let operations = answer["proofOps"]["ops"].as_array().unwrap().iter();
    let operations = operations.map(|operation| ProofOp {
        r#type: operation["type"].as_str().unwrap().to_owned(),
        key: decode(&operation["key"]),
        data: decode(&operation["data"]),
    });
    let proof = ProofOps {
        ops: operations.collect(),
    };
    let hash = <[u8; 32]>::try_from(hex::decode(app_hash).unwrap()).unwrap();
    let value = decode(&answer["value"]);
    let header = verify_query(&hash, &key, Some(&value), &proof).unwrap();
    assert_eq!(header.height, height);
}

#[test]
#[ignore = "needs CometBFT"]
fn partitions_heal_without_a_fork() {
    let all = [0, 1, 2, 3];
    let Some(network) = Network::start_apart(4) else {
        println!("SKIPPED: this machine does not let us make network namespaces");
        return;
    };
    let apart = network.namespaces.as_ref().unwrap();
    network.reach(&all, 2);
    flood(&network, &all, 0..50);
    // One alone stands still, and catches up.
    apart.partition(&[0, 1, 2], &[3]);
    let alone = network.height(3).unwrap();
    flood(&network, &all[..3], 50..100);
    network.go_on(&all[..3]);
    assert!(network.height(3).unwrap() <= alone + 1);
    apart.heal();
    let height = network.go_on(&all[..3]);
    network.reach(&all, height);
    // No half decides anything.
    apart.partition(&[0, 1], &[2, 3]);
    for (half, senders) in [([0, 1], [1, 2]), ([2, 3], [3, 4])] {
        let transactions = senders.map(|sender| round(sender, 100..101));
        network.halt(&half, &transactions.concat());
    }
    apart.heal();
    network.go_on(&all);
    for sender in 1..=4 {
        network.included(0, sender, 101);
    }
    flood(&network, &all, 101..125);
    let (count, _) = network.agree(&all, 1);
    assert_eq!(count, 500);
}
