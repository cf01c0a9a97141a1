//! Events of a chain, block by block.

use fusee::chain::{Address, Event};
use fusee::rpc::types::{EventEntry, EventPlace, Hex32};

use super::{Block, Chain};
use crate::{failure::Failure, receipt};

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventFilter {
    /// The contract that emitted them. `None`: any.
    pub(crate) contract: Option<Address>,
    /// The first topic. `None`: any.
    pub(crate) topic: Option<Vec<u8>>,
    /// The first height. `None`: the first that is kept.
    pub(crate) from: Option<u64>,
    /// Only events after this one, in the order of the list.
    pub(crate) after: Option<EventPlace>,
    pub(crate) is_newest_first: bool,
}

impl Chain {
    /// The first events of a filter, at most `limit`.
    pub(crate) fn events(
        &self,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Vec<EventEntry>, Failure> {
        match (self, filter.contract) {
            // It has an index.
            (Self::Node(chain), Some(contract)) => chain.events(contract, filter, limit),
            _ => self.scan(filter, limit),
        }
    }

    fn scan(&self, filter: &EventFilter, limit: usize) -> Result<Vec<EventEntry>, Failure> {
        let first = self.first_height().max(filter.from.unwrap_or_default());
        let last = self.state()?.height();
        let (first, last) = match (filter.after, filter.is_newest_first) {
            (None, _) => (first, last),
            (Some(after), true) => (first, last.min(after.height)),
            (Some(after), false) => (first.max(after.height), last),
        };
        let mut heights = first..=last;
        let mut next = || match filter.is_newest_first {
            true => heights.next_back(),
            false => heights.next(),
        };
        let mut entries = Vec::new();
        while let Some(height) = next().filter(|_| entries.len() < limit) {
            let mut found = filter.of_block(&self.block(height)?);
            if filter.is_newest_first {
                found.reverse();
            }
            entries.extend(found);
        }
        entries.truncate(limit);
        Ok(entries)
    }
}

impl EventFilter {
    /// The events of a block, in the order in which they were emitted.
    fn of_block(&self, block: &Block) -> Vec<EventEntry> {
        let transactions = block.transactions.iter().map(|transaction| {
            let receipts = transaction.result.receipts.iter();
            let events = receipts.flat_map(|receipt| &receipt.events);
            (transaction.id, events.collect::<Vec<&Event>>())
        });
        let calls = block.calls.iter();
        let calls = calls.map(|call| (None, call.receipt.events.iter().collect()));
        let mut entries = Vec::new();
        for ((transaction, events), result) in transactions.chain(calls).zip(0..) {
            for (event, number) in events.into_iter().zip(0..) {
                let place = EventPlace {
                    height: block.header.height,
                    result,
                    event: number,
                };
                if self.has(event) && self.is_after(place) {
                    entries.push(EventEntry {
                        place,
                        transaction: transaction.map(|id| Hex32(*id.as_bytes())),
                        event: receipt::event_json(event),
                    });
                }
            }
        }
        entries
    }

    fn has(&self, event: &Event) -> bool {
        let topic = event.topics.first();
        self.contract
            .is_none_or(|contract| contract == event.address)
            && self
                .topic
                .as_ref()
                .is_none_or(|wanted| topic == Some(wanted))
    }

    fn is_after(&self, place: EventPlace) -> bool {
        let key = |place: EventPlace| (place.height, place.result, place.event);
        self.after.is_none_or(|after| match self.is_newest_first {
            true => key(place) < key(after),
            false => key(place) > key(after),
        })
    }
}
