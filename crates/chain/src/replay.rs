//! Replay: executes the stored blocks of a chain again, and compares what comes out.
//!
//! A replay reads the chain and writes nothing. It keeps the whole state in memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use fusee_contract::ContractRulesId;
use fusee_engine::Gas;
use fusee_ledger::{
    Activation, Genesis, Header, HeaderHash, Ledger, LedgerRulesId, Parameters, keys,
};
use fusee_state::{Diff, MemoryState};
use fusee_store::Tree;

use crate::{Chain, ChainError, StoredBlock};

/// What a replay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// By the rules of the chain. Headers, with their roots, and results are compared. Ends at the
    /// first difference: the state is another one from there on.
    Same,
    /// As if these rules held from the first height on. Results are compared, and all differences
    /// are reported: what an upgrade would change.
    Rehearsal {
        /// The rules of transactions.
        ledger: LedgerRulesId,
        /// The rules of contracts.
        contracts: ContractRulesId,
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
    /// The differences, in their order.
    pub differences: Vec<Difference>,
}

/// Replays the blocks of a chain from genesis on, by `ledger`, which can have other engines than
/// the chain's. Tells `progress` each height that is done, which can end the replay.
///
/// # Errors
///
/// [`ChainError::NoBlock`] if retention has deleted the first block. [`ChainError::Ledger`] if the
/// host fails. [`ChainError::Store`], [`ChainError::Body`] or [`ChainError::Header`] if the chain
/// cannot be read.
pub fn replay(
    chain: &Chain,
    genesis: &Genesis,
    ledger: &Ledger,
    scope: Scope,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Replayed, ChainError> {
    let mut replayed = Replayed::default();
    let mut replay = Replay::new(genesis, ledger, scope);
    let last = chain.store().head().map_or(0, |head| head.height);
    for height in chain.initial_height()..=last {
        let stored = chain.block(height)?;
        let found = replay.block(&stored)?;
        replayed.blocks = replayed.blocks.saturating_add(1);
        let transactions = u64::try_from(stored.transactions.len()).unwrap_or(u64::MAX);
        replayed.transactions = replayed.transactions.saturating_add(transactions);
        let is_end = scope == Scope::Same && !found.is_empty();
        replayed.differences.extend(found);
        if is_end || progress(height).is_break() {
            break;
        }
    }
    Ok(replayed)
}

/// The state of a replay.
struct Replay<'a> {
    ledger: &'a Ledger,
    scope: Scope,
    state: Arc<MemoryState>,
    tree: Tree,
    parent: HeaderHash,
}

impl<'a> Replay<'a> {
    fn new(genesis: &Genesis, ledger: &'a Ledger, scope: Scope) -> Self {
        let mut replay = Self {
            ledger,
            scope,
            state: Arc::new(MemoryState::new()),
            tree: Tree::default(),
            parent: HeaderHash::from_bytes(genesis.identity()),
        };
        replay.apply(genesis.changes());
        if let Scope::Rehearsal { ledger, contracts } = scope {
            let activation = Activation {
                height: genesis.initial_height,
                ledger_rules: ledger,
                contract_rules: contracts,
                migration: None,
            };
            let parameters = Parameters {
                activations: vec![activation],
                ..genesis.parameters.clone()
            };
            let changed = (keys::parameters(), Some(parameters.encode()));
            replay.apply([changed].into_iter().collect());
        }
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
        if self.scope == Scope::Same {
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
