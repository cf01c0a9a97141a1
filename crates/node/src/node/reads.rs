//! What can be read of a node: blocks, transactions, events, states with proofs, and queries.

use std::sync::Arc;

use fusee_chain::StoredBlock;
use fusee_contract::{BlockContext, Event, Query, Receipt};
use fusee_engine::Interrupt;
use fusee_ledger::{HeaderHash, Parameters, Position, TransactionId};
use fusee_state::ReadSet;
use fusee_store::chain::{Head, Version};

use super::{Node, Shared};
use crate::{
    BlockResult, EventFilter, EventPlace, InBlock, IndexError, NodeError, TransactionPlace,
};

/// An event, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventEntry {
    /// Its place, which is the cursor for what comes after it.
    pub place: EventPlace,
    /// The transaction that it is of. `None`: a scheduled call.
    pub transaction: Option<TransactionId>,
    /// The event.
    pub event: Event,
}

impl Node {
    /// The last committed block.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.shared.chain.store().head()
    }

    /// The block of a height.
    ///
    /// # Errors
    ///
    /// [`NodeError::Chain`] if there is none, or retention has deleted it.
    pub fn block(&self, height: u64) -> Result<StoredBlock, NodeError> {
        Ok(self.shared.chain.block(height)?)
    }

    /// The height of the block whose header has a hash. `None` if the chain does not keep it.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the chain or the index cannot be read.
    pub fn height_of(&self, hash: &HeaderHash) -> Result<Option<u64>, NodeError> {
        let shared = &self.shared;
        shared.index.catch_up(&shared.chain)?;
        let height = shared.index.height_of(hash)?;
        let first = shared.chain.store().first_height();
        Ok(height.filter(|height| *height >= first))
    }

    /// The state after a block, by default after the last one. It stays as it is while later blocks
    /// are committed, and proves what it has ([`Version::prove`]).
    ///
    /// # Errors
    ///
    /// [`NodeError::Chain`] if the height is not served any more, or not yet.
    pub fn version(&self, height: Option<u64>) -> Result<Version, NodeError> {
        Ok(self.shared.chain.version(height)?)
    }

    /// A transaction in its block, with its result. `None` if no block has it that the chain still
    /// keeps; then [`Mempool::transaction`](crate::Mempool::transaction) says whether it waits.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the chain or the index cannot be read.
    pub fn transaction(&self, id: &TransactionId) -> Result<Option<InBlock>, NodeError> {
        let Some(place) = self.shared.place(id)? else {
            return Ok(None);
        };
        let block = Arc::new(self.block(place.height)?);
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        Ok(match BlockResult::of(&block, index)? {
            Some(BlockResult::Transaction(result)) => Some(InBlock {
                block,
                index: place.index,
                result,
            }),
            _ => None,
        })
    }

    /// Events of a contract, at most `limit` and [`MAX_PAGE`](crate::MAX_PAGE), after `cursor` in
    /// the order of the filter. The place of the last one is the cursor for the next ones.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the chain or the index cannot be read.
    pub fn events(
        &self,
        filter: &EventFilter,
        cursor: Option<EventPlace>,
        limit: usize,
    ) -> Result<Vec<EventEntry>, NodeError> {
        let shared = &self.shared;
        shared.index.catch_up(&shared.chain)?;
        let first = shared.chain.store().first_height();
        let filter = EventFilter {
            from: filter.from.max(first),
            ..filter.clone()
        };
        let mut entries: Vec<EventEntry> = Vec::new();
        let mut open: Option<OpenBlock> = None;
        for place in shared.index.events(&filter, cursor, limit)? {
            let block = match open.take().filter(|open| open.height == place.height) {
                Some(block) => block,
                None => shared.open_block(place.height)?,
            };
            entries.extend(block.entry(place)?);
            open = Some(block);
        }
        Ok(entries)
    }

    /// All events of a block, in order.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if a result is malformed, or the program does not have the rules of the block.
    pub fn events_of(&self, block: &StoredBlock) -> Result<Vec<EventEntry>, NodeError> {
        let ids = self.shared.index.ids(&self.shared.chain, block)?;
        let mut entries = Vec::new();
        for (result, index) in (0_u32..).zip(0..block.results.len()) {
            let Some(it) = BlockResult::of(block, index)? else {
                break;
            };
            let events = (0_u32..).zip(it.events());
            entries.extend(events.map(|(event, it)| EventEntry {
                place: EventPlace {
                    height: block.header.height,
                    result,
                    event,
                },
                transaction: ids.get(index).copied().flatten(),
                event: it.clone(),
            }));
        }
        Ok(entries)
    }

    /// Calls a method in read-only mode in the state after a block, by default after the last one.
    /// Whoever holds `interrupt` can cancel it.
    ///
    /// # Errors
    ///
    /// [`NodeError::QueryGas`] if its gas limit exceeds that of this node. [`NodeError::Chain`] if
    /// the height is not served. [`NodeError::Contract`] if it was interrupted, or the host fails.
    pub fn query(
        &self,
        height: Option<u64>,
        query: Query,
        interrupt: &Interrupt,
    ) -> Result<Receipt, NodeError> {
        let (receipt, _) = self.query_with_reads(height, query, interrupt)?;
        Ok(receipt)
    }

    /// Calls a method as [`query`](Self::query) does, and returns what it read of the state as
    /// well: who has proofs of that can run it again.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub fn query_with_reads(
        &self,
        height: Option<u64>,
        query: Query,
        interrupt: &Interrupt,
    ) -> Result<(Receipt, ReadSet), NodeError> {
        let shared = &self.shared;
        let limit = shared.options.query_gas;
        if query.gas > limit {
            let found = query.gas;
            return Err(NodeError::QueryGas { found, limit });
        }
        shared.counters.queries.add(1);
        let state = self.version(height)?;
        let parameters = Parameters::read(&state)?;
        let position = Position::read(&state)?;
        let initial = shared.chain.initial_height();
        let proposer = match position.height < initial {
            true => BlockContext::default().proposer,
            false => shared.chain.header(position.height)?.proposer,
        };
        // No rules hold at the height of genesis: those of the first block do.
        let rules_of = position.height.max(initial);
        let rules = shared.chain.ledger().rulebook().at(&parameters, rules_of)?;
        let block = BlockContext {
            chain_id: parameters.chain_id.as_str().into(),
            height: position.height,
            time: position.time,
            proposer,
        };
        let state = Arc::new(state);
        let contracts = &rules.contracts;
        Ok(contracts.query_with_reads(state, query, &block, interrupt)?)
    }
}

