//! The chain in a data folder: its state, with one durable commit per transaction.
//!
//! The first use of a folder commits the development accounts with their funds.

use std::{fs, path::Path, sync::Arc};

use fusee::chain::{
    Address, BlockContext, Capsule, Commit, Contracts, DebugLog, Diff, ExecutionResult, Included,
    Inspector, LogLine, Query, Receipt, Snapshot, StateReader, Store, Trace, Transaction, genesis,
};
use fusee::sandbox::Interrupt;

use crate::{
    args::CapsuleArgs,
    decoded::FrameValues,
    engines::{self, On},
    failure::{Exit, Failure},
    names,
};

/// Initial balance of each development account.
pub(crate) const FUNDS: u128 = 1_000_000_000_000;

/// The chain id that contracts see.
const CHAIN_ID: &str = "fusee-dev";

/// The time from one transaction to the next in milliseconds, where no time is given.
const TRANSACTION_TIME: u64 = 1_000;

/// The most bytes of one debug log that are kept.
const LOG_BYTES: usize = 1 << 20;

/// The most bytes of one trace that are kept.
const TRACE_BYTES: usize = 16 << 20;

/// The chain in a data folder. It locks the folder while it is open.
#[derive(Debug)]
pub(crate) struct Chain {
    store: Store,
    time: Option<u64>,
    tracing: Tracing,
    recording: Option<CapsuleArgs>,
}

/// Whether to trace transactions and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracing {
    Off,
    On,
    /// With the functions of each frame told apart.
    ByFunction,
}

/// Whether to commit the changes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Commit,
    Nothing,
}

/// A transaction or query with equal results on every engine.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) receipt: Receipt,
    /// Its sequence number, if it was committed.
    pub(crate) sequence: Option<u64>,
    /// What its contracts wrote for people.
    pub(crate) log: Vec<LogLine>,
    /// Its trace, if the chain [traces](Chain::tracing).
    pub(crate) trace: Option<Trace>,
    /// The file of its capsule, if the chain [records](Chain::recording).
    pub(crate) capsule: Option<String>,
    /// The values of the frames of the trace, for those who [decode](crate::decoded::frames) them.
    pub(crate) frames: Vec<FrameValues>,
}

/// What is collected beside a result on one engine.
struct Observed<T> {
    result: T,
    trace: Option<Trace>,
}

