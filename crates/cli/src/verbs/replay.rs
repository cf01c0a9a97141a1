//! `replay`: runs the transaction of a capsule again on each engine, and compares.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use fusee::chain::{
    Action, Capsule, CapsuleError, CapsuleOutcome, CapsuleRun, Contracts, Receipt, RunStep,
    StepDifference, StepKind,
};
use fusee::sandbox::{CodeHash, Format, Interrupt};
use serde::Serialize;

use crate::{
    args::ReplayArgs,
    engines::{self, On},
    failure::{Exit, Failure},
    names,
    numbers::grouped,
    output::Output,
    program,
    receipt::{self, Line, ReceiptJson, hexed, line},
    table::table,
};

/// The name of the recorded side.
const RECORDED: &str = "recorded";

#[derive(Serialize)]
struct ReplayJson {
    rules: String,
    rules_id: String,
    block: BlockJson,
    recorded: OutcomeJson,
    engines: Vec<EngineJson>,
    equal_on_all_engines: bool,
    equal_to_recorded: bool,
    differences: Vec<DifferenceJson>,
}

#[derive(Serialize)]
struct BlockJson {
    chain_id: String,
    height: u64,
    time: u64,
    proposer: String,
}

#[derive(Serialize)]
struct EngineJson {
    engine: &'static str,
    #[serde(flatten)]
    outcome: OutcomeJson,
}

