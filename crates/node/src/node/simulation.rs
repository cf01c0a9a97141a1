//! Simulations: what a transaction would come to in the next block. They write nothing, and need
//! no signature.

use std::sync::Arc;

use fusee_contract::{Inspector, Trace};
use fusee_engine::Interrupt;
use fusee_ledger::{
    Authorization, Block, Invalid, Ledger, LedgerRules, Parameters, Position, PublicKey, Rulebook,
    SignedTransaction, TransactionBody, TransactionOutcome,
};
use fusee_state::{Diff, StateReader};
use fusee_store::chain::Version;

use super::{Node, Shared};
use crate::{NodeError, Rejected};

/// A transaction to simulate.
#[derive(Clone, Debug)]
pub enum Simulated {
    /// Its encoding. The signatures need not be valid.
    Encoded(Vec<u8>),
    /// What would be signed. The keys decide what the signatures cost; `None` stands for an Ed25519
    /// key.
    Body {
        /// The body.
        body: Box<TransactionBody>,
        /// The key of the sender.
        sender: Option<PublicKey>,
        /// The key of the fee payer, if the body names one.
        fee_payer: Option<PublicKey>,
    },
}

/// Whether to trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tracing {
    /// No trace.
    #[default]
    Off,
    /// A trace that keeps at most so many bytes ([`Inspector::new`]).
    Calls(usize),
    /// A trace that tells functions apart ([`Inspector::by_function`]).
    Functions(usize),
}

/// What a transaction would come to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Simulation {
    /// The height of the block that it was simulated in.
    pub height: u64,
    /// Its outcome: receipts, gas and fee, or why it is invalid.
    pub outcome: TransactionOutcome,
    /// The changes of a block that has this transaction alone, scheduled calls included.
    pub changes: Diff,
    /// The trace of the transaction, if it was asked for.
    pub trace: Option<Trace>,
}

impl Node {
    /// Executes a transaction in a block of its own after that of `height`, by default after the
    /// last one. Whoever holds `interrupt` can cancel it; the gas limit of a block bounds it.
    ///
    /// A transaction that does not have the shape that the rules admit is rejected; whether it is
    /// invalid for another reason is in the outcome.
    ///
    /// # Errors
    ///
    /// [`NodeError::Chain`] if the height is not served. [`NodeError::Ledger`] if it was
    /// interrupted, or the host fails.
    pub fn simulate(
        &self,
        transaction: Simulated,
        height: Option<u64>,
        tracing: Tracing,
        interrupt: &Interrupt,
    ) -> Result<Result<Simulation, Rejected>, NodeError> {
        self.shared.counters.simulations.add(1);
        let state = self.version(height)?;
        let (ledger, rules, inspector) = self.shared.simulator(&state, tracing, interrupt)?;
        let transaction = match transaction.encode(&rules) {
            Ok(transaction) => transaction,
            Err(invalid) => return Ok(Err(invalid.into())),
        };
        let block = self.shared.block_of(&state, transaction)?;
        let finalized = ledger.finalize(Arc::new(state), &block)?;
        let outcome = finalized.transactions.into_iter().next();
        Ok(Ok(Simulation {
            height: block.height,
            outcome: outcome.expect("a block has an outcome for each transaction"),
            changes: finalized.changes,
            trace: inspector.map(|inspector| inspector.trace()),
        }))
    }
}

impl Shared {
    /// A ledger for one simulation, by the rules of the next height.
    fn simulator(
        &self,
        state: &dyn StateReader,
        tracing: Tracing,
        interrupt: &Interrupt,
    ) -> Result<(Ledger, Arc<LedgerRules>, Option<Inspector>), NodeError> {
        let parameters = Parameters::read(state)?;
        let next = Position::read(state)?.height.saturating_add(1);
        let ledger = self.chain.ledger();
        let rules = ledger.rulebook().at(&parameters, next)?;
        let inspector = match tracing {
            Tracing::Off => None,
            Tracing::Calls(max_bytes) => Some(Inspector::new(max_bytes)),
            Tracing::Functions(max_bytes) => Some(Inspector::new(max_bytes).by_function()),
        };
        let ledger = match &inspector {
            None => ledger.clone(),
            Some(inspector) => {
                let contracts = rules.contracts.inspector(inspector.clone());
                let mut rulebook = Rulebook::new()
                    .with_ledger(LedgerRules::clone(&rules.ledger))
                    .with_contracts(contracts);
                for (name, migration) in rules.migrations {
                    rulebook = rulebook.with_migration(&name, migration);
                }
                Ledger::new(rulebook)
            }
        };
        let ledger = ledger.simulating().interrupted_by(interrupt.clone());
        Ok((ledger, rules.ledger, inspector))
    }

    /// The next block, with one transaction.
    fn block_of(&self, state: &Version, transaction: Vec<u8>) -> Result<Block, NodeError> {
        let last = Position::read(state)?;
        Ok(Block {
            height: last.height.saturating_add(1),
            time: self.options.clock.now().max(last.time),
            proposer: self.options.proposer,
            transactions: vec![transaction],
            misbehaviour: Vec::new(),
        })
    }
}

impl Simulated {
    fn encode(self, rules: &LedgerRules) -> Result<Vec<u8>, Invalid> {
        match self {
            Simulated::Encoded(bytes) => {
                SignedTransaction::decode(&bytes, rules)?;
                Ok(bytes)
            }
            Simulated::Body {
                body,
                sender,
                fee_payer,
            } => {
                let unsigned = |key: Option<PublicKey>| {
                    Authorization::unsigned(&key.unwrap_or(PublicKey::Ed25519([0; 32])))
                };
                let fee_payer = body.fee_payer.is_some().then(|| unsigned(fee_payer));
                let transaction =
                    SignedTransaction::new(*body, unsigned(sender), fee_payer, rules)?;
                Ok(transaction.encode())
            }
        }
    }
}
