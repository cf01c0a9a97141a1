//! The application: a chain in a folder, and what its connections share.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use fusee_chain::{Chain, DataFolder, Options, StoredBlock};
use fusee_ledger::{Genesis, HeaderHash, Ledger, NONCE_WINDOW, Parameters};
use fusee_store::chain::Version;
use tendermint_proto::v0_38::abci::ResponseInfo;

use crate::AppError;
use crate::consensus::Undecided;
use crate::convert::signed;
use crate::folder::Folder;
use crate::mempool::Pending;
use crate::restore::Restore;
use crate::snapshots::Taker;
use crate::validators::app_version;

/// How an application is opened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AppOptions {
    /// How the store is opened. Its retention is also the engine's. At least 2 versions are served,
    /// since the proofs of a block are there with the header of the next one.
    pub store: Options,
    /// How far beyond the sender's next nonce a waiting transaction may be (default:
    /// [`NONCE_WINDOW`]).
    pub nonce_window: u64,
    /// Which snapshots are taken (default: none).
    pub snapshots: Option<SnapshotOptions>,
}

/// Which snapshots an application takes, beside running blocks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SnapshotOptions {
    /// One of each block whose height is divisible by this number.
    pub every: NonZeroU64,
    /// How many are kept (default: 2, minimum: 2, maximum: 10). One that is removed while another
    /// node loads it has to be loaded anew.
    pub keep: usize,
    /// The size that chunks have about, in bytes (default: 4 MiB, maximum: 8 MiB). Nodes with the
    /// same number have the same snapshots, so a restore can load from all of them.
    pub chunk_bytes: u64,
}

/// An application that a consensus engine drives. It can be shared between threads.
#[derive(Debug)]
pub struct App {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: AppOptions,
    /// The block that is being decided.
    pub(crate) undecided: Mutex<Undecided>,
    /// The transactions that wait.
    pub(crate) pending: Mutex<Pending>,
    /// The snapshot that is being restored.
    pub(crate) restore: Mutex<Option<Restore>>,
    pub(crate) taker: Option<Taker>,
    pub(crate) on_commit: Option<OnCommit>,
}

/// Called after each commit.
pub(crate) struct OnCommit(Box<Call>);

type Call = dyn Fn(&Arc<Chain>, &Arc<StoredBlock>) + Send + Sync;

/// What the thread that takes snapshots has as well.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: Folder,
    ledger: Ledger,
    store: Options,
    /// `None` while a restored one takes its place.
    chain: RwLock<Option<Arc<Chain>>>,
}

impl AppOptions {
    /// The defaults for a chain.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self {
            store: Chain::options(genesis),
            nonce_window: NONCE_WINDOW,
            snapshots: None,
        }
    }
}

impl SnapshotOptions {
    /// The defaults, with one snapshot in so many blocks.
    #[must_use]
    pub const fn every(blocks: NonZeroU64) -> Self {
        Self {
            every: blocks,
            keep: 2,
            chunk_bytes: 4 << 20,
        }
    }

    /// The limits of the protocol, whatever was asked for.
    fn clamped(self) -> Self {
        Self {
            keep: self.keep.clamp(2, 10),
            chunk_bytes: self.chunk_bytes.clamp(1, 8 << 20),
            ..self
        }
    }
}

impl App {
    /// Opens the application of the chain in a data folder.
    ///
    /// # Errors
    ///
    /// [`AppError`] if the folder is not that of the chain of this genesis, is damaged, or cannot
    /// be read or written.
    pub fn open(
        folder: DataFolder,
        ledger: Ledger,
        mut options: AppOptions,
    ) -> Result<Self, AppError> {
        options.store.versions = options.store.versions.max(2);
        options.snapshots = options.snapshots.map(SnapshotOptions::clamped);
        let folder = Folder::open(folder)?;
        let chain = folder.open_chain(ledger.clone(), options.store)?;
        let shared = Arc::new(Shared {
            folder,
            ledger,
            store: options.store,
            chain: RwLock::new(Some(Arc::new(chain))),
        });
        let taker = options.snapshots;
        let taker = taker.map(|options| Taker::start(Arc::clone(&shared), options));
        Ok(Self {
            taker: taker.transpose()?,
            shared,
            options,
            undecided: Mutex::default(),
            pending: Mutex::default(),
            restore: Mutex::default(),
            on_commit: None,
        })
    }

