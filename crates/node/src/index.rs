//! The index: where in the chain a transaction or an event is.
//!
//! It is a cache and never the truth: it has places, and the blocks have the content. It is written
//! behind the chain without a sync, each block with its height in one batch. When it is opened, it
//! catches up with the chain; if it is of another chain, of blocks that were rolled back, damaged
//! or of another version, it is made anew of the stored blocks. What retention has deleted leaves
//! it, too.

mod keys;

use std::{
    collections::BTreeSet,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch};
use fusee_chain::{Chain, StoredBlock};
use fusee_contract::Address;
use fusee_ledger::{
    HeaderHash, LedgerRules, LedgerRulesId, Parameters, SignedTransaction, TransactionId,
};

use crate::{BlockResult, IndexError};

use keys::Progress;

/// The most entries of one answer.
pub const MAX_PAGE: usize = 1_000;

/// How many entries are removed in one batch.
const REMOVED_AT_ONCE: usize = 10_000;

const TABLE: &str = "index";

/// The cache of the database in bytes.
const CACHE: u64 = 16 << 20;

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransactionPlace {
    /// The height of the block.
    pub height: u64,
    /// Its index in the block.
    pub index: u32,
}

/// Where an event is. The order of places is that of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// The height of the block.
    pub height: u64,
    /// The index of the result in the block: of the transactions, then of the scheduled calls.
    pub result: u32,
    /// The index of the event in the result.
    pub event: u32,
}

/// Which events to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// The contract that emitted them.
    pub contract: Address,
    /// The first topic. `None`: any.
    pub topic: Option<Vec<u8>>,
    /// The first height.
    pub from: u64,
    /// The last height.
    pub to: u64,
    /// The order of the answer.
    pub order: Order,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they were committed.
    #[default]
    OldestFirst,
    /// The other way round.
    NewestFirst,
}

/// An index in a folder of its own. It can be shared between threads.
pub struct Index {
    database: Database,
    table: Keyspace,
    path: PathBuf,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
struct Writer {
    progress: Progress,
    /// The rules that the last block was decoded by.
    rules: Option<(LedgerRulesId, Arc<LedgerRules>)>,
}

impl Index {
    /// Opens the index of a chain, and catches up with it. A folder is made if it is missing, and
    /// made anew if it does not belong to the chain.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the folder or the chain cannot be read or written.
    pub fn open(path: &Path, chain: &Chain) -> Result<Self, IndexError> {
        let index = match Self::existing(path, chain) {
            Ok(Some(index)) => index,
            // The database cannot open some damaged files, among them those of a creation that
            // was interrupted.
            Ok(None) | Err(IndexError::Database { .. } | IndexError::Damaged { .. }) => {
                remove(path)?;
                let (database, table) = open_table(path)?;
                Self::new(path, database, table, Progress::before(chain))
            }
            Err(error) => return Err(error),
        };
        index.catch_up(chain)?;
        Ok(index)
    }

    /// The index that is there, if it is one of this chain.
    fn existing(path: &Path, chain: &Chain) -> Result<Option<Self>, IndexError> {
        let (database, table) = open_table(path)?;
        let progress = match table.get(keys::PROGRESS).map_err(failed(path))? {
            Some(bytes) => Progress::decode(&bytes).filter(|progress| progress.is_of(chain)),
            // That of a chain without blocks: making it anew would sync a dozen files.
            None if table.is_empty().map_err(failed(path))? => Some(Progress::before(chain)),
            None => None,
        };
        Ok(progress.map(|progress| Self::new(path, database, table, progress)))
    }

    fn new(path: &Path, database: Database, table: Keyspace, progress: Progress) -> Self {
        let rules = None;
        Self {
            database,
            table,
            path: path.to_path_buf(),
            writer: Mutex::new(Writer { progress, rules }),
        }
    }

    /// The height of the last block in the index.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.writer().progress.height
    }

