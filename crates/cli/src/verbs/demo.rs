//! `demo`: a token contract on every engine, side by side, each with a state of its own.
//!
//! Every step runs on all engines and is compared: the receipts byte for byte, and the digests of
//! the whole states. The commands that it prints are what it does.

use std::path::Path;

use fusee_contract::{Action, Address, Contracts, Query, Receipt, Transaction};
use fusee_engine::Gas;
use serde::Serialize;

use crate::{
    args::DemoArgs,
    chain::{Chain, Keep},
    engines::{self, EngineChoice, On},
    failure::{Exit, Failure},
    names,
    numbers::grouped,
    output::{Format, Output},
    receipt::{self, ReceiptJson},
    table::table,
    values,
};

const TOKEN: Guest = Guest {
    file: "guests/wasm/token.wasm",
    code: include_bytes!("../../../../guests/wasm/token.wasm"),
};
const CALLER: Guest = Guest {
    file: "guests/wasm/caller.wasm",
    code: include_bytes!("../../../../guests/wasm/caller.wasm"),
};

/// Ample for every step.
const GAS: u64 = 1_000_000_000;

/// Enough to begin a transfer, and not to end it.
const LITTLE_GAS: u64 = 12_000;

/// Digits of a digest in texts.
const DIGEST_DIGITS: usize = 12;

/// A contract that comes with the program.
struct Guest {
    file: &'static str,
    code: &'static [u8],
}

/// One step: what to do, and how it should end.
struct Step {
    title: &'static str,
    work: Work,
    from: &'static str,
    args: Vec<String>,
    gas: u64,
    expected: &'static str,
}

