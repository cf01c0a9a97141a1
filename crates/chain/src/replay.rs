//! Replay: executes the stored blocks of a chain again, and compares what comes out.
//!
//! A replay begins with the genesis, or with a later state: that of a snapshot or backup. It reads
//! the chain and writes nothing, and keeps the whole state in memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use fusee_contract::ContractRulesId;
use fusee_engine::Gas;
use fusee_ledger::{Genesis, Header, HeaderHash, Ledger, LedgerRulesId, Rehearsal};
use fusee_state::{Diff, MemoryState};
use fusee_store::Tree;
use fusee_store::chain::Version;

use crate::{Chain, ChainError, StoredBlock};

/// What a replay begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// The genesis.
    Genesis(&'a Genesis),
    /// The state after a block, and the hash of its header.
    After(&'a Version, HeaderHash),
}

/// The most differences that a replay describes.
const DESCRIBED: usize = 1_000;
/// The most bytes of both sides that it keeps for that: a result can have megabytes.
const DESCRIBED_BYTES: usize = 64 << 20;

/// What a replay does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// By the rules of the chain. Headers, with their roots, and results are compared. Ends at the
    /// first difference: the state is another one from there on.
    Same,
    /// As if these rules held from the first height of the replay on: what an upgrade would change.
    /// Results are compared, and all differences are reported. Migrations of the chain run at their
    /// heights, and what governance decides is what it decided.
    Rehearsal {
        /// The rules of transactions. None: those of the chain at each height.
        ledger: Option<LedgerRulesId>,
        /// The rules of contracts. None: those of the chain at each height.
        contracts: Option<ContractRulesId>,
        /// The migration of the upgrade, by name. It runs at the first height of the replay.
        migration: Option<String>,
    },
}

/// One difference between a stored block and its replay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The height of the block.
    pub height: u64,
    /// What differs: a field of the header, or `result` with its index.
    pub what: &'static str,
    /// The index of the result that differs.
    pub index: Option<usize>,
    /// As it was stored. Of a result: its encoding, or nothing if it has none.
    pub stored: Vec<u8>,
    /// As it was replayed.
    pub replayed: Vec<u8>,
}

/// How a replay ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// How many blocks were executed.
    pub blocks: u64,
    /// How many transactions they had.
    pub transactions: u64,
    /// The first differences, in their order: up to 1,000, and 64 MiB.
    pub differences: Vec<Difference>,
    /// How many differences there are besides these.
    pub more: u64,
}

impl Replayed {
    /// How many differences there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        let described = u64::try_from(self.differences.len()).unwrap_or(u64::MAX);
        described.saturating_add(self.more)
    }
}

/// Replays the blocks of a chain after `start`, by `ledger`, which can have other engines than the
/// chain's. Tells `progress` each height that is done, which can end the replay. Contracts of the
/// genesis are deployed by the rules of the chain, also in a rehearsal.
///
/// # Errors
///
/// [`ChainError::NoBlock`] if retention has deleted the first block. [`ChainError::Store`] if the
/// state to begin with cannot be read. [`ChainError::Genesis`] if a contract of the genesis cannot
/// be deployed. [`ChainError::Ledger`] if the host fails. [`ChainError::Store`],
/// [`ChainError::Body`] or [`ChainError::Header`] if the chain
/// cannot be read.
pub fn replay(
    chain: &Chain,
    start: Start<'_>,
    ledger: &Ledger,
    scope: Scope,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Replayed, ChainError> {
    let mut replayed = Replayed::default();
    let first = match start {
        Start::Genesis(_) => chain.initial_height(),
        Start::After(state, _) => state.height().saturating_add(1),
    };
    let rehearsed = match scope.clone() {
        Scope::Same => None,
        Scope::Rehearsal {
            ledger: ledger_rules,
            contracts: contract_rules,
            migration,
        } => Some(ledger.clone().rehearsing(Rehearsal {
            height: first,
            ledger_rules,
            contract_rules,
            migration,
        })),
    };
    let entries = entries(start, ledger)?;
    let mut replay = Replay::new(rehearsed.as_ref().unwrap_or(ledger), &scope, entries);
    let mut described = Described::default();
    let last = chain.store().head().map_or(0, |head| head.height);
    for height in first..=last {
        let stored = chain.block(height)?;
        let found = replay.block(&stored)?;
        replayed.blocks = replayed.blocks.saturating_add(1);
        let transactions = u64::try_from(stored.transactions.len()).unwrap_or(u64::MAX);
        replayed.transactions = replayed.transactions.saturating_add(transactions);
        let is_end = scope == Scope::Same && !found.is_empty();
        described.extend(found);
        if is_end || progress(height).is_break() {
            break;
        }
    }
    (replayed.differences, replayed.more) = (described.differences, described.more);
    Ok(replayed)
}

/// The state that a replay begins with, and the hash of the block before.
fn entries(start: Start<'_>, ledger: &Ledger) -> Result<(Diff, HeaderHash), ChainError> {
    Ok(match start {
        Start::Genesis(genesis) => (
            ledger.genesis(genesis)?,
            HeaderHash::from_bytes(genesis.identity()),
        ),
        Start::After(state, parent) => {
            let entries = state.entries();
            let entries = entries.map(|entry| entry.map(|(key, value)| (key, Some(value))));
            (entries.collect::<Result<Diff, _>>()?, parent)
        }
    })
}

/// The first differences, as many as memory is for.
#[derive(Default)]
struct Described {
    differences: Vec<Difference>,
    bytes: usize,
    more: u64,
}

impl Described {
    fn extend(&mut self, found: Vec<Difference>) {
        for difference in found {
            let (stored, replayed) = (difference.stored.len(), difference.replayed.len());
            let bytes = self.bytes.saturating_add(stored).saturating_add(replayed);
            // The first one is there, however large it is. Nothing follows what was left out.
            let is_first = self.differences.is_empty();
            let fits = self.differences.len() < DESCRIBED && bytes <= DESCRIBED_BYTES;
            match is_first || (self.more == 0 && fits) {
                true => {
                    self.bytes = bytes;
                    self.differences.push(difference);
                }
                false => self.more = self.more.saturating_add(1),
            }
        }
    }
}

/// The state of a replay.
struct Replay<'a> {
    ledger: &'a Ledger,
    scope: &'a Scope,
    state: Arc<MemoryState>,
    tree: Tree,
    parent: HeaderHash,
}

