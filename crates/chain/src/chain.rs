//! The chain: execute, seal, commit, and read what was committed.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fusee_ledger::{
    Block, Finalized, Genesis, Header, HeaderHash, Ledger, Parameters, Refused, VerifiedBlock,
};
use fusee_state::Diff;
use fusee_store::chain::{self as store, ChainStore, Staged, Version};

use crate::{ChainError, StoredBlock, Times, Tip, body, headers::Headers, times::Timer};

pub use fusee_store::chain::Options;

/// A chain in a folder. It can be shared between threads.
#[derive(Debug)]
pub struct Chain {
    store: ChainStore,
    ledger: Ledger,
    initial_height: u64,
    /// The header of the block whose state a snapshot was of, if the chain goes on from one.
    base: Option<Header>,
    /// The hash of the last header.
    last: Mutex<HeaderHash>,
    headers: Headers,
    execution: Timer,
    commit: Timer,
}

/// A block that was executed.
#[derive(Clone, Debug)]
pub struct Executed {
    pub(crate) block: Arc<Block>,
    pub(crate) finalized: Finalized,
    pub(crate) changes: Arc<Diff>,
}

/// A block with its header, to be committed.
#[derive(Debug)]
pub struct Sealed {
    header: Header,
    finalized: Finalized,
    staged: Staged,
    body: Vec<u8>,
}

impl Executed {
    /// A block with the result that a [ledger](Ledger::finalize) has come to on the chain's tip. It
    /// is for drivers that execute a block on several engines before they commit it once.
    #[must_use]
    pub fn of(block: Block, finalized: Finalized) -> Self {
        Self::new(Arc::new(block), finalized)
    }

    /// The result of the block.
    #[must_use]
    pub const fn finalized(&self) -> &Finalized {
        &self.finalized
    }

    /// The tip after this block, which was executed on `tip`.
    #[must_use]
    pub fn tip(&self, tip: Tip) -> Tip {
        tip.after(Arc::clone(&self.changes))
    }
}

impl Sealed {
    /// The header, on which consensus agrees by its hash.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The result of the block.
    #[must_use]
    pub const fn finalized(&self) -> &Finalized {
        &self.finalized
    }
}

impl Chain {
    /// The options of a chain's store, with their defaults.
    #[must_use]
    pub fn options(genesis: &Genesis) -> Options {
        let mut options = Options::new(genesis.identity());
        options.initial_height = genesis.initial_height.saturating_sub(1);
        options
    }

    /// Opens the chain of a genesis in a folder of its own. If there is none yet, commits the
    /// genesis. `options` are [`Self::options`], changed as wanted.
    ///
    /// # Errors
    ///
    /// [`ChainError::Genesis`] if no chain can have the genesis, or a contract of it cannot be
    /// deployed. [`ChainError::Store`] if the
    /// folder is not that of this chain, or is damaged, or cannot be read or written.
    /// [`ChainError::Body`] or [`ChainError::Header`] if the last block is not what a chain writes.
    /// [`ChainError::NoBase`] if the folder was made of a snapshot.
    pub fn open(
        folder: &Path,
        genesis: &Genesis,
        ledger: Ledger,
        options: Options,
    ) -> Result<Self, ChainError> {
        genesis.check()?;
        // Before there is a store of this identity: another genesis may follow one that fails.
        let is_new = fs::read_dir(folder).map_or(true, |mut files| files.next().is_none());
        let first = is_new.then(|| ledger.genesis(genesis)).transpose()?;
        let store = ChainStore::open(folder, options)?;
        Self::on(store, genesis, ledger, first, None)
    }

    /// As [`open`](Self::open), for a folder that was made of a snapshot. `base` is the header of
    /// the block whose state the snapshot is of, by which the caller trusted its root. The chain
    /// has the blocks after it alone.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). [`ChainError::Header`] if `base` belongs to another state.
    pub fn open_after(
        base: Header,
        folder: &Path,
        genesis: &Genesis,
        ledger: Ledger,
        options: Options,
    ) -> Result<Self, ChainError> {
        genesis.check()?;
        let store = ChainStore::open(folder, options)?;
        Self::on(store, genesis, ledger, None, Some(base))
    }

