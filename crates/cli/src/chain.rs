//! The chain in a data folder: its state, with one durable commit per transaction.
//!
//! The first use of a folder commits the development accounts with their funds.

use std::{path::Path, sync::Arc};

use fusee::chain::{
    Address, Commit, Contracts, Diff, ExecutionResult, Included, Query, Receipt, Snapshot,
    StateReader, Store, Transaction, genesis,
};
use fusee::sandbox::Interrupt;

use crate::{
    engines::{self, On},
    failure::Failure,
    names,
};

/// Initial balance of each development account.
pub(crate) const FUNDS: u128 = 1_000_000_000_000;

/// The chain in a data folder. It locks the folder while it is open.
#[derive(Debug)]
pub(crate) struct Chain {
    store: Store,
}

/// Whether to commit the changes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Commit,
    Nothing,
}

/// A transaction with equal results on every engine.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) receipt: Receipt,
    /// Its sequence number, if it was committed.
    pub(crate) sequence: Option<u64>,
}

impl Chain {
    /// Opens the folder, and creates it if it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let chain = Self {
            store: Store::open(folder)?,
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
        let results = on_each(contracts, |contracts| {
            Ok(contracts.execute(state(&snapshot), transaction.clone(), &Interrupt::new())?)
        })?;
        drop(snapshot);
        if !engines::agree(&results, are_equal) {
            return Err(engines::disagreement(&results, shown_result));
        }
        let included = first(results)?.included();
        let Included {
            receipt, changes, ..
        } = included.map_err(|invalid| Failure::invalid(invalid, transaction))?;
        let sequence = match keep {
            Keep::Commit => Some(self.commit(sequence, &changes, &receipt.encode())?),
            Keep::Nothing => None,
        };
        Ok(Executed { receipt, sequence })
    }

    /// Runs a query on every engine.
    pub(crate) fn query(
        &self,
        contracts: &[On<Contracts>],
        query: &Query,
    ) -> Result<Receipt, Failure> {
        let snapshot = self.snapshot()?;
        let receipts = on_each(contracts, |contracts| {
            Ok(contracts.query(state(&snapshot), query.clone(), &Interrupt::new())?)
        })?;
        if !engines::agree(&receipts, Receipt::eq) {
            return Err(engines::disagreement(&receipts, shown));
        }
        first(receipts)
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

fn on_each<T>(
    contracts: &[On<Contracts>],
    mut work: impl FnMut(&Contracts) -> Result<T, Failure>,
) -> Result<Vec<On<T>>, Failure> {
    contracts
        .iter()
        .map(|on| {
            Ok(On {
                engine: on.engine,
                it: work(&on.it)?,
            })
        })
        .collect()
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
