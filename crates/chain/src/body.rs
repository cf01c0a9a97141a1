//! What the store keeps of a block beside its changes: header, transactions, results and
//! misbehaviour.
//!
//! The encoding is the version, then the encoded header, the transactions, the results and the
//! reports of misbehaviour by borsh.
//! The body of the first record, that of genesis, is the encoded genesis.

use std::io;

use borsh::BorshSerialize;
use fusee_ledger::{Block, Finalized, Header, Misbehaviour, list_root};
use fusee_store::chain;

use crate::ChainError;

/// The version of the encoding: its first byte. Version 1 had no misbehaviour.
const VERSION: u8 = 2;

/// A block as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBlock {
    /// The header.
    pub header: Header,
    /// The encodings of the transactions.
    pub transactions: Vec<Vec<u8>>,
    /// The encodings of the results: of the transactions, then of the scheduled calls.
    pub results: Vec<Vec<u8>>,
    /// What the consensus engine reported of its validators.
    pub misbehaviour: Vec<Misbehaviour>,
}

impl StoredBlock {
    /// A block without misbehaviour that was sealed, as it is stored once it is committed:
    /// `transactions` and `results` are those of its header.
    #[must_use]
    pub const fn new(header: Header, transactions: Vec<Vec<u8>>, results: Vec<Vec<u8>>) -> Self {
        Self {
            header,
            transactions,
            results,
            misbehaviour: Vec::new(),
        }
    }

    /// The block, to be executed again.
    #[must_use]
    pub fn block(&self) -> Block {
        Block {
            height: self.header.height,
            time: self.header.time,
            proposer: self.header.proposer,
            transactions: self.transactions.clone(),
            misbehaviour: self.misbehaviour.clone(),
        }
    }

    /// Decodes the body of a stored block, and holds it against its header.
    pub(crate) fn decode(stored: &chain::Block) -> Result<Self, ChainError> {
        let height = stored.height;
        let malformed = |source| ChainError::Body { height, source };
        // Before the rest is read, which other versions have otherwise.
        let version = stored.body.first().copied().unwrap_or_default();
        if version != VERSION {
            let message = format!("it has version {version}, this program reads {VERSION}");
            return Err(malformed(io::Error::other(message)));
        }
        let (_, header, transactions, results, misbehaviour): (u8, Vec<u8>, _, _, _) =
            borsh::from_slice(&stored.body).map_err(malformed)?;
        let header = Header::decode(&header);
        let header = header.map_err(|source| malformed(io::Error::other(source)))?;
        let stored_block = Self {
            header,
            transactions,
            results,
            misbehaviour,
        };
        stored_block.check(stored)?;
        Ok(stored_block)
    }

    fn check(&self, stored: &chain::Block) -> Result<(), ChainError> {
        let height = stored.height;
        let root = |list: &[Vec<u8>]| list_root(list.iter().map(Vec::as_slice));
        let differing = [
            ("height", self.header.height == height),
            ("state root", self.header.state_root == stored.root),
            (
                "transactions root",
                self.header.transactions_root == root(&self.transactions),
            ),
            (
                "misbehaviour root",
                self.header.misbehaviour_root == Misbehaviour::root(&self.misbehaviour),
            ),
            (
                "receipts root",
                self.header.receipts_root == root(&self.results),
            ),
        ];
        match differing.into_iter().find(|(_, is_equal)| !is_equal) {
            Some((what, _)) => Err(ChainError::Header { height, what }),
            None => Ok(()),
        }
    }
}

/// The body of a block.
pub(crate) fn encode(header: &Header, block: &Block, finalized: &Finalized) -> Vec<u8> {
    let header = header.encode();
    let Block {
        transactions,
        misbehaviour,
        ..
    } = block;
    let parts = transactions.iter().chain(&finalized.results);
    let lengths = parts.map(|part| part.len().saturating_add(4));
    // The version and four lengths come on top. Misbehaviour is rare.
    let length = lengths.fold(header.len().saturating_add(17), usize::saturating_add);
    let mut bytes = Vec::with_capacity(length);
    let results = &finalized.results;
    (VERSION, header, transactions, results, misbehaviour)
        .serialize(&mut bytes)
        .expect("a vector takes any bytes, and a block is far below 4 GiB");
    bytes
}