impl Chain {
    /// Opens the folder, and creates it if it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let chain = Self {
            store: Store::open(folder)?,
            time: None,
            tracing: Tracing::Off,
            recording: None,
        };
        if chain.store.snapshot()?.sequence() == 0 {
            let balances: Vec<_> = names::ACCOUNTS
                .iter()
                .map(|name| (names::account(name), FUNDS))
                .collect();
            chain.commit(0, &genesis(&balances), &[])?;
        }
        Ok(chain)
    }

    /// Sets the time of blocks, in milliseconds since the Unix epoch. Default: a second for each
    /// transaction, the first one of which is that of genesis.
    pub(crate) fn at(self, time: Option<u64>) -> Self {
        Self { time, ..self }
    }

    /// Sets whether to trace transactions and queries. The engines then have to agree on the
    /// traces, too.
    pub(crate) fn tracing(self, tracing: Tracing) -> Self {
        Self { tracing, ..self }
    }

    /// Writes the capsule of each transaction, if the flags name a file. The engines then have to
    /// agree on the capsule, too.
    pub(crate) fn recording(self, flags: &CapsuleArgs) -> Self {
        let recording = flags.capsule.is_some().then(|| flags.clone());
        Self { recording, ..self }
    }

    /// The block of the next transaction, which it has for itself. No clock is read, so a
    /// repetition comes to the same.
    fn block(&self, sequence: u64) -> BlockContext {
        let default = sequence.saturating_mul(TRANSACTION_TIME);
        BlockContext {
            chain_id: CHAIN_ID.into(),
            height: sequence,
            time: self.time.unwrap_or(default),
            ..BlockContext::default()
        }
    }

    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, Failure> {
        Ok(Arc::new(self.store.snapshot()?))
    }

    /// Runs a transaction on every engine, and commits its changes once if the engines agree. An
    /// invalid transaction is a failure, and changes nothing.
    pub(crate) fn execute(
        &self,
        contracts: &[On<Contracts>],
        transaction: &Transaction,
        keep: Keep,
    ) -> Result<Executed, Failure> {
        let snapshot = self.snapshot()?;
        let sequence = snapshot.sequence();
        let block = self.block(sequence);
        let log = DebugLog::new(LOG_BYTES);
        let mut capsules = Vec::new();
        let results = self.on_each(contracts, &log, |contracts| {
            let (transaction, interrupt) = (transaction.clone(), Interrupt::new());
            let state = state(&snapshot);
            if self.recording.is_none() {
                return Ok(contracts.execute(state, transaction, &block, &interrupt)?);
            }
            let (result, capsule) =
                Capsule::record(contracts, state, transaction, &block, &interrupt)?;
            capsules.extend(capsule);
            Ok(result)
        })?;
        drop(snapshot);
        // Written before anything is compared: it is what a bug is reported with.
        let (capsule, is_same) = self.keep_capsule(capsules)?;
        if !is_same || !engines::agree(&results, Observed::eq(are_equal)) {
            let shown = Observed::shown(shown_result);
            let failure = engines::disagreement(&results, shown);
            return Err(match capsule {
                None => failure,
                Some(file) => failure.next(format!(
                    "nothing was committed; `fusee replay {file}` finds where they differ: report \
                     it with that file"
                )),
            });
        }
        let Observed { result, trace } = first(results)?;
        let included = result.included();
        let Included {
            receipt, changes, ..
        } = included.map_err(|invalid| Failure::invalid(invalid, transaction))?;
        let sequence = match keep {
            Keep::Commit => Some(self.commit(sequence, &changes, &receipt.encode())?),
            Keep::Nothing => None,
        };
        Ok(Executed {
            receipt,
            sequence,
            log: log.lines(),
            trace,
            capsule,
            frames: Vec::new(),
        })
    }

    /// Runs a query on every engine.
    pub(crate) fn query(
        &self,
        contracts: &[On<Contracts>],
        query: &Query,
    ) -> Result<Executed, Failure> {
        let snapshot = self.snapshot()?;
        // That of the last transaction.
        let block = self.block(snapshot.sequence().saturating_sub(1));
        let log = DebugLog::new(LOG_BYTES);
        let receipts = self.on_each(contracts, &log, |contracts| {
            let query = query.clone();
            Ok(contracts.query(state(&snapshot), query, &block, &Interrupt::new())?)
        })?;
        if !engines::agree(&receipts, Observed::eq(Receipt::eq)) {
            return Err(engines::disagreement(&receipts, Observed::shown(shown)));
        }
        let Observed { result, trace } = first(receipts)?;
        Ok(Executed {
            receipt: result,
            sequence: None,
            log: log.lines(),
            trace,
            capsule: None,
            frames: Vec::new(),
        })
    }

    /// Does the same on every engine, with a log, and a trace if the chain traces.
    fn on_each<T>(
        &self,
        contracts: &[On<Contracts>],
        log: &DebugLog,
        mut work: impl FnMut(&Contracts) -> Result<T, Failure>,
    ) -> Result<Vec<On<Observed<T>>>, Failure> {
        let mut results = Vec::new();
        for on in contracts {
            let mut contracts = on.it.clone().debug_log(log.clone());
            let inspector = match self.tracing {
                Tracing::Off => None,
                Tracing::On => Some(Inspector::new(TRACE_BYTES)),
                Tracing::ByFunction => Some(Inspector::new(TRACE_BYTES).by_function()),
            };
            if let Some(inspector) = &inspector {
                contracts = contracts.inspector(inspector.clone());
            }
            let result = work(&contracts)?;
            let trace = inspector.map(|inspector| inspector.trace());
            results.push(On {
                engine: on.engine,
                it: Observed { result, trace },
            });
        }
        Ok(results)
    }

    /// Writes the first capsule, and compares all. Returns the name of the file.
    fn keep_capsule(&self, capsules: Vec<Capsule>) -> Result<(Option<String>, bool), Failure> {
        let Some(CapsuleArgs {
            capsule: Some(path),
            capsule_without_code,
        }) = &self.recording
        else {
            return Ok((None, true));
        };
        let mut encoded = Vec::new();
        for capsule in capsules {
            let capsule = match capsule_without_code {
                true => capsule.without_code(),
                false => capsule,
            };
            encoded.push(capsule.encode()?);
        }
        // There is none of an invalid transaction.
        let Some(first) = encoded.first() else {
            return Ok((None, true));
        };
        fs::write(path, first).map_err(|error| {
            let shown = path.display();
            let error = anyhow::Error::new(error).context(format!("cannot write `{shown}`"));
            Failure::new(Exit::Usage, error)
                .next("nothing was committed; choose a file in an existing folder")
        })?;
        let is_same = encoded.iter().all(|other| other == first);
        Ok((Some(path.display().to_string()), is_same))
    }

    fn commit(&self, sequence: u64, diff: &Diff, receipt: &[u8]) -> Result<u64, Failure> {
        Ok(self.store.commit(Commit {
            sequence,
            diff,
            receipt,
        })?)
    }
}

