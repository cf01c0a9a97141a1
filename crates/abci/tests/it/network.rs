//! A network of CometBFT nodes, each with the example `application`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use fusee_chain::{Chain, Scope, Start, replay};
use fusee_contract::{ContractRules, keys};
use fusee_ledger::Genesis;
use serde_json::{Value, json};

use crate::namespaces::Namespaces;
use crate::rpc;
use crate::world::{CHAIN, account, file_with, ledger_on, operator};

/// How many blocks lie between two snapshots.
const SNAPSHOTS: &str = "40";

/// The lanes of the nodes: they agree, whatever executes.
const LANES: [&str; 5] = ["wasmi", "wasmtime", "wasmi", "wasmtime", "wasmi"];

/// A network of nodes, numbered from 0.
pub(crate) struct Network {
    folder: tempfile::TempDir,
    /// The first three numbers of the addresses, so that networks do not meet.
    prefix: String,
    pub(crate) nodes: Vec<Process>,
    /// Those of the nodes, if each has one. Removed after the processes have ended.
    pub(crate) namespaces: Option<Namespaces>,
}

/// An application and its engine. They are killed when it is dropped.
#[derive(Default)]
pub(crate) struct Process {
    app: Option<Child>,
    engine: Option<Child>,
    /// Where the engine finds the application, if it is not the application's own socket.
    pub(crate) socket: Option<PathBuf>,
}

impl Drop for Process {
    fn drop(&mut self) {
        kill(&mut self.engine);
        kill(&mut self.app);
    }
}

/// `kill -9`.
fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[allow(clippy::disallowed_methods, reason = "the tests run on request")]
pub(crate) fn cometbft() -> String {
    let path = std::env::var("FUSEE_COMETBFT");
    path.expect("set FUSEE_COMETBFT to the path of CometBFT v0.38")
}

pub(crate) fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let example = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/application");
    assert!(
        example.exists(),
        "cargo build -p fusee-abci --example application"
    );
    example
}

/// Waits until a condition has a value, up to a minute and a half.
#[track_caller]
pub(crate) fn wait<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    for _ in 0..900 {
        if let Some(value) = condition() {
            return value;
        }
        // Other processes have to get on.
        sleep(Duration::from_millis(100));
    }
    panic!("{what}: not after 90 seconds");
}

impl Network {
    /// Writes the folders of a network, of which the first nodes are validators, and starts these.
    pub(crate) fn start(validators: usize, nodes: usize, subnet: u32) -> Self {
        // Each process has addresses of its own.
        let unique = std::process::id() % 200 + 20;
        let prefix = format!("127.{unique}.{subnet}");
        Self::start_on(prefix, None, validators, nodes)
    }

    /// Starts validators in namespaces of their own. `None` if this machine does not let us.
    pub(crate) fn start_apart(validators: usize) -> Option<Self> {
        let namespaces = Namespaces::new(validators)?;
        let prefix = namespaces.prefix().to_owned();
        Some(Self::start_on(
            prefix,
            Some(namespaces),
            validators,
            validators,
        ))
    }

