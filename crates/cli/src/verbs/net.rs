//! `net`: writes the folder of a network of nodes that CometBFT replicates.

mod authority;
mod engine;

use std::{fs, io, path::Path};

use fusee::{
    chain::{Address, DataFolder},
    ledger::Genesis,
};
use serde::Serialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::engine::{NodeKey, Place};
use super::folder::NewFolder;
use crate::{
    args::{GenesisArgs, NetArgs, NetInitArgs, NetVerb},
    chain::FolderChain,
    failure::{Exit, Failure},
    node::file,
    output::Output,
    receipt::line,
    table::table,
};

/// The number of validators, where nothing says another one.
const VALIDATORS: usize = 4;
/// The voting power of each.
const POWER: u64 = 10;
/// How far the ports of nodes on one machine are apart.
const PORTS: u16 = 10;
const LOOPBACK: &str = "127.0.0.1";
/// How many ports a node has, one after the other.
const PORTS_OF_NODE: u16 = 4;
/// How many blocks lie between two snapshots, from which new nodes begin.
const SNAPSHOTS: u64 = 1_000;

/// Starts a node, and all of them.
const NODE_SCRIPT: &str = include_str!("net/node.sh");
const NETWORK_SCRIPT: &str = include_str!("net/network.sh");
const README: &str = include_str!("net/README.md");

