//! The chain that a verb works on: in a data folder ([`FolderChain`]), or behind a node
//! ([`NodeChain`]).
//!
//! Both answer the same questions by the same types, so that a verb does not know which it is.

mod agreement;
mod block;
mod capsule;
mod events;
mod folder;
mod node;
mod rules;
mod state;

use std::path::Path;

use fusee::chain::{Address, Contracts, LogLine, Query, Receipt, Trace};
use fusee::ledger::{Operation, TransactionId, TransactionResult};
use fusee::rpc::types::BlockSummary;
use fusee::sandbox::Gas;

use crate::{
    args::{CapsuleArgs, ChainArgs, CommonArgs, Place},
    book::Book,
    decoded::FrameValues,
    engines::On,
    failure::Failure,
    signer::Signer,
};

pub(crate) use self::{
    block::{Block, Found, Included},
    events::EventFilter,
    folder::{FUNDS, FolderChain, development, existing, genesis_ledger, options},
    node::NodeChain,
    rules::{
        all_contract_rules, all_ledger_rules, contract_rules, deposit_rules, is_development,
        ledger_rules, next_contract_rules, published_rules, rulebook,
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

/// When to commit a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Whatever it comes to.
    Always,
    /// If it succeeds. One that fails by the present state is neither sent nor committed.
    IfSuccessful,
    /// Never. It need not be signed.
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
    /// Whether it was not committed because it fails ([`Keep::IfSuccessful`]).
    pub(crate) is_withheld: bool,
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

/// The receipt of the only operation of a transaction, with all gas of the transaction.
fn receipt_of(result: TransactionResult) -> Result<Receipt, Failure> {
    let receipt = result.receipts.into_iter().next();
    let receipt = receipt.ok_or_else(|| Failure::usage("the transaction has no operation"))?;
    Ok(Receipt {
        gas_used: result.gas_used,
        gas_limit: result.gas_limit,
        ..receipt
    })
}

/// The chain of a verb.
#[derive(Debug)]
pub(crate) enum Chain {
    Folder(Box<FolderChain>),
    Node(Box<NodeChain>),
}

impl Chain {
    /// The chain of the flags. A data folder that is missing is made.
    pub(crate) fn open(args: &ChainArgs) -> Result<Self, Failure> {
        let place = args.place();
        if args.chain_id.is_some() && matches!(place, Place::Folder(_)) {
            return Err(
                Failure::usage("--chain-id makes no sense with a data folder")
                    .next("leave it out, or give the URL of a node with --node"),
            );
        }
        let chain: Self = match place {
            Place::Folder(path) => FolderChain::open_within(&path, args.wait())?.into(),
            Place::Node(url) => NodeChain::open(&url, args)?.into(),
        };
        chain.book()?.open();
        Ok(chain)
    }

    /// The names that addresses of this chain have.
    pub(crate) fn book(&self) -> Result<Book, Failure> {
        match self {
            Self::Folder(chain) => Book::read(Some(chain.path()), &chain.chain_id()?),
            Self::Node(chain) => Book::read(None, chain.facts().chain_id.as_ref()),
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
            Self::Folder(chain) => Ok(chain.executing(args)?.into()),
            Self::Node(chain) => Ok(chain.executing(args)?.into()),
        }
    }

    /// Sets the engines of a chain in a data folder.
    pub(crate) fn on(self, contracts: Vec<On<Contracts>>) -> Self {
        match self {
            Self::Folder(chain) => chain.on(contracts).into(),
            Self::Node(_) => self,
        }
    }

    /// Sets whether to trace transactions and queries. Engines then have to agree on the traces,
    /// too.
    pub(crate) fn tracing(self, tracing: Tracing) -> Result<Self, Failure> {
        match self {
            Self::Folder(chain) => Ok(chain.tracing(tracing).into()),
            Self::Node(chain) => Ok(chain.tracing(tracing)?.into()),
        }
    }

    /// Writes the capsule of each transaction, if the flags name a file.
    pub(crate) fn recording(self, flags: &CapsuleArgs) -> Result<Self, Failure> {
        match self {
            Self::Folder(chain) => Ok(chain.recording(flags).into()),
            Self::Node(chain) => Ok(chain.recording(flags)?.into()),
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
            Self::Node(chain) => Ok(State::Node(chain.state_at(height)?)),
        }
    }

    /// The data folder, if it is in one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(chain) => Some(chain.path()),
            Self::Node(_) => None,
        }
    }

    /// The names of the engines that execute.
    pub(crate) fn engines(&self) -> Vec<String> {
        match self {
            Self::Folder(chain) => chain.engines(),
            Self::Node(chain) => chain.engines(),
        }
    }

    /// The methods of the contract at an address; `None` if the current rules refuse its code.
    pub(crate) fn methods(&self, address: Address) -> Result<Option<Vec<String>>, Failure> {
        match self {
            Self::Folder(chain) => chain.methods(address),
            Self::Node(chain) => chain.methods(address),
        }
    }

    /// The gas limit of a query, where no other is given.
    pub(crate) fn query_gas(&self) -> Gas {
        match self {
            Self::Folder(_) => DEFAULT_GAS,
            Self::Node(chain) => chain.query_gas(),
        }
    }

    /// Executes a transaction, and commits it as [`Keep`] says. An invalid transaction is a
    /// failure, and changes nothing.
    pub(crate) fn execute(&self, request: &Request, keep: Keep) -> Result<Executed, Failure> {
        match self {
            Self::Folder(chain) => chain.execute(request, keep),
            Self::Node(chain) => chain.execute(request, keep),
        }
    }

    /// Runs a query in the state after a block, by default after the last one.
    pub(crate) fn query(&self, query: &Query, height: Option<u64>) -> Result<Executed, Failure> {
        match self {
            Self::Folder(chain) => chain.query(query, height),
            Self::Node(chain) => chain.query(query, height),
        }
    }

    /// The identity of genesis.
    pub(crate) const fn genesis(&self) -> [u8; 32] {
        match self {
            Self::Folder(chain) => chain.genesis(),
            Self::Node(chain) => chain.facts().genesis.0,
        }
    }

    /// The height of the first block.
    pub(crate) fn initial_height(&self) -> u64 {
        match self {
            Self::Folder(chain) => chain.chain().initial_height(),
            Self::Node(chain) => chain.facts().initial_height,
        }
    }

    /// The first height whose block is kept.
    pub(crate) fn first_height(&self) -> u64 {
        match self {
            Self::Folder(chain) => chain.first_height(),
            Self::Node(chain) => chain.first_height(),
        }
    }

    /// The headers of the last blocks, in order.
    pub(crate) fn headers(&self, last: u64) -> Result<Vec<BlockSummary>, Failure> {
        match self {
            Self::Folder(chain) => chain.headers(last),
            Self::Node(chain) => chain.headers(last),
        }
    }

    /// A transaction that waits, or is in a block that is kept.
    pub(crate) fn transaction(&self, id: TransactionId) -> Result<Option<Found>, Failure> {
        match self {
            Self::Folder(chain) => chain.transaction(id),
            Self::Node(chain) => chain.transaction(id),
        }
    }

    /// The block of a height.
    pub(crate) fn block(&self, height: u64) -> Result<Block, Failure> {
        match self {
            Self::Folder(chain) => chain.block_at(height),
            Self::Node(chain) => chain.block(height),
        }
    }
}

impl From<FolderChain> for Chain {
    fn from(chain: FolderChain) -> Self {
        Self::Folder(Box::new(chain))
    }
}

impl From<NodeChain> for Chain {
    fn from(chain: NodeChain) -> Self {
        Self::Node(Box::new(chain))
    }
}

#[cfg(test)]
mod tests;
