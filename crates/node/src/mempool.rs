//! The mempool: transactions that wait for a driver without consensus.
//!
//! Every transaction in it passed [`Ledger::check`] on the state after a block, and is checked
//! again after each later one that concerns it. It is bounded in number and bytes, also for each
//! sender. When it is full, the transaction that is worth least makes room: one that waits for a
//! missing nonce before one that does not, then the cheapest, then the latest. It reads no clock:
//! transactions expire by height.

mod pool;

use std::{
    collections::BTreeSet,
    mem, slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fusee_contract::{Account, Address};
use fusee_ledger::{
    ActiveRules, BlockLimits, Invalid, Ledger, LedgerError, LedgerRules, NONCE_WINDOW, Parameters,
    Position, Role, SignedTransaction, TransactionId,
};
use fusee_state::StateReader;
use thiserror::Error;

use pool::{Pool, Waiting};

/// The bounds of a mempool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MempoolLimits {
    /// Maximum number of transactions (default: 10,000).
    pub transactions: usize,
    /// Maximum size of all encodings in bytes (default: 64 MiB).
    pub bytes: u64,
    /// Maximum number of transactions of one sender (default: 64).
    pub sender_transactions: usize,
    /// Maximum size of the encodings of one sender in bytes (default: 8 MiB).
    pub sender_bytes: u64,
    /// How far beyond the sender's next nonce a nonce may be (default: [`NONCE_WINDOW`]). What has
    /// to wait for a missing one is kept, and handed out when that has come.
    pub nonce_window: u64,
}

impl Default for MempoolLimits {
    fn default() -> Self {
        Self {
            transactions: 10_000,
            bytes: 64 << 20,
            sender_transactions: 64,
            sender_bytes: 8 << 20,
            nonce_window: NONCE_WINDOW,
        }
    }
}

/// Why a transaction does not wait. It is no fault of this node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It waits already.
    #[error("transaction {id} waits already: there is nothing to do")]
    AlreadyKnown {
        /// Its id.
        id: TransactionId,
    },
    /// It is in a block already.
    #[error("transaction {id} is in the block of height {height} already")]
    AlreadyIncluded {
        /// Its id.
        id: TransactionId,
        /// The height of the block.
        height: u64,
    },
    /// Another transaction with this nonce waits, and this one does not pay a tenth more.
    #[error(
        "transaction {id} has the same nonce: to replace it, the gas price has to be {required} \
         or more, and is {price}"
    )]
    ReplacementTooCheap {
        /// The id of the other one.
        id: TransactionId,
        /// The gas price of this one.
        price: u128,
        /// The lowest gas price that replaces the other one.
        required: u128,
    },
    /// The sender has as many transactions as may wait.
    #[error(
        "{sender} has as many transactions waiting as it may, {transactions} or {bytes} bytes: \
         wait for the next block"
    )]
    SenderFull {
        /// The sender.
        sender: Address,
        /// The limit of transactions.
        transactions: usize,
        /// The limit of their bytes.
        bytes: u64,
    },
    /// The account that pays for others cannot pay for all that wait.
    #[error(
        "{payer} would pay {cost} at most for the transactions of others that wait, and has \
         {balance}"
    )]
    PayerFull {
        /// The account.
        payer: Address,
        /// The most that it would pay with this one.
        cost: u128,
        /// Its balance after the last block.
        balance: u128,
    },
    /// The mempool is full of transactions that are worth as much or more.
    #[error("the mempool is full: wait, or offer a gas price above {price}")]
    Full {
        /// The gas price of this one.
        price: u128,
    },
    /// No block can include it, or only one after many others.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// Why a transaction that waited does not any more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Dropped {
    /// Another one with its nonce pays more.
    #[error("transaction {by} has replaced it")]
    Replaced {
        /// The id of the other one.
        by: TransactionId,
    },
    /// The mempool was full, and others were worth more.
    #[error("the mempool was full, and it was worth least: send it again with a higher gas price")]
    Evicted,
    /// After the last block, no block can include it. It has expired, for example.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// A transaction that waits now, and what had to make room for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// Its id.
    pub id: TransactionId,
    /// Those that do not wait any more, and why.
    pub dropped: Vec<(TransactionId, Dropped)>,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MempoolSize {
    /// The number of transactions.
    pub transactions: usize,
    /// The size of their encodings in bytes.
    pub bytes: u64,
}

/// The transactions that wait. It can be shared between threads.
#[derive(Debug)]
pub struct Mempool {
    ledger: Ledger,
    limits: MempoolLimits,
    waiting: Mutex<Content>,
}

