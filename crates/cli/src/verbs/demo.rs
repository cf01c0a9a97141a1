//! `demo`: a story of contracts, run on every engine, each with its own state.
//!
//! The contracts are examples of the SDK. After every step, the demo compares the receipts byte for
//! byte, and the state roots. It prints the equivalent command of each step.

mod guests;
mod report;
mod step;
mod story;

use std::path::Path;

use crate::{
    args::DemoArgs,
    engines::{self, EngineChoice, On},
    failure::{Exit, Failure},
    output::{Format, Output},
};

use self::{
    guests::CONTRACTS,
    report::{DemoJson, StepJson},
    step::{Side, Step},
};

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
    for step in story::steps() {
        demo.step(&step)?;
    }
    demo.conclude()
}

impl Demo<'_> {
    fn introduce(&mut self) -> Result<(), Failure> {
        let engines: Vec<_> = self.sides.iter().map(|side| side.engine).collect();
        let title = format!(
            "Tokens, their exchange, and scripts of users, on {} side by side",
            engines.join(" and ")
        );
        let title = self.output.bold(&title);
        let rules = fusee::chain::ContractRules::latest().program;
        let checked = CONTRACTS.map(|file| {
            let program = fusee::sandbox::prepare(file.bytes, &rules)
                .map_err(|refusal| Failure::refused(file.path, refusal))?;
            Ok((file.path, file.bytes.len(), program.code.len()))
        });
        let checked: Vec<_> = checked.into_iter().collect::<Result<_, Failure>>()?;
        self.say(&format!(
            "{title}\n\
             Each engine has its own state. After every step, the demo compares the receipts byte for\n\
             byte, and the state roots.\n\n{}",
            report::programs(&checked)
        ))
    }

    /// Runs a step on every engine and compares the results.
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        let mut results = Vec::new();
        for side in &mut self.sides {
            results.push(On {
                engine: side.engine,
                it: side.run(step)?,
            });
        }
        let agree = engines::agree(&results, |one, other| {
            one.receipt.encode() == other.receipt.encode() && one.state == other.state
        });
        let Some(book) = self.sides.first().map(|side| &side.book) else {
            return Err(Failure::usage("the demo has no engine to run on"));
        };
        let compared = report::compared(&results, agree, book);
        let number = self.steps.len().saturating_add(1);
        let title = self.output.bold(&format!("{number}. {}", step.title));
        let command = step.command();
        self.say(&format!("\n{title}\n   $ fusee {command}\n{compared}"))?;
        self.steps.push(StepJson::new(step, agree, results));
        Ok(())
    }

    fn conclude(self) -> Result<Exit, Failure> {
        let agree = self.steps.iter().all(|step| step.agree);
        let as_expected = self.steps.iter().all(StepJson::is_as_expected);
        match self.output.format() {
            Format::Json => self.output.json(&DemoJson {
                agree,
                as_expected,
                steps: self.steps,
            })?,
            Format::Text => {
                let verdict = match (agree, as_expected) {
                    (true, true) => {
                        "Every step ended as expected, with equal results on all engines."
                    }
                    (true, false) => "A step did not end as expected: this is a bug in Fusee.",
                    (false, _) => "THE ENGINES DISAGREE: this is a bug in Fusee or in an engine.",
                };
                let next = self.output.bold("Next");
                let text = format!("\n{verdict}\n\n{next}\n{}", report::next());
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
