//! The answer of `replay` as JSON.

use fusee::chain::{CapsuleOutcome, RunStep, StepKind};
use serde::Serialize;

use super::{Difference, Replayed, text};
use crate::receipt::{ReceiptJson, hexed};

#[derive(Serialize)]
pub(super) struct ReplayJson {
    rules: String,
    rules_id: String,
    block: BlockJson,
    /// What is executed, in words.
    operations: Vec<String>,
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

#[derive(Serialize)]
#[serde(untagged)]
enum OutcomeJson {
    Included {
        /// Of each operation that began.
        receipts: Vec<ReceiptJson>,
        /// By the overhead and all operations.
        gas_used: u64,
        /// As text, because JSON readers round large numbers.
        fee: String,
        /// The digest of the changes.
        changes: String,
    },
    Invalid {
        /// Why no block can include the batch.
        invalid: String,
    },
    Failed {
        /// Why the host failed.
        failed: String,
    },
}

#[derive(Serialize)]
struct DifferenceJson {
    between: [&'static str; 2],
    /// The parts of the outcome that differ.
    outcome: Vec<String>,
    /// The number of steps before the first one that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    equal_steps: Option<u64>,
    /// Whether this step differs, or one of those that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_exact: Option<bool>,
    /// The index of the operation whose step it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    steps: [Option<StepJson>; 2],
}

#[derive(Serialize)]
struct StepJson {
    name: &'static str,
    operation: u32,
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

impl ReplayJson {
    pub(super) fn new(replayed: &Replayed<'_>) -> Self {
        let Replayed {
            capsule,
            outcomes,
            differences,
        } = replayed;
        let (name, id) = capsule.rules_id();
        let block = capsule.block();
        let is_same = replayed.is_same_on_all_engines();
        Self {
            rules: name.to_owned(),
            rules_id: id.to_string(),
            block: BlockJson {
                chain_id: block.chain_id.to_string(),
                height: block.height,
                time: block.time,
                proposer: block.proposer.to_string(),
            },
            operations: text::operations(capsule.subject()),
            recorded: OutcomeJson::new(&capsule.outcome()),
            engines: outcomes
                .iter()
                .map(|on| EngineJson {
                    engine: on.engine,
                    outcome: OutcomeJson::new(&on.it),
                })
                .collect(),
            equal_on_all_engines: is_same,
            equal_to_recorded: replayed.is_as_recorded() && is_same,
            differences: differences.iter().map(DifferenceJson::new).collect(),
        }
    }
}

impl OutcomeJson {
    fn new(outcome: &CapsuleOutcome) -> Self {
        match outcome {
            CapsuleOutcome::Included(result) => Self::Included {
                receipts: result.receipts.iter().map(ReceiptJson::new).collect(),
                gas_used: result.gas_used.units(),
                fee: result.fee.to_string(),
                changes: hexed(result.changes.as_bytes()),
            },
            CapsuleOutcome::Invalid(invalid) => Self::Invalid {
                invalid: invalid.to_string(),
            },
            CapsuleOutcome::Failed(reason) => Self::Failed {
                failed: reason.clone(),
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
            operation: step.and_then(|step| step.operation()),
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
            operation: step.operation,
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