impl Shared {
    /// Where a transaction is, in a block that the chain still has.
    pub(super) fn place(&self, id: &TransactionId) -> Result<Option<TransactionPlace>, NodeError> {
        // The follower may not have come to the last block yet.
        self.index.catch_up(&self.chain)?;
        let place = self.index.transaction(id)?;
        let first = self.chain.store().first_height();
        Ok(place.filter(|place| place.height >= first))
    }

    fn open_block(&self, height: u64) -> Result<OpenBlock, NodeError> {
        let block = self.chain.block(height)?;
        let ids = self.index.ids(&self.chain, &block)?;
        Ok(OpenBlock { height, block, ids })
    }
}

/// A block whose events are read.
struct OpenBlock {
    height: u64,
    block: StoredBlock,
    ids: Vec<Option<TransactionId>>,
}

impl OpenBlock {
    fn entry(&self, place: EventPlace) -> Result<Option<EventEntry>, IndexError> {
        let index = usize::try_from(place.result).unwrap_or(usize::MAX);
        let number = usize::try_from(place.event).unwrap_or(usize::MAX);
        let result = BlockResult::of(&self.block, index)?;
        let event = result.and_then(|result| result.events().nth(number).cloned());
        Ok(event.map(|event| EventEntry {
            place,
            transaction: self.ids.get(index).copied().flatten(),
            event,
        }))
    }
}