    fn start_on(
        prefix: String,
        namespaces: Option<Namespaces>,
        validators: usize,
        nodes: usize,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let full = (nodes - validators).to_string();
        let made = Command::new(cometbft())
            .args(["testnet", "--v", &validators.to_string(), "--n", &full])
            .args([
                "--o",
                "net",
                "--starting-ip-address",
                &format!("{prefix}.1"),
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let mut network = Self {
            folder,
            prefix,
            nodes: Vec::new(),
            namespaces,
        };
        network.write_genesis(nodes);
        for number in 0..validators {
            network.nodes.push(Process::default());
            network.run(number);
        }
        network
    }

    pub(crate) fn home(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("net/node{number}"))
    }

    pub(crate) fn address(&self, number: usize) -> String {
        format!("{}.{}", self.prefix, number + 1)
    }

    /// Makes the genesis of the chain, whose validators are those of the engine.
    pub(crate) fn write_genesis(&self, nodes: usize) {
        let path = |number| self.home(number).join("config/genesis.json");
        let mut engine: Value = serde_json::from_slice(&fs::read(path(0)).unwrap()).unwrap();
        let listed = engine["validators"].as_array().unwrap().iter().zip(70..);
        let validators: Vec<_> = listed
            .map(|(validator, number)| {
                let key = validator["pub_key"]["value"].as_str().unwrap();
                let key = data_encoding::BASE64.decode(key.as_bytes()).unwrap();
                (key.try_into().unwrap(), 10, operator(number))
            })
            .collect();
        let file = file_with(&[(1, ContractRules::v1())], "", &validators);
        // The engine has the time of the machine.
        let file = file.replace("\"time\": 1790000000000", "\"time\": 1");
        engine["chain_id"] = json!(CHAIN);
        engine["app_state"] = serde_json::from_str(&file).unwrap();
        for number in 0..nodes {
            fs::write(path(number), serde_json::to_vec_pretty(&engine).unwrap()).unwrap();
        }
        fs::write(self.folder.path().join("genesis.json"), file).unwrap();
    }

    /// Starts a node, or what of it was killed.
    pub(crate) fn run(&mut self, number: usize) {
        self.run_with(number, &[]);
    }

    pub(crate) fn run_with(&mut self, number: usize, settings: &[(&str, &str)]) {
        let (home, ip) = (self.home(number), self.address(number));
        let socket = home.join("abci.sock");
        let log = |name: &str| {
            let log = File::options()
                .create(true)
                .append(true)
                .open(home.join(name));
            log.unwrap()
        };
        let Process {
            app,
            engine,
            socket: other,
        } = &mut self.nodes[number];
        if app.is_none() {
            let started = Command::new(example())
                .arg(self.folder.path().join("genesis.json"))
                .arg(home.join("app"))
                .arg(format!("unix://{}", socket.display()))
                .args([LANES[number], SNAPSHOTS])
                .stderr(log("app.log"))
                .spawn();
            *app = Some(started.unwrap());
            wait("the application listens", || {
                std::os::unix::net::UnixStream::connect(&socket).ok()
            });
        }
        if engine.is_none() {
            let socket = other.as_ref().unwrap_or(&socket);
            let program = cometbft();
            let command = match &self.namespaces {
                Some(namespaces) => namespaces.command(number, &program),
                None => Command::new(program),
            };
            let started = { command }
                .args(["node", "--home"])
                .arg(&home)
                .arg(format!("--proxy_app=unix://{}", socket.display()))
                .arg(format!("--p2p.laddr=tcp://{ip}:26656"))
                .arg(format!("--rpc.laddr=tcp://{ip}:26657"))
                .env("CMT_CONSENSUS_TIMEOUT_PROPOSE", "500ms")
                .env("CMT_CONSENSUS_TIMEOUT_PREVOTE", "200ms")
                .env("CMT_CONSENSUS_TIMEOUT_PRECOMMIT", "200ms")
                .env("CMT_CONSENSUS_TIMEOUT_COMMIT", "200ms")
                .env("CMT_RPC_PPROF_LADDR", "")
                .envs(settings.iter().copied())
                .stdout(log("engine.log"))
                .stderr(log("engine.log"))
                .spawn();
            *engine = Some(started.unwrap());
        }
    }

    pub(crate) fn kill_app(&mut self, number: usize) {
        kill(&mut self.nodes[number].app);
    }

    pub(crate) fn kill_engine(&mut self, number: usize) {
        kill(&mut self.nodes[number].engine);
    }

    /// Waits for the end of an engine that ends itself.
    #[track_caller]
    pub(crate) fn ended_engine(&mut self, number: usize) {
        let engine = &mut self.nodes[number].engine;
        wait("the engine ends without its application", || {
            engine.as_mut()?.try_wait().unwrap()
        });
        *engine = None;
    }

    pub(crate) fn kill(&mut self, number: usize) {
        self.kill_app(number);
        self.kill_engine(number);
    }

    /// A call of the engine's RPC. `None` if it does not answer, or with an error.
    pub(crate) fn rpc(&self, number: usize, path: &str) -> Option<Value> {
        let address = format!("{}:26657", self.address(number));
        let mut answer: Value = serde_json::from_slice(&rpc::get(&address, path)?).unwrap();
        answer.get_mut("result").map(Value::take)
    }

    pub(crate) fn height(&self, number: usize) -> Option<u64> {
        let status = self.rpc(number, "/status")?;
        let height = status["sync_info"]["latest_block_height"].as_str()?;
        height.parse().ok()
    }

    /// Waits until nodes have a height.
    #[track_caller]
    pub(crate) fn reach(&self, nodes: &[usize], height: u64) {
        for &number in nodes {
            wait(&format!("node {number} has height {height}"), || {
                self.height(number).filter(|reached| *reached >= height)
            });
        }
    }

    /// Waits until nodes have some more blocks than any had.
    #[track_caller]
    pub(crate) fn go_on(&self, nodes: &[usize]) -> u64 {
        let heights = nodes.iter().filter_map(|&number| self.height(number));
        let next = heights.max().unwrap_or(0) + 3;
        self.reach(nodes, next);
        next
    }

    /// Waits until nodes, which are too few validators to decide anything, can do no more: each
    /// has the votes of all of them in the same round, and no vote besides. Then nothing moves an
    /// engine but the vote of another validator. Transactions reach the mempools of all of them
    /// meanwhile, and no block. Returns the height of their last block.
    #[track_caller]
    pub(crate) fn halt(&self, nodes: &[usize], transactions: &[Vec<u8>]) -> u64 {
        let stuck = || wait("the validators wait for votes", || self.stuck(nodes));
        let before = stuck();
        for transaction in transactions {
            assert_eq!(self.send(nodes[0], transaction), 0);
        }
        for &number in nodes {
            wait(&format!("node {number} has the transactions"), || {
                let mempool = self.rpc(number, "/num_unconfirmed_txs")?;
                let count: usize = mempool["n_txs"].as_str()?.parse().unwrap();
                (count == transactions.len()).then_some(())
            });
        }
        assert_eq!(stuck(), before, "the engines have gone on");
        let last = before.height - 1;
        for &number in nodes {
            assert_eq!(self.height(number), Some(last), "node {number}");
        }
        last
    }

    /// The votes that all of these nodes have and wait with. `None` if they differ, or an engine
    /// can still go on by itself.
    fn stuck(&self, nodes: &[usize]) -> Option<Votes> {
        let votes = nodes.iter().map(|&number| self.votes(number));
        let votes = votes.collect::<Option<Vec<_>>>()?;
        let first = votes.first()?;
        let agree = votes.iter().all(|it| it == first);
        (agree && first.count == nodes.len()).then(|| first.clone())
    }

    /// The votes that an engine waits with. `None` if it does not wait for votes, but for a time or
    /// a proposal.
    fn votes(&self, number: usize) -> Option<Votes> {
        // The numbers of the steps in CometBFT.
        const PREVOTE: &str = "4";
        const PRECOMMIT: &str = "6";
        let mut answer = self.rpc(number, "/consensus_state")?;
        let state = answer["round_state"].take();
        let at = state["height/round/step"].as_str()?.to_owned();
        let mut parts = at.split('/');
        let (height, round, step) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = match step {
            PREVOTE => "prevotes_bit_array",
            PRECOMMIT => "precommits_bit_array",
            _ => return None,
        };
        let mut rounds = state["height_vote_set"].as_array()?.iter();
        let round: u64 = round.parse().unwrap();
        let votes = rounds.find(|it| it["round"] == round)?[kind].as_str()?;
        // `BA{4:xx__} 20/40 = 0.50`: those who have voted, and their power.
        let (voted, _) = votes.split_once('}')?;
        Some(Votes {
            height: height.parse().unwrap(),
            count: voted.matches('x').count(),
            votes: votes.to_owned(),
            at,
        })
    }

    /// Sends a transaction to a node, and returns the code of its check.
    #[track_caller]
    pub(crate) fn send(&self, number: usize, transaction: &[u8]) -> u64 {
        let path = format!("/broadcast_tx_sync?tx=0x{}", hex::encode(transaction));
        wait("a transaction is checked", || self.rpc(number, &path))["code"]
            .as_u64()
            .unwrap()
    }

    /// The next nonce of an account.
    pub(crate) fn nonce(&self, number: usize, sender: u8) -> Option<u64> {
        let answer = self.query(number, &keys::nonce(account(sender)), None)?;
        let value = answer["value"].as_str().unwrap_or_default();
        let value = data_encoding::BASE64.decode(value.as_bytes()).unwrap();
        let nonce = value.get(1..).unwrap_or_default();
        Some(nonce.try_into().map_or(0, u64::from_le_bytes))
    }

    /// A query of a key, at a height with its proof, or of the newest state.
    pub(crate) fn query(&self, number: usize, key: &[u8], height: Option<u64>) -> Option<Value> {
        let key = hex::encode(key);
        let at = height.map(|height| format!("&height={height}&prove=true"));
        let at = at.unwrap_or_default();
        let path = format!("/abci_query?path=%22/store%22&data=0x{key}{at}");
        self.rpc(number, &path).map(|mut it| it["response"].take())
    }

    /// Waits until all of a sender's transactions are in blocks.
    #[track_caller]
    pub(crate) fn included(&self, number: usize, sender: u8, nonce: u64) {
        wait(&format!("account {sender} has nonce {nonce}"), || {
            self.nonce(number, sender).filter(|it| *it == nonce)
        });
    }

    /// Rolls a stopped engine back by one block, and its application to the same height.
    pub(crate) fn roll_back(&mut self, number: usize) {
        self.kill(number);
        let rolled_back = Command::new(cometbft())
            .args(["rollback", "--home"])
            .arg(self.home(number))
            .output()
            .unwrap();
        let told = String::from_utf8(rolled_back.stdout).unwrap();
        let height = told.split("height ").nth(1);
        let height = height.and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
        let height = height.unwrap_or_else(|| panic!("{told}"));
        let file = fs::read_to_string(self.folder.path().join("genesis.json")).unwrap();
        let options = Chain::options(&Genesis::parse(&file).unwrap());
        let chain = self.home(number).join("app/chain");
        let head = fusee_store::chain::rollback(&chain, options, height).unwrap();
        assert_eq!(head.height, height);
        self.run(number);
    }

    /// Changes a bit of each chunk that a node offers.
    pub(crate) fn damage_snapshots(&self, number: usize) {
        let folder = self.home(number).join("app/snapshots");
        let snapshots = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut damaged = 0;
        for snapshot in snapshots.filter(|path| path.is_dir()) {
            for file in fs::read_dir(snapshot).unwrap() {
                let path = file.unwrap().path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "chunk")
                {
                    let mut bytes = fs::read(&path).unwrap();
                    *bytes.last_mut().unwrap() ^= 1;
                    fs::write(path, bytes).unwrap();
                    damaged += 1;
                }
            }
        }
        assert!(damaged > 0);
    }