enum Work {
    Deploy(&'static Guest),
    Call(Address, &'static str),
    Query(Address, &'static str),
}

/// What one engine runs on: contracts on it alone, and a chain of its own.
struct Side {
    engine: &'static str,
    contracts: Vec<On<Contracts>>,
    chain: Chain,
}

/// What a step came to on one side.
struct Run {
    receipt: Receipt,
    state: String,
}

struct Demo<'a> {
    output: &'a mut Output,
    sides: Vec<Side>,
    steps: Vec<StepJson>,
}

#[derive(Serialize)]
struct DemoJson {
    agree: bool,
    as_expected: bool,
    steps: Vec<StepJson>,
}

#[derive(Serialize)]
struct StepJson {
    title: &'static str,
    command: String,
    expected: &'static str,
    agree: bool,
    engines: Vec<SideJson>,
}

#[derive(Serialize)]
struct SideJson {
    engine: &'static str,
    state_digest: String,
    #[serde(flatten)]
    receipt: ReceiptJson,
    #[serde(skip)]
    status: &'static str,
    #[serde(skip)]
    gas_used: Gas,
}

pub(crate) fn run(args: &DemoArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.keep {
        Some(folder) => play(folder, output),
        None => {
            let folder = tempfile::tempdir().map_err(|error| {
                let error = anyhow::Error::new(error).context("no temporary folder could be made");
                Failure::new(Exit::Host, error).next("name a folder with --keep")
            })?;
            play(folder.path(), output)
        }
    }
}

fn play(folder: &Path, output: &mut Output) -> Result<Exit, Failure> {
    let mut sides = Vec::new();
    for choice in [EngineChoice::Wasmtime, EngineChoice::Wasmi] {
        sides.extend(Side::open(folder, choice)?);
    }
    let mut demo = Demo {
        output,
        sides,
        steps: Vec::new(),
    };
    demo.introduce()?;
    let token = demo.token()?;
    demo.caller(token)?;
    demo.balances(token)?;
    demo.conclude(token)
}

impl Side {
    fn open(folder: &Path, choice: EngineChoice) -> Result<Option<Self>, Failure> {
        let contracts = engines::contracts(choice)?;
        let Some(engine) = contracts.first().map(|on| on.engine) else {
            return Ok(None);
        };
        let folder = folder.join(engine);
        let chain = Chain::open(&folder)?;
        if chain.snapshot()?.sequence() != 1 {
            let message = format!(
                "`{}` is in use already: the demo begins with a new state",
                folder.display()
            );
            return Err(Failure::usage(message).next("name a new folder with --keep"));
        }
        Ok(Some(Self {
            engine,
            contracts,
            chain,
        }))
    }

    fn run(&self, step: &Step) -> Result<Run, Failure> {
        let input = values::encode(&step.args, &|text| {
            names::resolve(text, &*self.chain.snapshot()?)
        })?;
        let (from, gas) = (names::account(step.from), Gas::new(step.gas));
        let action = match step.work {
            Work::Query(to, method) => {
                let query = Query {
                    from,
                    to,
                    method: method.to_owned(),
                    input,
                    gas,
                };
                let receipt = self.chain.query(&self.contracts, &query)?;
                return Ok(Run {
                    receipt,
                    state: self.state()?,
                });
            }
            Work::Call(to, method) => Action::Call {
                to,
                method: method.to_owned(),
                input,
            },
            Work::Deploy(guest) => Action::Deploy {
                code: guest.code.to_vec(),
                input,
            },
        };
        let transaction = Transaction {
            from,
            action,
            value: 0,
            gas,
        };
        let receipt = self
            .chain
            .execute(&self.contracts, &transaction, Keep::Commit)?
            .receipt;
        Ok(Run {
            receipt,
            state: self.state()?,
        })
    }

    fn state(&self) -> Result<String, Failure> {
        Ok(hex::encode(self.chain.snapshot()?.digest()?))
    }
}

impl Demo<'_> {
    fn introduce(&mut self) -> Result<(), Failure> {
        let engines = self
            .sides
            .iter()
            .map(|side| side.engine)
            .collect::<Vec<_>>()
            .join(" and ");
        let title = self
            .output
            .bold(&format!("A token contract on {engines}, side by side"));
        let checked =
            fusee_instrument::prepare(TOKEN.code, &fusee_contract::ContractRules::v1().program);
        let program = checked.map_err(|refusal| Failure::refused(TOKEN.file, refusal))?;
        self.say(&format!(
            "{title}\n\
             Each engine has a state of its own. After every step, the receipts are compared byte for\n\
             byte, and so are the digests of the whole states.\n\n\
             {}: valid, {} bytes, {} with metering, {} imports, {} exports\n",
            TOKEN.file,
            grouped(TOKEN.code.len()),
            grouped(program.code.len()),
            program.imports.len(),
            program.exports.len(),
        ))
    }

    /// The token: made, moved, refused and starved. Returns its address.
    fn token(&mut self) -> Result<Address, Failure> {
        let deploy = Step::new(
            "Alice makes a token, with a supply of 1,000,000",
            Work::Deploy(&TOKEN),
        );
        let token = deployed(&self.step(deploy.args(&["1000000"]))?)?;
        let transfer = Work::Call(token, "transfer");
        self.step(Step::new("Alice sends 250 to Bob", transfer).args(&["@bob", "250"]))?;
        let refused = Step::new(
            "Carol has none to send: the contract reverts, and says why",
            Work::Call(token, "transfer"),
        );
        self.step(
            refused
                .args(&["@bob", "5"])
                .from("carol")
                .expect("reverted"),
        )?;
        let starved = Step::new(
            "A transfer with too little gas changes nothing",
            Work::Call(token, "transfer"),
        );
        self.step(
            starved
                .args(&["@bob", "1"])
                .gas(LITTLE_GAS)
                .expect("out_of_gas"),
        )?;
        Ok(token)
    }

    /// A second contract, which calls the first, and which fails.
    fn caller(&mut self, token: Address) -> Result<(), Failure> {
        let deploy = Step::new(
            "Bob makes a contract that calls others",
            Work::Deploy(&CALLER),
        );
        let caller = deployed(&self.step(deploy.from("bob"))?)?;
        let forward = Step::new(
            "It asks the token for its supply: a call from contract to contract",
            Work::Call(caller, "forward"),
        );
        let target = format!("@{}", names::short(token));
        self.step(
            forward
                .args(&[&target, "total_supply", "{\"bytes\":\"\"}"])
                .from("bob"),
        )?;
        let trap = Step::new(
            "It writes and then traps: the write is undone",
            Work::Call(caller, "write_then_trap"),
        );
        self.step(trap.from("bob").expect("trapped"))?;
        Ok(())
    }

    fn balances(&mut self, token: Address) -> Result<(), Failure> {
        let balance = |title, account: &str| {
            Step::new(title, Work::Query(token, "balance_of")).args(&[account])
        };
        self.step(balance("What Alice has now", "@alice"))?;
        self.step(balance("What Bob has now", "@bob"))?;
        self.step(Step::new(
            "What there is in all",
            Work::Query(token, "total_supply"),
        ))?;
        Ok(())
    }

    /// Runs a step on every side, compares and tells. Returns the receipt of the first side.
    fn step(&mut self, step: Step) -> Result<Receipt, Failure> {
        let mut results = Vec::new();
        for side in &self.sides {
            results.push(On {
                engine: side.engine,
                it: side.run(&step)?,
            });
        }
        let agree = engines::agree(&results, |one, other| {
            one.receipt.encode() == other.receipt.encode() && one.state == other.state
        });
        let number = self.steps.len().saturating_add(1);
        let title = self.output.bold(&format!("{number}. {}", step.title));
        self.say(&format!(
            "\n{title}\n   $ fusee {}\n{}",
            step.command(),
            compared(&results, agree)
        ))?;
        self.steps.push(StepJson {
            title: step.title,
            command: step.command(),
            expected: step.expected,
            agree,
            engines: results.iter().map(SideJson::of).collect(),
        });
        let first = results.into_iter().next().map(|on| on.it.receipt);
        first.ok_or_else(|| Failure::usage("the demo has no engine to run on"))
    }

    fn conclude(self, token: Address) -> Result<Exit, Failure> {
        let agree = self.steps.iter().all(|step| step.agree);
        let as_expected = self.steps.iter().all(StepJson::is_as_expected);
        match self.output.format() {
            Format::Json => self.output.json(&DemoJson {
                agree,
                as_expected,
                steps: self.steps,
            })?,
            Format::Text => {
                let summary = self.output.bold("Summary");
                let verdict = match (agree, as_expected) {
                    (true, true) => "Every step ended as it should, and alike on all engines.",
                    (true, false) => "A step did not end as it should: this is a fault in Fusee.",
                    (false, _) => "THE ENGINES DISAGREE: this is a fault in Fusee or in an engine.",
                };
                let next = self.output.bold("Next");
                let rows = summary_rows(&self.steps);
                let text = format!(
                    "\n{summary}\n{}\n{verdict}\n\n{next}\n{}",
                    table(3, &rows),
                    next_commands(token)
                );
                self.output.text(&text)?;
            }
        }
        Ok(match (agree, as_expected) {
            (false, _) => Exit::Disagreement,
            (true, false) => Exit::Unsuccessful,
            (true, true) => Exit::Success,
        })
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        match self.output.format() {
            Format::Text => self.output.text(text),
            Format::Json => Ok(()),
        }
    }
}

impl Step {
    fn new(title: &'static str, work: Work) -> Self {
        Self {
            title,
            work,
            from: "alice",
            args: Vec::new(),
            gas: GAS,
            expected: "success",
        }
    }

