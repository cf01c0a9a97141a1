//! The state after a block, as a node tells it.
//!
//! It is read entry by entry, and each entry once. Its proofs are those of the node: they hold for
//! the state root, which is as untrusted as the node.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fusee::chain::{Direction, KeyRange, StateError, StateReader, Value};
use fusee::rpc::{
    ClientError,
    methods::GetState,
    types::{Bytes, Position, StateEntries},
};

use super::remote::Remote;
use crate::failure::{Exit, Failure};

/// How many entries are read ahead.
const PAGE: u32 = 256;

/// The state after a block.
#[derive(Clone, Debug)]
pub(crate) struct RemoteState {
    remote: Arc<Remote>,
    position: Position,
    known: Arc<Mutex<Known>>,
}

/// What was read before.
#[derive(Debug, Default)]
struct Known {
    entries: BTreeMap<Vec<u8>, Option<Value>>,
    page: Page,
}

/// All entries of a range.
#[derive(Debug, Default)]
struct Page {
    start: Vec<u8>,
    /// Not included.
    end: Vec<u8>,
    entries: BTreeMap<Vec<u8>, Value>,
}

impl RemoteState {
    /// The state after the block of a height, by default after the last one.
    pub(super) fn at(remote: Arc<Remote>, height: Option<u64>) -> Result<Self, ClientError> {
        let params = GetState {
            keys: Some(Vec::new()),
            height,
            ..GetState::new()
        };
        let StateEntries { position, .. } = remote.call(&params)?;
        Ok(Self {
            remote,
            position,
            known: Arc::default(),
        })
    }

    pub(crate) fn height(&self) -> u64 {
        self.position.height
    }

    pub(crate) fn root(&self) -> [u8; 32] {
        self.position.state_root.0
    }

    pub(crate) fn prove(&self, key: &[u8]) -> Result<Vec<u8>, Failure> {
        let answer = self.remote.call(&GetState {
            proof: true,
            ..self.named(key)
        })?;
        let proof = answer.proofs.into_iter().flatten().next();
        let proof = proof.and_then(|proof| hex::decode(proof.proof).ok());
        proof.ok_or_else(|| {
            let error = anyhow::anyhow!("{} answers without a proof", self.remote.url());
            Failure::new(Exit::Host, error).next("use the version of fusee that the node has")
        })
    }

    fn named(&self, key: &[u8]) -> GetState {
        GetState {
            keys: Some(vec![Bytes(key.to_vec())]),
            height: Some(self.height()),
            ..GetState::new()
        }
    }

    /// Reads the first entries of a range.
    fn page(&self, range: KeyRange<'_>, direction: Direction) -> Result<StateEntries, ClientError> {
        let is_descending = direction == Direction::Descending;
        self.remote.call(&GetState {
            from: Bytes(range.start().to_vec()),
            to: Some(Bytes(range.end().to_vec())),
            descending: is_descending,
            limit: Some(if is_descending { 1 } else { PAGE }),
            height: Some(self.height()),
            ..GetState::new()
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateReader for RemoteState {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        if let Some(value) = self.known().entries.get(key) {
            return Ok(value.clone());
        }
        let answer = self.remote.call(&self.named(key));
        let answer = answer.map_err(StateError::new)?;
        let value = answer.entries.into_iter().next();
        let value = value.and_then(|entry| Some(Value::from(entry.value?.0)));
        self.known().entries.insert(key.to_vec(), value.clone());
        Ok(value)
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        if direction == Direction::Ascending
            && let Some(found) = self.known().page.first(range)
        {
            return Ok(found);
        }
        let answer = self.page(range, direction).map_err(StateError::new)?;
        let is_complete = answer.cursor.is_none();
        let entries = answer.entries.into_iter();
        let entries: Vec<(Vec<u8>, Value)> = entries
            .filter_map(|entry| Some((entry.key.0, Value::from(entry.value?.0))))
            .collect();
        let (first, last) = (entries.first().cloned(), entries.last());
        if direction == Direction::Ascending {
            let end = match last.filter(|_| !is_complete) {
                // Up to the last entry, with it.
                Some((key, _)) => [key.as_slice(), &[0]].concat(),
                None => range.end().to_vec(),
            };
            self.known().page = Page {
                start: range.start().to_vec(),
                end,
                entries: entries.into_iter().collect(),
            };
        }
        Ok(first)
    }
}

impl Page {
    /// The first entry of a range, or that it has none. `None` if the page does not tell.
    fn first(&self, range: KeyRange<'_>) -> Option<Option<(Vec<u8>, Value)>> {
        if range.start() < self.start.as_slice() || range.start() >= self.end.as_slice() {
            return None;
        }
        let mut from = self.entries.range::<[u8], _>(range.bounds());
        match from.next() {
            Some((key, value)) => Some(Some((key.clone(), value.clone()))),
            None => (range.end() <= self.end.as_slice()).then_some(None),
        }
    }
}