#[derive(Debug)]
struct Content {
    pool: Pool,
    view: Arc<View>,
}

/// The chain after its last block.
struct View {
    state: Arc<dyn StateReader>,
    parameters: Parameters,
    /// The next height, and the rules there.
    height: u64,
    rules: ActiveRules,
}

impl View {
    fn read(ledger: &Ledger, state: Arc<dyn StateReader>) -> Result<Self, LedgerError> {
        let parameters = Parameters::read(&*state)?;
        let height = Position::read(&*state)?.height.saturating_add(1);
        let rules = ledger.rulebook().at(&parameters, height)?;
        Ok(Self {
            state,
            parameters,
            height,
            rules,
        })
    }

    /// Whether between this view and the next one lies one block, which changed nothing that all
    /// transactions depend on.
    fn is_followed_by(&self, next: &Self) -> bool {
        let rules = |view: &Self| (view.rules.ledger_id, view.rules.contracts_id);
        next.height == self.height.saturating_add(1)
            && self.rules.migrations.is_empty()
            && self.parameters == next.parameters
            && rules(self) == rules(next)
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

impl Mempool {
    /// An empty mempool on the state after the last block. `ledger` is the chain's, whose verifier
    /// keeps the keys of those that signed before.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the state cannot be read, or the program does not have the rules of the
    /// next height.
    pub fn new(
        ledger: Ledger,
        state: Arc<dyn StateReader>,
        limits: MempoolLimits,
    ) -> Result<Self, LedgerError> {
        let view = Arc::new(View::read(&ledger, state)?);
        let pool = Pool::default();
        Ok(Self {
            ledger,
            limits,
            waiting: Mutex::new(Content { pool, view }),
        })
    }

    /// Adds a transaction, unless it is rejected. Verifies its signatures without holding up other
    /// threads.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails.
    pub fn add(&self, bytes: Vec<u8>) -> Result<Result<Added, Rejected>, LedgerError> {
        loop {
            let view = Arc::clone(&self.content().view);
            let transaction = match self.check(&view, &bytes)? {
                Ok(transaction) => transaction,
                Err(rejected) => return Ok(Err(rejected)),
            };
            let body = transaction.body();
            let next = Account::nonce(&*view.state, body.sender)?;
            let (role, payer) = transaction.gas_payer();
            let funds = Account::balance(&*view.state, payer)?;
            let sponsored = match role {
                Role::FeePayer => body.maximum_fee().unwrap_or(u128::MAX),
                _ => 0,
            };
            let mut content = self.content();
            if !Arc::ptr_eq(&content.view, &view) {
                // A block was committed in between.
                continue;
            }
            let id = transaction.id();
            let waiting = Waiting {
                id,
                sender: body.sender,
                nonce: body.nonce,
                payer,
                sponsored,
                price: body.gas_price,
                expiry: body.expiry,
                gas: body.gas_limit,
                bytes,
            };
            let inserted = content.pool.insert(waiting, (next, funds), &self.limits);
            return Ok(inserted.map(|dropped| Added { id, dropped }));
        }
    }

    /// The encodings of transactions that a block with these limits can include, in the order in
    /// which it should: by price between senders, then by arrival; by nonce of one sender, without
    /// gaps.
    #[must_use]
    pub fn candidates(&self, limits: &BlockLimits) -> Vec<Vec<u8>> {
        let content = self.content();
        let candidates = content.pool.candidates(limits).into_iter();
        candidates.map(|waiting| waiting.bytes.clone()).collect()
    }

    /// Whether a block could include anything that waits.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let one = BlockLimits {
            gas: fusee_engine::Gas::MAX,
            bytes: u64::MAX,
            transactions: 1,
        };
        !self.content().pool.candidates(&one).is_empty()
    }

