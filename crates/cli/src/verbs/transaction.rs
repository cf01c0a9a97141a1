//! Shared by `deploy`, `call` and `query`: resolved flags, and results.

use std::rc::Rc;

use fusee::chain::{Address, Query};
use fusee::interface::Interface;
use fusee::keystore::Keystore;
use fusee::ledger::Operation;
use fusee::sandbox::Gas;
use serde::Serialize;

use crate::{
    addresses,
    args::{CommonArgs, MethodArgs, PasswordArgs, TraceArgs, TransactionArgs},
    arguments::{self, Words},
    chain::{Chain, Committed, Executed, Keep, Request, State, Tracing},
    decoded,
    failure::Failure,
    interfaces::{Interfaces, Reading, Warning, signature},
    names,
    numbers::grouped,
    receipt::{self, Line, LogJson, ReceiptJson, line},
    signer::Signer,
    table::table,
    trace::{self, TraceJson},
};

/// The folder of interfaces that lay beside programs, in the data folder.
pub(super) const INTERFACES: &str = "interfaces";

/// The common flags, resolved.
pub(crate) struct Resolved {
    pub(crate) chain: Chain,
    pub(crate) sender: Signer,
    pub(crate) fee_payer: Option<Signer>,
    pub(crate) gas_price: Option<u128>,
    pub(crate) keystore: Keystore,
    pub(crate) interfaces: Interfaces,
}