    /// Indexes a committed block, and those before it that it does not have.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the index cannot be written. The next call makes up for it.
    pub fn add(&self, chain: &Chain, block: &StoredBlock) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let height = block.header.height;
        while writer.progress.height.saturating_add(1) < height {
            let missing = writer.progress.height.saturating_add(1);
            let missing = missing.max(first_height(chain));
            if missing >= height {
                break;
            }
            let missing = chain.block(missing).map_err(Box::new)?;
            self.write(&mut writer, chain, &missing)?;
        }
        match writer.progress.height < height {
            true => self.write(&mut writer, chain, block),
            false => Ok(()),
        }
    }

    /// Indexes all committed blocks that it does not have.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the chain cannot be read or the index cannot be written.
    pub fn catch_up(&self, chain: &Chain) -> Result<(), IndexError> {
        let last = chain.store().head().map_or(0, |head| head.height);
        match last > self.height() && last >= first_height(chain) {
            true => self.add(chain, &chain.block(last).map_err(Box::new)?),
            false => Ok(()),
        }
    }

    /// The ids of the transactions of a block. `None` where the bytes are no transaction.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the program does not have the rules of the block.
    pub fn ids(
        &self,
        chain: &Chain,
        block: &StoredBlock,
    ) -> Result<Vec<Option<TransactionId>>, IndexError> {
        let rules = self.writer().rules_of(chain, block)?;
        Ok(ids(block, &rules))
    }

    /// Where a transaction is. If it is in several blocks, where it was not invalid.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the index cannot be read.
    pub fn transaction(&self, id: &TransactionId) -> Result<Option<TransactionPlace>, IndexError> {
        let value = self
            .table
            .get(keys::transaction(id))
            .map_err(failed(&self.path))?;
        let damaged = || IndexError::Damaged {
            path: self.path.clone(),
        };
        let place = value.map(|value| keys::decode_transaction(&value).ok_or_else(damaged));
        Ok(place.transpose()?.map(|(place, _)| place))
    }

    /// The height of the block whose header has a hash.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the index cannot be read.
    pub fn height_of(&self, hash: &HeaderHash) -> Result<Option<u64>, IndexError> {
        let value = self.table.get(keys::header(hash));
        let value = value.map_err(failed(&self.path))?;
        let damaged = || IndexError::Damaged {
            path: self.path.clone(),
        };
        let height = value.map(|value| keys::decode_height(&value).ok_or_else(damaged));
        height.transpose()
    }

    /// The places of events, at most `limit` and [`MAX_PAGE`], after `cursor` in the order of the
    /// filter. The last place of an answer is the cursor for the next one. A topic of more than
    /// 1,024 bytes is compared up to there.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if the index cannot be read.
    pub fn events(
        &self,
        filter: &EventFilter,
        cursor: Option<EventPlace>,
        limit: usize,
    ) -> Result<Vec<EventPlace>, IndexError> {
        let prefix = keys::events(filter.contract, filter.topic.as_deref());
        let Some((first, last)) = keys::bounds(filter, cursor) else {
            return Ok(Vec::new());
        };
        let key = |place| [prefix.as_slice(), &keys::place(place)].concat();
        let mut range = self.table.range(key(first)..=key(last));
        let mut places = Vec::new();
        while places.len() < limit.min(MAX_PAGE) {
            let guard = match filter.order {
                Order::OldestFirst => range.next(),
                Order::NewestFirst => range.next_back(),
            };
            let Some(guard) = guard else { break };
            let key = guard.key().map_err(failed(&self.path))?;
            places.push(keys::decode_place(&key).ok_or_else(|| IndexError::Damaged {
                path: self.path.clone(),
            })?);
        }
        Ok(places)
    }

    /// Writes a block, whose height is above that of the last one, in one batch.
    fn write(
        &self,
        writer: &mut Writer,
        chain: &Chain,
        block: &StoredBlock,
    ) -> Result<(), IndexError> {
        let rules = writer.rules_of(chain, block)?;
        let mut batch = self.database.batch();
        self.write_transactions(&mut batch, block, &rules)?;
        for index in 0..block.results.len() {
            let Some(result) = BlockResult::of(block, index)? else {
                break;
            };
            for (event, it) in (0_u32..).zip(result.events()) {
                let place = keys::place(EventPlace {
                    height: block.header.height,
                    result: u32::try_from(index).unwrap_or(u32::MAX),
                    event,
                });
                let topics = [None, it.topics.first().map(Vec::as_slice)];
                // An event without topics has one key.
                let count = topics.len().min(it.topics.len().saturating_add(1));
                for topic in topics.into_iter().take(count) {
                    let prefix = keys::events(it.address, topic);
                    batch.insert(&self.table, [prefix.as_slice(), &place].concat(), []);
                }
            }
        }
        let first = first_height(chain);
        if first > writer.progress.first {
            self.remove_before(first)?;
        }
        let hash = block.header.hash();
        let height = keys::encode_height(block.header.height);
        batch.insert(&self.table, keys::header(&hash), height);
        let progress = Progress {
            first,
            height: block.header.height,
            hash: *hash.as_bytes(),
            ..writer.progress
        };
        batch.insert(&self.table, keys::PROGRESS, progress.encode());
        batch.commit().map_err(failed(&self.path))?;
        writer.progress = progress;
        Ok(())
    }

    fn write_transactions(
        &self,
        batch: &mut OwnedWriteBatch,
        block: &StoredBlock,
        rules: &LedgerRules,
    ) -> Result<(), IndexError> {
        let mut included = BTreeSet::new();
        for (index, id) in ids(block, rules).into_iter().enumerate() {
            let Some(id) = id else { continue };
            let result = BlockResult::of(block, index)?;
            let is_included =
                matches!(&result, Some(BlockResult::Transaction(result)) if result.code == 0);
            let place = TransactionPlace {
                height: block.header.height,
                index: u32::try_from(index).unwrap_or(u32::MAX),
            };
            // A copy of it that is invalid does not hide it.
            let is_hidden =
                !is_included && (included.contains(&id) || self.transaction(&id)?.is_some());
            if is_included {
                included.insert(id);
            }
            if !is_hidden {
                let value = keys::encode_transaction(place, is_included);
                batch.insert(&self.table, keys::transaction(&id), value);
            }
        }
        Ok(())
    }

    /// Removes what is of blocks below a height. It reads everything, which is rare: retention
    /// deletes whole segments of the log.
    fn remove_before(&self, first: u64) -> Result<(), IndexError> {
        let mut batch = self.database.batch();
        for guard in self.table.iter() {
            let (key, value) = guard.into_inner().map_err(failed(&self.path))?;
            if keys::height(&key, &value).is_some_and(|height| height < first) {
                batch.remove(&self.table, key);
            }
            if batch.len() >= REMOVED_AT_ONCE {
                batch.commit().map_err(failed(&self.path))?;
                batch = self.database.batch();
            }
        }
        batch.commit().map_err(failed(&self.path))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// The rules by which the transactions of a block are decoded. The parameters of the last block
    /// say which rules held at each height before.
    fn rules_of(
        &mut self,
        chain: &Chain,
        block: &StoredBlock,
    ) -> Result<Arc<LedgerRules>, IndexError> {
        let id = block.header.ledger_rules;
        if let Some((_, rules)) = self.rules.as_ref().filter(|(known, _)| *known == id) {
            return Ok(Arc::clone(rules));
        }
        let state = chain.version(None).map_err(Box::new)?;
        let parameters = Parameters::read(&state).map_err(Box::new)?;
        let rulebook = chain.ledger().rulebook();
        let rules = rulebook
            .at(&parameters, block.header.height)
            .map_err(Box::new)?;
        self.rules = Some((id, Arc::clone(&rules.ledger)));
        Ok(rules.ledger)
    }
}