    /// A block was committed. Removes its transactions, and those that no later block can include,
    /// which it returns with the reasons. It checks those that have expired, those whose sender or
    /// payer has a transaction in the block, and all if the block changes parameters or rules; what
    /// else has become invalid is found when it is executed.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the host fails, or the program does not have the rules of the next
    /// height.
    pub fn committed(
        &self,
        transactions: &[Vec<u8>],
        state: Arc<dyn StateReader>,
    ) -> Result<Vec<(TransactionId, Dropped)>, LedgerError> {
        let next = Arc::new(View::read(&self.ledger, state)?);
        // Of a large block this takes longest, so that nobody waits for it.
        let rules = self.rules();
        let mut touched = BTreeSet::new();
        let mut used = Vec::new();
        for bytes in transactions {
            let Ok(transaction) = SignedTransaction::decode(bytes, &rules) else {
                continue;
            };
            let body = transaction.body();
            touched.extend([body.sender, transaction.gas_payer().1]);
            // One that is invalid in the block has not used its nonce, and may become valid.
            if body.nonce < Account::nonce(&*next.state, body.sender)? {
                used.push(transaction.id());
            }
        }
        let mut content = self.content();
        let Content { pool, view } = &mut *content;
        let before = mem::replace(view, Arc::clone(&next));
        for id in &used {
            pool.remove(id);
        }
        let affected = match before.is_followed_by(&next) {
            true => pool.affected(&touched, next.height),
            false => pool.all(),
        };
        let dropped = self.recheck(pool, &affected, &next)?;
        let senders: Vec<_> = pool.senders().collect();
        for sender in senders {
            if !before.is_followed_by(&next) || touched.contains(&sender) {
                pool.set_next(sender, Account::nonce(&*next.state, sender)?);
            }
        }
        Ok(dropped)
    }

    /// Removes transactions that an execution has found to be invalid.
    pub(crate) fn remove(&self, ids: &[TransactionId]) {
        let mut content = self.content();
        for id in ids {
            content.pool.remove(id);
        }
    }

    /// The encoding of a transaction that waits.
    #[must_use]
    pub fn transaction(&self, id: &TransactionId) -> Option<Vec<u8>> {
        self.content().pool.transaction(id).map(<[u8]>::to_vec)
    }

    /// The encodings of all transactions that wait, those of each sender in the order of their
    /// nonces.
    #[must_use]
    pub fn transactions(&self) -> Vec<Vec<u8>> {
        self.content()
            .pool
            .transactions()
            .map(<[u8]>::to_vec)
            .collect()
    }

    /// The ids of the first `limit` transactions that wait, in the order of ids.
    #[must_use]
    pub fn ids(&self, limit: usize) -> Vec<TransactionId> {
        self.content().pool.ids().take(limit).collect()
    }

    /// The nonce after those transactions of a sender that wait without a gap. `None` if none of
    /// it waits.
    #[must_use]
    pub fn next_nonce(&self, sender: Address) -> Option<u64> {
        self.content().pool.next_nonce(sender)
    }

    /// The rules of transactions in the next block.
    #[must_use]
    pub fn rules(&self) -> Arc<LedgerRules> {
        Arc::clone(&self.content().view.rules.ledger)
    }

    /// How much waits.
    #[must_use]
    pub fn size(&self) -> MempoolSize {
        let content = self.content();
        MempoolSize {
            transactions: content.pool.len(),
            bytes: content.pool.bytes(),
        }
    }

    /// The bounds.
    #[must_use]
    pub const fn limits(&self) -> &MempoolLimits {
        &self.limits
    }

    fn check(
        &self,
        view: &View,
        bytes: &Vec<u8>,
    ) -> Result<Result<SignedTransaction, Rejected>, LedgerError> {
        match SignedTransaction::decode(bytes, &view.rules.ledger) {
            Ok(transaction) => {
                // Before its signatures are verified, which takes longest.
                let id = transaction.id();
                if self.content().pool.contains(&id) {
                    return Ok(Err(Rejected::AlreadyKnown { id }));
                }
            }
            Err(invalid) => return Ok(Err(invalid.into())),
        }
        let window = self.limits.nonce_window;
        let checked = self
            .ledger
            .check(&view.state, slice::from_ref(bytes), window)?;
        let checked = checked.into_iter().next();
        let checked = checked.expect("a check has a result for each transaction");
        Ok(checked.map_err(Rejected::Invalid))
    }

    /// Checks transactions that wait, and removes what is invalid now. Signatures were verified
    /// before, and do not become wrong.
    fn recheck(
        &self,
        pool: &mut Pool,
        ids: &[TransactionId],
        view: &View,
    ) -> Result<Vec<(TransactionId, Dropped)>, LedgerError> {
        let encodings: Vec<_> = ids.iter().map(|id| pool.lend_bytes(id)).collect();
        let ledger = self.ledger.clone().simulating();
        let window = self.limits.nonce_window;
        let checked = ledger.check(&view.state, &encodings, window);
        for (id, bytes) in ids.iter().zip(encodings) {
            pool.return_bytes(id, bytes);
        }
        let checked = ids.iter().zip(checked?);
        let invalid = checked.filter_map(|(id, checked)| Some((*id, checked.err()?)));
        let dropped = invalid.map(|(id, invalid)| {
            pool.remove(&id);
            (id, Dropped::Invalid(invalid))
        });
        Ok(dropped.collect())
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
