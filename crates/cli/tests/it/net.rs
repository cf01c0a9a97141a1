//! `net init`: the folder of a network. `cometbft.rs` runs one.

use std::{collections::BTreeSet, fs, path::Path};

use data_encoding::BASE64;
use fusee::abci::consensus_address;
use fusee::{
    chain::Address,
    ledger::{BlockLimits, Genesis, PublicKey, SecretKey},
    sandbox::Gas,
};
use serde_json::Value;

use crate::support::Folder;

fn read(folder: &Folder, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(folder: &Folder, path: &str) -> Value {
    serde_json::from_str(&read(folder, path)).unwrap()
}

/// The public key of a file of CometBFT, whose secret has to belong to it.
fn public(key: &Value) -> [u8; 32] {
    assert_eq!(key["priv_key"]["type"], "tendermint/PrivKeyEd25519");
    let value = key["priv_key"]["value"].as_str().unwrap();
    let both = BASE64.decode(value.as_bytes()).unwrap();
    let (secret, public) = both.split_at(32);
    let secret = SecretKey::ed25519(secret.try_into().unwrap());
    let public = public.try_into().unwrap();
    assert_eq!(secret.public_key(), PublicKey::Ed25519(public));
    public
}

#[cfg(unix)]
fn mode(folder: &Folder, path: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(folder.path().join(path)).unwrap();
    metadata.permissions().mode() & 0o777
}

#[test]
fn a_network_has_keys_genesis_and_configuration_that_belong_together() {
    let folder = Folder::new();
    let made = folder.json("net init --out net --development --base-port 30000", 0);
    assert_eq!(made["chain_id"], "fusee-net");
    let genesis = Genesis::parse(&read(&folder, "net/genesis.json")).unwrap();
    let listed = &genesis.parameters.validators;
    assert_eq!(made["nodes"].as_array().unwrap().len(), 4);
    assert_eq!(listed.len(), 4);
    let engine = json(&folder, "net/node0/engine/config/genesis.json");
    let state = engine["app_state"].to_string();
    let of_engine = Genesis::parse(&state).unwrap();
    assert_eq!(of_engine.identity(), genesis.identity());
    assert_eq!(engine["chain_id"], "fusee-net");
    let mut ids = Vec::new();
    for (number, node) in made["nodes"].as_array().unwrap().iter().enumerate() {
        let config = |name: &str| format!("net/node{number}/engine/config/{name}");
        assert_eq!(json(&folder, &config("genesis.json")), engine);
        let key = json(&folder, &config("priv_validator_key.json"));
        let validator = public(&key);
        assert_eq!(listed[number].key, validator);
        assert_eq!(
            listed[number].account,
            PublicKey::Ed25519(validator).address()
        );
        let address = hex::encode_upper(consensus_address(&validator));
        assert_eq!(key["address"], address.as_str());
        assert_eq!(engine["validators"][number]["address"], address.as_str());
        assert_eq!(engine["validators"][number]["pub_key"], key["pub_key"]);
        let value = key["pub_key"]["value"].as_str().unwrap();
        assert_eq!(value, BASE64.encode(&validator));
        let id = hex::encode(consensus_address(&public(&json(
            &folder,
            &config("node_key.json"),
        ))));
        assert_eq!(node["id"], id.as_str());
        let voted = json(
            &folder,
            &format!("net/node{number}/engine/data/priv_validator_state.json"),
        );
        assert_eq!(voted["height"], "0");
        ids.push(format!("{id}@127.0.0.1:{}", 30_000 + 10 * number));
        for (of, port) in [("rpc", 1), ("node", 2), ("admin", 3)] {
            let url = format!("http://127.0.0.1:{}", 30_000 + 10 * number + port);
            assert_eq!(node[of], url.as_str());
        }
        // The application has the chain already.
        let data = format!("doctor --data net/node{number}/app");
        assert_eq!(folder.json(&data, 0)["is_healthy"], true);
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
    for number in 0..4 {
        let config = read(
            &folder,
            &format!("net/node{number}/engine/config/config.toml"),
        );
        let mut others = ids.clone();
        others.remove(number);
        let peers = format!("persistent_peers = \"{}\"", others.join(","));
        assert!(config.contains(&peers), "{config}");
        let rpc = format!("laddr = \"tcp://127.0.0.1:{}\"", 30_001 + 10 * number);
        assert!(config.contains(&rpc), "{config}");
        // The default of the engine is below the chain's limit of a transaction.
        for limit in ["max_tx_bytes = 4194304", "max_body_bytes = 5596504"] {
            assert!(config.contains(limit), "{config}");
        }
    }
    for number in 0..4 {
        // What the application listens at, and where it finds its engine.
        let config = format!("net/node{number}/node.toml");
        let words = format!("node config show --config {config} --data net/node{number}/app");
        let shown = folder.json(&words, 0);
        let port = |of: usize| format!("127.0.0.1:{}", 30_000 + 10 * number + of);
        let set = shown["settings"].as_array().unwrap().iter();
        let set = set.filter(|it| it["source"] != "default").map(|it| {
            assert!(it["source"].as_str().unwrap().starts_with(&config), "{it}");
            let text = |key: &str| it[key].as_str().unwrap().to_owned();
            (text("name"), text("value"))
        });
        let expected = [
            ("consensus.abci", "unix://abci.sock".to_owned()),
            ("consensus.rpc", format!("http://{}", port(1))),
            ("consensus.snapshots", "1000".to_owned()),
            ("rpc.listen", port(2)),
            ("rpc.admin", port(3)),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(set.collect::<Vec<_>>(), expected);
    }
    let compose = read(&folder, "net/compose.yaml");
    assert_eq!(compose.matches(":/node\"]").count(), 4, "{compose}");
    assert!(read(&folder, "net/README.md").contains("# The network fusee-net"));
    #[cfg(unix)]
    {
        let secret = "net/node2/engine/config/priv_validator_key.json";
        assert_eq!(mode(&folder, secret), 0o600);
        assert_eq!(mode(&folder, "net/node2/start.sh") & 0o700, 0o700);
        assert_eq!(mode(&folder, "net/start.sh") & 0o700, 0o700);
    }
}

#[test]
fn an_authority_over_the_validators_is_a_contract_of_the_genesis() {
    let folder = Folder::new();
    let made = folder.json("net init --out net --development --authority alice", 0);
    let contract = made["validators"]["contract"].as_str().unwrap();
    let alice = Address::of_development_account("alice").to_string();
    assert_eq!(made["validators"]["authority"], alice.as_str());
    let state = json(&folder, "net/node0/engine/config/genesis.json")["app_state"].to_string();
    let genesis = Genesis::parse(&read(&folder, "net/genesis.json")).unwrap();
    assert_eq!(
        Genesis::parse(&state).unwrap().identity(),
        genesis.identity()
    );
    assert_eq!(genesis.contracts[0].admin.unwrap().to_string(), alice);
    // The data folder of each node has it, with the validators of the genesis.
    let ask = |method: &str| {
        let words = format!("query {contract} {method} --data net/node1/app");
        folder.json(&words, 0)["decoded"]["output"].take()
    };
    assert_eq!(ask("authority"), format!("0x{alice}"));
    let listed = ask("validators");
    let keys = listed.as_array().unwrap().iter();
    let keys: BTreeSet<_> = keys.map(|it| it["key"].to_string()).collect();
    let nodes = made["nodes"].as_array().unwrap().iter();
    let voting = nodes.map(|it| format!("\"0x{}\"", it["validator"].as_str().unwrap()));
    assert_eq!(keys, voting.collect());
}

#[test]
fn a_network_of_machines_has_their_addresses() {
    let folder = Folder::new();
    let account = "0707070707070707070707070707070707070707070707070707070707070707";
    let words = format!(
        "net init --out net --chain-id acme-1 --account {account}=1000 --minimum-price 3 \
         --addresses one.example,10.0.0.2 --time 1790000000123"
    );
    let made = folder.json(&words, 0);
    assert_eq!(made["nodes"][1]["p2p"], "10.0.0.2:26656");
    assert_eq!(made["nodes"][1]["rpc"], "http://127.0.0.1:26657");
    let genesis = Genesis::parse(&read(&folder, "net/genesis.json")).unwrap();
    assert_eq!(genesis.parameters.chain_id, "acme-1");
    assert_eq!(genesis.parameters.minimum_price(), 3);
    let accounts: Vec<_> = genesis.accounts.keys().map(ToString::to_string).collect();
    assert_eq!(accounts, [account]);
    let gas = genesis.parameters.limits.gas;
    assert_eq!(gas, BlockLimits::INTERPRETED_SECOND);
    let engine = json(&folder, "net/node1/engine/config/genesis.json");
    assert_eq!(engine["genesis_time"], "2026-09-21T14:13:20.123Z");
    let config = read(&folder, "net/node1/engine/config/config.toml");
    let id = made["nodes"][0]["id"].as_str().unwrap();
    for setting in [
        "laddr = \"tcp://0.0.0.0:26656\"".to_owned(),
        "laddr = \"tcp://127.0.0.1:26657\"".to_owned(),
        "external_address = \"10.0.0.2:26656\"".to_owned(),
        format!("persistent_peers = \"{id}@one.example:26656\""),
    ] {
        assert!(config.contains(&setting), "{setting}: {config}");
    }
    // Nothing starts nodes of other machines.
    assert!(!folder.path().join("net/start.sh").exists());
    assert!(folder.path().join("net/node0/start.sh").exists());
}

/// Of a development chain, nobody else waits for a block.
#[test]
fn a_block_of_a_network_takes_the_interpreter_a_second_by_default() {
    let account = "--account 0707070707070707070707070707070707070707070707070707070707070707=1000";
    let (fitted, chosen) = (BlockLimits::INTERPRETED_SECOND, Gas::new(7_000_000));
    let gas = |words: &str| {
        let folder = Folder::new();
        let text = folder.text(words, 0);
        let text = match words.starts_with("net") {
            true => read(&folder, "net/genesis.json"),
            false => text,
        };
        Genesis::parse(&text).unwrap().parameters.limits.gas
    };
    assert_eq!(gas("net init --out net --development"), fitted);
    assert_eq!(gas(&format!("net init --out net {account}")), fitted);
    assert_eq!(gas(&format!("genesis {account}")), fitted);
    assert_eq!(gas("genesis"), Gas::new(1_000_000_000_000));
    for words in ["genesis", "net init --out net --development"] {
        assert_eq!(gas(&format!("{words} --block-gas 7000000")), chosen);
    }
}

#[test]
fn what_is_no_network_is_told_and_nothing_is_written() {
    let folder = Folder::new();
    for (words, told) in [
        ("--out net", "--account"),
        ("--out net --development --account 07=1", "--account"),
        ("--out net --development --validators 0", "--validators 4"),
        (
            "--out net --development --validators 3 --addresses a,b",
            "2 addresses for 3",
        ),
        (
            "--out net --development --addresses a,b:1/",
            "`b:1/` is no host name",
        ),
        (
            "--out net --development --addresses a,",
            "`` is no host name",
        ),
        (
            "--out net --development --validators 9 --base-port 65500",
            "--base-port",
        ),
        ("--out net --development --chain-id \u{e4}", "chain_id"),
        ("--out net --development --time 253402300800000", "time"),
        (
            "--out net --development --authority zoe",
            "or a development account",
        ),
        (
            "--out net --account 0700000000000000000000000000000000000000000000000000000000000000=1 \
             --authority alice",
            "`fusee keys show`",
        ),
        ("--out missing/net --development", "cannot write"),
    ] {
        let refused = folder.fusee(&format!("net init {words}"));
        assert_ne!(refused.code, 0, "{words}");
        assert!(refused.stderr.contains(told), "{words}: {refused:?}");
        assert!(!folder.path().join("net").exists(), "{words}");
    }
    // What is there is not touched.
    fs::create_dir(folder.path().join("net")).unwrap();
    let refused = folder.fusee("net init --out net --development");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("choose a folder"), "{refused:?}");
    assert_eq!(fs::read_dir(folder.path().join("net")).unwrap().count(), 0);
    let unfinished = |path: &Path| path.to_string_lossy().contains("unfinished");
    let mut left = fs::read_dir(folder.path()).unwrap();
    assert!(!left.any(|entry| unfinished(&entry.unwrap().path())));
}