    fn args(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(ToString::to_string).collect();
        self
    }

    fn from(mut self, name: &'static str) -> Self {
        self.from = name;
        self
    }

    fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    fn expect(mut self, status: &'static str) -> Self {
        self.expected = status;
        self
    }

    /// The command that does the same.
    fn command(&self) -> String {
        let mut command = match self.work {
            Work::Deploy(guest) => format!("deploy {}", guest.file),
            Work::Call(to, method) => format!("call {} {method}", names::short(to)),
            Work::Query(to, method) => format!("query {} {method}", names::short(to)),
        };
        if !self.args.is_empty() {
            command.push_str(" --args");
            for arg in &self.args {
                let quote = if arg.contains('"') { "'" } else { "" };
                command.push_str(&format!(" {quote}{arg}{quote}"));
            }
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

impl SideJson {
    fn of(on: &On<Run>) -> Self {
        let Run { receipt, state } = &on.it;
        Self {
            engine: on.engine,
            state_digest: state.clone(),
            receipt: ReceiptJson::new(receipt),
            status: receipt.status.name(),
            gas_used: receipt.gas_used,
        }
    }
}

impl StepJson {
    fn is_as_expected(&self) -> bool {
        self.engines.iter().all(|side| side.status == self.expected)
    }
}

fn deployed(receipt: &Receipt) -> Result<Address, Failure> {
    receipt.deployed.ok_or_else(|| {
        let error = anyhow::anyhow!("the demo's contract could not be made: {}", receipt.status);
        Failure::new(Exit::Unsuccessful, error).next("this is a fault in Fusee: report it")
    })
}

/// The results side by side, a column an engine, and below them what is the same for all.
fn compared(results: &[On<Run>], agree: bool) -> String {
    let column = |about: &str, cell: &dyn Fn(&Run) -> String| {
        let mut cells = results.iter().map(|on| cell(&on.it));
        [
            about.to_owned(),
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
        ]
    };
    let mut engines = results.iter().map(|on| on.engine.to_owned());
    let head = [
        String::new(),
        engines.next().unwrap_or_default(),
        engines.next().unwrap_or_default(),
    ];
    let rows = [
        head,
        column("status", &|result| result.receipt.status.name().to_owned()),
        column("gas used", &|result| grouped(result.receipt.gas_used)),
        column("state", &|result| {
            result.state.chars().take(DIGEST_DIGITS).collect()
        }),
    ];
    let mut text = table(3, &rows);
    if let Some(on) = results.first() {
        let receipt = &on.it.receipt;
        text.push_str(&table(3, &details(receipt)));
    }
    text.push_str(if agree {
        "   equal on all engines\n"
    } else {
        "   THE ENGINES DISAGREE\n"
    });
    text
}

/// What else there is to say of a receipt.
fn details(receipt: &Receipt) -> Vec<receipt::Line> {
    let mut lines = Vec::new();
    if let Some(address) = receipt.deployed {
        lines.push(receipt::line("address ", address.to_string()));
    }
    if receipt::status(receipt) != receipt.status.name() {
        lines.push(receipt::line("because ", receipt::status(receipt)));
    } else if !receipt.output.is_empty() {
        lines.push(receipt::line("output  ", receipt::hinted(&receipt.output)));
    }
    for event in &receipt.events {
        let data = receipt::hint(&event.data).unwrap_or_else(|| receipt::hexed(&event.data));
        lines.push(receipt::line(
            "event   ",
            format!("{} {data}", String::from_utf8_lossy(&event.topic)),
        ));
    }
    lines
}

fn summary_rows(steps: &[StepJson]) -> Vec<[String; 5]> {
    let mut rows = vec![["", "step", "status", "gas used", "engines"].map(str::to_owned)];
    for (number, step) in (1..).zip(steps) {
        let first = step.engines.first();
        rows.push([
            format!("{number}."),
            step.title
                .split([',', ':'])
                .next()
                .unwrap_or_default()
                .to_owned(),
            first.map(|side| side.status.to_owned()).unwrap_or_default(),
            first.map(|side| grouped(side.gas_used)).unwrap_or_default(),
            if step.agree {
                "equal".to_owned()
            } else {
                "DISAGREE".to_owned()
            },
        ]);
    }
    rows
}

/// What to try next. A new data folder gives the first token the same address as here.
fn next_commands(token: Address) -> String {
    let token = names::short(token);
    let lines = [
        format!("deploy {} --args 1000000", TOKEN.file),
        format!("call {token} transfer --args @bob 250 --engine all"),
        format!("query {token} balance_of --args @bob"),
        "accounts".to_owned(),
        "run guests/wasm/arith.wasm --invoke fac 20".to_owned(),
        "check guests/wasm/hostile_floats.wasm".to_owned(),
    ];
    lines
        .into_iter()
        .map(|line| format!("   cargo run --release -- {line}\n"))
        .collect()
}
