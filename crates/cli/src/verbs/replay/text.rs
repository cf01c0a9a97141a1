//! The answer of `replay` as text.

use fusee::chain::{
    Action, Address, CapsuleOutcome, CapsuleResult, CapsuleSubject, Receipt, RunStep, Status,
    StepKind,
};

use super::{Difference, RECORDED, Replayed};
use crate::{
    names,
    numbers::grouped,
    receipt::{self, Line, hexed, line},
    table::table,
};

pub(super) fn text(replayed: &Replayed<'_>) -> String {
    let Replayed {
        capsule,
        outcomes,
        differences,
    } = replayed;
    let (rules, _) = capsule.rules_id();
    let block = capsule.block();
    let mut lines = subject_lines(capsule.subject());
    let height = grouped(block.height);
    let time = grouped(block.time);
    let block = format!("{height} of `{}`, time {time}", block.chain_id);
    lines.extend([line("rules", rules), line("block", block)]);
    let engines: Vec<_> = outcomes.iter().map(|on| on.engine).collect();
    if differences.is_empty() {
        lines.extend(outcome_lines(replayed));
        lines.push(line("engines", engines.join(", ")));
    } else {
        lines.push(line(RECORDED, in_short(&capsule.outcome())));
        lines.extend(outcomes.iter().map(|on| line(on.engine, in_short(&on.it))));
    }
    let several = engines.len() > 1;
    lines.push(line(
        "equal",
        match (differences, replayed.is_same_on_all_engines()) {
            ([], _) if several => "on all engines, and to the recorded outcome",
            ([], _) => "to the recorded outcome",
            (_, true) if several => "on all engines, and not to the recorded outcome",
            (_, true) => "no: not to the recorded outcome",
            (_, false) => "no: the engines differ",
        },
    ));
    for difference in *differences {
        lines.extend(difference_lines(replayed, difference));
    }
    table(0, &lines)
}

/// What the capsule executes, in words: each operation.
pub(super) fn operations(subject: &CapsuleSubject) -> Vec<String> {
    match subject {
        CapsuleSubject::System(call) => vec![called(call.to, &call.method)],
        CapsuleSubject::Batch(batch) => {
            let operations = batch.operations.iter();
            let words = operations.map(|operation| match operation.value {
                0 => in_words(&operation.action),
                value => format!("{} with {}", in_words(&operation.action), grouped(value)),
            });
            words.collect()
        }
    }
}

fn in_words(action: &Action) -> String {
    match action {
        Action::Deploy { .. } => "deploy".to_owned(),
        Action::Upload { .. } => "upload".to_owned(),
        Action::Create { .. } => "create".to_owned(),
        Action::Upgrade { contract, .. } => format!("upgrade {}", names::short(*contract)),
        Action::SetAdmin { contract, .. } => format!("admin of {}", names::short(*contract)),
        Action::RemoveCode { .. } => "remove-code".to_owned(),
        Action::Call { to, method, .. } => called(*to, method),
    }
}

fn called(to: Address, method: &str) -> String {
    match method {
        "" => format!("call {}", names::short(to)),
        method => format!("call {} {method}", names::short(to)),
    }
}

fn subject_lines(subject: &CapsuleSubject) -> Vec<Line> {
    let words = operations(subject);
    let batch = match subject {
        CapsuleSubject::Batch(batch) => batch,
        CapsuleSubject::System(_) => return vec![line("system call", words.concat())],
    };
    let from = names::short(batch.from);
    let what = match words.as_slice() {
        [operation] => operation.clone(),
        operations => format!("{} operations", operations.len()),
    };
    let mut lines = vec![line("transaction", format!("{what} from {from}"))];
    if batch.overhead.units() > 0 {
        let overhead = format!("{} gas", grouped(batch.overhead));
        lines.push(line("overhead", overhead));
    }
    if let Some(fee) = batch.fee {
        let payer = names::short(fee.payer);
        let price = format!("{}, paid by {payer}", grouped(fee.price));
        lines.push(line("gas price", price));
    }
    lines
}

fn outcome_lines(replayed: &Replayed<'_>) -> Vec<Line> {
    let outcome = replayed.capsule.outcome();
    let CapsuleOutcome::Included(result) = &outcome else {
        return vec![line("outcome", in_short(&outcome))];
    };
    let mut lines = match replayed.has_several_operations() {
        true => operation_lines(&operations(replayed.capsule.subject()), result),
        false => result.receipts.iter().flat_map(receipt_lines).collect(),
    };
    if result.fee > 0 {
        lines.push(line("fee", grouped(result.fee)));
    }
    lines.push(line("changes", hexed(result.changes.as_bytes())));
    lines
}

/// Each operation with its receipt, and what all of them used.
fn operation_lines(operations: &[String], result: &CapsuleResult) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        lines.push(line(&format!("operation {index}"), operation.as_str()));
        let receipt = result.receipts.get(index).map(receipt_lines);
        let receipt = receipt.unwrap_or_else(|| vec![line("status", "did not begin")]);
        lines.extend(
            receipt
                .into_iter()
                .map(|[about, text]| [format!("  {about}"), text]),
        );
    }
    lines.push(line("gas used", grouped(result.gas_used)));
    lines
}

fn receipt_lines(receipt: &Receipt) -> Vec<Line> {
    let mut lines = receipt::lines(receipt);
    // Advice on how to send it again does not help here.
    lines.retain(|[about, _]| about != "next");
    lines
}

fn in_short(outcome: &CapsuleOutcome) -> String {
    match outcome {
        CapsuleOutcome::Included(result) => result_in_short(result),
        CapsuleOutcome::Invalid(invalid) => format!("invalid: {invalid}"),
        CapsuleOutcome::Failed(reason) => format!("the host failed: {reason}"),
    }
}

fn result_in_short(result: &CapsuleResult) -> String {
    let receipts = result.receipts.as_slice();
    let status = |receipt: &Receipt| receipt::status_of(receipt.status, &receipt.output);
    let status = match receipts {
        [] => "no operation".to_owned(),
        [receipt] => status(receipt),
        [before @ .., last] if last.status == Status::Success => {
            let count = before.len().saturating_add(1);
            format!("{count} operations, {}", status(last))
        }
        [before @ .., last] => format!("operation {} {}", before.len(), status(last)),
    };
    let events = receipts.iter().map(|receipt| receipt.events.len());
    format!(
        "{status}, {} gas, {} events, changes {}",
        grouped(result.gas_used),
        events.fold(0, usize::saturating_add),
        hexed(result.changes.as_bytes().get(..8).unwrap_or_default()),
    )
}

fn difference_lines(replayed: &Replayed<'_>, difference: &Difference) -> Vec<Line> {
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
    if !step.is_exact {
        let equal = grouped(step.equal);
        let text = format!("behind step {equal}: of those the capsule has digests alone");
        lines.push(line("first", text));
        return lines;
    }
    let operation = step.operation();
    let operation = operation.filter(|_| replayed.has_several_operations());
    let frame = step.frame.as_ref().map(|frame| {
        let address = names::short(frame.address);
        format!("{address} {}", frame.method).trim_end().to_owned()
    });
    let operation = operation.map(|index| format!("operation {index}"));
    let place: Vec<_> = operation.into_iter().chain(frame).collect();
    let number = grouped(step.equal.saturating_add(1));
    lines.push(line(
        "first",
        match place.as_slice() {
            [] => format!("step {number}"),
            place => format!("step {number} in {}", place.join(", ")),
        },
    ));
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
