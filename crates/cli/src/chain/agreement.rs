//! What engines have to agree on, and how it is shown if they do not.

use fusee::chain::{Receipt, Trace};
use fusee::ledger::Finalized;

use crate::{engines::On, failure::Failure};

/// What is collected beside a result on one engine.
pub(super) struct Observed<T> {
    pub(super) result: T,
    pub(super) trace: Option<Trace>,
}

impl<T> Observed<T> {
    /// Whether two results and their traces are the same.
    pub(super) fn eq(same: impl Fn(&T, &T) -> bool) -> impl Fn(&Self, &Self) -> bool {
        move |one, other| same(&one.result, &other.result) && one.trace == other.trace
    }

    /// Describes a result, and its trace by its size.
    pub(super) fn shown(show: impl Fn(&T) -> String) -> impl Fn(&Self) -> String {
        move |observed| {
            let mut text = show(&observed.result);
            if let Some(trace) = &observed.trace {
                let syscalls = trace.frames.iter().map(|frame| frame.syscalls().count());
                let (frames, syscalls) = (trace.frames.len(), syscalls.sum::<usize>());
                text.push_str(&format!(
                    ", a trace of {frames} frames and {syscalls} syscalls"
                ));
            }
            text
        }
    }
}

pub(super) fn first<T>(answers: Vec<On<T>>) -> Result<T, Failure> {
    let first = answers.into_iter().next();
    first
        .map(|on| on.it)
        .ok_or_else(|| Failure::usage("no engine was chosen"))
}

/// Describes the result of a block with one transaction.
pub(super) fn finalized(block: &Finalized) -> String {
    let outcomes = block.transactions.iter();
    let shown: Vec<_> = outcomes
        .map(|outcome| match &outcome.invalid {
            Some(invalid) => format!("invalid: {invalid}"),
            None => {
                let receipts: Vec<_> = outcome.result.receipts.iter().map(receipt).collect();
                receipts.join("; ")
            }
        })
        .collect();
    format!("{}, {} keys changed", shown.join("; "), block.changes.len())
}

pub(super) fn receipt(receipt: &Receipt) -> String {
    format!(
        "{}, {} gas used, output 0x{}, {} events",
        receipt.status,
        receipt.gas_used,
        hex::encode(&receipt.output),
        receipt.events.len()
    )
}
