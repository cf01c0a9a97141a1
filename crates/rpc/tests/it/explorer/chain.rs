//! A development chain with contracts, behind a server: what the explorer is tried on.

use std::{path::Path, sync::Arc, time::Duration};

use fusee_chain::Chain;
use fusee_conformance::lanes;
use fusee_contract::{Address, ContractRules, Contracts};
use fusee_engine::{CodeHash, Gas};
use fusee_interface::Interface;
use fusee_ledger::{
    Genesis, Ledger, LedgerRules, Operation, Rulebook, SecretKey, SignedTransaction,
    TransactionBody,
};
use fusee_node::{Node, NodeOptions, Production};
use fusee_rpc::{RpcOptions, RpcServer};
use serde_json::json;

const TOKEN: &[u8] = include_bytes!("../../../../../guests/wasm/token.wasm");
const TOKEN_INTERFACE: &str = include_str!("../../../../../guests/interfaces/token.json");
const CALLER: &[u8] = include_bytes!("../../../../../guests/wasm/caller.wasm");
const CALLER_INTERFACE: &str = include_str!("../../../../../guests/interfaces/caller.json");
const COUNTER: &[u8] = include_bytes!("../../../../../guests/wasm/counter.wasm");
const HOSTILE: &str = include_str!("hostile.wat");

/// What the hostile contract says of itself, and is told to say.
pub(crate) const MARKUP: &str =
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
/// Shown as it is, the letters after the override read backwards.
pub(crate) const OVERRIDE: &str = "paid to \u{202e}ecila\u{202c} by bob";

/// A node with a server, and what is on its chain.
pub(crate) struct World {
    pub(crate) server: RpcServer,
    pub(crate) node: Arc<Node>,
    pub(crate) token: Address,
    pub(crate) caller: Address,
    pub(crate) hostile: Address,
    nonces: [u64; 2],
}

/// The senders, by their position among the nonces.
const SENDERS: [&str; 2] = ["alice", "bob"];