    /// Calls a function after each commit, with the chain and the block, before the engine is
    /// answered: for what follows the chain beside the engine.
    #[must_use]
    pub fn on_commit(
        mut self,
        call: impl Fn(&Arc<Chain>, &Arc<StoredBlock>) + Send + Sync + 'static,
    ) -> Self {
        self.on_commit = Some(OnCommit(Box::new(call)));
        self
    }

    /// The chain, once it has a block. Before, the engine can replace it by a snapshot, which takes
    /// that nobody else keeps it open.
    ///
    /// # Errors
    ///
    /// [`AppError::Closed`] if a restore has failed, [`AppError::Chain`] if the store fails.
    pub fn begun_chain(&self) -> Result<Option<Arc<Chain>>, AppError> {
        self.shared.with_shared(|chain| {
            let is_begun = chain.version(None)?.height() >= chain.initial_height();
            Ok(is_begun.then(|| Arc::clone(chain)))
        })
    }

    /// Calls a function with the chain, for what reads it beside the engine. Only the engine
    /// commits.
    ///
    /// # Errors
    ///
    /// [`AppError::Closed`] if a restore has failed, and what the function returns.
    pub fn with<T>(
        &self,
        function: impl FnOnce(&Chain) -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        self.shared.with(function)
    }

    /// The last block, and the version of the block after it.
    pub(crate) fn info(&self) -> Result<ResponseInfo, AppError> {
        self.with(|chain| {
            let (version, hash) = last(chain)?;
            let (height, parameters) = (version.height(), Parameters::read(&version)?);
            let is_begun = height >= chain.initial_height();
            Ok(ResponseInfo {
                data: parameters.chain_id.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                app_version: app_version(&parameters, height.saturating_add(1)),
                // The engine begins with `InitChain` at 0, whatever the initial height is.
                last_block_height: if is_begun { signed(height) } else { 0 },
                last_block_app_hash: hash.as_bytes().to_vec().into(),
            })
        })
    }
}

impl OnCommit {
    pub(crate) fn call(&self, chain: &Arc<Chain>, block: &Arc<StoredBlock>) {
        (self.0)(chain, block);
    }
}

impl fmt::Debug for OnCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnCommit").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn with<T>(
        &self,
        function: impl FnOnce(&Chain) -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        self.with_shared(|chain| function(chain))
    }

    /// The same, for what keeps the chain. Nothing may keep one that has no block.
    pub(crate) fn with_shared<T>(
        &self,
        function: impl FnOnce(&Arc<Chain>) -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        let chain = self.chain.read().unwrap_or_else(PoisonError::into_inner);
        function(chain.as_ref().ok_or(AppError::Closed)?)
    }

    /// Replaces the chain, once nobody uses it, by one that was restored.
    pub(crate) fn replace(&self) -> Result<(), AppError> {
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        drop(chain.take());
        self.folder.install()?;
        let ledger = self.ledger.clone();
        let opened = self.folder.open_chain(ledger, self.store)?;
        *chain = Some(Arc::new(opened));
        Ok(())
    }
}

/// The state after the last block and the hash of its header, also while one is committed.
fn last(chain: &Chain) -> Result<(Version, HeaderHash), AppError> {
    loop {
        let (hash, version) = (chain.last_hash(), chain.version(None)?);
        // It waits for a commit that is under way.
        if chain.last_hash() == hash {
            return Ok((version, hash));
        }
    }
}

/// Locks a mutex. What it guards is replaced as a whole, so a panic leaves nothing half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