    fn on(
        store: ChainStore,
        genesis: &Genesis,
        ledger: Ledger,
        first: Option<Diff>,
        base: Option<Header>,
    ) -> Result<Self, ChainError> {
        let initial_height = genesis.initial_height;
        let identity = HeaderHash::from_bytes(genesis.identity());
        let last = match store.head() {
            None => {
                let first = first.map_or_else(|| ledger.genesis(genesis), Ok)?;
                let staged = store.stage(first)?;
                store.commit(staged, &genesis.encode())?;
                identity
            }
            Some(head) if head.height < initial_height => identity,
            Some(head) if base.as_ref().is_some_and(|base| base.height == head.height) => {
                let base = base.as_ref().filter(|base| base.state_root == head.root);
                let base = base.ok_or(ChainError::Header {
                    height: head.height,
                    what: "state root",
                })?;
                base.hash()
            }
            Some(head) if head.height < store.first_height() => {
                let height = head.height;
                return Err(ChainError::NoBase { height });
            }
            Some(head) => stored(&store, head.height)?.header.hash(),
        };
        Ok(Self {
            store,
            ledger,
            initial_height,
            base,
            last: Mutex::new(last),
            headers: Headers::default(),
            execution: Timer::default(),
            commit: Timer::default(),
        })
    }

    /// The ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The tip: the last committed block.
    ///
    /// # Errors
    ///
    /// [`ChainError::Store`] if the store fails.
    pub fn tip(&self) -> Result<Tip, ChainError> {
        Ok(Tip::new(self.store.version(None)?))
    }