    /// Starts a light client, which asks two nodes and trusts one header.
    pub(crate) fn light(&self, height: u64, hash: &str) -> Light {
        let address = format!("{}.200:8888", self.prefix);
        let rpc = |number| format!("http://{}:26657", self.address(number));
        let process = Command::new(cometbft())
            .args(["light", CHAIN, "--primary", &rpc(0), "--witnesses", &rpc(1)])
            .args(["--height", &height.to_string(), "--hash", hash])
            .args([
                "--laddr",
                &format!("tcp://{address}"),
                "--home-dir",
                "light",
            ])
            .current_dir(self.folder.path())
            .stdout(File::create(self.folder.path().join("light.log")).unwrap())
            .spawn();
        let process = Some(process.unwrap());
        Light { address, process }
    }

    /// Replays the chain of a stopped node from genesis on, on a lane and more threads, and returns
    /// how many transactions it has.
    #[track_caller]
    pub(crate) fn replay(&self, number: usize, lane: &str) -> u64 {
        let file = fs::read_to_string(self.folder.path().join("genesis.json")).unwrap();
        let genesis = Genesis::parse(&file).unwrap();
        let path = self.home(number).join("app/chain");
        let options = Chain::options(&genesis);
        let chain = Chain::open(&path, &genesis, ledger_on(LANES[number]), options).unwrap();
        let other = ledger_on(lane).threads(NonZeroUsize::new(3).unwrap());
        let next = |_| ControlFlow::Continue(());
        let replayed = replay(&chain, Start::Genesis(&genesis), &other, Scope::Same, next);
        let replayed = replayed.unwrap();
        assert_eq!(replayed.differences, []);
        replayed.transactions
    }

