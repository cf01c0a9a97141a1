//! `replay`: runs the batch of a capsule again on each engine, and compares.

mod json;
mod text;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use fusee::chain::{
    Capsule, CapsuleError, CapsuleOutcome, CapsuleResult, CapsuleRun, CapsuleSubject, Contracts,
    Receipt, StepDifference,
};
use fusee::sandbox::{CodeHash, Format, Interrupt};

use crate::{
    args::ReplayArgs,
    engines::{self, On},
    failure::{Exit, Failure},
    output::Output,
    program,
};

/// The name of the recorded side.
const RECORDED: &str = "recorded";

/// A capsule that was replayed.
struct Replayed<'a> {
    capsule: &'a Capsule,
    outcomes: &'a [On<CapsuleOutcome>],
    differences: &'a [Difference],
}

/// Two sides whose outcomes or steps differ.
struct Difference {
    between: [&'static str; 2],
    /// The parts of the outcome that differ.
    outcome: Vec<String>,
    step: Option<StepDifference>,
}

pub(crate) fn run(file: &Path, args: &ReplayArgs, output: &mut Output) -> Result<Exit, Failure> {
    let capsule = open(file, args)?;
    let rules = capsule.rules()?;
    let has_polkavm = capsule
        .code()
        .any(|(_, code)| code.is_some_and(|code| Format::of(code) == Format::PolkaVm));
    let contracts = engines::replaying(args.engine, &rules, has_polkavm)?;
    let mut outcomes = Vec::new();
    for on in &contracts {
        outcomes.push(On {
            engine: on.engine,
            it: capsule.replay(&on.it, &Interrupt::new())?,
        });
    }
    let differences = differences(&capsule, &contracts, &outcomes)?;
    let replayed = Replayed {
        capsule: &capsule,
        outcomes: &outcomes,
        differences: &differences,
    };
    output.answer(&json::ReplayJson::new(&replayed), || text::text(&replayed))?;
    Ok(match differences.is_empty() {
        true => Exit::Success,
        false => Exit::Disagreement,
    })
}

/// Reads the capsule, and adds the code that it names.
fn open(file: &Path, args: &ReplayArgs) -> Result<Capsule, Failure> {
    let shown = file.display();
    let bytes = read(file).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot read `{shown}`"));
        Failure::new(Exit::Usage, error).next("pass a file that `--capsule` wrote")
    })?;
    let mut capsule = Capsule::decode(&bytes)?;
    for file in &args.code {
        let code = program::read(file)?;
        if !capsule.add_code(&code) {
            let hashes: Vec<_> = capsule.code().map(|(hash, _)| hash.to_string()).collect();
            let failure = Failure::usage(format!(
                "the capsule names no code with the hash of `{}`, {}",
                file.display(),
                CodeHash::of(&code)
            ));
            return Err(failure.next(match hashes.is_empty() {
                true => "leave out --code: the transaction reads no code".to_owned(),
                false => format!("it names {}", hashes.join(", ")),
            }));
        }
    }
    Ok(capsule)
}

/// Reads a file, but not much more than a capsule can have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(Capsule::MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Compares the recorded run with the first engine, and that with the others.
fn differences(
    capsule: &Capsule,
    contracts: &[On<Contracts>],
    outcomes: &[On<CapsuleOutcome>],
) -> Result<Vec<Difference>, CapsuleError> {
    let replays = contracts.iter().zip(outcomes);
    let replays = replays.map(|(contracts, outcome)| {
        let side = CapsuleRun::Replay(&contracts.it);
        (contracts.engine, side, outcome.it.clone())
    });
    let mut before = (RECORDED, CapsuleRun::Recorded, capsule.outcome());
    let mut differences = Vec::new();
    for (position, replay) in replays.enumerate() {
        let outcome = differing(&before.2, &replay.2);
        let step = capsule.first_difference([before.1, replay.1], &Interrupt::new())?;
        if !outcome.is_empty() || step.is_some() {
            differences.push(Difference {
                between: [before.0, replay.0],
                outcome,
                step,
            });
        }
        if position == 0 {
            before = replay;
        }
    }
    Ok(differences)
}

impl Replayed<'_> {
    /// Whether the recorded outcome is that of the first engine.
    fn is_as_recorded(&self) -> bool {
        self.is_equal(|side| side == RECORDED)
    }

    /// Whether all engines have the same outcome.
    fn is_same_on_all_engines(&self) -> bool {
        self.is_equal(|side| side != RECORDED)
    }

    fn is_equal(&self, with: impl Fn(&str) -> bool) -> bool {
        let mut differences = self.differences.iter();
        !differences.any(|difference| with(difference.between[0]))
    }

    /// Whether operations are told apart.
    fn has_several_operations(&self) -> bool {
        match self.capsule.subject() {
            CapsuleSubject::Batch(batch) => batch.operations.len() > 1,
            CapsuleSubject::System(_) => false,
        }
    }
}

/// The parts in which two outcomes differ.
fn differing(one: &CapsuleOutcome, other: &CapsuleOutcome) -> Vec<String> {
    match (one, other) {
        (CapsuleOutcome::Included(one), CapsuleOutcome::Included(other)) => {
            differing_results(one, other)
        }
        _ if one == other => Vec::new(),
        _ => vec!["outcome".to_owned()],
    }
}

fn differing_results(one: &CapsuleResult, other: &CapsuleResult) -> Vec<String> {
    let CapsuleResult {
        receipts,
        gas_used,
        fee,
        changes,
    } = one;
    let is_alone = receipts.len() == 1 && other.receipts.len() == 1;
    let mut parts = Vec::new();
    for (index, (one, other)) in receipts.iter().zip(&other.receipts).enumerate() {
        let differing = differing_receipts(one, other);
        parts.extend(differing.map(|part| match is_alone {
            true => part.to_owned(),
            false => format!("{part} of operation {index}"),
        }));
    }
    let of_all = [
        ("number of receipts", receipts.len() == other.receipts.len()),
        // That of the one operation says the same.
        ("gas used", is_alone || *gas_used == other.gas_used),
        ("fee", *fee == other.fee),
        ("changes", *changes == other.changes),
    ];
    let of_all = of_all.into_iter().filter(|(_, is_equal)| !is_equal);
    parts.extend(of_all.map(|(part, _)| part.to_owned()));
    parts
}

fn differing_receipts(one: &Receipt, other: &Receipt) -> impl Iterator<Item = &'static str> {
    let Receipt {
        status,
        gas_limit,
        gas_used,
        output,
        events,
        deployed,
    } = one;
    let parts = [
        ("status", *status == other.status),
        ("gas limit", *gas_limit == other.gas_limit),
        ("gas used", *gas_used == other.gas_used),
        ("output", *output == other.output),
        ("events", *events == other.events),
        ("address", *deployed == other.deployed),
    ];
    let differing = parts.into_iter().filter(|(_, is_equal)| !is_equal);
    differing.map(|(part, _)| part)
}
