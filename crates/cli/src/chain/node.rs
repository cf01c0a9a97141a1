//! The chain behind a node: read and simulated by JSON-RPC; transactions are signed here, and sent.

mod convert;
mod remote;
mod sending;
mod state;

use std::sync::Arc;

use fusee::chain::{Address, Query};
use fusee::ledger::TransactionId;
use fusee::rpc::{
    ErrorKind,
    methods::{self, GetBlock, GetBlocks, GetChain, GetContract, GetHealth, GetTransaction, Order},
    types::{
        BlockSummary, Bytes, ChainFacts, EventEntry, EventPlace, Health, Hex32, Simulation,
        Transaction, TransactionDetail,
    },
};
use fusee::sandbox::Gas;

use super::{Block, Committed, DEFAULT_GAS, EventFilter, Executed, Found, Keep, Request, Tracing};
use crate::{
    args::{CapsuleArgs, ChainArgs, CommonArgs},
    failure::{Exit, Failure},
};

use self::{
    remote::{Deadline, Remote},
    sending::{Keys, Sending, Sent, is_success},
};

pub(crate) use self::state::RemoteState;

/// The most headers of a page.
const HEADERS: u32 = 100;

/// The most events of a page.
const EVENTS: u32 = 1_000;

/// The chain behind a node.
#[derive(Debug)]
pub(crate) struct NodeChain {
    remote: Arc<Remote>,
    facts: ChainFacts,
    tracing: Tracing,
}

impl NodeChain {
    /// Asks the node at a URL which chain it has.
    pub(super) fn open(url: &str, args: &ChainArgs) -> Result<Self, Failure> {
        let remote = Arc::new(Remote::new(url, args.wait())?);
        let facts = remote.call(&GetChain::new())?;
        if let Some(expected) = args.chain_id.as_ref().filter(|it| **it != facts.chain_id) {
            let found = &facts.chain_id;
            return Err(
                Failure::usage(format!("{url} has the chain `{found}`, not `{expected}`"))
                    .next("give the URL of a node of that chain, or the name of this one"),
            );
        }
        Ok(Self {
            remote,
            facts,
            tracing: Tracing::Off,
        })
    }

    /// Refuses the flags that only a data folder has.
    pub(super) fn executing(self, args: &CommonArgs) -> Result<Self, Failure> {
        let refuse = |flag: &str, next: &str| {
            Err(Failure::usage(format!("{flag} makes no sense with a node")).next(next))
        };
        match (args.engine, args.time) {
            (Some(_), _) => refuse(
                "--engine",
                "leave it out: results do not depend on the engine, and the node has its own",
            ),
            (_, Some(_)) => refuse(
                "--time",
                "leave it out: the node decides the time of blocks",
            ),
            (None, None) => Ok(self),
        }
    }

    pub(super) fn recording(self, flags: &CapsuleArgs) -> Result<Self, Failure> {
        match flags.capsule {
            Some(_) => Err(Failure::usage("--capsule makes no sense with a node").next(
                "leave it out; capsules are of transactions that a data folder executes (--data)",
            )),
            None => Ok(self),
        }
    }

    pub(super) fn tracing(self, tracing: Tracing) -> Result<Self, Failure> {
        match tracing {
            Tracing::ByFunction => Err(Failure::usage("--svg makes no sense with a node")
                .next("leave it out: a node does not tell the functions of a call apart")),
            tracing => Ok(Self { tracing, ..self }),
        }
    }

    /// What the chain is, and the node.
    pub(crate) const fn facts(&self) -> &ChainFacts {
        &self.facts
    }

    pub(crate) fn url(&self) -> &str {
        self.remote.url()
    }

    pub(crate) fn health(&self) -> Result<Health, Failure> {
        Ok(self.remote.call(&GetHealth::new())?)
    }

    pub(super) fn engines(&self) -> Vec<String> {
        vec![self.facts.engine.clone()]
    }

    pub(super) fn state_at(&self, height: Option<u64>) -> Result<RemoteState, Failure> {
        Ok(RemoteState::at(Arc::clone(&self.remote), height)?)
    }

    pub(super) fn methods(&self, address: Address) -> Result<Option<Vec<String>>, Failure> {
        let contract = self.remote.call(&GetContract::new(address.into()))?;
        Ok(contract.methods)
    }

    /// The first height whose block is kept.
    pub(super) fn first_height(&self) -> u64 {
        self.facts.first_height.max(self.facts.initial_height)
    }

