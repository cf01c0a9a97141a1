//! Which transactions of a block two ledgers disagree on, and their capsules.

use std::sync::Arc;

use fusee_chain::StoredBlock;
use fusee_contract::Capsule;
use fusee_ledger::{Block, Ledger, LedgerError};
use fusee_state::StateReader;

use super::{Checker, Disagreement};

/// The most transactions of one alarm.
const SUSPECTS: usize = 4;

/// A transaction that two ledgers disagree on. Each capsule is what one of them has recorded, to be
/// replayed anywhere; `None` where nothing of the transaction runs, or the host fails.
#[derive(Debug)]
#[non_exhaustive]
pub struct Suspect {
    /// Its index in the block.
    pub index: usize,
    /// By the ledger of the chain.
    pub by_chain: Option<Capsule>,
    /// By the other ledger.
    pub by_check: Option<Capsule>,
}

impl Checker {
    /// The transactions concerned: those whose results differ, or else the first one with which the
    /// changes do.
    pub(super) fn suspects(
        &self,
        state: &Arc<dyn StateReader>,
        stored: &StoredBlock,
        difference: &Disagreement,
    ) -> Vec<Suspect> {
        let block = stored.block();
        let indexes = match difference {
            Disagreement::Chain(_) => Vec::new(),
            Disagreement::Result { .. } => self.differing_results(state, stored),
            Disagreement::Change { .. } | Disagreement::Fault(_) => {
                self.first_differing(state, &block).into_iter().collect()
            }
        };
        let by = |ledger: &Ledger, index| {
            let capsule = ledger.capsule(Arc::clone(state), &block, index);
            capsule.ok().and_then(Result::ok)
        };
        let suspects = indexes.into_iter().map(|index| Suspect {
            index,
            by_chain: by(&self.of_chain(), index),
            by_check: by(&self.ledger, index),
        });
        suspects.collect()
    }

    /// The ledger of the chain, which ends with the check.
    fn of_chain(&self) -> Ledger {
        let ledger = self.chain.ledger().clone();
        ledger.interrupted_by(self.interrupt.clone())
    }

    fn differing_results(&self, state: &Arc<dyn StateReader>, stored: &StoredBlock) -> Vec<usize> {
        let Ok(found) = self.ledger.finalize(Arc::clone(state), &stored.block()) else {
            return Vec::new();
        };
        let results = stored.results.iter().zip(&found.results).enumerate();
        let results = results.take(stored.transactions.len());
        let differing = results.filter(|(_, (stored, found))| stored != found);
        differing.map(|(index, _)| index).take(SUSPECTS).collect()
    }

    /// The first transaction such that blocks which end with it have other changes, by bisection.
    fn first_differing(&self, state: &Arc<dyn StateReader>, block: &Block) -> Option<usize> {
        let of_chain = self.of_chain();
        let differs = |count: usize| {
            let mut block = block.clone();
            block.transactions.truncate(count);
            let execute = |ledger: &Ledger| -> Result<_, LedgerError> {
                Ok(ledger.finalize(Arc::clone(state), &block)?.changes)
            };
            match (execute(&of_chain), execute(&self.ledger)) {
                (Ok(stored), Ok(found)) => stored != found,
                _ => true,
            }
        };
        let (mut same, mut other) = (0_usize, block.transactions.len());
        if differs(same) || !differs(other) {
            // The scheduled calls differ, or only what is stored does.
            return None;
        }
        while other.saturating_sub(same) > 1 {
            let middle = same.midpoint(other);
            match differs(middle) {
                true => other = middle,
                false => same = middle,
            }
        }
        Some(same)
    }
}