/// A transaction as JSON, with its receipt.
#[derive(Serialize)]
pub(crate) struct TransactionJson<'a> {
    engines: Vec<String>,
    committed: bool,
    /// Whether it is not committed because it fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    /// The height of the block.
    height: Option<u64>,
    /// The id of the transaction.
    transaction: Option<String>,
    /// As text, because JSON readers round large numbers.
    fee: String,
    #[serde(flatten)]
    receipt: ReceiptJson,
    log: Vec<LogJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<TraceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capsule: Option<String>,
    /// What is wrong with the interface.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl Resolved {
    pub(crate) fn new(args: &CommonArgs) -> Result<Self, Failure> {
        Self::by(args, &PasswordArgs::default())
    }

    fn by(args: &CommonArgs, password: &PasswordArgs) -> Result<Self, Failure> {
        let chain = Chain::executing(args)?;
        let sender = Signer::find(&args.from, &args.keys, password, &chain.state()?)?;
        let reading = match args.no_interface {
            true => Reading::Off,
            false => Reading::On,
        };
        Ok(Self {
            sender,
            fee_payer: None,
            gas_price: None,
            keystore: Keystore::new(args.keys.keys.clone()),
            interfaces: Interfaces::new(reading, chain.folder().map(|it| it.join(INTERFACES))),
            chain,
        })
    }

    /// The flags of a verb that sends a transaction.
    pub(crate) fn sending(args: &TransactionArgs) -> Result<Self, Failure> {
        let resolved = Self::by(&args.common, &args.password)?;
        let state = resolved.chain.state()?;
        let find = |text: &String| Signer::find(text, &args.common.keys, &args.password, &state);
        let fee_payer = args.fee_payer.as_ref().map(find).transpose()?;
        Ok(Self {
            chain: resolved.chain.recording(&args.capsule)?,
            fee_payer,
            gas_price: args.gas_price,
            ..resolved
        })
    }

    /// What is sent with these flags.
    pub(crate) fn request(&self, operation: Operation, gas: Option<Gas>) -> Request {
        Request {
            sender: self.sender.clone(),
            fee_payer: self.fee_payer.clone(),
            operation,
            gas,
            gas_price: self.gas_price,
        }
    }

    /// Refuses a name for a new contract that cannot be given, before anything is sent.
    pub(crate) fn check_name(&self, name: Option<&str>) -> Result<(), Failure> {
        let Some(name) = name else {
            return Ok(());
        };
        addresses::check_no_key(name, &self.keystore)?;
        self.chain.book()?.check_new(name)
    }

    /// Gives the name to the contract that was made, if that is committed.
    pub(crate) fn give_name(&self, name: Option<&str>, executed: &Executed) -> Result<(), Failure> {
        let made = executed
            .receipt
            .deployed
            .filter(|_| executed.committed.is_some());
        match name.zip(made) {
            Some((name, address)) => self.chain.book()?.set(name, address).map_err(|failure| {
                failure.within(&format!("the contract {address} is made, but has no name"))
            }),
            None => Ok(()),
        }
    }

    /// Executes a transaction on every engine, and decodes its trace.
    pub(crate) fn execute(&self, request: &Request, keep: Keep) -> Result<Executed, Failure> {
        let executed = self.chain.execute(request, keep)?;
        self.decode(executed)
    }

    /// Runs a query on every engine, and decodes its trace.
    pub(crate) fn query(&self, query: &Query, height: Option<u64>) -> Result<Executed, Failure> {
        self.decode(self.chain.query(query, height)?)
    }

    fn decode(&self, mut executed: Executed) -> Result<Executed, Failure> {
        if let Some(trace) = &executed.trace {
            let state = self.chain.state()?;
            executed.frames = decoded::frames(&self.interfaces, &state, trace);
        }
        Ok(executed)
    }

    /// The input of a method: the raw one, or the arguments by the interface of its code.
    pub(crate) fn input(
        &self,
        args: &MethodArgs,
        interface: Option<&Interface>,
        method: &str,
    ) -> Result<Vec<u8>, Failure> {
        if let Some(input) = &args.input {
            args.given_once("--input")?;
            return Ok(input.0.clone());
        }
        self.encode(args.words()?, interface, method)
    }

    /// The input that arguments of a method are.
    pub(crate) fn encode(
        &self,
        words: Words<'_>,
        interface: Option<&Interface>,
        method: &str,
    ) -> Result<Vec<u8>, Failure> {
        let state = self.chain.state()?;
        let resolve = |text: &str| addresses::resolve(text, &state, Some(&self.keystore));
        arguments::encode(words, interface, method, &resolve)
    }

    /// The interface of a contract.
    pub(crate) fn interface(&self, contract: Address) -> Result<Option<Rc<Interface>>, Failure> {
        let state = self.chain.state()?;
        Ok(self.interfaces.of_contract(&state, contract))
    }

    /// Traces what is executed, if the flag says so.
    pub(crate) fn traced(self, flag: &TraceArgs) -> Result<Self, Failure> {
        let tracing = if flag.trace {
            Tracing::On
        } else {
            Tracing::Off
        };
        let chain = self.chain.tracing(tracing)?;
        Ok(Self { chain, ..self })
    }

    /// Resolves the address of a contract with this method; or of any account, if the method is
    /// empty.
    pub(crate) fn callee(&self, text: &str, method: &str) -> Result<Address, Failure> {
        let state = self.chain.state()?;
        let address = addresses::resolve(text, &state, Some(&self.keystore))?;
        if !method.is_empty() {
            self.check_method(&state, (text, address), method)?;
        }
        Ok(address)
    }

    fn check_method(
        &self,
        state: &State,
        (text, address): (&str, Address),
        method: &str,
    ) -> Result<(), Failure> {
        if addresses::account(state, address)?.code.is_none() {
            return Err(addresses::no_contract(text, state)?);
        }
        // The current rules may refuse code that was deployed under older ones. The receipt says
        // so.
        let methods = self.chain.methods(address)?;
        self.interfaces
            .check_contract(state, address, methods.as_deref());
        let Some(methods) = methods else {
            return Ok(());
        };
        if methods.iter().any(|name| name == method) {
            return Ok(());
        }
        let all = methods.iter().map(String::as_str);
        let near = names::nearest(method, all.clone());
        let interface = self.interfaces.of_contract(state, address);
        let described = near.map(|near| {
            let declared = interface.as_ref().and_then(|known| known.method(near));
            declared.map_or_else(|| near.to_owned(), signature)
        });
        let next = match (method, described) {
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

    pub(crate) fn engines(&self) -> Vec<String> {
        self.chain.engines()
    }
}

impl<'a> TransactionJson<'a> {
    pub(crate) fn new(resolved: &Resolved, executed: &'a Executed) -> Self {
        let Executed {
            receipt,
            fee,
            committed,
            is_withheld,
            log,
            trace,
            capsule,
            frames,
        } = executed;
        Self {
            engines: resolved.engines(),
            committed: committed.is_some(),
            withheld: *is_withheld,
            height: committed.map(|it| it.height),
            transaction: committed.map(|it| it.id.to_string()),
            fee: fee.to_string(),
            receipt: ReceiptJson::new(receipt),
            log: log.iter().map(LogJson::new).collect(),
            trace: trace.as_ref().map(|trace| TraceJson::new(trace, frames)),
            capsule: capsule.clone(),
            warnings: resolved.interfaces.warnings(),
        }
    }
}

/// When to commit, by the flags.
pub(crate) const fn keep(flags: &TransactionArgs) -> Keep {
    match (flags.dry_run, flags.send_anyway) {
        (true, _) => Keep::Nothing,
        (false, true) => Keep::Always,
        (false, false) => Keep::IfSuccessful,
    }
}

/// The engines of a result.
pub(crate) fn ran_on(engines: &[String]) -> String {
    match engines {
        [only] => only.clone(),
        several => format!("{}, equal results", several.join(" and ")),
    }
}

/// The text of a transaction: lines of the verb, its own lines, and its trace.
pub(crate) fn text(mut first: Vec<Line>, engines: &[String], executed: &Executed) -> String {
    first.extend(lines(engines, executed));
    with_trace(table(0, &first), executed)
}

/// A text, and the trace behind it, if there is one.
pub(crate) fn with_trace(mut text: String, executed: &Executed) -> String {
    if let Some(trace) = &executed.trace {
        text.push('\n');
        text.push_str(&trace::text(trace, &executed.frames));
    }
    text
}

/// The lines of a transaction: receipt, engines and commit.
fn lines(engines: &[String], executed: &Executed) -> Vec<Line> {
    let mut lines = receipt::lines(&executed.receipt);
    lines.extend(executed.log.iter().map(receipt::log_line));
    lines.push(line("engine", ran_on(engines)));
    if executed.fee > 0 {
        lines.push(line("fee", grouped(executed.fee)));
    }
    match executed.committed {
        Some(Committed { height, id }) => {
            lines.push(line("committed", format!("in block {}", grouped(height))));
            lines.push(line("transaction", id.to_string()));
        }
        None if executed.is_withheld => {
            lines.push(line("committed", "nothing, because it fails"));
            lines.push(line(
                "next",
                "correct it; --send-anyway commits it all the same, for its fee",
            ));
        }
        None => lines.push(line("committed", "nothing (dry run)")),
    }
    lines.extend(executed.capsule.iter().map(|file| line("capsule", file)));
    lines
}
