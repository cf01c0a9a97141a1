//! The ledger: what the driver of a chain does with transactions and blocks.
//!
//! A driver is a consensus engine, or a single node. It *checks* transactions that wait, *prepares*
//! a block as proposer, *processes* the proposal of another one and *finalizes* what was decided.
//! Each is a pure function of a state and its arguments: it reads the state after the last block,
//! and writes nothing. The driver commits the changes.

mod capsule;

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use fusee_contract::{Address, BlockContext};
use fusee_engine::Interrupt;
use fusee_state::StateReader;
use thiserror::Error;

use crate::{
    BatchVerifier, Block, Finalized, Invalid, LedgerError, LedgerRules, LedgerRulesId, ListRoot,
    Misplaced, Parameters, Position, Rehearsal, Rulebook, SignedTransaction, TransactionOutcome,
    execution::Terms,
    open_block::{OpenBlock, Room},
};

pub use capsule::NoCapsule;

/// Checks, prepares, processes and finalizes blocks, by the rules that it has. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Ledger {
    rulebook: Arc<Rulebook>,
    verifier: Arc<BatchVerifier>,
    interrupt: Interrupt,
    threads: NonZeroUsize,
    simulates: bool,
}

/// How many keys of senders are kept, where nothing else is set: some 20 MB.
const KEPT_KEYS: usize = 65_536;

/// A block whose transactions are decoded, hashed, and their signatures verified. That depends on
/// the rules of transactions alone, so a driver can do it while the block before is executed.
#[derive(Clone, Debug)]
pub struct VerifiedBlock {
    block: Arc<Block>,
    transactions_root: ListRoot,
    rules: LedgerRulesId,
    transactions: Vec<Result<SignedTransaction, Invalid>>,
}

/// Why a proposal is refused. It is no fault of this node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// It is not the next block.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// It has a transaction that is invalid there, or for which it has no room.
    #[error("transaction {index} of the block is invalid: {reason}")]
    Invalid {
        /// The index of the first one.
        index: usize,
        /// Why.
        reason: Box<Invalid>,
    },
}

impl VerifiedBlock {
    /// The block. Clones share it.
    #[must_use]
    pub const fn block(&self) -> &Arc<Block> {
        &self.block
    }
}

impl Ledger {
    /// Creates a ledger that has these rules.
    #[must_use]
    pub fn new(rulebook: Rulebook) -> Self {
        Self {
            rulebook: Arc::new(rulebook),
            verifier: Arc::new(BatchVerifier::new(NonZeroUsize::MIN, KEPT_KEYS)),
            interrupt: Interrupt::new(),
            threads: NonZeroUsize::MIN,
            simulates: false,
        }
    }

