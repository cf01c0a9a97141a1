//! Headers: what consensus agrees on of a block and its results.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::{Address, ContractRulesId};
use fusee_crypto::sha256;
use fusee_engine::Gas;

use crate::{DecodeError, LedgerRulesId, ListRoot, versioned};

/// The domain of header hashes.
const HEADER_TAG: &[u8] = b"fusee header";
/// The domain of chains.
const CHAIN_TAG: &[u8] = b"fusee chain";

/// The hash of a header: SHA-256 of a tag and its encoding, which begins with its version.
/// Displayed as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct HeaderHash([u8; 32]);

impl HeaderHash {
    /// Creates a hash from its bytes. In place of the parent of the first block: the identity of
    /// genesis.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for HeaderHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for HeaderHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The header of a block that was executed. Its hash covers the block, its results, the state after
/// it and the rules that it was executed by.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// The chain: SHA-256 of a tag and the chain id.
    pub chain: [u8; 32],
    /// The height of the block.
    pub height: u64,
    /// The time of the block, in milliseconds since the Unix epoch.
    pub time: u64,
    /// The account of the proposer.
    pub proposer: Address,
    /// The hash of the header before; of the first block, the identity of genesis.
    pub parent: HeaderHash,
    /// The root of the transactions.
    pub transactions_root: ListRoot,
    /// The root of the reports of misbehaviour ([`Misbehaviour::root`](crate::Misbehaviour::root)).
    pub misbehaviour_root: ListRoot,
    /// The root of the results: of the transactions, then of the scheduled calls.
    pub receipts_root: ListRoot,
    /// The root of the state after the block.
    pub state_root: [u8; 32],
    /// The rules of transactions.
    pub ledger_rules: LedgerRulesId,
    /// The rules of contracts.
    pub contract_rules: ContractRulesId,
    /// The gas limits of all included transactions together.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas_declared: Gas,
    /// The gas that the transactions used.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas_used: Gas,
    /// The fees of all transactions together, in the smallest unit of balances.
    pub fees: u128,
}

impl Header {
    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(self)
    }

    /// Decodes a header from its canonical encoding.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are malformed or have another version of the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        versioned::decode(bytes)
    }

    /// The hash, on which consensus agrees.
    #[must_use]
    pub fn hash(&self) -> HeaderHash {
        HeaderHash(sha256(&[HEADER_TAG, &self.encode()].concat()))
    }
}

/// The chain of a header, by its chain id.
#[must_use]
pub fn chain_digest(chain_id: &str) -> [u8; 32] {
    sha256(&[CHAIN_TAG, chain_id.as_bytes()].concat())
}
