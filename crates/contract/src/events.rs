//! The events of a transaction so far, within the limits of the rules.

use crate::{Event, Extensions};

/// The events of the frames that have not been reverted, in order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    list: Vec<Event>,
    /// The size of all topics and data.
    bytes: usize,
}

/// A position in the events, to be reverted to.
#[derive(Debug)]
pub(crate) struct EventsCheckpoint {
    count: usize,
    bytes: usize,
}

impl Events {
    /// Records an event. Returns false, and records nothing, if there would then be more than the
    /// limits admit.
    pub(crate) fn emit(&mut self, event: Event, limits: Option<Extensions>) -> bool {
        let topics = event.topics.iter().map(Vec::len);
        let bytes = topics.fold(self.bytes, usize::saturating_add);
        let bytes = bytes.saturating_add(event.data.len());
        let admits = |limits: Extensions| {
            let count = self.list.len().saturating_add(1);
            is_within(count, limits.events) && is_within(bytes, limits.event_bytes)
        };
        let admitted = limits.is_none_or(admits);
        if admitted {
            self.bytes = bytes;
            self.list.push(event);
        }
        admitted
    }

    pub(crate) const fn count(&self) -> usize {
        self.list.len()
    }

    pub(crate) const fn checkpoint(&self) -> EventsCheckpoint {
        EventsCheckpoint {
            count: self.list.len(),
            bytes: self.bytes,
        }
    }

    /// Drops the events since the checkpoint.
    pub(crate) fn revert(&mut self, checkpoint: EventsCheckpoint) {
        let EventsCheckpoint { count, bytes } = checkpoint;
        self.list.truncate(count);
        self.bytes = bytes;
    }

    pub(crate) fn into_list(self) -> Vec<Event> {
        self.list
    }
}

fn is_within(number: usize, limit: u32) -> bool {
    u32::try_from(number).is_ok_and(|number| number <= limit)
}