impl World {
    /// Starts a node on a new chain: a token, a contract that calls it, one that is hostile, and
    /// transactions of every kind of result.
    pub(crate) fn start(folder: &Path) -> Self {
        let lane = lanes()
            .into_iter()
            .find(|lane| lane.name == "wasmi")
            .unwrap();
        let rules = ContractRules::latest();
        let contracts = Contracts::without_fallback(Arc::new(lane.executor), rules.clone());
        let ledger = Ledger::new(
            Rulebook::new()
                .with_ledger(LedgerRules::latest().with_development_accounts())
                .with_contracts(contracts),
        );
        let balances =
            ["alice", "bob", "carol", "dave", "erin"].map(|name| (name, 1_000_000_000_000));
        let genesis = Genesis::development(rules.id(), &balances);
        let chain = Chain::open(
            &folder.join("chain"),
            &genesis,
            ledger,
            Chain::options(&genesis),
        );
        let mut options = NodeOptions::new(folder);
        options.production = Production::Each;
        let node = Arc::new(Node::start(Arc::new(chain.unwrap()), options).unwrap());
        let mut rpc = RpcOptions::new(&genesis);
        rpc.address.set_port(0);
        rpc.engine = "wasmi".to_owned();
        let server = RpcServer::start(Arc::clone(&node), rpc).unwrap();
        let mut world = Self {
            server,
            node,
            token: Address::new([0; 32]),
            caller: Address::new([0; 32]),
            hostile: Address::new([0; 32]),
            nonces: [0; 2],
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        let described = |program: &[u8], json: &str| {
            let interface: Interface = serde_json::from_str(json).unwrap();
            fusee_interface::embed(program, &interface).unwrap()
        };
        let input = 1_000_000_u64.to_le_bytes();
        self.token = self.deploy(0, described(TOKEN, TOKEN_INTERFACE), &input);
        self.caller = self.deploy(0, described(CALLER, CALLER_INTERFACE), &[]);
        let hostile = wat::parse_str(HOSTILE).unwrap();
        self.hostile = self.deploy(0, described(&hostile, &hostile_interface()), &[]);
        self.deploy(1, COUNTER.to_vec(), &[]);
        let transfer = self.token_transfer(250);
        self.call(0, self.token, "transfer", &transfer);
        // More than bob has: it reverts.
        let too_much = self.token_transfer(10_000_000);
        self.call(1, self.token, "transfer", &too_much);
        // Another contract calls the token, which refuses.
        let mut forward = self.token.as_bytes().to_vec();
        forward.extend(sized(b"balance_of"));
        forward.extend(sized(Address::of_development_account("alice").as_bytes()));
        self.call(0, self.caller, "forward", &forward);
        self.call(0, self.caller, "write_then_trap", &[]);
        for said in [MARKUP, OVERRIDE, &long()] {
            self.call(0, self.hostile, "say", &sized(said.as_bytes()));
            self.call(0, self.hostile, "fail", &sized(said.as_bytes()));
        }
        let to = Address::of_development_account("carol");
        self.send(
            1,
            Operation::Transfer {
                to,
                value: 1_234_567,
            },
        );
    }

    fn token_transfer(&self, amount: u64) -> Vec<u8> {
        let to = Address::of_development_account("bob");
        [to.as_bytes(), &amount.to_le_bytes()[..]].concat()
    }

    fn deploy(&mut self, sender: usize, code: Vec<u8>, input: &[u8]) -> Address {
        let from = Address::of_development_account(SENDERS[sender]);
        let address = Address::of_contract(from, self.nonces[sender], CodeHash::of(&code));
        let input = input.to_vec();
        self.send(
            sender,
            Operation::Deploy {
                code,
                input,
                value: 0,
            },
        );
        address
    }

    /// Calls a contract.
    pub(crate) fn call(&mut self, sender: usize, to: Address, method: &str, input: &[u8]) {
        let (method, input) = (method.to_owned(), input.to_vec());
        self.send(
            sender,
            Operation::Call {
                to,
                method,
                input,
                value: 0,
            },
        );
    }

    /// Sends a transaction of one operation, which makes a block.
    pub(crate) fn send(&mut self, sender: usize, operation: Operation) {
        let key = SecretKey::development(SENDERS[sender]);
        let body = TransactionBody {
            chain_id: "fusee-dev".to_owned(),
            sender: key.public_key().address(),
            nonce: self.nonces[sender],
            expiry: 1_000_000,
            gas_limit: Gas::new(200_000_000),
            gas_price: 1,
            fee_payer: None,
            operations: vec![operation],
        };
        self.nonces[sender] += 1;
        let authorization = key.sign(&body.id());
        let rules = LedgerRules::latest().with_development_accounts();
        let signed = SignedTransaction::new(body, authorization, None, &rules).unwrap();
        let sent = self
            .node
            .submit_and_wait(signed.encode(), Duration::from_secs(60));
        sent.unwrap().unwrap();
    }

    /// Sends a unit from bob to carol, which makes a block.
    pub(crate) fn pay(&mut self) {
        let to = Address::of_development_account("carol");
        self.send(1, Operation::Transfer { to, value: 1 });
    }

    /// The height of the last block.
    pub(crate) fn height(&self) -> u64 {
        self.node.metrics().height
    }

    /// The hash of the header of a block.
    pub(crate) fn block_hash(&self, height: u64) -> String {
        self.node.block(height).unwrap().header.hash().to_string()
    }

    /// The id of the transaction of a block, which has one.
    pub(crate) fn id(&self, height: u64) -> String {
        let block = self.node.block(height).unwrap();
        self.node
            .id(&block.transactions[0])
            .unwrap()
            .unwrap()
            .to_string()
    }

    /// The address of a page.
    pub(crate) fn page(&self, route: &str) -> String {
        format!("http://{}/#/{route}", self.server.address())
    }
}

/// A text that is longer than any page has room for, without a place to break.
pub(crate) fn long() -> String {
    "endless".repeat(6_000)
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_le_bytes()[..], bytes].concat()
}

fn hostile_interface() -> String {
    let text = |name: &str| json!([{ "name": name, "doc": OVERRIDE, "type": "string" }]);
    json!({
        "name": MARKUP,
        "doc": format!("{MARKUP} {OVERRIDE} {}", "endless".repeat(1_000)),
        "methods": [
            { "name": "fail", "doc": MARKUP, "args": text("said") },
            { "name": "say", "doc": OVERRIDE, "args": text("said"), "returns": "string" },
        ],
        "events": [{ "name": "said", "doc": MARKUP, "data": text("said") }],
        "errors": [{ "name": MARKUP, "doc": MARKUP }],
    })
    .to_string()
}