    /// The hashes in all headers.
    pub(crate) fn hashes(&self, number: usize) -> Vec<String> {
        let last = self.height(number).unwrap();
        let hashes = (1..=last).map(|height| self.app_hash(number, height).unwrap());
        hashes.collect()
    }

    /// The hash that a header has, in hexadecimal.
    pub(crate) fn app_hash(&self, number: usize, height: u64) -> Option<String> {
        let commit = self.rpc(number, &format!("/commit?height={height}"))?;
        let hash = commit["signed_header"]["header"]["app_hash"].as_str();
        hash.map(str::to_owned)
    }

    /// Waits until nodes have all the blocks that one of them has, checks that their hashes and
    /// results are the same, and returns how many transactions there are, and with which codes and
    /// statuses.
    #[track_caller]
    pub(crate) fn agree(&self, nodes: &[usize], from: u64) -> (usize, BTreeSet<String>) {
        let last = nodes.iter().map(|&number| self.height(number).unwrap());
        let last = last.max().unwrap();
        self.reach(nodes, last);
        let (mut count, mut kinds) = (0, BTreeSet::new());
        for height in from..=last {
            // An engine has a block before it has the block's results.
            let results = |number: usize| {
                let path = format!("/block_results?height={height}");
                let results = wait(&format!("node {number} has results of {height}"), || {
                    self.rpc(number, &path)
                });
                (self.app_hash(number, height).unwrap(), results)
            };
            let first = results(nodes[0]);
            for &number in &nodes[1..] {
                assert_eq!(results(number), first, "height {height} of node {number}");
            }
            for result in first.1["txs_results"].as_array().into_iter().flatten() {
                count += 1;
                kinds.insert(format!("{} {}", result["code"], result["info"]));
            }
        }
        (count, kinds)
    }
}

/// The engine prints everything to its log: the last lines of it, if a test fails.
impl Drop for Network {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for number in 0..self.nodes.len() {
                for name in ["app.log", "engine.log"] {
                    let log = fs::read_to_string(self.home(number).join(name)).unwrap_or_default();
                    let lines: Vec<_> = log.lines().collect();
                    let last = lines.len().saturating_sub(12);
                    println!("node {number}, {name}:\n{}", lines[last..].join("\n"));
                }
            }
        }
    }
}

/// Votes that an engine has in its round.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Votes {
    /// The height that it votes for.
    height: u64,
    /// How many validators have voted.
    count: usize,
    /// Which ones, as the engine prints it.
    votes: String,
    /// Height, round and step.
    at: String,
}

/// A light client of CometBFT. It is killed when it is dropped.
pub(crate) struct Light {
    pub(crate) address: String,
    process: Option<Child>,
}

impl Drop for Light {
    fn drop(&mut self) {
        kill(&mut self.process);
    }
}