impl<'a> Replay<'a> {
    fn new(ledger: &'a Ledger, scope: &'a Scope, (entries, parent): (Diff, HeaderHash)) -> Self {
        let mut replay = Self {
            ledger,
            scope,
            state: Arc::new(MemoryState::new()),
            tree: Tree::default(),
            parent,
        };
        replay.apply(entries);
        replay
    }

    fn apply(&mut self, changes: Diff) {
        self.tree = self.tree.apply(&changes);
        // Nothing else has the state between two blocks.
        Arc::make_mut(&mut self.state).apply(&changes);
    }

    fn block(&mut self, stored: &StoredBlock) -> Result<Vec<Difference>, ChainError> {
        let state = Arc::<MemoryState>::clone(&self.state);
        let mut finalized = self.ledger.finalize(state, &stored.block())?;
        self.apply(std::mem::take(&mut finalized.changes));
        let header = finalized.seal(self.parent, self.tree.root());
        let mut differences = results(stored, &finalized.results);
        if *self.scope == Scope::Same {
            differences.extend(fields(stored, &header));
            self.parent = header.hash();
        } else {
            self.parent = stored.header.hash();
        }
        Ok(differences)
    }
}

/// The results that differ.
fn results(stored: &StoredBlock, replayed: &[Vec<u8>]) -> Vec<Difference> {
    let count = stored.results.len().max(replayed.len());
    let differing = (0..count).filter_map(|index| {
        let of = |list: &[Vec<u8>]| list.get(index).cloned().unwrap_or_default();
        let (stored_result, replayed) = (of(&stored.results), of(replayed));
        (stored_result != replayed).then_some(Difference {
            height: stored.header.height,
            what: "result",
            index: Some(index),
            stored: stored_result,
            replayed,
        })
    });
    differing.collect()
}

/// The fields of the header that differ.
fn fields(stored: &StoredBlock, replayed: &Header) -> Option<Difference> {
    let header = &stored.header;
    let bytes = |bytes: &[u8]| bytes.to_vec();
    let gas = |gas: Gas| gas.units().to_le_bytes().to_vec();
    let fields = [
        (
            "parent",
            bytes(header.parent.as_bytes()),
            bytes(replayed.parent.as_bytes()),
        ),
        ("gas used", gas(header.gas_used), gas(replayed.gas_used)),
        (
            "receipts root",
            bytes(&header.receipts_root),
            bytes(&replayed.receipts_root),
        ),
        (
            "state root",
            bytes(&header.state_root),
            bytes(&replayed.state_root),
        ),
        ("header", header.encode(), replayed.encode()),
    ];
    let differing = fields
        .into_iter()
        .find(|(_, stored, replayed)| stored != replayed);
    differing.map(|(what, stored_field, replayed)| Difference {
        height: header.height,
        what,
        index: None,
        stored: stored_field,
        replayed,
    })
}