#[derive(Default, Serialize)]
struct OutcomeJson {
    #[serde(flatten)]
    receipt: Option<ReceiptJson>,
    /// The digest of the changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<String>,
    /// Why no block can include the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<String>,
    /// Why the host failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Serialize)]
struct DifferenceJson {
    between: [&'static str; 2],
    /// The parts of the outcome that differ.
    outcome: Vec<&'static str>,
    /// The number of steps before the first one that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    equal_steps: Option<u64>,
    /// Whether this step differs, or one of those that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_exact: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    steps: [Option<StepJson>; 2],
}

#[derive(Serialize)]
struct StepJson {
    name: &'static str,
    depth: u32,
    gas_left: u64,
    gas_used: u64,
    arguments: String,
    result: String,
    /// As on the wire. As text, because JSON readers round large numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

/// Two sides whose outcomes or steps differ.
struct Difference {
    between: [&'static str; 2],
    outcome: Vec<&'static str>,
    step: Option<StepDifference>,
}

pub(crate) fn run(args: &ReplayArgs, output: &mut Output) -> Result<Exit, Failure> {
    let capsule = open(args)?;
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
    let is_equal = |with: &[&str]| {
        !differences
            .iter()
            .any(|difference| with.contains(&difference.between[0]))
    };
    let of_engines: Vec<_> = outcomes.iter().map(|on| on.engine).collect();
    let (to_recorded, on_all) = (is_equal(&[RECORDED]), is_equal(&of_engines));
    let (name, id) = capsule.rules_id();
    let block = capsule.block();
    let answer = ReplayJson {
        rules: name.to_owned(),
        rules_id: id.to_string(),
        block: BlockJson {
            chain_id: block.chain_id.to_string(),
            height: block.height,
            time: block.time,
            proposer: block.proposer.to_string(),
        },
        recorded: OutcomeJson::new(&capsule.outcome()),
        engines: outcomes
            .iter()
            .map(|on| EngineJson {
                engine: on.engine,
                outcome: OutcomeJson::new(&on.it),
            })
            .collect(),
        equal_on_all_engines: on_all,
        equal_to_recorded: to_recorded && on_all,
        differences: differences.iter().map(DifferenceJson::new).collect(),
    };
    output.answer(&answer, || text(&capsule, &outcomes, &differences, on_all))?;
    Ok(match differences.is_empty() {
        true => Exit::Success,
        false => Exit::Disagreement,
    })
}

/// Reads the capsule, and adds the code that it names.
fn open(args: &ReplayArgs) -> Result<Capsule, Failure> {
    let shown = args.file.display();
    let bytes = read(&args.file).map_err(|error| {
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

/// The parts in which two outcomes differ.
fn differing(one: &CapsuleOutcome, other: &CapsuleOutcome) -> Vec<&'static str> {
    let (
        CapsuleOutcome::Included { receipt, changes },
        CapsuleOutcome::Included {
            receipt: other_receipt,
            changes: other_changes,
        },
    ) = (one, other)
    else {
        return match one == other {
            true => Vec::new(),
            false => vec!["outcome"],
        };
    };
    let Receipt {
        status,
        gas_limit,
        gas_used,
        output,
        events,
        deployed,
    } = receipt;
    let parts = [
        ("status", *status == other_receipt.status),
        ("gas limit", *gas_limit == other_receipt.gas_limit),
        ("gas used", *gas_used == other_receipt.gas_used),
        ("output", *output == other_receipt.output),
        ("events", *events == other_receipt.events),
        ("address", *deployed == other_receipt.deployed),
        ("changes", changes == other_changes),
    ];
    let differing = parts.into_iter().filter(|(_, is_equal)| !is_equal);
    differing.map(|(part, _)| part).collect()
}

fn text(
    capsule: &Capsule,
    outcomes: &[On<CapsuleOutcome>],
    differences: &[Difference],
    on_all: bool,
) -> String {
    let (rules, _) = capsule.rules_id();
    let block = capsule.block();
    let mut lines = vec![
        line("transaction", transaction(capsule)),
        line("rules", rules),
        line(
            "block",
            format!(
                "{} of `{}`, time {}",
                grouped(block.height),
                block.chain_id,
                grouped(block.time)
            ),
        ),
    ];
    let engines: Vec<_> = outcomes.iter().map(|on| on.engine).collect();
    if differences.is_empty() {
        lines.extend(outcome_lines(&capsule.outcome()));
        lines.push(line("engines", engines.join(", ")));
    } else {
        lines.push(line(RECORDED, in_short(&capsule.outcome())));
        lines.extend(outcomes.iter().map(|on| line(on.engine, in_short(&on.it))));
    }
    let several = engines.len() > 1;
    lines.push(line(
        "equal",
        match (differences, on_all) {
            ([], _) if several => "on all engines, and to the recorded outcome",
            ([], _) => "to the recorded outcome",
            (_, true) if several => "on all engines, and not to the recorded outcome",
            (_, true) => "no: not to the recorded outcome",
            (_, false) => "no: the engines differ",
        },
    ));
    for difference in differences {
        lines.extend(difference_lines(difference));
    }
    table(0, &lines)
}

/// The transaction in words.
fn transaction(capsule: &Capsule) -> String {
    let transaction = capsule.transaction();
    let action = match &transaction.action {
        Action::Deploy { .. } => "deploy".to_owned(),
        Action::Upload { .. } => "upload".to_owned(),
        Action::Create { .. } => "create".to_owned(),
        Action::Upgrade { contract, .. } => format!("upgrade {}", names::short(*contract)),
        Action::SetAdmin { contract, .. } => format!("admin of {}", names::short(*contract)),
        Action::RemoveCode { .. } => "remove-code".to_owned(),
        Action::Call { to, method, .. } => format!("call {} {method}", names::short(*to)),
    };
    format!(
        "{} from {}",
        action.trim_end(),
        names::short(transaction.from)
    )
}

fn outcome_lines(outcome: &CapsuleOutcome) -> Vec<Line> {
    match outcome {
        CapsuleOutcome::Included { receipt, changes } => {
            let mut lines = receipt::lines(receipt);
            // Advice on how to send it again does not help here.
            lines.retain(|[about, _]| about != "next");
            lines.push(line("changes", hexed(changes.as_bytes())));
            lines
        }
        other => vec![line("outcome", in_short(other))],
    }
}

fn in_short(outcome: &CapsuleOutcome) -> String {
    match outcome {
        CapsuleOutcome::Included { receipt, changes } => format!(
            "{}, {} gas, {} events, changes {}",
            receipt::status_of(receipt.status, &receipt.output),
            grouped(receipt.gas_used),
            receipt.events.len(),
            hexed(changes.as_bytes().get(..8).unwrap_or_default()),
        ),
        CapsuleOutcome::Invalid(invalid) => format!("invalid: {invalid}"),
        CapsuleOutcome::Failed(reason) => format!("the host failed: {reason}"),
    }
}

fn difference_lines(difference: &Difference) -> Vec<Line> {
    let [one, other] = difference.between;
    let parts = match difference.outcome.as_slice() {
        [] => "only on the way".to_owned(),
        parts => format!("in {}", parts.join(", ")),
    };
    let mut lines = vec![line("differ", format!("{one} and {other}, {parts}"))];
    let Some(step) = &difference.step else {
        lines.push(line("first", "no call and no syscall differs"));
        return lines;
    };
    let place = step.frame.as_ref().map(|frame| {
        let address = names::short(frame.address);
        format!(" in {address} {}", frame.method)
    });
    let place = place.unwrap_or_default();
    let place = place.trim_end();
    if !step.is_exact {
        lines.push(line(
            "first",
            format!(
                "behind step {}: of those the capsule has digests alone",
                grouped(step.equal)
            ),
        ));
        return lines;
    }
    let number = grouped(step.equal.saturating_add(1));
    lines.push(line("first", format!("step {number}{place}")));
    for (name, step) in difference.between.into_iter().zip(step.steps) {
        lines.push(line(&format!("  {name}"), shown(step)));
    }
    lines
}

fn shown(step: Option<RunStep>) -> String {
    let Some(step) = step else {
        return "has ended".to_owned();
    };
    let [arguments, result] = [step.arguments, step.result].map(|digest| hexed(&digest));
    match step.kind {
        StepKind::Begin => format!(
            "begin of a call with {} gas, arguments {arguments}",
            grouped(step.gas_left)
        ),
        StepKind::End => format!(
            "end of the call: {}, {} gas used, output {result}",
            step.status().map_or("unknown", |status| status.name()),
            grouped(step.gas_used)
        ),
        StepKind::Syscall { has_replied, .. } => {
            let reply = match has_replied {
                true => format!(" = {}", step.reply),
                false => String::new(),
            };
            format!(
                "{}{reply} with {} gas left, {} used, arguments {arguments}, result {result}",
                step.name(),
                grouped(step.gas_left),
                grouped(step.gas_used)
            )
        }
        _ => step.name().to_owned(),
    }
}

impl OutcomeJson {
    fn new(outcome: &CapsuleOutcome) -> Self {
        match outcome {
            CapsuleOutcome::Included { receipt, changes } => Self {
                receipt: Some(ReceiptJson::new(receipt)),
                changes: Some(hexed(changes.as_bytes())),
                ..Self::default()
            },
            CapsuleOutcome::Invalid(invalid) => Self {
                invalid: Some(invalid.to_string()),
                ..Self::default()
            },
            CapsuleOutcome::Failed(reason) => Self {
                failed: Some(reason.clone()),
                ..Self::default()
            },
        }
    }
}

impl DifferenceJson {
    fn new(difference: &Difference) -> Self {
        let step = difference.step.as_ref();
        let frame = step.and_then(|step| step.frame.as_ref());
        let steps = step.map_or([None, None], |step| step.steps);
        Self {
            between: difference.between,
            outcome: difference.outcome.clone(),
            equal_steps: step.map(|step| step.equal),
            is_exact: step.map(|step| step.is_exact),
            address: frame.map(|frame| frame.address.to_string()),
            method: frame.map(|frame| frame.method.clone()),
            steps: steps.map(|step| step.as_ref().map(StepJson::new)),
        }
    }
}

impl StepJson {
    fn new(step: &RunStep) -> Self {
        let has_replied = matches!(
            step.kind,
            StepKind::Syscall {
                has_replied: true,
                ..
            }
        );
        Self {
            name: step.name(),
            depth: step.depth,
            gas_left: step.gas_left.units(),
            gas_used: step.gas_used.units(),
            arguments: hexed(&step.arguments),
            result: hexed(&step.result),
            reply: has_replied.then(|| step.reply.to_string()),
            status: step.status().map(|status| status.name()),
        }
    }
}