/// What a compose file begins with. The programs are beside it.
const COMPOSE: &str = "\
# Build the image from the programs: put `fusee` and `cometbft` beside this file.
x-node: &node
  build:
    context: .
    dockerfile_inline: |
      FROM debian:stable-slim
      COPY fusee cometbft /usr/local/bin/
  image: fusee-net
  network_mode: host
  working_dir: /node
  command: [\"/bin/sh\", \"start.sh\"]
  restart: unless-stopped

services:
";

#[derive(Serialize)]
struct NetworkJson {
    folder: String,
    chain_id: String,
    nodes: Vec<NodeJson>,
    /// The contract that decides on validators, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    validators: Option<ValidatorsJson>,
}

#[derive(Serialize)]
struct ValidatorsJson {
    contract: String,
    /// Who adds and removes validators by it.
    authority: String,
}

#[derive(Serialize)]
struct NodeJson {
    name: String,
    /// By which other nodes know it.
    id: String,
    /// Where other nodes reach it.
    p2p: String,
    /// Where the RPC of its engine listens, on its own machine.
    rpc: String,
    /// Where its JSON-RPC and its explorer listen, on its own machine: what `--node` takes.
    node: String,
    /// Where its operators reach it, on its own machine.
    admin: String,
    /// The key that votes.
    validator: String,
    /// The account of that key.
    account: String,
}

/// A node that is to be written.
struct Node {
    place: Place,
    validator: NodeKey,
    key: NodeKey,
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Mode {
    Secret,
    Program,
}

pub(crate) fn run(args: &NetArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.verb {
        NetVerb::Init(args) => init(args, output),
    }
}

fn init(args: &NetInitArgs, output: &mut Output) -> Result<Exit, Failure> {
    if !args.development && args.account.is_empty() {
        let error = "nobody would have anything on the chain";
        return Err(Failure::usage(error).next("give --account ADDRESS=N, or --development"));
    }
    let authority = authority::given(args)?;
    let places = places(args)?;
    let nodes = places.into_iter().map(|place| {
        Ok(Node {
            place,
            validator: NodeKey::random()?,
            key: NodeKey::random()?,
        })
    });
    let nodes = nodes.collect::<Result<Vec<_>, Failure>>()?;
    let time = args.time.map_or_else(now, Ok)?;
    let chain = genesis(args, time, &nodes, authority)?;
    let text = format!("{chain:#}\n");
    let genesis = Genesis::parse(&text).map_err(|error| {
        Failure::new(Exit::Usage, error).next("correct the flags; see `fusee net init --help`")
    })?;
    let engine = format!("{:#}\n", engine_genesis(&chain, time, &nodes)?);

    let folder = NewFolder::new(&args.out)?;
    let path = folder.path();
    fs::create_dir(&path)
        .and_then(|()| fs::write(path.join("genesis.json"), text))
        .and_then(|()| {
            let homes = nodes.iter();
            { homes }.try_for_each(|node| write_node(&path, node, &nodes, &engine))
        })
        .and_then(|()| write_rest(&path, args, &nodes))
        .map_err(|error| folder.failed(error))?;
    for node in &nodes {
        let app = path.join(&node.place.name).join("app");
        DataFolder::create(&app, genesis.clone())?;
        FolderChain::open(&app)?;
    }
    folder.finish()?;
    let answer = NetworkJson {
        folder: args.out.display().to_string(),
        chain_id: args.chain_id.clone(),
        nodes: nodes.iter().map(NodeJson::of).collect(),
        validators: authority.map(|authority| ValidatorsJson {
            contract: authority::contract().to_string(),
            authority: authority.to_string(),
        }),
    };
    output.answer(&answer, || answer.text(args))?;
    Ok(Exit::Success)
}

/// Where the nodes are.
fn places(args: &NetInitArgs) -> Result<Vec<Place>, Failure> {
    let hosts = &args.addresses;
    let given = (!hosts.is_empty()).then_some(hosts.len());
    let count = args.validators.or(given).unwrap_or(VALIDATORS);
    if given.is_some_and(|given| given != count) {
        let error = format!("{} addresses for {count} validators", hosts.len());
        return Err(Failure::usage(error).next("give one address for each validator"));
    }
    if count == 0 {
        return Err(Failure::usage("a network has a validator").next("give --validators 4"));
    }
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if let Some(host) = hosts
        .iter()
        .find(|host| host.is_empty() || !host.bytes().all(is_host))
    {
        let error = format!("`{host}` is no host name and no address");
        return Err(Failure::usage(error).next("give names such as node1.example, without ports"));
    }
    let last = u16::MAX - (PORTS_OF_NODE - 1);
    let mut ports = (args.base_port..=last).step_by(PORTS.into());
    let mut port = args.base_port;
    let place = |number: usize| {
        if hosts.is_empty() {
            port = ports.next().ok_or_else(|| {
                let error = format!("{count} nodes have no ports from {} on", args.base_port);
                Failure::usage(error).next("choose a lower --base-port")
            })?;
        }
        let host = hosts.get(number);
        Ok(Place {
            name: format!("node{number}"),
            host: host.cloned().unwrap_or_else(|| LOOPBACK.to_owned()),
            listens_on: host.map_or(LOOPBACK, |_| "0.0.0.0"),
            p2p_port: port,
            rpc_port: port.saturating_add(1),
            node_port: port.saturating_add(2),
            admin_port: port.saturating_add(3),
        })
    };
    (0..count).map(place).collect()
}

/// The genesis of the chain.
fn genesis(
    args: &NetInitArgs,
    time: u64,
    nodes: &[Node],
    authority: Option<Address>,
) -> Result<Value, Failure> {
    let mut genesis = super::genesis::file(&GenesisArgs {
        chain_id: Some(args.chain_id.clone()),
        account: args.account.clone(),
        rules: None,
        minimum_price: args.minimum_price,
        // A network, also one of development accounts: all nodes wait for a block.
        block_gas: Some(args.block_gas),
        time,
    })?;
    let validators = nodes.iter().map(|Node { validator, .. }| {
        json!({
            "key": hex::encode(validator.public),
            "power": POWER,
            "account": validator.account().to_string(),
        })
    });
    let validators: Value = validators.collect();
    if let Some(parameters) = genesis.get_mut("parameters").and_then(Value::as_object_mut) {
        parameters.insert("validators".to_owned(), validators);
    }
    if let (Some(authority), Some(genesis)) = (authority, genesis.as_object_mut()) {
        authority::insert(genesis, authority);
    }
    Ok(genesis)
}

/// The genesis of the engine, which has that of the chain.
fn engine_genesis(chain: &Value, time: u64, nodes: &[Node]) -> Result<Value, Failure> {
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time) * 1_000_000);
    let date = date.ok().and_then(|date| date.format(&Rfc3339).ok());
    let date = date.ok_or_else(|| {
        Failure::usage(format!("{time} ms is no time before the year 10000"))
            .next("give --time in milliseconds since 1970")
    })?;
    let validators = nodes.iter();
    let validators = validators.map(|node| node.validator.genesis_json(POWER, &node.place.name));
    Ok(json!({
        "genesis_time": date,
        "chain_id": chain.get("chain_id"),
        "initial_height": "1",
        "validators": validators.collect::<Vec<_>>(),
        "app_hash": "",
        "app_state": chain,
    }))
}

/// A clock is read here alone: it is the time of a new chain.
#[allow(
    clippy::disallowed_methods,
    reason = "a binary, whose new chain begins now"
)]
fn now() -> Result<u64, Failure> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok());
    millis.ok_or_else(|| Failure::usage("the clock is before 1970").next("give --time"))
}