/// The methods of the contract at an address; `None` if the current rules refuse its code.
pub(crate) fn methods(
    snapshot: &Arc<Snapshot>,
    contracts: &[On<Contracts>],
    address: Address,
) -> Result<Option<Vec<String>>, Failure> {
    match contracts.first() {
        Some(first) => Ok(first.it.methods(state(snapshot), address)?),
        None => Ok(None),
    }
}

fn state(snapshot: &Arc<Snapshot>) -> Arc<dyn StateReader> {
    Arc::<Snapshot>::clone(snapshot)
}

impl<T> Observed<T> {
    /// Whether two results and their traces are the same.
    fn eq(same: impl Fn(&T, &T) -> bool) -> impl Fn(&Self, &Self) -> bool {
        move |one, other| same(&one.result, &other.result) && one.trace == other.trace
    }

    /// Describes a result, and its trace by its size.
    fn shown(show: impl Fn(&T) -> String) -> impl Fn(&Self) -> String {
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

fn first<T>(answers: Vec<On<T>>) -> Result<T, Failure> {
    let first = answers.into_iter().next();
    first
        .map(|on| on.it)
        .ok_or_else(|| Failure::usage("no engine was chosen"))
}

fn are_equal(one: &ExecutionResult, other: &ExecutionResult) -> bool {
    use ExecutionResult as Result;
    match (one, other) {
        (Result::Included(one), Result::Included(other)) => {
            one.receipt == other.receipt && one.changes == other.changes && one.reads == other.reads
        }
        (Result::Invalid(one), Result::Invalid(other)) => one == other,
        _ => false,
    }
}

fn shown_result(result: &ExecutionResult) -> String {
    match result {
        ExecutionResult::Included(included) => format!(
            "{}, {} keys changed, {} keys read",
            shown(&included.receipt),
            included.changes.len(),
            included.reads.len()
        ),
        ExecutionResult::Invalid(invalid) => format!("invalid: {invalid}"),
    }
}

fn shown(receipt: &Receipt) -> String {
    format!(
        "{}, {} gas used, output 0x{}, {} events",
        receipt.status,
        receipt.gas_used,
        hex::encode(&receipt.output),
        receipt.events.len()
    )
}

#[cfg(test)]
mod tests;