    /// The headers of the last blocks, in order.
    pub(super) fn headers(&self, last: u64) -> Result<Vec<BlockSummary>, Failure> {
        let mut headers = Vec::new();
        let mut before = None;
        loop {
            let count = u64::try_from(headers.len()).unwrap_or(u64::MAX);
            let left = last.saturating_sub(count).min(HEADERS.into());
            let limit = u32::try_from(left).unwrap_or(HEADERS);
            if limit == 0 {
                break;
            }
            let params = GetBlocks {
                before,
                limit: Some(limit),
                ..GetBlocks::new()
            };
            let page = self.remote.call(&params)?;
            headers.extend(page.blocks);
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        headers.reverse();
        Ok(headers)
    }

    pub(super) fn block(&self, height: u64) -> Result<Block, Failure> {
        let params = GetBlock {
            height: Some(height),
            transactions: TransactionDetail::Full,
            ..GetBlock::new()
        };
        convert::block(self.remote.call(&params)?)
    }

    /// A transaction that waits, or is in a block.
    pub(super) fn transaction(&self, id: TransactionId) -> Result<Option<Found>, Failure> {
        match self.remote.call(&GetTransaction::new(hex(id))) {
            Ok(found) => convert::transaction(found).map(Some),
            Err(error) if remote::kind(&error) == Some(ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Events of a contract, at most `limit`, in the order of the filter.
    pub(super) fn events(
        &self,
        contract: Address,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Vec<EventEntry>, Failure> {
        let mut events = Vec::new();
        let mut cursor: Option<EventPlace> = filter.after;
        loop {
            let left = limit.saturating_sub(events.len());
            let left = u32::try_from(left).unwrap_or(EVENTS).min(EVENTS);
            if left == 0 {
                return Ok(events);
            }
            let params = methods::GetEvents {
                topic: filter.topic.clone().map(Bytes),
                from: filter.from,
                order: match filter.is_newest_first {
                    true => Order::NewestFirst,
                    false => Order::OldestFirst,
                },
                cursor,
                limit: Some(left),
                ..methods::GetEvents::new(contract.into())
            };
            let page = self.remote.call(&params)?;
            events.extend(page.events);
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(events),
            }
        }
    }

    pub(super) fn execute(&self, request: &Request, keep: Keep) -> Result<Executed, Failure> {
        match keep {
            Keep::Nothing => self.simulate(request),
            Keep::Always | Keep::IfSuccessful if self.tracing != Tracing::Off => {
                Err(Failure::usage("a node traces nothing that it commits")
                    .next("add --dry-run, or use `fusee trace`, which simulates the call"))
            }
            Keep::Always | Keep::IfSuccessful => self.send(request, keep),
        }
    }

    fn simulate(&self, request: &Request) -> Result<Executed, Failure> {
        let sending = Sending::new(&self.remote, self.state_at(None)?, request)?;
        let is_traced = self.tracing != Tracing::Off;
        simulated(sending.simulate(sending.most_gas()?, is_traced)?)
    }

    fn send(&self, request: &Request, keep: Keep) -> Result<Executed, Failure> {
        let deadline = Deadline::after(self.remote.wait);
        let sending = Sending::new(&self.remote, self.state_at(None)?, request)?;
        let gas = match (keep, request.gas) {
            (Keep::Always, Some(gas)) => gas,
            _ => {
                let (gas, simulation) = sending.rehearse()?;
                if keep == Keep::IfSuccessful && !is_success(&simulation) {
                    return Ok(Executed {
                        is_withheld: true,
                        ..simulated(simulation)?
                    });
                }
                gas
            }
        };
        let keys = Keys::unlock(request)?;
        loop {
            // By the state after the block that had the nonce.
            let sending = Sending::new(&self.remote, self.state_at(None)?, request)?;
            let signed = sending.sign(&keys, gas)?;
            let id = signed.0;
            match sending::send(&self.remote, signed, &deadline)? {
                Sent::Included(transaction) => return committed(id, *transaction),
                Sent::NonceTaken(failure) => match deadline.pause() {
                    true => {}
                    false => return Err(failure),
                },
            }
        }
    }

    pub(super) fn query(&self, query: &Query, height: Option<u64>) -> Result<Executed, Failure> {
        if self.tracing != Tracing::Off {
            return Err(Failure::usage("a node traces no queries")
                .next("use `fusee trace`, which simulates the call and commits nothing"));
        }
        let params = methods::Query {
            input: Bytes(query.input.clone()),
            gas: Some(query.gas.units()),
            height,
            caller: query.from.into(),
            ..methods::Query::new(query.to.into(), query.method.clone())
        };
        let answer = self.remote.call(&params)?;
        Ok(Executed {
            receipt: convert::receipt(answer.receipt)?,
            fee: 0,
            committed: None,
            is_withheld: false,
            log: Vec::new(),
            trace: None,
            capsule: None,
            frames: Vec::new(),
        })
    }

    /// The gas limit of a query, where no other is given.
    pub(super) fn query_gas(&self) -> Gas {
        DEFAULT_GAS.min(Gas::new(self.facts.query_gas))
    }
}

/// What a transaction would come to.
fn simulated(simulation: Simulation) -> Result<Executed, Failure> {
    let result = convert::result(simulation.result)?;
    let trace = simulation.trace.map(convert::trace).transpose()?;
    Ok(Executed {
        fee: result.fee,
        receipt: super::receipt_of(result)?,
        committed: None,
        is_withheld: false,
        log: Vec::new(),
        trace,
        capsule: None,
        frames: Vec::new(),
    })
}

/// A transaction that a block has.
fn committed(id: TransactionId, transaction: Transaction) -> Result<Executed, Failure> {
    let (Some(result), Some(height)) = (transaction.result, transaction.height) else {
        let error = anyhow::anyhow!("the node answers without the block of transaction {id}");
        return Err(Failure::new(Exit::Host, error)
            .next("use the version of fusee that the node has: `fusee status` tells it"));
    };
    let result = convert::result(result)?;
    Ok(Executed {
        fee: result.fee,
        receipt: super::receipt_of(result)?,
        committed: Some(Committed { height, id }),
        is_withheld: false,
        log: Vec::new(),
        trace: None,
        capsule: None,
        frames: Vec::new(),
    })
}

fn hex(id: TransactionId) -> Hex32 {
    Hex32(*id.as_bytes())
}
