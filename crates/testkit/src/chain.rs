//! A chain in memory: accounts, blocks, and the contracts of a test.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use fusee::{
    chain::{
        Account, Action, Address as ChainAddress, BlockContext, Contracts, MemoryState, Query,
        Receipt, Status, Transaction, keys, set_balances,
    },
    interface::Interface,
    sandbox::{CodeHash, Gas, Interrupt},
};
use fusee_sdk::{Address, call::Call, codec::Codec};
use serde_json::Value;

use crate::{Failure, Machine, Program, native::Natives};

/// The gas of a transaction.
const GAS: u64 = 10_000_000_000;

/// The time between two blocks, in milliseconds.
const BLOCK_MILLISECONDS: u64 = 1_000;

/// The time of the first block: 2025-01-01, in milliseconds since the Unix epoch.
const GENESIS_TIME: u64 = 1_735_689_600_000;

/// A chain in memory. Each transaction is a block of its own, a second after the one before.
#[derive(Debug)]
pub struct Chain {
    machine: Machine,
    contracts: Contracts,
    natives: Natives,
    state: MemoryState,
    block: BlockContext,
    /// The contracts that were deployed, with the interfaces that they have.
    deployed: BTreeMap<Address, Option<Interface>>,
    /// All transactions, also those that were discarded: machines are held to the same results of
    /// them.
    receipts: Vec<(String, Receipt)>,
    /// The last transaction that was not discarded.
    last: Option<usize>,
    /// The storage of the contracts before each restoring.
    discarded: Vec<Storages>,
    deployments: u64,
}

/// The storage of contracts, by their addresses.
type Storages = BTreeMap<Address, BTreeMap<Vec<u8>, Vec<u8>>>;

/// What a chain can go back to.
#[derive(Clone, Debug)]
pub struct Snapshot {
    state: MemoryState,
    block: BlockContext,
    deployed: BTreeMap<Address, Option<Interface>>,
    last: Option<usize>,
    deployments: u64,
}

impl Chain {
    /// An empty chain whose contracts run on this machine.
    #[must_use]
    pub fn new(machine: Machine) -> Self {
        let natives = Natives::default();
        Self {
            machine,
            contracts: machine.contracts(&natives),
            natives,
            state: MemoryState::new(),
            block: BlockContext {
                chain_id: "test".into(),
                height: 1,
                time: GENESIS_TIME,
                ..BlockContext::default()
            },
            deployed: BTreeMap::new(),
            receipts: Vec::new(),
            last: None,
            discarded: Vec::new(),
            deployments: 0,
        }
    }

    /// What runs the contracts.
    #[must_use]
    pub const fn machine(&self) -> Machine {
        self.machine
    }

    /// The account of this name, with this balance from now on.
    pub fn account(&mut self, name: &str, balance: u128) -> Address {
        let address = ChainAddress::of_development_account(name);
        self.state.apply(&set_balances(&[(address, balance)]));
        Address::new(*address.as_bytes())
    }

    /// The balance of an account or contract.
    #[must_use]
    pub fn balance(&self, of: Address) -> u128 {
        Account::balance(&self.state, chain(of)).expect("a state in memory can be read")
    }

