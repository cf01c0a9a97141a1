//! Errors: faults of the host, and blocks that are not the next one. What a transaction can cause
//! is in its result.

use fusee_contract::{ContractError, ContractRulesId};
use fusee_state::StateError;
use thiserror::Error;

use crate::{DecodeError, LedgerRulesId, Misplaced, ParametersError};

/// A fault of the host. The block has no result, and nothing has changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A contract or an account could not be read or run.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// The state has no parameters: it is not that of a chain.
    #[error("the state is not that of a chain: make one of a genesis file")]
    NoChain,
    /// The state has an invalid value under a key of the ledger.
    #[error("the state holds no valid {what}")]
    Corrupt {
        /// What the value is of.
        what: &'static str,
        /// The error of decoding it.
        source: DecodeError,
    },
    /// This program does not have what a height needs.
    #[error("this program stops before height {height}: {source}")]
    Unknown {
        /// The height.
        height: u64,
        /// What it does not have.
        source: Unknown,
    },
    /// A migration failed.
    #[error("the migration `{name}` of height {height} failed")]
    Migration {
        /// Its name.
        name: String,
        /// The height.
        height: u64,
        /// Why.
        source: Box<ContractError>,
    },
    /// A migration made parameters that no chain can have.
    #[error("the parameters after the migration are not valid: {0}")]
    Parameters(#[from] ParametersError),
    /// The block is not the one after the last one.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
}

/// What this program does not have, and a later version may.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unknown {
    /// No rules hold at the height.
    #[error("no rules hold there")]
    NoRules,
    /// Rules of the ledger.
    #[error("it does not have the ledger rules {0}; install a version that does")]
    LedgerRules(LedgerRulesId),
    /// Rules of contracts.
    #[error("it does not have the contract rules {0}; install a version that does")]
    ContractRules(ContractRulesId),
    /// A migration.
    #[error("it does not have the migration `{0}`; install a version that does")]
    Migration(String),
}
