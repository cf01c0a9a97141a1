//! The state after a block, of which tools read.

use fusee::chain::{Direction, KeyRange, StateError, StateReader, Value, store::Version};

use super::node::RemoteState;
use crate::failure::Failure;

/// The state after a block. It stays as it is.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Folder(Version),
    Node(RemoteState),
}

impl State {
    /// The height of the block.
    pub(crate) fn height(&self) -> u64 {
        match self {
            Self::Folder(version) => version.height(),
            Self::Node(state) => state.height(),
        }
    }

    /// The root, which commits to every entry.
    pub(crate) fn root(&self) -> [u8; 32] {
        match self {
            Self::Folder(version) => version.root(),
            Self::Node(state) => state.root(),
        }
    }

    /// The encoded proof of what the state has under a key.
    pub(crate) fn prove(&self, key: &[u8]) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Folder(version) => Ok(version.prove(key).encode()),
            Self::Node(state) => state.prove(key),
        }
    }
}

impl StateReader for State {
    fn read(&self, key: &[u8]) -> Result<Option<Value>, StateError> {
        match self {
            Self::Folder(version) => version.read(key),
            Self::Node(state) => state.read(key),
        }
    }

    fn seek(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
    ) -> Result<Option<(Vec<u8>, Value)>, StateError> {
        match self {
            Self::Folder(version) => version.seek(range, direction),
            Self::Node(state) => state.seek(range, direction),
        }
    }
}
