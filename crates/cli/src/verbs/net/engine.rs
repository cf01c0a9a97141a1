//! The home of a CometBFT node: keys, genesis and configuration, in its formats.

use std::{fs, io, path::Path};

use data_encoding::BASE64;
use fusee::{
    abci::consensus_address,
    ledger::{LedgerRules, PublicKey, SecretKey},
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// The names that CometBFT gives Ed25519 keys in its files.
const PUBLIC_TYPE: &str = "tendermint/PubKeyEd25519";
const PRIVATE_TYPE: &str = "tendermint/PrivKeyEd25519";

/// What a request of an engine's RPC has besides a transaction, at most.
const REQUEST_BYTES: u32 = 4 << 10;

/// An Ed25519 key of a node.
pub(super) struct NodeKey {
    secret: Zeroizing<[u8; 32]>,
    pub(super) public: [u8; 32],
}

/// What of a node other nodes know.
pub(super) struct Place {
    /// The name of its folder.
    pub(super) name: String,
    /// Its host, for other nodes.
    pub(super) host: String,
    /// Where it listens for them.
    pub(super) listens_on: &'static str,
    pub(super) p2p_port: u16,
    /// Of the engine's RPC, and of the JSON-RPC and the operators' listener of the node beside it.
    pub(super) rpc_port: u16,
    pub(super) node_port: u16,
    pub(super) admin_port: u16,
}

impl NodeKey {
    /// A key of the system's randomness.
    pub(super) fn random() -> Result<Self, Failure> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|_| {
            let error = anyhow::anyhow!("the system has no randomness");
            Failure::new(Exit::Host, error).next("run the command again")
        })?;
        match SecretKey::ed25519(*secret).public_key() {
            PublicKey::Ed25519(public) => Ok(Self { secret, public }),
            _ => unreachable!("it is an Ed25519 key"),
        }
    }

    /// The account of the key on the chain.
    pub(super) fn account(&self) -> fusee::chain::Address {
        PublicKey::Ed25519(self.public).address()
    }

    /// The address in the engine.
    fn address(&self) -> String {
        hex::encode_upper(consensus_address(&self.public))
    }

    /// How other nodes name a node of this key.
    pub(super) fn id(&self) -> String {
        hex::encode(consensus_address(&self.public))
    }

    fn public_json(&self) -> Value {
        json!({"type": PUBLIC_TYPE, "value": BASE64.encode(&self.public)})
    }

    /// The secret and the public key, one after the other, as Go has them.
    fn private_json(&self) -> String {
        let both = Zeroizing::new([self.secret.as_slice(), &self.public].concat());
        json!({"type": PRIVATE_TYPE, "value": BASE64.encode(&both)}).to_string()
    }

    /// The file of a validator's key.
    pub(super) fn validator_file(&self) -> Zeroizing<String> {
        let (address, public) = (self.address(), self.public_json());
        let private = Zeroizing::new(self.private_json());
        Zeroizing::new(format!(
            "{{\"address\": \"{address}\", \"pub_key\": {public}, \"priv_key\": {}}}\n",
            *private
        ))
    }

    /// The file of a node's key.
    pub(super) fn node_file(&self) -> Zeroizing<String> {
        let private = Zeroizing::new(self.private_json());
        Zeroizing::new(format!("{{\"priv_key\": {}}}\n", *private))
    }

    /// The validator in the engine's genesis.
    pub(super) fn genesis_json(&self, power: u64, name: &str) -> Value {
        json!({
            "address": self.address(),
            "pub_key": self.public_json(),
            "power": power.to_string(),
            "name": name,
        })
    }
}

impl Place {
    /// How other nodes reach a node of this key.
    pub(super) fn peer(&self, key: &NodeKey) -> String {
        format!("{}@{}:{}", key.id(), self.host, self.p2p_port)
    }

    /// The configuration. What is not in it has the default of CometBFT.
    pub(super) fn config(&self, peers: &str) -> String {
        let Self {
            name,
            host,
            listens_on,
            p2p_port,
            rpc_port,
            ..
        } = self;
        // The chain's own limits are those that transactions meet first.
        let transaction_bytes = LedgerRules::latest().limits.transaction_bytes;
        // Base64 makes four bytes of three, and a request has some more.
        let body_bytes = transaction_bytes.div_ceil(3).saturating_mul(4);
        let body_bytes = body_bytes.saturating_add(REQUEST_BYTES);
        format!(
            r#"# What is not here has the default of CometBFT: `cometbft init` prints all of it.
proxy_app = "unix://abci.sock"
moniker = "{name}"

[rpc]
# It can do everything: put a proxy before it where others are to reach it.
laddr = "tcp://127.0.0.1:{rpc_port}"
# A request with the largest transaction of the chain.
max_body_bytes = {body_bytes}

[mempool]
# The largest transaction of the chain. All nodes need the same limit.
max_tx_bytes = {transaction_bytes}

[p2p]
laddr = "tcp://{listens_on}:{p2p_port}"
external_address = "{host}:{p2p_port}"
persistent_peers = "{peers}"
# Addresses of a private network, and several nodes on one machine.
addr_book_strict = false
allow_duplicate_ip = true
"#
        )
    }
}

/// Writes the home of a node.
pub(super) fn write_home(
    home: &Path,
    (validator, node): (&NodeKey, &NodeKey),
    config: &str,
    genesis: &str,
) -> io::Result<()> {
    let (settings, data) = (home.join("config"), home.join("data"));
    fs::create_dir_all(&settings)?;
    fs::create_dir_all(&data)?;
    fs::write(settings.join("config.toml"), config)?;
    fs::write(settings.join("genesis.json"), genesis)?;
    let secrets = [
        ("priv_validator_key.json", validator.validator_file()),
        ("node_key.json", node.node_file()),
    ];
    for (name, text) in secrets {
        super::write(&settings.join(name), text.as_bytes(), super::Mode::Secret)?;
    }
    let voted = "{\"height\": \"0\", \"round\": 0, \"step\": 0}\n";
    let voted_file = data.join("priv_validator_state.json");
    super::write(&voted_file, voted.as_bytes(), super::Mode::Secret)
}
