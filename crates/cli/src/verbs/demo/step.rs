//! A step of the demo, and its execution on one engine.

use std::path::Path;

use fusee::abi::DEPLOY_METHOD;
use fusee::chain::{Address, ContractRules, Query, Receipt};
use fusee::interface::Interface;
use fusee::ledger::Operation;
use fusee::sandbox::Gas;

use super::guests::File;
use crate::{
    addresses,
    args::Given,
    arguments::{self, Words},
    book::Book,
    chain::{FolderChain, Keep, Request},
    decoded::Decoded,
    engines::{self, EngineChoice},
    failure::Failure,
    interfaces::{Interfaces, Reading},
    names,
    receipt::hexed,
    signer::Signer,
};

/// Gas limit of a step.
const GAS: u64 = 1_000_000_000;

/// One step with its expected status.
pub(super) struct Step {
    pub(super) title: &'static str,
    work: Work,
    from: &'static str,
    args: Vec<Arg>,
    gas: u64,
    pub(super) expected: &'static str,
}

/// What a step does. Contracts are told by their names.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// Deploys a program, and gives the contract a name.
    Deploy(&'static File, &'static str),
    Call(&'static str, &'static str),
    Query(&'static str, &'static str),
}

enum Arg {
    Word(&'static str),
    /// The bytes of a file.
    Contents(&'static File),
}

/// One engine with its own chain.
pub(super) struct Side {
    pub(super) engine: &'static str,
    chain: FolderChain,
    interfaces: Interfaces,
    /// The names of the contracts, in the folder of the chain.
    pub(super) book: Book,
}

/// The result of a step on one engine.
pub(super) struct Run {
    pub(super) receipt: Receipt,
    pub(super) decoded: Decoded,
    pub(super) state: String,
}

impl Step {
    pub(super) const fn new(title: &'static str, work: Work) -> Self {
        Self {
            title,
            work,
            from: "alice",
            args: Vec::new(),
            gas: GAS,
            expected: "success",
        }
    }

    pub(super) fn args(mut self, args: &[&'static str]) -> Self {
        self.args.extend(args.iter().copied().map(Arg::Word));
        self
    }

    /// Passes the bytes of a file.
    pub(super) fn file(mut self, file: &'static File) -> Self {
        self.args.push(Arg::Contents(file));
        self
    }

    pub(super) const fn from(mut self, name: &'static str) -> Self {
        self.from = name;
        self
    }

    pub(super) const fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    pub(super) const fn expect(mut self, status: &'static str) -> Self {
        self.expected = status;
        self
    }

    /// The equivalent command.
    pub(super) fn command(&self) -> String {
        let mut command = match self.work {
            Work::Deploy(file, name) => format!("deploy {} --name {name}", file.path),
            Work::Call(contract, method) => format!("call {contract} {method}"),
            Work::Query(contract, method) => format!("query {contract} {method}"),
        };
        for arg in &self.args {
            command.push_str(&match arg {
                Arg::Word(word) => format!(" {word}"),
                Arg::Contents(file) => format!(" '{{\"file\":\"{}\"}}'", file.path),
            });
        }
        if self.from != "alice" {
            command.push_str(&format!(" --from {}", self.from));
        }
        if self.gas != GAS {
            command.push_str(&format!(" --gas {}", self.gas));
        }
        command
    }
}

impl Side {
    pub(super) fn open(folder: &Path, choice: EngineChoice) -> Result<Option<Self>, Failure> {
        let contracts = engines::contracts(choice, None, &ContractRules::latest())?;
        let Some(engine) = contracts.first().map(|on| on.engine) else {
            return Ok(None);
        };
        let folder = folder.join(engine);
        let chain = FolderChain::open(&folder)?;
        if chain.state()?.height() != 0 {
            let message = format!(
                "`{}` has a chain already: the demo needs a new folder",
                folder.display()
            );
            return Err(Failure::usage(message).next("choose a new folder with --keep"));
        }
        Ok(Some(Self {
            engine,
            book: Book::read(Some(&folder), &chain.chain_id()?)?,
            interfaces: Interfaces::new(Reading::On, None),
            chain: chain.on(contracts),
        }))
    }

    pub(super) fn run(&mut self, step: &Step) -> Result<Run, Failure> {
        let gas = Gas::new(step.gas);
        let (receipt, of) = match step.work {
            Work::Deploy(file, name) => {
                let interface = self.interfaces.of_file(Path::new(file.path), file.bytes);
                let operation = Operation::Deploy {
                    code: file.bytes.to_vec(),
                    input: self.input(step, interface.as_deref(), DEPLOY_METHOD)?,
                    value: 0,
                };
                let receipt = self.transact(step, operation)?;
                let deployed = receipt.deployed.ok_or_else(|| refused(&receipt))?;
                self.book.set(name, deployed)?;
                (receipt, (deployed, DEPLOY_METHOD))
            }
            Work::Call(contract, method) => {
                let to = self.resolve(contract)?;
                let operation = Operation::Call {
                    to,
                    method: method.to_owned(),
                    input: self.input_of(step, to, method)?,
                    value: 0,
                };
                (self.transact(step, operation)?, (to, method))
            }
            Work::Query(contract, method) => {
                let to = self.resolve(contract)?;
                let query = Query {
                    from: names::account(step.from),
                    to,
                    method: method.to_owned(),
                    input: self.input_of(step, to, method)?,
                    gas,
                };
                (self.chain.query(&query, None)?.receipt, (to, method))
            }
        };
        let state = self.chain.state()?;
        Ok(Run {
            decoded: Decoded::new((&self.interfaces, &state), of, &receipt),
            receipt,
            state: hex::encode(state.root()),
        })
    }

    fn transact(&self, step: &Step, operation: Operation) -> Result<Receipt, Failure> {
        let request = Request {
            sender: Signer::development(step.from),
            fee_payer: None,
            operation,
            gas: Some(Gas::new(step.gas)),
            gas_price: None,
        };
        Ok(self.chain.execute(&request, Keep::Always)?.receipt)
    }

    /// The arguments of a step by the interface of a contract.
    fn input_of(&self, step: &Step, to: Address, method: &str) -> Result<Vec<u8>, Failure> {
        let state = self.chain.state()?;
        let interface = self.interfaces.of_contract(&state, to);
        self.input(step, interface.as_deref(), method)
    }

    fn input(
        &self,
        step: &Step,
        interface: Option<&Interface>,
        method: &str,
    ) -> Result<Vec<u8>, Failure> {
        let words = step.args.iter().map(|arg| match arg {
            Arg::Word(word) => (*word).to_owned(),
            Arg::Contents(file) => hexed(file.bytes),
        });
        let words = Words {
            plain: &words.collect::<Vec<_>>(),
            given: &Given::default(),
            by: None,
        };
        arguments::encode(words, interface, method, &|text| self.resolve(text))
    }

    fn resolve(&self, text: &str) -> Result<Address, Failure> {
        match self.book.find(text.strip_prefix('@').unwrap_or(text)) {
            Some(address) => Ok(address),
            None => addresses::resolve(text, &self.chain.state()?, None),
        }
    }
}

/// The failure of a step without which the others make no sense.
fn refused(receipt: &Receipt) -> Failure {
    let error = anyhow::anyhow!(
        "the deployment of a contract of the demo failed: {}",
        receipt.status
    );
    Failure::new(crate::failure::Exit::Unsuccessful, error)
        .next("this is a bug in Fusee: report it")
}
