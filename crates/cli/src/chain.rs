//! The chain that a verb works on: in a data folder ([`FolderChain`]), or behind a node.
//!
//! Both answer the same questions by the same types, so that a verb does not know which it is.

mod agreement;
mod capsule;
mod folder;
mod rules;
mod state;

use std::path::Path;

use fusee::chain::{Address, Contracts, LogLine, Query, Receipt, Trace};
use fusee::ledger::{Operation, TransactionId};
use fusee::sandbox::Gas;

use crate::{
    args::{CapsuleArgs, ChainArgs, CommonArgs, Place},
    decoded::FrameValues,
    engines::On,
    failure::Failure,
    signer::Signer,
};

pub(crate) use self::{
    folder::{FUNDS, FolderChain, development, existing, genesis_ledger, options},
    rules::{
        all_contract_rules, contract_rules, deposit_rules, is_development, ledger_rules,
        next_contract_rules, published_rules, rulebook,
    },
    state::State,
};

/// The gas limit of a transaction or a query, where no other is given.
pub(crate) const DEFAULT_GAS: Gas = Gas::new(1_000_000_000);

/// Whether to trace transactions and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracing {
    Off,
    On,
    /// With the functions of each frame told apart.
    ByFunction,
}

/// Whether to commit the block of a transaction. Without, it need not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Commit,
    Nothing,
}

/// What a transaction is to do, before it is signed.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) sender: Signer,
    pub(crate) fee_payer: Option<Signer>,
    pub(crate) operation: Operation,
    /// `None`: as the chain decides, [`DEFAULT_GAS`] in a data folder.
    pub(crate) gas: Option<Gas>,
    /// `None`: the minimum of the chain.
    pub(crate) gas_price: Option<u128>,
}

/// A transaction or query with equal results on every engine.
#[derive(Debug)]
pub(crate) struct Executed {
    /// The receipt, with all gas of the transaction.
    pub(crate) receipt: Receipt,
    /// The fee that was paid for it.
    pub(crate) fee: u128,
    /// The transaction in its block, if that was committed.
    pub(crate) committed: Option<Committed>,
    /// What its contracts wrote for people.
    pub(crate) log: Vec<LogLine>,
    /// Its trace, if the chain [traces](Chain::tracing).
    pub(crate) trace: Option<Trace>,
    /// The file of its capsule, if the chain [records](Chain::recording).
    pub(crate) capsule: Option<String>,
    /// The values of the frames of the trace, for those who [decode](crate::decoded::frames) them.
    pub(crate) frames: Vec<FrameValues>,
}

/// A transaction that is in a block of the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Committed {
    pub(crate) height: u64,
    pub(crate) id: TransactionId,
}

/// The chain of a verb.
#[derive(Debug)]
pub(crate) enum Chain {
    Folder(FolderChain),
}

impl Chain {
    /// The chain of the flags. A data folder that is missing is made.
    pub(crate) fn open(args: &ChainArgs) -> Result<Self, Failure> {
        match args.place() {
            Place::Folder(path) => Ok(Self::Folder(FolderChain::open_within(&path, args.wait())?)),
            Place::Node(url) => Err(Failure::usage(format!("no client for `{url}`"))),
        }
    }

    /// The chain of the flags, which has to be there.
    pub(crate) fn existing(args: &ChainArgs) -> Result<Self, Failure> {
        if let Place::Folder(path) = args.place() {
            folder::existing(&path)?;
        }
        Self::open(args)
    }

    /// The chain of the flags, to execute something on it.
    pub(crate) fn executing(args: &CommonArgs) -> Result<Self, Failure> {
        match Self::open(&args.chain)? {
            Self::Folder(chain) => Ok(Self::Folder(chain.executing(args)?)),
        }
    }

    /// Sets the engines of a chain in a data folder.
    pub(crate) fn on(self, contracts: Vec<On<Contracts>>) -> Self {
        match self {
            Self::Folder(chain) => Self::Folder(chain.on(contracts)),
        }
    }

    /// Sets whether to trace transactions and queries. The engines then have to agree on the
    /// traces, too.
    pub(crate) fn tracing(self, tracing: Tracing) -> Self {
        match self {
            Self::Folder(chain) => Self::Folder(chain.tracing(tracing)),
        }
    }

    /// Writes the capsule of each transaction, if the flags name a file.
    pub(crate) fn recording(self, flags: &CapsuleArgs) -> Result<Self, Failure> {
        match self {
            Self::Folder(chain) => Ok(Self::Folder(chain.recording(flags))),
        }
    }

    /// The state after the last block.
    pub(crate) fn state(&self) -> Result<State, Failure> {
        self.state_at(None)
    }

    /// The state after a block, by default after the last one.
    pub(crate) fn state_at(&self, height: Option<u64>) -> Result<State, Failure> {
        match self {
            Self::Folder(chain) => Ok(State::Folder(chain.state_at(height)?)),
        }
    }

    /// The data folder, if it is in one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(chain) => Some(chain.path()),
        }
    }

    /// The names of the engines that execute.
    pub(crate) fn engines(&self) -> Vec<String> {
        match self {
            Self::Folder(chain) => chain.engines(),
        }
    }

    /// The methods of the contract at an address; `None` if the current rules refuse its code.
    pub(crate) fn methods(&self, address: Address) -> Result<Option<Vec<String>>, Failure> {
        match self {
            Self::Folder(chain) => chain.methods(address),
        }
    }

    /// Executes a transaction, and commits it if it is to be kept. An invalid transaction is a
    /// failure, and changes nothing.
    pub(crate) fn execute(&self, request: &Request, keep: Keep) -> Result<Executed, Failure> {
        match self {
            Self::Folder(chain) => chain.execute(request, keep),
        }
    }

    /// Runs a query in the state after a block, by default after the last one.
    pub(crate) fn query(&self, query: &Query, height: Option<u64>) -> Result<Executed, Failure> {
        match self {
            Self::Folder(chain) => chain.query(query, height),
        }
    }
}

#[cfg(test)]
mod tests;
