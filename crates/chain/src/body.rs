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

    /// Decodes the body of a block in the [store](fusee_store::chain::Block::body). Whether the
    /// lists are those of the header is for the caller to check: [`Chain`](crate::Chain) does.
    ///
    /// # Errors
    ///
    /// If these are not the bytes that [`encode`](Self::encode) makes of a block.
    pub fn decode(body: &[u8]) -> io::Result<Self> {
        // Before the rest is read, which other versions have otherwise.
        let version = body.first().copied().unwrap_or_default();
        if version != VERSION {
            let message = format!("it has version {version}, this program reads {VERSION}");
            return Err(io::Error::other(message));
        }
        let (_, header, transactions, results, misbehaviour): (u8, Vec<u8>, _, _, _) =
            borsh::from_slice(body)?;
        Ok(Self {
            header: Header::decode(&header).map_err(io::Error::other)?,
            transactions,
            results,
            misbehaviour,
        })
    }

    /// The body of the block in the store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self {
            header,
            transactions,
            results,
            misbehaviour,
        } = self;
        encode_parts(&header.encode(), transactions, results, misbehaviour)
    }

    /// Decodes the body of a stored block, and holds it against its header.
    pub(crate) fn of(stored: &chain::Block) -> Result<Self, ChainError> {
        let height = stored.height;
        let decoded = Self::decode(&stored.body);
        let decoded = decoded.map_err(|source| ChainError::Body { height, source })?;
        decoded.check(stored)?;
        Ok(decoded)
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
    encode_parts(
        &header.encode(),
        &block.transactions,
        &finalized.results,
        &block.misbehaviour,
    )
}

fn encode_parts(
    header: &[u8],
    transactions: &[Vec<u8>],
    results: &[Vec<u8>],
    misbehaviour: &[Misbehaviour],
) -> Vec<u8> {
    let parts = transactions.iter().chain(results);
    let lengths = parts.map(|part| part.len().saturating_add(4));
    // The version and four lengths come on top. Misbehaviour is rare.
    let length = lengths.fold(header.len().saturating_add(17), usize::saturating_add);
    let mut bytes = Vec::with_capacity(length);
    (VERSION, header, transactions, results, misbehaviour)
        .serialize(&mut bytes)
        .expect("a vector takes any bytes, and a block is far below 4 GiB");
    bytes
}
