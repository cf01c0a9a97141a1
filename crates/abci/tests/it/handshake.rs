//! How an engine and a node begin, and what of the engine's genesis they have to agree on.

use std::collections::{BTreeMap, BTreeSet};

use fusee_abci::AppOptions;
use fusee_contract::ContractRules;
use fusee_ledger::Genesis;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{RequestEcho, RequestInitChain, request, response};
use tendermint_proto::v0_38::crypto::public_key;
use tendermint_proto::v0_38::types::{BlockParams, EvidenceParams, VersionParams};

use crate::client::{Node, block, time};
use crate::world::{begin, file, file_with, genesis, operator, transactions, validator};

#[test]
fn an_engine_begins_a_chain_of_its_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    let message = "hello".to_owned();
    let echo = client.call(request::Value::Echo(RequestEcho { message }));
    assert!(matches!(echo, Ok(response::Value::Echo(echo)) if echo.message == "hello"));

    let info = client.info();
    assert_eq!((info.last_block_height, info.app_version), (0, 1));
    assert_eq!(info.data, "fusee-test-1");
    let begun = client.init(begin(&file()));
    assert_eq!(begun.app_hash, genesis().identity().to_vec());
    assert_eq!(begun.app_hash, info.last_block_app_hash);
    let params = begun.consensus_params.unwrap();
    let block = BlockParams {
        max_bytes: 3 << 20,
        max_gas: 1_000_000_000,
    };
    assert_eq!(params.block, Some(block));
    assert_eq!(params.version, Some(VersionParams { app: 1 }));
    let [update] = &begun.validators[..] else {
        panic!("one validator");
    };
    let key = public_key::Sum::Ed25519(validator(70).to_vec());
    assert_eq!(update.pub_key.as_ref().unwrap().sum, Some(key));
    assert_eq!(update.power, 10);
}

#[test]
fn a_chain_that_has_begun_is_there_with_its_first_block() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let begun = node.connect().init(begin(&file()));
    node.stop();

    // As if the machine had crashed before the first commit.
    let node = Node::start(folder.path());
    let mut client = node.connect();
    assert_eq!(client.info().last_block_height, 0);
    assert_eq!(client.init(begin(&file())), begun);
    client.block(1, &transactions(1));
    assert_eq!(client.info().last_block_height, 1);

    client.end(request::Value::InitChain(begin(&file())));
    let failure = node.failure();
    assert!(failure.contains("whose height is 1 here"), "{failure}");
}

#[test]
fn a_chain_can_begin_at_any_height() {
    let folder = tempfile::tempdir().unwrap();
    let file = file().replace("\"initial_height\": 1", "\"initial_height\": 5");
    let genesis = Genesis::parse(&file).unwrap();
    let options = AppOptions::new(&genesis);
    let node = Node::start_with(folder.path(), genesis, options);
    let mut client = node.connect();
    // The engine begins a chain whose height is 0.
    assert_eq!(client.info().last_block_height, 0);
    let request = RequestInitChain {
        initial_height: 5,
        ..begin(&file)
    };
    client.init(request);
    let hash = client.block(5, &transactions(1)).app_hash;
    let info = client.info();
    assert_eq!(
        (info.last_block_height, info.last_block_app_hash),
        (5, hash)
    );
}

#[test]
fn a_panic_ends_the_node_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let rules = "\"migration\": \"panics\", \"ledger_rules\"";
    let file = file().replacen("\"ledger_rules\"", rules, 1);
    let genesis = Genesis::parse(&file).unwrap();
    let options = AppOptions::new(&genesis);
    let node = Node::start_with(folder.path(), genesis, options);
    let mut client = node.connect();
    client.init(begin(&file));
    client.end(request::Value::FinalizeBlock(block(1, &[])));
    assert!(node.failure().contains("has panicked"));
}

#[test]
fn info_is_of_one_block_while_others_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut client = node.connect();
    let mut hashes = vec![client.init(begin(&file())).app_hash];
    let mut observer = node.connect();
    let observed = std::thread::spawn(move || {
        let mut observed = BTreeMap::<i64, BTreeSet<Bytes>>::new();
        while !observed.contains_key(&60) {
            let info = observer.info();
            let hashes = observed.entry(info.last_block_height).or_default();
            hashes.insert(info.last_block_app_hash);
        }
        observed
    });
    for height in 1..=60 {
        hashes.push(client.block(height, &[]).app_hash);
    }
    for (height, observed) in observed.join().unwrap() {
        let hash = hashes[usize::try_from(height).unwrap()].clone();
        assert_eq!(observed, BTreeSet::from([hash]), "height {height}");
    }
}

#[test]
fn an_engine_with_another_genesis_ends_the_node_with_what_differs() {
    let check = |change: &dyn Fn(&mut RequestInitChain), message: &str| {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(folder.path());
        let mut request = begin(&file());
        change(&mut request);
        node.connect().end(request::Value::InitChain(request));
        let failure = node.failure();
        assert!(failure.contains(message), "{failure}");
    };
    check(&|it| it.chain_id = "other".to_owned(), "`chain_id`");
    check(&|it| it.initial_height = 5, "`initial_height`");
    check(&|it| it.initial_height = -1, "initial_height is -1");
    check(&|it| it.time = time(-1), "`genesis_time`");
    check(&|it| it.time = None, "no time");
    check(&|it| it.app_state_bytes = "{}".into(), "not a genesis file");
    let other = file_with(
        &[(1, ContractRules::v1())],
        "",
        &[(validator(70), 11, operator(70))],
    );
    check(
        &|it| it.app_state_bytes = other.clone().into(),
        "of the engine's genesis is the genesis",
    );
    let evidence = Some(EvidenceParams {
        max_bytes: 4 << 20,
        ..EvidenceParams::default()
    });
    check(
        &|it| it.consensus_params.as_mut().unwrap().evidence = evidence,
        "`consensus_params.evidence.max_bytes`",
    );
    check(
        &|it| it.consensus_params = None,
        "`consensus_params.validator.pub_key_types`",
    );
}
