//! Genesis: the first state of a chain, from a file.
//!
//! The file is JSON; `docs/book/src/ledger.md` documents it. Reading it is strict: what it does not
//! know, and what is there twice, is an error that names the field. Contracts that are there from
//! the beginning are deployed when the chain is made ([`Ledger::genesis`](crate::Ledger::genesis)).

mod contract;
mod development;
mod file;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;
use fusee_crypto::sha256;
use fusee_engine::Gas;
use fusee_state::Diff;
use thiserror::Error;

use crate::{DecodeError, LedgerError, Parameters, ParametersError, Position, keys, versioned};

pub use contract::GenesisContract;

/// The domain of identities.
const IDENTITY_TAG: &[u8] = b"fusee genesis";

/// The maximum of the first block's height. Consensus engines have signed heights, and this leaves
/// half of them for blocks.
const MAX_INITIAL_HEIGHT: u64 = 1 << 62;

/// The maximum of the time of genesis: the last millisecond of the year 9999, as in timestamps of
/// consensus engines. Times in microseconds or nanoseconds are beyond it.
const MAX_TIME: u64 = 253_402_300_799_999;

/// The first state of a chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The height of the first block: 1 to 2^62.
    pub initial_height: u64,
    /// The time of genesis, in milliseconds since the Unix epoch, before the year 10000. No
    /// block is earlier.
    pub time: u64,
    /// The parameters of the chain.
    pub parameters: Parameters,
    /// The accounts that have something from the beginning.
    pub accounts: BTreeMap<Address, GenesisAccount>,
    /// The contracts that are there from the beginning, in the order of their deployment.
    pub contracts: Vec<GenesisContract>,
}

/// What an account has from the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisAccount {
    /// The balance, in the smallest unit.
    pub balance: u128,
    /// The gas that the account may use in a window. `None`: as the parameters say. Without effect
    /// on a chain with fees.
    #[borsh(
        serialize_with = "versioned::write_optional_gas",
        deserialize_with = "versioned::read_optional_gas"
    )]
    pub quota: Option<Gas>,
}

/// A genesis that no chain can have.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// The file is not JSON, or has a field that is unknown, missing, there twice or of another
    /// type.
    #[error("the genesis file is malformed: {0}")]
    File(serde_json::Error),
    /// A field has no such value.
    #[error("the genesis file has no valid `{field}`: {reason}")]
    Field {
        /// The field, with its path.
        field: String,
        /// What it has to be.
        reason: &'static str,
    },
    /// An account is there twice.
    #[error("the account {address} of `{field}` is in the genesis file already")]
    Duplicate {
        /// The second place.
        field: String,
        /// The account.
        address: Address,
    },
    /// The balances exceed a `u128`.
    #[error("the balances up to `{field}` exceed 2^128 - 1 together")]
    Sum {
        /// The balance that is too much.
        field: String,
    },
    /// A contract has no name of its own.
    #[error("the genesis file has the name `{name}` of a contract twice")]
    Name {
        /// The name.
        name: String,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The genesis file, or that of the code of a contract.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A contract cannot be deployed.
    #[error("the contract `{name}` of the genesis cannot be deployed: {reason}")]
    Contract {
        /// Its name.
        name: String,
        /// Why: the status of the deployment, or why no block could include it.
        reason: String,
    },
    /// The contracts cannot be executed: the host failed, or this program does not have the rules.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The parameters cannot be those of a chain.
    #[error("the genesis file has no valid `parameters`: {0}")]
    Parameters(ParametersError),
}

// Not by `#[from]`, which makes a source: the text has it already.
impl From<serde_json::Error> for GenesisError {
    fn from(error: serde_json::Error) -> Self {
        Self::File(error)
    }
}

impl From<ParametersError> for GenesisError {
    fn from(error: ParametersError) -> Self {
        Self::Parameters(error)
    }
}

impl Genesis {
    /// Reads a genesis file, and the files of code that it names.
    ///
    /// # Errors
    ///
    /// [`GenesisError`], which names the file that cannot be read, or the first field that is not
    /// as it has to be.
    pub fn load(path: &Path) -> Result<Self, GenesisError> {
        let json = fs::read_to_string(path).map_err(|error| GenesisError::Read {
            path: path.to_path_buf(),
            error,
        })?;
        Self::read(&json, Some(path.parent().unwrap_or(Path::new(""))))
    }

    /// Reads the text of a genesis file, which names no other files.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn parse(json: &str) -> Result<Self, GenesisError> {
        Self::read(json, None)
    }

    fn read(json: &str, folder: Option<&Path>) -> Result<Self, GenesisError> {
        let genesis = file::read(json, folder)?;
        genesis.check()?;
        Ok(genesis)
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    ///
    /// [`GenesisError`] with the first field that a chain cannot have.
    pub fn check(&self) -> Result<(), GenesisError> {
        let invalid = |field: &str, reason| {
            let field = field.to_owned();
            Err(GenesisError::Field { field, reason })
        };
        self.parameters.check()?;
        if !(1..=MAX_INITIAL_HEIGHT).contains(&self.initial_height) {
            return invalid("initial_height", "it has to be from 1 to 2^62");
        }
        if self.time > MAX_TIME {
            let reason = "it has to be milliseconds since 1970, before the year 10000";
            return invalid("time", reason);
        }
        if self.parameters.activation_at(self.initial_height).is_none() {
            let reason = "they have to have rules for the initial height";
            return invalid("parameters.activations", reason);
        }
        let mut sum = 0_u128;
        for (address, account) in &self.accounts {
            let total = sum.checked_add(account.balance);
            sum = total.ok_or_else(|| GenesisError::Sum {
                field: format!("balance of {address}"),
            })?;
        }
        let mut names = BTreeSet::new();
        for GenesisContract { name, .. } in &self.contracts {
            if name.is_empty() {
                return invalid("contracts.name", "it has to be a name");
            }
            if !names.insert(name) {
                let name = name.clone();
                return Err(GenesisError::Name { name });
            }
        }
        Ok(())
    }

    /// The entries of the first state, without those of its contracts.
    fn entries(&self) -> Diff {
        let accounts = self.accounts.iter();
        let balances: Vec<_> = accounts
            .clone()
            .map(|(address, account)| (*address, account.balance))
            .collect();
        let quotas = accounts.filter_map(|(address, account)| {
            let quota = account.quota?.units();
            Some((
                keys::quota(*address),
                Some(versioned::encode(&quota).into()),
            ))
        });
        let position = Position {
            height: self.initial_height.saturating_sub(1),
            time: self.time,
        };
        let chain = [
            (keys::parameters(), Some(self.parameters.encode().into())),
            (keys::position(), Some(position.encode().into())),
        ];
        // A balance of 0 is no key, and there is none to remove.
        let balances = fusee_contract::set_balances(&balances).into_iter();
        let balances = balances.filter(|(_, balance)| balance.is_some());
        balances.chain(quotas).chain(chain).collect()
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        versioned::encode(self)
    }

    /// Decodes a genesis from its canonical encoding.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are malformed or have another version of the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let genesis: Self = versioned::decode(bytes)?;
        // Borsh reads the entries of a map in any order.
        match genesis.encode() == bytes {
            true => Ok(genesis),
            false => Err(versioned::malformed("the accounts are not in ascending order").into()),
        }
    }

    /// The identity of the chain: SHA-256 of a tag and the canonical encoding. The first block's
    /// header has it in place of a parent.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        sha256(&[IDENTITY_TAG, &self.encode()].concat())
    }
}