    /// The hash of the last header. Before the first block: the identity of genesis.
    #[must_use]
    pub fn last_hash(&self) -> HeaderHash {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state after a block, by default after the last one.
    ///
    /// # Errors
    ///
    /// [`ChainError::Store`] if the height is not [served](Options::versions).
    pub fn version(&self, height: Option<u64>) -> Result<Version, ChainError> {
        Ok(self.store.version(height)?)
    }

    /// The block of a height.
    ///
    /// # Errors
    ///
    /// [`ChainError::NoBlock`] if there is none, or retention has deleted it.
    pub fn block(&self, height: u64) -> Result<StoredBlock, ChainError> {
        self.check_kept(height)?;
        stored(&self.store, height)
    }

    fn check_kept(&self, height: u64) -> Result<(), ChainError> {
        let first = self.store.first_height().max(self.initial_height);
        let last = self.store.head().map_or(0, |head| head.height);
        match (first..=last).contains(&height) {
            true => Ok(()),
            false => Err(ChainError::NoBlock {
                height,
                first,
                last,
            }),
        }
    }

    /// The header of a block, or of the one that the chain [goes on from](Self::open_after).
    ///
    /// # Errors
    ///
    /// As [`block`](Self::block).
    pub fn header(&self, height: u64) -> Result<Header, ChainError> {
        if let Some(base) = self.base.as_ref().filter(|base| base.height == height) {
            return Ok(base.clone());
        }
        self.check_kept(height)?;
        match self.headers.get(height) {
            Some(header) => Ok(header),
            None => {
                let header = stored(&self.store, height)?.header;
                self.headers.keep(&header);
                Ok(header)
            }
        }
    }

    /// The store, for what is not of blocks.
    #[must_use]
    pub const fn store(&self) -> &ChainStore {
        &self.store
    }

    /// How long it has executed and committed since it was opened.
    #[must_use]
    pub fn times(&self) -> Times {
        Times {
            execution: self.execution.total(),
            commit: self.commit.total(),
        }
    }

    /// The height of the first block.
    #[must_use]
    pub const fn initial_height(&self) -> u64 {
        self.initial_height
    }

    /// Decodes the transactions of a block and verifies their signatures, by the rules of its
    /// height. Does not depend on the blocks before it, unless one of them changes the rules: then
    /// [`execute`](Self::execute) verifies again.
    ///
    /// # Errors
    ///
    /// [`ChainError::Ledger`] if this program does not have the rules of the height.
    pub fn verify(&self, block: Block) -> Result<VerifiedBlock, ChainError> {
        let _span = tracing::info_span!(
            "verify",
            height = block.height,
            transactions = block.transactions.len()
        )
        .entered();
        self.execution.measure(|| {
            let parameters = Parameters::read(&self.store.version(None)?)?;
            let rules = self.ledger.rulebook().at(&parameters, block.height)?;
            Ok(self.ledger.verify(block, &rules.ledger))
        })
    }

    /// Executes a block that was decided, on a tip. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`ChainError::Ledger`] if the host fails, or the block is not the next one.
    pub fn execute(&self, tip: &Tip, block: VerifiedBlock) -> Result<Executed, ChainError> {
        let shared = Arc::clone(block.block());
        let _span = tracing::info_span!(
            "execute",
            height = shared.height,
            transactions = shared.transactions.len()
        )
        .entered();
        let finalized = self
            .execution
            .measure(|| self.ledger.finalize_verified(tip.state(), block))?;
        Ok(Executed::new(shared, finalized))
    }

    /// Executes a proposal on a tip, unless it is refused. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`ChainError::Ledger`] if the host fails.
    pub fn process(
        &self,
        tip: &Tip,
        block: &Block,
    ) -> Result<Result<Executed, Refused>, ChainError> {
        let _span = tracing::info_span!(
            "process",
            height = block.height,
            transactions = block.transactions.len()
        )
        .entered();
        let processed = self
            .execution
            .measure(|| self.ledger.process(tip.state(), block))?;
        Ok(processed.map(|finalized| Executed::new(Arc::new(block.clone()), finalized)))
    }

    /// Completes a block that was executed on the last committed one: the state root, and the
    /// header. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`ChainError::OtherTip`] if another block is the last one. [`ChainError::Store`] if the
    /// store fails.
    pub fn seal(&self, executed: Executed) -> Result<Sealed, ChainError> {
        let _span = tracing::info_span!("seal", height = executed.block.height).entered();
        self.commit.measure(|| self.sealed(executed))
    }

    fn sealed(&self, executed: Executed) -> Result<Sealed, ChainError> {
        let Executed {
            block,
            finalized,
            changes,
        } = executed;
        let height = block.height;
        let parent = self.last_hash();
        let staged = self.store.stage(changes)?;
        if staged.height() != height {
            return Err(ChainError::OtherTip {
                found: height,
                expected: staged.height(),
            });
        }
        let header = finalized.seal(parent, staged.root());
        let body = body::encode(&header, &block, &finalized);
        Ok(Sealed {
            header,
            finalized,
            staged,
            body,
        })
    }

    /// Commits a block: it is durable then, by one write and one sync, and readers see it.
    ///
    /// # Errors
    ///
    /// [`ChainError::Store`] if the block does not follow the last one, or the store fails.
    pub fn commit(&self, sealed: Sealed) -> Result<(Header, Finalized), ChainError> {
        let _span = tracing::info_span!("commit", height = sealed.header.height).entered();
        self.commit.measure(|| self.committed(sealed))
    }

    fn committed(&self, sealed: Sealed) -> Result<(Header, Finalized), ChainError> {
        let Sealed {
            header,
            finalized,
            staged,
            body,
        } = sealed;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if header.parent != *last {
            return Err(ChainError::OtherTip {
                found: header.height,
                expected: self
                    .store
                    .head()
                    .map_or(0, |head| head.height.saturating_add(1)),
            });
        }
        self.store.commit(staged, &body)?;
        *last = header.hash();
        self.headers.keep(&header);
        Ok((header, finalized))
    }
}

impl Executed {
    fn new(block: Arc<Block>, mut finalized: Finalized) -> Self {
        let changes = Arc::new(std::mem::take(&mut finalized.changes));
        Self {
            block,
            finalized,
            changes,
        }
    }
}

fn stored(store: &ChainStore, height: u64) -> Result<StoredBlock, ChainError> {
    let block: Option<store::Block> = store.block(height)?;
    match block {
        Some(block) => StoredBlock::of(&block),
        None => Err(ChainError::NoBlock {
            height,
            first: store.first_height(),
            last: store.head().map_or(0, |head| head.height),
        }),
    }
}