fn write_node(path: &Path, node: &Node, nodes: &[Node], engine: &str) -> io::Result<()> {
    let folder = path.join(&node.place.name);
    fs::create_dir(&folder)?;
    let others = nodes.iter();
    let others = others.filter(|other| other.place.name != node.place.name);
    let peers: Vec<_> = others.map(|other| other.place.peer(&other.key)).collect();
    let config = node.place.config(&peers.join(","));
    let keys = (&node.validator, &node.key);
    engine::write_home(&folder.join("engine"), keys, &config, engine)?;
    fs::write(folder.join("node.toml"), settings(&node.place))?;
    write(
        &folder.join("start.sh"),
        NODE_SCRIPT.as_bytes(),
        Mode::Program,
    )
}

/// The configuration of the application, whose paths begin at the folder of the node. It is not in
/// the data folder, which can be made anew.
fn settings(place: &Place) -> String {
    let Place {
        rpc_port,
        node_port,
        admin_port,
        ..
    } = place;
    file::written(&[
        ("consensus.abci", "unix://abci.sock".to_owned()),
        ("consensus.rpc", format!("http://{LOOPBACK}:{rpc_port}")),
        ("consensus.snapshots", SNAPSHOTS.to_string()),
        ("rpc.listen", format!("{LOOPBACK}:{node_port}")),
        ("rpc.admin", format!("{LOOPBACK}:{admin_port}")),
    ])
}

/// Writes what is of no node.
fn write_rest(path: &Path, args: &NetInitArgs, nodes: &[Node]) -> io::Result<()> {
    let is_here = args.addresses.is_empty();
    if is_here {
        let script = path.join("start.sh");
        write(&script, NETWORK_SCRIPT.as_bytes(), Mode::Program)?;
    }
    let services = nodes.iter().map(|Node { place, .. }| {
        let name = &place.name;
        format!("  {name}:\n    <<: *node\n    volumes: [\"./{name}:/node\"]\n")
    });
    let compose = [COMPOSE.to_owned(), services.collect()].concat();
    fs::write(path.join("compose.yaml"), compose)?;
    let mut list =
        "| node | id | for other nodes | JSON-RPC and explorer | operators | RPC of the \
                    engine |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for node in nodes.iter().map(NodeJson::of) {
        list.push_str(&format!(
            "| `{}` | `{}` | {} | {} | {} | {} |\n",
            node.name, node.id, node.p2p, node.node, node.admin, node.rpc
        ));
    }
    let starting = match is_here {
        true => {
            "`./start.sh` starts all nodes, and Ctrl-C stops them. `docker compose up` does the same,\n\
             with the programs `fusee` and `cometbft` beside `compose.yaml`."
        }
        false => {
            "Copy each folder to the machine of its node, and nowhere else, and start it there by\n\
             `./start.sh`, or with the programs `fusee` and `cometbft` beside `compose.yaml` by\n\
             `docker compose up node0`. Other nodes have to reach the port, and nobody else has to."
        }
    };
    let readme = README
        .replace("CHAIN_ID", &args.chain_id)
        .replace("NODES", &list)
        .replace("STARTING", starting);
    fs::write(path.join("README.md"), readme)
}

fn write(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(match mode {
            Mode::Secret => 0o600,
            Mode::Program => 0o755,
        });
    }
    #[cfg(not(unix))]
    let _ = mode;
    io::Write::write_all(&mut options.open(path)?, bytes)
}

impl NodeJson {
    fn of(node: &Node) -> Self {
        let Place {
            name,
            host,
            p2p_port,
            rpc_port,
            node_port,
            admin_port,
            ..
        } = &node.place;
        Self {
            name: name.clone(),
            id: node.key.id(),
            p2p: format!("{host}:{p2p_port}"),
            rpc: format!("http://{LOOPBACK}:{rpc_port}"),
            node: format!("http://{LOOPBACK}:{node_port}"),
            admin: format!("http://{LOOPBACK}:{admin_port}"),
            validator: hex::encode(node.validator.public),
            account: node.validator.account().to_string(),
        }
    }
}

impl NetworkJson {
    fn text(&self, args: &NetInitArgs) -> String {
        let mut lines = vec![line("folder", &self.folder), line("chain", &self.chain_id)];
        let nodes = self.nodes.iter();
        let shown = |node: &NodeJson| format!("{}, JSON-RPC {}", node.p2p, node.node);
        lines.extend(nodes.map(|node| line(&node.name, shown(node))));
        if let Some(ValidatorsJson { contract, .. }) = &self.validators {
            lines.push(line("validators", format!("decided by {contract}")));
        }
        lines.push(line(
            "start",
            match args.addresses.is_empty() {
                true => format!("{}/start.sh", self.folder),
                false => "start.sh of each folder, on its machine".to_owned(),
            },
        ));
        table(0, &lines)
    }
}