fn ids(block: &StoredBlock, rules: &LedgerRules) -> Vec<Option<TransactionId>> {
    let decode = |bytes: &Vec<u8>| Some(SignedTransaction::decode(bytes, rules).ok()?.id());
    block.transactions.iter().map(decode).collect()
}

/// The first height whose block the chain has.
fn first_height(chain: &Chain) -> u64 {
    chain.store().first_height().max(chain.initial_height())
}

fn failed(path: &Path) -> impl Fn(fjall::Error) -> IndexError {
    move |source| {
        let path = path.to_path_buf();
        match source {
            fjall::Error::Locked => IndexError::InUse { path },
            source => IndexError::Database {
                path,
                source: Box::new(source),
            },
        }
    }
}

/// Opens the database, which panics on some damaged files, and makes that an error.
fn open_table(path: &Path) -> Result<(Database, Keyspace), IndexError> {
    let open = || {
        let database = Database::builder(path)
            .worker_threads(1)
            .cache_size(CACHE)
            .open()
            .map_err(failed(path))?;
        let table = database.keyspace(TABLE, KeyspaceCreateOptions::default);
        let table = table.map_err(failed(path))?;
        Ok((database, table))
    };
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        Err(IndexError::Damaged {
            path: path.to_path_buf(),
        })
    })
}

fn remove(path: &Path) -> Result<(), IndexError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(IndexError::Remove {
            path: path.to_path_buf(),
            source,
        }),
        _ => Ok(()),
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
