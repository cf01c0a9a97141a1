//! A step of the demo, and its execution on one engine.

use std::path::Path;

use fusee::chain::{Address, ContractRules, Query, Receipt};
use fusee::ledger::Operation;
use fusee::sandbox::Gas;

use super::guests::Guest;
use crate::{
    addresses,
    chain::{FolderChain, Keep, Request},
    engines::{self, EngineChoice},
    failure::Failure,
    names,
    signer::Signer,
    values,
};

/// Gas limit of a step.
const GAS: u64 = 1_000_000_000;

/// One step with its expected status.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) work: Work,
    pub(super) from: &'static str,
    pub(super) args: Vec<String>,
    pub(super) gas: u64,
    pub(super) expected: &'static str,
}

pub(super) enum Work {
    Deploy(&'static Guest),
    Call(Address, &'static str),
    Query(Address, &'static str),
}

/// One engine with its own chain.
pub(super) struct Side {
    pub(super) engine: &'static str,
    pub(super) chain: FolderChain,
}

/// The result of a step on one engine.
pub(super) struct Run {
    pub(super) receipt: Receipt,
    pub(super) state: String,
}

impl Step {
    pub(super) fn new(title: &'static str, work: Work) -> Self {
        Self {
            title,
            work,
            from: "alice",
            args: Vec::new(),
            gas: GAS,
            expected: "success",
        }
    }

    pub(super) fn args(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(ToString::to_string).collect();
        self
    }

    pub(super) fn from(mut self, name: &'static str) -> Self {
        self.from = name;
        self
    }

    pub(super) fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    pub(super) fn expect(mut self, status: &'static str) -> Self {
        self.expected = status;
        self
    }

    /// The equivalent command.
    pub(super) fn command(&self) -> String {
        let mut command = match self.work {
            Work::Deploy(guest) => format!("deploy {}", guest.file),
            Work::Call(to, method) => format!("call {} {method}", names::short(to)),
            Work::Query(to, method) => format!("query {} {method}", names::short(to)),
        };
        if matches!(self.work, Work::Deploy(_)) && !self.args.is_empty() {
            command.push_str(" --args");
        }
        for arg in &self.args {
            let quote = if arg.contains('"') { "'" } else { "" };
            command.push_str(&format!(" {quote}{arg}{quote}"));
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
            chain: chain.on(contracts),
        }))
    }

    pub(super) fn run(&self, step: &Step) -> Result<Run, Failure> {
        let input = values::encode(&step.args, &|text| {
            addresses::resolve(text, &self.chain.state()?, None)
        })?;
        let gas = Gas::new(step.gas);
        let operation = match step.work {
            Work::Query(to, method) => {
                let query = Query {
                    from: names::account(step.from),
                    to,
                    method: method.to_owned(),
                    input,
                    gas,
                };
                let receipt = self.chain.query(&query, None)?.receipt;
                return Ok(Run {
                    receipt,
                    state: self.state()?,
                });
            }
            Work::Call(to, method) => Operation::Call {
                to,
                method: method.to_owned(),
                input,
                value: 0,
            },
            Work::Deploy(guest) => Operation::Deploy {
                code: guest.code.to_vec(),
                input,
                value: 0,
            },
        };
        let request = Request {
            sender: Signer::development(step.from),
            fee_payer: None,
            operation,
            gas: Some(gas),
            gas_price: None,
        };
        let receipt = self.chain.execute(&request, Keep::Always)?.receipt;
        Ok(Run {
            receipt,
            state: self.state()?,
        })
    }

    fn state(&self) -> Result<String, Failure> {
        Ok(hex::encode(self.chain.state()?.root()))
    }
}
