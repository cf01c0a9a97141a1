//! Shared by `deploy`, `call` and `query`: resolved flags, and results.

use std::sync::Arc;

use fusee::chain::{Address, Contracts, Snapshot};
use serde::Serialize;

use crate::{
    addresses,
    args::CommonArgs,
    chain::{self, Chain, Executed, Keep},
    engines::{self, On},
    failure::Failure,
    names,
    numbers::grouped,
    receipt::{self, Line, ReceiptJson, line},
    values,
};

/// The folder of compiled programs in the data folder.
const ARTIFACTS: &str = "compiled";

/// The common flags, resolved.
pub(crate) struct Resolved {
    pub(crate) chain: Chain,
    pub(crate) contracts: Vec<On<Contracts>>,
    pub(crate) from: Address,
    pub(crate) input: Vec<u8>,
}

/// A transaction as JSON, with its receipt.
#[derive(Serialize)]
pub(crate) struct TransactionJson {
    engines: Vec<&'static str>,
    committed: bool,
    sequence: Option<u64>,
    #[serde(flatten)]
    receipt: ReceiptJson,
}

impl Resolved {
    pub(crate) fn new(args: &CommonArgs) -> Result<Self, Failure> {
        let chain = Chain::open(&args.folder.data)?;
        let snapshot = chain.snapshot()?;
        let resolve = |text: &str| addresses::resolve(text, &snapshot);
        let from = resolve(&args.from)?;
        let input = match &args.input {
            Some(input) => input.0.clone(),
            None => values::encode(&args.args, &resolve)?,
        };
        Ok(Self {
            chain,
            contracts: engines::contracts(args.engine, Some(&args.folder.data.join(ARTIFACTS)))?,
            from,
            input,
        })
    }

    /// Resolves the address of a contract with this method; or of any account, if the method is
    /// empty.
    pub(crate) fn callee(&self, text: &str, method: &str) -> Result<Address, Failure> {
        let snapshot = self.chain.snapshot()?;
        let address = addresses::resolve(text, &snapshot)?;
        if !method.is_empty() {
            self.check_method(&snapshot, (text, address), method)?;
        }
        Ok(address)
    }

    fn check_method(
        &self,
        snapshot: &Arc<Snapshot>,
        (text, address): (&str, Address),
        method: &str,
    ) -> Result<(), Failure> {
        if addresses::account(snapshot, address)?.code.is_none() {
            return Err(addresses::no_contract(text, snapshot)?);
        }
        // The current rules may refuse code that was deployed under older ones. The receipt says
        // so.
        let Some(methods) = chain::methods(snapshot, &self.contracts, address)? else {
            return Ok(());
        };
        if methods.iter().any(|name| name == method) {
            return Ok(());
        }
        let all = methods.iter().map(String::as_str);
        let near = names::nearest(method, all.clone());
        let next = match (method, near) {
            (fusee::abi::DEPLOY_METHOD, _) => {
                format!(
                    "`{method}` runs once, at deployment; the other methods are {}",
                    names::list(all)
                )
            }
            (_, Some(near)) => format!(
                "did you mean `{near}`? The methods are {}",
                names::list(all)
            ),
            (_, None) if methods.is_empty() => {
                "it has none: a method is an exported function that takes and \
                                                returns nothing"
                    .to_owned()
            }
            (_, None) => format!("the methods are {}", names::list(all)),
        };
        Err(Failure::usage(format!(
            "the contract {} has no method `{method}`",
            names::short(address)
        ))
        .next(next))
    }

    pub(crate) fn engines(&self) -> Vec<&'static str> {
        self.contracts.iter().map(|on| on.engine).collect()
    }
}

impl TransactionJson {
    pub(crate) fn new(engines: Vec<&'static str>, executed: &Executed) -> Self {
        let Executed { receipt, sequence } = executed;
        Self {
            engines,
            committed: sequence.is_some(),
            sequence: *sequence,
            receipt: ReceiptJson::new(receipt),
        }
    }
}

/// Whether to commit the changes.
pub(crate) const fn keep(dry_run: bool) -> Keep {
    if dry_run { Keep::Nothing } else { Keep::Commit }
}

/// The engines of a result.
pub(crate) fn ran_on(engines: &[&str]) -> String {
    match engines {
        [only] => (*only).to_owned(),
        several => format!("{}, equal results", several.join(" and ")),
    }
}

/// The lines of a transaction: receipt, engines and commit.
pub(crate) fn lines(engines: &[&str], executed: &Executed) -> Vec<Line> {
    let mut lines = receipt::lines(&executed.receipt);
    lines.push(line("engine", ran_on(engines)));
    lines.push(match executed.sequence {
        Some(sequence) => line("committed", format!("as transaction {}", grouped(sequence))),
        None => line("committed", "nothing (dry run)"),
    });
    lines
}