    /// Sets the number of threads that execute a block's transactions (default: 1). Results do not
    /// depend on it.
    #[must_use]
    pub const fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Sets the verifier of signatures, with its threads and the keys that it keeps (default: one
    /// thread, 65,536 keys). Results do not depend on it.
    #[must_use]
    pub fn verifier(mut self, verifier: BatchVerifier) -> Self {
        self.verifier = Arc::new(verifier);
        self
    }

    /// Executes as if all signatures were valid, to see what a transaction would come to before it
    /// is signed ([`Authorization::unsigned`](crate::Authorization::unsigned)). What such a ledger
    /// executes is not to be committed.
    #[must_use]
    pub const fn simulating(mut self) -> Self {
        self.simulates = true;
        self
    }

    /// Rehearses an upgrade ([`Rulebook::rehearsing`]). What such a ledger executes is not to be
    /// committed.
    #[must_use]
    pub fn rehearsing(mut self, rehearsal: Rehearsal) -> Self {
        let rulebook = Rulebook::clone(&self.rulebook).rehearsing(rehearsal);
        self.rulebook = Arc::new(rulebook);
        self
    }

    /// Sets an interrupt, which stops what runs with an error of the host (default: none).
    #[must_use]
    pub fn interrupted_by(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// The rules that it has.
    #[must_use]
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    pub(crate) const fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Decodes the transactions of a block, and verifies all signatures together, by rules that
    /// presumably hold at its height: [`finalize_verified`](Self::finalize_verified) makes sure.
    #[must_use]
    pub fn verify(&self, block: Block, rules: &LedgerRules) -> VerifiedBlock {
        VerifiedBlock {
            transactions_root: block.transactions_root(),
            rules: rules.id(),
            transactions: self.verify_encoded(&block.transactions, rules),
            block: Arc::new(block),
        }
    }

    /// Checks transactions that wait for a block, each on its own: what the next block could not
    /// include is invalid, unless its nonce is up to `nonce_window` ahead. Signatures of what is
    /// valid are not verified again, neither here nor in a block.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails, or does not have the rules of the next height.
    pub fn check(
        &self,
        state: &Arc<dyn StateReader>,
        transactions: &[Vec<u8>],
        nonce_window: u64,
    ) -> Result<Vec<Result<SignedTransaction, Invalid>>, LedgerError> {
        let parameters = Parameters::read(&**state)?;
        let Position { height, time } = Position::read(&**state)?;
        let height = height.saturating_add(1);
        let rules = self.rulebook.at(&parameters, height)?;
        // Nothing runs, so who proposes the block does not matter.
        let block = BlockContext {
            chain_id: parameters.chain_id.as_str().into(),
            height,
            time,
            ..BlockContext::default()
        };
        let terms = Terms {
            rules: &rules,
            parameters: &parameters,
            block: &block,
            interrupt: &self.interrupt,
        };
        let verified = self.verify_encoded(transactions, &rules.ledger);
        let check = |verified: Result<SignedTransaction, Invalid>| {
            let checked = verified.and_then(|it| terms.check_static(&it).map(|()| it));
            Ok(match checked {
                Ok(transaction) => terms
                    .check_in(state, &transaction, nonce_window)?
                    .map(|()| transaction),
                Err(invalid) => Err(invalid),
            })
        };
        let checked: Result<Vec<_>, LedgerError> = verified.into_iter().map(check).collect();
        let checked = checked?;
        if !self.simulates {
            checked
                .iter()
                .flatten()
                .for_each(|it| self.verifier.remember(it));
        }
        Ok(checked)
    }

    /// Makes a proposal of candidates, which `candidates` has in the order of preference. Drops
    /// what is invalid and what does not fit the limits of the chain or `max_bytes`, and puts the
    /// transactions of each sender in the order of their nonces.
    ///
    /// Executes the block, so that [`process`](Self::process) accepts the proposal. The signatures
    /// of all candidates are verified, so the driver hands over about as many as fit.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails, does not have the rules of the height, or the height or
    /// the time is not that of a next block.
    pub fn prepare(
        &self,
        state: Arc<dyn StateReader>,
        mut candidates: Block,
        max_bytes: u64,
    ) -> Result<Block, LedgerError> {
        let mut open = OpenBlock::begin(&self.rulebook, &self.interrupt, state, &candidates)?;
        let verified = self.verify_encoded(&candidates.transactions, &open.rules.ledger);
        let bytes = std::mem::take(&mut candidates.transactions).into_iter();
        let valid = bytes.zip(verified);
        let valid = valid.filter_map(|(bytes, verified)| Some((bytes, verified.ok()?)));
        let mut limits = open.parameters.limits;
        limits.bytes = limits.bytes.min(max_bytes);
        let mut room = Room::default();
        for (bytes, transaction) in in_order_of_nonces(valid.collect()) {
            let mut left = room;
            let fits = left
                .take_place(bytes.len(), &limits)
                .and_then(|()| open.terms().check_static(&transaction))
                .and_then(|()| left.take_gas(transaction.body().gas_limit, &limits));
            if fits.is_ok() && open.execute(&transaction)?.invalid.is_none() {
                room = left;
                candidates.transactions.push(bytes);
            }
        }
        Ok(candidates)
    }

    /// Executes a proposal, unless it is refused: because it is not the next block, exceeds the
    /// limits, or has an invalid transaction.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails, or does not have the rules of the height.
    pub fn process(
        &self,
        state: Arc<dyn StateReader>,
        block: &Block,
    ) -> Result<Result<Finalized, Refused>, LedgerError> {
        if let Err(misplaced) = Position::read(&*state)?.check(block.height, block.time) {
            return Ok(Err(misplaced.into()));
        }
        let open = OpenBlock::begin(&self.rulebook, &self.interrupt, state, block)?;
        let mut room = Room::default();
        for (index, bytes) in block.transactions.iter().enumerate() {
            // Before anything is verified for a block that is too large.
            if let Err(invalid) = room.take_place(bytes.len(), &open.parameters.limits) {
                let reason = Box::new(invalid);
                return Ok(Err(Refused::Invalid { index, reason }));
            }
        }
        let verified = self.verify_encoded(&block.transactions, &open.rules.ledger);
        let finalized = self.execute(open, block, block.transactions_root(), verified)?;
        let mut outcomes = finalized.transactions.iter().enumerate();
        let invalid = outcomes.find_map(|(index, outcome)| {
            let reason = Box::new(outcome.invalid.clone()?);
            Some(Refused::Invalid { index, reason })
        });
        Ok(invalid.map_or(Ok(finalized), Err))
    }

    /// Executes a block that was decided, whatever transactions it has. Those that are invalid have
    /// a code, use no gas and change nothing.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails, does not have the rules of the height, or the block is
    /// not the next one. No transaction causes any.
    pub fn finalize(
        &self,
        state: Arc<dyn StateReader>,
        block: &Block,
    ) -> Result<Finalized, LedgerError> {
        let open = OpenBlock::begin(&self.rulebook, &self.interrupt, state, block)?;
        let verified = self.verify_encoded(&block.transactions, &open.rules.ledger);
        self.execute(open, block, block.transactions_root(), verified)
    }

    /// Executes a block as [`finalize`](Self::finalize) does, with signatures that were verified
    /// before. They are verified again if they were by other rules.
    ///
    /// # Errors
    ///
    /// As [`finalize`](Self::finalize).
    pub fn finalize_verified(
        &self,
        state: Arc<dyn StateReader>,
        verified: VerifiedBlock,
    ) -> Result<Finalized, LedgerError> {
        let VerifiedBlock {
            block,
            transactions_root,
            rules,
            transactions,
        } = verified;
        let open = OpenBlock::begin(&self.rulebook, &self.interrupt, state, &block)?;
        let transactions = match rules == open.rules.ledger_id {
            true => transactions,
            false => self.verify_encoded(&block.transactions, &open.rules.ledger),
        };
        self.execute(open, &block, transactions_root, transactions)
    }

    /// Decodes transactions, and verifies all signatures together.
    fn verify_encoded(
        &self,
        transactions: &[Vec<u8>],
        rules: &LedgerRules,
    ) -> Vec<Result<SignedTransaction, Invalid>> {
        let decode = |bytes: &Vec<u8>| SignedTransaction::decode(bytes, rules);
        let mut transactions: Vec<_> = transactions.iter().map(decode).collect();
        if self.simulates {
            return transactions;
        }
        let decoded: Vec<_> = transactions.iter().flatten().collect();
        let mut verdicts = self.verifier.verify(&decoded).into_iter();
        for transaction in transactions.iter_mut().filter(|it| it.is_ok()) {
            if let Some(Err(invalid)) = verdicts.next() {
                *transaction = Err(invalid);
            }
        }
        transactions
    }

    /// Executes the transactions of a block that has begun, and ends it.
    fn execute(
        &self,
        mut open: OpenBlock,
        block: &Block,
        transactions_root: ListRoot,
        verified: Vec<Result<SignedTransaction, Invalid>>,
    ) -> Result<Finalized, LedgerError> {
        let Admission { admitted, invalid } = admit(&open, &block.transactions, verified);
        let mut executed = open.execute_all(&admitted, self.threads)?.into_iter();
        let outcomes = invalid.into_iter();
        let outcomes = outcomes.filter_map(|invalid| invalid.or_else(|| executed.next()));
        open.end(transactions_root, outcomes.collect())
    }
}

/// What of the transactions of a block can run, before anything does.
struct Admission {
    /// Those that can, in their order.
    admitted: Vec<SignedTransaction>,
    /// Of each transaction of the block, its outcome if it cannot.
    invalid: Vec<Option<TransactionOutcome>>,
}

/// Checks what does not depend on the state, and whether the transactions have room in the block.
fn admit(
    open: &OpenBlock,
    encoded: &[Vec<u8>],
    verified: Vec<Result<SignedTransaction, Invalid>>,
) -> Admission {
    let limits = open.parameters.limits;
    let mut room = Room::default();
    let mut admitted = Vec::with_capacity(verified.len());
    let mut invalid = Vec::with_capacity(verified.len());
    for (bytes, transaction) in encoded.iter().zip(verified) {
        let id = transaction.as_ref().ok().map(SignedTransaction::id);
        let checked = room
            .take_place(bytes.len(), &limits)
            .and(transaction)
            .and_then(|it| open.terms().check_static(&it).map(|()| it))
            .and_then(|it| room.take_gas(it.body().gas_limit, &limits).map(|()| it));
        invalid.push(match checked {
            Ok(transaction) => {
                admitted.push(transaction);
                None
            }
            Err(invalid) => Some(TransactionOutcome::invalid(id, invalid)),
        });
    }
    Admission { admitted, invalid }
}

/// Puts the transactions of each sender in the order of their nonces, in the places that they have
/// together.
fn in_order_of_nonces(
    transactions: Vec<(Vec<u8>, SignedTransaction)>,
) -> Vec<(Vec<u8>, SignedTransaction)> {
    let senders: Vec<Address> = transactions
        .iter()
        .map(|(_, transaction)| transaction.body().sender)
        .collect();
    let mut by_sender: BTreeMap<Address, Vec<(Vec<u8>, SignedTransaction)>> = BTreeMap::new();
    for candidate in transactions {
        let sender = candidate.1.body().sender;
        by_sender.entry(sender).or_default().push(candidate);
    }
    for candidates in by_sender.values_mut() {
        // Taken from the end. Of equal nonces, the preferred one comes first.
        candidates.sort_by_key(|(_, transaction)| transaction.body().nonce);
        candidates.reverse();
    }
    let next = |sender: &Address| by_sender.get_mut(sender)?.pop();
    senders.iter().filter_map(next).collect()
}