    /// Deploys a contract. `input` are the arguments of `deploy`, as in
    /// `&TokenClient::deploy(5).input()`, or nothing for a contract without it. The sender is its
    /// admin.
    ///
    /// # Panics
    ///
    /// If the contract cannot be built, or the deployment fails.
    #[track_caller]
    pub fn deploy(&mut self, from: Address, program: &Program, input: &[u8]) -> Address {
        match self.try_deploy(from, program, input) {
            Ok(address) => address,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Deploys a contract. Its address follows from the sender and the number of the deployment, so
    /// it is the same on every machine.
    ///
    /// # Errors
    ///
    /// [`Failure`] if `deploy` fails.
    ///
    /// # Panics
    ///
    /// If the contract cannot be built, or the rules refuse it.
    #[track_caller]
    pub fn try_deploy(
        &mut self,
        from: Address,
        program: &Program,
        input: &[u8],
    ) -> Result<Address, Failure> {
        let code = self.upload(from, program);
        self.create(from, code, input, Some(interface(program)))
    }

    /// Deploys a program that is no contract of the SDK: of another language, or one whose sources
    /// are elsewhere. Its events are known if it is a wasm module with an interface. Natively, and
    /// on a machine for another format, it runs on an interpreter.
    ///
    /// # Errors
    ///
    /// [`Failure`] if `deploy` fails.
    ///
    /// # Panics
    ///
    /// If the rules refuse the program.
    #[track_caller]
    pub fn try_deploy_code(
        &mut self,
        from: Address,
        code: &[u8],
        input: &[u8],
    ) -> Result<Address, Failure> {
        let interface = fusee::interface::extract(code).ok().flatten();
        let code = self.upload_code(from, code.to_vec());
        self.create(from, code, input, interface)
    }

    fn create(
        &mut self,
        from: Address,
        code: [u8; 32],
        input: &[u8],
        interface: Option<Interface>,
    ) -> Result<Address, Failure> {
        self.deployments = self.deployments.saturating_add(1);
        let mut salt = [0; 32];
        salt[..8].copy_from_slice(&self.deployments.to_le_bytes());
        let action = Action::Create {
            code: CodeHash::from_bytes(code),
            salt: Some(salt),
            admin: Some(chain(from)),
            input: input.to_vec(),
        };
        let receipt = self.send("deploy", from, action, 0);
        match (receipt.status, receipt.deployed) {
            (Status::Success, Some(address)) => {
                let address = Address::new(*address.as_bytes());
                self.deployed.insert(address, interface);
                Ok(address)
            }
            _ => Err(Failure::of("deploy", &receipt)),
        }
    }

    /// Uploads the code of a contract, and returns its hash, by which a contract can make or
    /// upgrade others. The hash is different on each machine.
    ///
    /// # Panics
    ///
    /// If the contract cannot be built, or the rules refuse it.
    #[track_caller]
    pub fn upload(&mut self, from: Address, program: &Program) -> [u8; 32] {
        self.natives.register(program);
        let code = match program.code(self.machine) {
            Ok(code) => code,
            // `on_every_machine` skips this machine, if it is for want of a toolchain.
            Err(error) => std::panic::panic_any(error),
        };
        self.upload_code(from, code)
    }

    #[track_caller]
    fn upload_code(&mut self, from: Address, code: Vec<u8>) -> [u8; 32] {
        let hash = *CodeHash::of(&code).as_bytes();
        let receipt = self.send("upload", from, Action::Upload { code }, 0);
        assert_eq!(receipt.status, Status::Success, "the rules refuse the code");
        hash
    }

    /// Replaces the code of a contract whose admin the sender is.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the new code lacks methods, the sender is not the admin, or `migrate` fails.
    #[track_caller]
    pub fn try_upgrade(
        &mut self,
        from: Address,
        contract: Address,
        program: &Program,
        input: &[u8],
    ) -> Result<(), Failure> {
        let code = CodeHash::from_bytes(self.upload(from, program));
        let action = Action::Upgrade {
            contract: chain(contract),
            code,
            input: input.to_vec(),
        };
        let receipt = self.send("migrate", from, action, 0);
        match receipt.status {
            Status::Success => {
                self.deployed.insert(contract, Some(interface(program)));
                Ok(())
            }
            _ => Err(Failure::of("migrate", &receipt)),
        }
    }

    /// Calls a method in a transaction, and returns its result.
    ///
    /// # Panics
    ///
    /// If the call fails.
    #[track_caller]
    pub fn call<A: Codec, R: Codec>(&mut self, from: Address, call: Call<A, R>) -> R {
        match self.try_call(from, call) {
            Ok(result) => result,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Calls a method in a transaction.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the call fails: then it has changed nothing.
    ///
    /// # Panics
    ///
    /// If the output is no value of the method's type.
    #[track_caller]
    pub fn try_call<A: Codec, R: Codec>(
        &mut self,
        from: Address,
        call: Call<A, R>,
    ) -> Result<R, Failure> {
        let action = Action::Call {
            to: chain(*call.target()),
            method: call.method().to_owned(),
            input: call.input(),
        };
        let receipt = self.send(call.method(), from, action, call.amount());
        Self::result(&call, &receipt)
    }

    /// Calls a method without a transaction, so that it can change nothing. The contract sees the
    /// address of 32 bytes 0 as its caller.
    ///
    /// # Panics
    ///
    /// If the call fails.
    #[track_caller]
    pub fn query<A: Codec, R: Codec>(&self, call: Call<A, R>) -> R {
        match self.try_query(call) {
            Ok(result) => result,
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Calls a method without a transaction.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the call fails.
    #[track_caller]
    pub fn try_query<A: Codec, R: Codec>(&self, call: Call<A, R>) -> Result<R, Failure> {
        let query = Query {
            from: ChainAddress::new([0; 32]),
            to: chain(*call.target()),
            method: call.method().to_owned(),
            input: call.input(),
            gas: Gas::new(GAS),
        };
        let state = Arc::new(self.state.clone());
        let receipt = self
            .contracts
            .query(state, query, &self.block, &Interrupt::new())
            .expect("this machine runs contracts");
        Self::result(&call, &receipt)
    }

    /// Sends an amount. A contract gets it by its method `receive`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the balance is too small, or the contract does not take it.
    pub fn transfer(&mut self, from: Address, to: Address, amount: u128) -> Result<(), Failure> {
        let action = Action::Call {
            to: chain(to),
            method: String::new(),
            input: Vec::new(),
        };
        let receipt = self.send("receive", from, action, amount);
        match receipt.status {
            Status::Success => Ok(()),
            _ => Err(Failure::of("receive", &receipt)),
        }
    }

    /// Lets blocks pass, and a second for each.
    pub fn advance(&mut self, blocks: u64) {
        let time = blocks.saturating_mul(BLOCK_MILLISECONDS);
        self.block.height = self.block.height.saturating_add(blocks);
        self.block.time = self.block.time.saturating_add(time);
    }

    /// Lets time pass until the next block, in milliseconds.
    pub const fn advance_time(&mut self, milliseconds: u64) {
        self.block.time = self.block.time.saturating_add(milliseconds);
    }

    /// The block that the next transaction is in.
    #[must_use]
    pub const fn block(&self) -> &BlockContext {
        &self.block
    }

    /// The receipt of the last transaction.
    ///
    /// # Panics
    ///
    /// If there was none.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        let last = self.last.and_then(|last| self.receipts.get(last));
        let (_, receipt) = last.expect("there was a transaction");
        receipt
    }

    /// The events of the last transaction, decoded: the name, and the fields as JSON.
    ///
    /// # Panics
    ///
    /// If there was no transaction, or an event is not the one that its interface tells.
    #[must_use]
    pub fn events(&self) -> Vec<(String, Value)> {
        let decode = |event: &fusee::chain::Event| {
            let contract = Address::new(*event.address.as_bytes());
            let interface = self.deployed.get(&contract).and_then(Option::as_ref);
            let (name, topics) = event.topics.split_first().expect("an event has a name");
            let known = interface.and_then(|interface| Some((interface, interface.event(name)?)));
            let (interface, known) = known.expect("the interface has the event");
            let mut fields = interface
                .read_fields(&known.data, &event.data)
                .expect("the data are those of the interface");
            for (field, topic) in known.topics.iter().zip(topics) {
                let value = interface.read(&field.value_type, topic);
                let value = value.expect("the topics are those of the interface");
                fields.insert(field.name.clone(), value);
            }
            (known.name.clone(), Value::Object(fields))
        };
        self.receipt().events.iter().map(decode).collect()
    }

    /// The gas that the last transaction used.
    #[must_use]
    pub fn gas_used(&self) -> u64 {
        self.receipt().gas_used.units()
    }

    pub(crate) fn gas_of_all(&self) -> Vec<u64> {
        let receipts = self.receipts.iter();
        receipts
            .map(|(_, receipt)| receipt.gas_used.units())
            .collect()
    }

    /// The storage of a contract, by key.
    #[must_use]
    pub fn storage(&self, contract: Address) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let prefix = keys::storage(chain(contract), &[]);
        let entries = self.state.iter();
        let entries = entries.filter_map(|(key, value)| {
            let key = key.strip_prefix(prefix.as_slice())?;
            Some((key.to_vec(), value.to_vec()))
        });
        entries.collect()
    }

    /// The chain as it is now, to come back to it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state.clone(),
            block: self.block.clone(),
            deployed: self.deployed.clone(),
            last: self.last,
            deployments: self.deployments,
        }
    }

    /// Goes back to a snapshot. What is discarded is still held against the other machines.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.discarded.push(self.storages());
        self.state = snapshot.state.clone();
        self.block = snapshot.block.clone();
        self.deployed = snapshot.deployed.clone();
        self.last = snapshot.last;
        self.deployments = snapshot.deployments;
    }

    /// What became of the transactions: what must be the same on every machine.
    pub(crate) fn history(&self) -> History {
        let receipts = self.receipts.iter().map(|(method, receipt)| Step {
            method: method.clone(),
            status: receipt.status,
            // The output of an upload is the hash of the code.
            output: match method.as_str() {
                "upload" => Vec::new(),
                _ => receipt.output.clone(),
            },
            events: receipt.events.clone(),
        });
        let discarded = self.discarded.iter().cloned();
        History {
            steps: receipts.collect(),
            storages: discarded.chain([self.storages()]).collect(),
        }
    }

    /// The storage of all contracts.
    fn storages(&self) -> Storages {
        let contracts = self.deployed.keys();
        contracts
            .map(|address| (*address, self.storage(*address)))
            .collect()
    }

    #[track_caller]
    fn result<A: Codec, R: Codec>(call: &Call<A, R>, receipt: &Receipt) -> Result<R, Failure> {
        match receipt.status {
            Status::Success => match call.output(&receipt.output) {
                Ok(result) => Ok(result),
                Err(error) => panic!("{}: the output is {error:?}", call.method()),
            },
            _ => Err(Failure::of(call.method(), receipt)),
        }
    }

    pub(crate) fn interface_of(&self, contract: Address) -> &Interface {
        let interface = self.deployed.get(&contract).and_then(Option::as_ref);
        interface.expect("the contract was deployed by this chain, and has an interface")
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        from: Address,
        action: Action,
        value: u128,
    ) -> Receipt {
        let transaction = Transaction {
            from: chain(from),
            action,
            value,
            gas: Gas::new(GAS),
        };
        let state = Arc::new(self.state.clone());
        let included = self
            .contracts
            .execute(state, transaction, &self.block, &Interrupt::new())
            .expect("this machine runs contracts")
            .included()
            .unwrap_or_else(|invalid| panic!("{method}: {invalid}"));
        self.state.apply(&included.changes);
        if let Some(refusal) = &included.refusal {
            panic!("the rules refuse the code: {refusal}");
        }
        self.last = Some(self.receipts.len());
        self.receipts
            .push((method.to_owned(), included.receipt.clone()));
        self.advance(1);
        included.receipt
    }
}

/// What became of a test's transactions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct History {
    steps: Vec<Step>,
    /// Before each restoring, and in the end.
    storages: Vec<Storages>,
}

impl History {
    /// The first difference to the history of another machine, in a line.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let steps = self.steps.iter().zip(&other.steps);
        for (number, (here, there)) in (1..).zip(steps) {
            if here != there {
                return Some(format!("transaction {number} is {here:?}, and {there:?}"));
            }
        }
        let (here, there) = (self.steps.len(), other.steps.len());
        if here != there {
            return Some(format!("there are {here} transactions, and {there}"));
        }
        let storages = self.storages.iter().zip(&other.storages);
        for (here, there) in storages.flat_map(|(here, there)| here.iter().zip(there)) {
            if here != there {
                return Some(format!("the storage is {here:?}, and {there:?}"));
            }
        }
        (self != other).then(|| "the snapshots or contracts are not the same".to_owned())
    }
}

/// What became of one transaction, but for its gas.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    method: String,
    status: Status,
    output: Vec<u8>,
    events: Vec<fusee::chain::Event>,
}

pub(crate) fn chain(address: Address) -> ChainAddress {
    ChainAddress::new(*address.as_bytes())
}

fn interface(program: &Program) -> Interface {
    Interface::decode(program.interface).expect("the SDK writes interfaces that can be read")
}
