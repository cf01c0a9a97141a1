//! `demo`: runs a token contract on every engine, each with its own state.
//!
//! After every step, the demo compares the receipts byte for byte, and the state roots.
//! It prints the equivalent command of each step.

mod guests;
mod report;
mod step;

use std::path::Path;

use fusee::chain::{Address, Receipt};

use crate::{
    args::DemoArgs,
    engines::{self, EngineChoice, On},
    failure::{Exit, Failure},
    names,
    numbers::grouped,
    output::{Format, Output},
};

use self::{
    guests::{CALLER, TOKEN},
    report::{DemoJson, StepJson},
    step::{Side, Step, Work},
};

/// A gas limit with which a transfer is valid, but runs out of gas.
const LITTLE_GAS: u64 = 270_000;

struct Demo<'a> {
    output: &'a mut Output,
    sides: Vec<Side>,
    steps: Vec<StepJson>,
}

pub(crate) fn run(args: &DemoArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.keep {
        Some(folder) => play(folder, output),
        None => {
            let folder = tempfile::tempdir().map_err(|error| {
                let error = anyhow::Error::new(error).context("cannot create a temporary folder");
                Failure::new(Exit::Host, error).next("choose a folder with --keep")
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
            fusee::sandbox::prepare(TOKEN.code, &fusee::chain::ContractRules::latest().program);
        let program = checked.map_err(|refusal| Failure::refused(TOKEN.file, refusal))?;
        self.say(&format!(
            "{title}\n\
             Each engine has its own state. After every step, the demo compares the receipts byte for\n\
             byte, and the state roots.\n\n\
             {}: valid, {} bytes, {} metered, {} imports, {} exports\n",
            TOKEN.file,
            grouped(TOKEN.code.len()),
            grouped(program.code.len()),
            program.imports.len(),
            program.exports.len(),
        ))
    }

    /// The token: deployment, transfer, revert, out of gas. Returns its address.
    fn token(&mut self) -> Result<Address, Failure> {
        let deploy = Step::new(
            "Alice deploys a token, with a supply of 1,000,000",
            Work::Deploy(&TOKEN),
        );
        let token = deployed(&self.step(deploy.args(&["1000000"]))?)?;
        let transfer = Work::Call(token, "transfer");
        self.step(Step::new("Alice sends 250 to Bob", transfer).args(&["@bob", "250"]))?;
        let refused = Step::new(
            "Carol has no balance: the contract reverts with a message",
            Work::Call(token, "transfer"),
        );
        self.step(
            refused
                .args(&["@bob", "5"])
                .from("carol")
                .expect("reverted"),
        )?;
        let starved = Step::new(
            "A transfer runs out of gas: nothing changes",
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

    /// A second contract, which calls the first, and then traps.
    fn caller(&mut self, token: Address) -> Result<(), Failure> {
        let deploy = Step::new(
            "Bob deploys a contract that calls other contracts",
            Work::Deploy(&CALLER),
        );
        let caller = deployed(&self.step(deploy.from("bob"))?)?;
        let forward = Step::new(
            "It asks the token for its supply: one contract calls another",
            Work::Call(caller, "forward"),
        );
        let target = format!("@{}", names::short(token));
        self.step(
            forward
                .args(&[&target, "total_supply", "{\"bytes\":\"\"}"])
                .from("bob"),
        )?;
        let trap = Step::new(
            "It writes and then traps: the write is reverted",
            Work::Call(caller, "write_then_trap"),
        );
        self.step(trap.from("bob").expect("trapped"))?;
        Ok(())
    }

    fn balances(&mut self, token: Address) -> Result<(), Failure> {
        let balance = |title, account: &str| {
            Step::new(title, Work::Query(token, "balance_of")).args(&[account])
        };
        self.step(balance("Balance of Alice", "@alice"))?;
        self.step(balance("Balance of Bob", "@bob"))?;
        self.step(Step::new(
            "Total supply",
            Work::Query(token, "total_supply"),
        ))?;
        Ok(())
    }

    /// Runs a step on every engine and compares the results. Returns the first receipt.
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
            report::compared(&results, agree)
        ))?;
        self.steps.push(StepJson::new(&step, agree, &results));
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
                    (true, true) => {
                        "Every step ended as expected, with equal results on all engines."
                    }
                    (true, false) => "A step did not end as expected: this is a bug in Fusee.",
                    (false, _) => "THE ENGINES DISAGREE: this is a bug in Fusee or in an engine.",
                };
                let next = self.output.bold("Next");
                let text = format!(
                    "\n{summary}\n{}\n{verdict}\n\n{next}\n{}",
                    report::summary(&self.steps),
                    report::next_commands(token)
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

fn deployed(receipt: &Receipt) -> Result<Address, Failure> {
    receipt.deployed.ok_or_else(|| {
        let error = anyhow::anyhow!(
            "the deployment of a demo contract failed: {}",
            receipt.status
        );
        Failure::new(Exit::Unsuccessful, error).next("this is a bug in Fusee: report it")
    })
}
