//! The chain in a data folder: a block for each transaction, executed on every engine.
//!
//! The first use of a folder makes a development chain, whose accounts have funds. No clock decides
//! about a block, so a repetition comes to the same.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use fusee::chain::{
    self as chains, Address, BlockContext, ChainError, Contracts, DataFolder, DebugLog, Inspector,
    Options, Query, Receipt, Status,
    store::{ChainStoreError, Version},
};
use fusee::ledger::{
    Authorization, Block, Finalized, Genesis, Ledger, Parameters, Position, Rulebook,
    SignedTransaction, TransactionBody, TransactionId,
};
use fusee::rpc::types::BlockSummary;
use fusee::sandbox::Interrupt;

use super::{
    Committed, DEFAULT_GAS, Executed, Found, Keep, Request, Tracing,
    agreement::{self, Observed},
    capsule, rules,
};
use crate::{
    addresses,
    args::{CapsuleArgs, CommonArgs},
    engines::{self, EngineChoice, On},
    failure::Failure,
    names, progress,
    signer::Signer,
};

/// Initial balance of each development account.
pub(crate) const FUNDS: u128 = 1_000_000_000_000;

/// The folder of compiled programs in the data folder.
pub(crate) const ARTIFACTS: &str = "compiled";

/// The time from one block to the next in milliseconds, where no time is given.
const BLOCK_TIME: u64 = 1_000;

/// After how many changed keys a checkpoint is due.
const CHECKPOINT_KEYS: u64 = 20_000;

/// The time between two attempts to open a folder that another process uses.
const PAUSE: Duration = Duration::from_millis(20);

/// The most bytes of one debug log that are kept.
const LOG_BYTES: usize = 1 << 20;

/// The most bytes of one trace that are kept.
const TRACE_BYTES: usize = 16 << 20;

/// The chain in a data folder. It locks the folder while it is open.
#[derive(Debug)]
pub(crate) struct FolderChain {
    path: PathBuf,
    genesis: [u8; 32],
    chain: chains::Chain,
    contracts: Vec<On<Contracts>>,
    time: Option<u64>,
    tracing: Tracing,
    recording: Option<CapsuleArgs>,
}

/// The chain in a folder; a development chain, if there is none.
pub(crate) fn folder(path: &Path) -> Result<DataFolder, Failure> {
    match DataFolder::open(path)? {
        Some(folder) => Ok(folder),
        None => Ok(DataFolder::create(path, development())?),
    }
}

/// The data folder that is there.
pub(crate) fn existing(path: &Path) -> Result<DataFolder, Failure> {
    DataFolder::open(path)?.ok_or_else(|| {
        Failure::usage(format!("`{}` has no chain", path.display()))
            .next("choose the data folder with --data, or make one with `fusee init`")
    })
}

/// How the store of a folder is opened: with a checkpoint after far fewer keys than a node has,
/// because every command reads the blocks behind the last one.
pub(crate) fn options(folder: &DataFolder) -> Options {
    let mut options = folder.options();
    options.checkpoint_keys = CHECKPOINT_KEYS;
    options
}

/// A ledger that can make the first state of a chain. Blocks are executed by others.
pub(crate) fn genesis_ledger(genesis: &Genesis) -> Result<Ledger, Failure> {
    if genesis.contracts.is_empty() {
        return Ok(Ledger::new(Rulebook::new()));
    }
    let rules = rules::contract_rules(&genesis.parameters, genesis.initial_height)?;
    let contracts = engines::contracts(EngineChoice::Wasmi, None, &rules)?;
    let book = contracts
        .into_iter()
        .next()
        .map(|on| rules::rulebook(on.it));
    Ok(Ledger::new(book.unwrap_or_default()))
}

/// The genesis of a development chain.
pub(crate) fn development() -> Genesis {
    let accounts = names::ACCOUNTS.map(|name| (name, FUNDS));
    Genesis::development(chains::ContractRules::latest().id(), &accounts)
}

impl FolderChain {
    /// Opens the folder, and creates it if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_within(path, Duration::ZERO)
    }

    /// The same, and waits for so long while another process uses the folder.
    pub(crate) fn open_within(path: &Path, wait: Duration) -> Result<Self, Failure> {
        let folder = folder(path)?;
        let ledger = genesis_ledger(folder.genesis())?;
        Ok(Self {
            chain: when_free(wait, || folder.chain(ledger.clone(), options(&folder)))?,
            path: path.to_path_buf(),
            genesis: folder.genesis().identity(),
            contracts: Vec::new(),
            time: None,
            tracing: Tracing::Off,
            recording: None,
        })
    }

    /// Sets the engines and the time of the flags.
    pub(crate) fn executing(self, args: &CommonArgs) -> Result<Self, Failure> {
        let rules = self.contract_rules()?;
        let choice = args.engine.unwrap_or(EngineChoice::Tiered);
        let artifacts = self.path.join(ARTIFACTS);
        let contracts = engines::contracts(choice, Some(&artifacts), &rules)?;
        Ok(self.at(args.time).on(contracts))
    }

    /// Sets the engines. Without one, nothing can be executed.
    pub(crate) fn on(self, contracts: Vec<On<Contracts>>) -> Self {
        Self { contracts, ..self }
    }

    /// The names of the engines.
    pub(crate) fn engines(&self) -> Vec<String> {
        let engines = self.contracts.iter();
        engines.map(|on| on.engine.to_owned()).collect()
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The methods of the contract at an address; `None` if the current rules refuse its code.
    pub(crate) fn methods(&self, address: Address) -> Result<Option<Vec<String>>, Failure> {
        match self.contracts.first() {
            Some(first) => Ok(first.it.methods(Arc::new(self.state()?), address)?),
            None => Ok(None),
        }
    }

    /// Sets the time of blocks, in milliseconds since the Unix epoch. Default: a second after the
    /// last one.
    pub(crate) fn at(self, time: Option<u64>) -> Self {
        Self { time, ..self }
    }

    /// Sets whether to trace transactions and queries. The engines then have to agree on the
    /// traces, too.
    pub(crate) fn tracing(self, tracing: Tracing) -> Self {
        Self { tracing, ..self }
    }

    /// Writes the capsule of each transaction, if the flags name a file. The engines then have to
    /// agree on the capsule, too.
    pub(crate) fn recording(self, flags: &CapsuleArgs) -> Self {
        let recording = flags.capsule.is_some().then(|| flags.clone());
        Self { recording, ..self }
    }

    /// The state after the last block.
    pub(crate) fn state(&self) -> Result<Version, Failure> {
        self.state_at(None)
    }

    /// The state after a block, by default after the last one.
    pub(crate) fn state_at(&self, height: Option<u64>) -> Result<Version, Failure> {
        Ok(self.chain.version(height)?)
    }

    /// The chain on disk.
    pub(crate) const fn chain(&self) -> &chains::Chain {
        &self.chain
    }

    /// The rules of contracts in the next block.
    pub(crate) fn contract_rules(&self) -> Result<chains::ContractRules, Failure> {
        rules::next_contract_rules(&self.state()?)
    }

    /// The identity of genesis.
    pub(crate) const fn genesis(&self) -> [u8; 32] {
        self.genesis
    }

    /// The first height whose block is kept.
    pub(crate) fn first_height(&self) -> u64 {
        let first = self.chain.store().first_height();
        first.max(self.chain.initial_height())
    }

    /// The headers of the last blocks, in order.
    pub(crate) fn headers(&self, last: u64) -> Result<Vec<BlockSummary>, Failure> {
        let head = self.state()?.height();
        let first = head.saturating_add(1).saturating_sub(last);
        let heights = first.max(self.first_height())..=head;
        let blocks = heights.map(|height| Ok(BlockSummary::from(&self.chain.block(height)?)));
        blocks.collect()
    }

    /// The block of a height, with what was done in it.
    pub(crate) fn block_at(&self, height: u64) -> Result<super::Block, Failure> {
        let stored = self.chain.block(height)?;
        let parameters = Parameters::read(&self.state()?)?;
        super::Block::of(&stored, &rules::ledger_rules(&parameters, height)?)
    }

    /// A transaction in a block that is kept. The newest blocks are searched first.
    pub(crate) fn transaction(&self, id: TransactionId) -> Result<Option<Found>, Failure> {
        for height in (self.first_height()..=self.state()?.height()).rev() {
            let transactions = self.block_at(height)?.transactions.into_iter();
            for (transaction, index) in transactions.zip(0..) {
                if let (Some(found), Some(body)) = (transaction.id, transaction.body)
                    && found == id
                    && transaction.result.code == 0
                {
                    let included = Some((height, index, transaction.result));
                    return Ok(Some(Found { id, body, included }));
                }
            }
        }
        Ok(None)
    }

    /// Runs a transaction on every engine, and commits its block once if the engines agree, as
    /// [`Keep`] says. An invalid transaction is a failure, and changes nothing.
    pub(crate) fn execute(&self, request: &Request, keep: Keep) -> Result<Executed, Failure> {
        let state = self.state()?;
        let (block, id) = self.block(&state, request, keep)?;
        let log = DebugLog::new(LOG_BYTES);
        let mut capsules = Vec::new();
        let results = self.on_each(&log, |contracts| {
            let ledger = Ledger::new(rules::rulebook(contracts.clone()));
            let state: Arc<dyn chains::StateReader> = Arc::new(state.clone());
            let ledger = match keep {
                Keep::Always | Keep::IfSuccessful => ledger,
                Keep::Nothing => ledger.simulating(),
            };
            if self.recording.is_some() {
                // There is none of an invalid transaction.
                capsules.extend(ledger.capsule(Arc::clone(&state), &block, 0)?);
            }
            Ok(ledger.finalize(state, &block)?)
        })?;
        // Written before anything is compared: it is what a bug is reported with.
        let (capsule, is_same) = self.keep(capsules)?;
        if !is_same || !engines::agree(&results, Observed::eq(Finalized::eq)) {
            let shown = Observed::shown(agreement::finalized);
            let failure = engines::disagreement(&results, shown);
            return Err(match capsule {
                None => failure,
                Some(file) => failure.next(format!(
                    "nothing was committed; `fusee replay {file}` finds where they differ: report \
                     it with that file"
                )),
            });
        }
        let Observed { result, trace } = agreement::first(results)?;
        let (receipt, fee) = receipt_of(&result, request)?;
        let is_withheld = keep == Keep::IfSuccessful && receipt.status != Status::Success;
        let committed = match keep {
            Keep::Nothing => None,
            Keep::IfSuccessful if is_withheld => None,
            Keep::Always | Keep::IfSuccessful => Some(self.commit(block, result, id)?),
        };
        Ok(Executed {
            receipt,
            fee,
            committed,
            is_withheld,
            log: log.lines(),
            trace,
            capsule,
            frames: Vec::new(),
        })
    }

    fn keep(&self, capsules: Vec<chains::Capsule>) -> Result<(Option<String>, bool), Failure> {
        match &self.recording {
            Some(flags) => capsule::keep(flags, capsules),
            None => Ok((None, true)),
        }
    }

    /// The next block, with one transaction: signed, if it is to be kept.
    fn block(
        &self,
        state: &Version,
        request: &Request,
        keep: Keep,
    ) -> Result<(Block, TransactionId), Failure> {
        let parameters = Parameters::read(state)?;
        let last = Position::read(state)?;
        let height = last.height.saturating_add(1);
        let sender = request.sender.address();
        let body = TransactionBody {
            chain_id: parameters.chain_id.clone(),
            sender,
            nonce: addresses::account(state, sender)?.nonce,
            expiry: height,
            gas_limit: request.gas.unwrap_or(DEFAULT_GAS),
            gas_price: request.gas_price.unwrap_or(parameters.minimum_price()),
            fee_payer: request.fee_payer.as_ref().map(Signer::address),
            operations: vec![request.operation.clone()],
        };
        let id = body.id();
        let sign = |signer: &Signer| match keep {
            Keep::Always | Keep::IfSuccessful => Ok::<_, Failure>(signer.unlock()?.sign(&id)),
            Keep::Nothing => Ok(Authorization::unsigned(&signer.public_key())),
        };
        let sender = sign(&request.sender)?;
        let fee_payer = request.fee_payer.as_ref().map(sign).transpose()?;
        let rules = rules::ledger_rules(&parameters, height)?;
        let transaction = SignedTransaction::new(body, sender, fee_payer, &rules);
        let transaction = transaction.map_err(|invalid| Failure::invalid(&invalid, request))?;
        let time = self
            .time
            .unwrap_or_else(|| last.time.saturating_add(BLOCK_TIME));
        let block = Block {
            height,
            time,
            proposer: BlockContext::default().proposer,
            transactions: vec![transaction.encode()],
            misbehaviour: Vec::new(),
        };
        Ok((block, id))
    }

    fn commit(
        &self,
        block: Block,
        result: Finalized,
        id: TransactionId,
    ) -> Result<Committed, Failure> {
        let sealed = self.chain.seal(chains::Executed::of(block, result))?;
        let (header, _) = self.chain.commit(sealed)?;
        Ok(Committed {
            height: header.height,
            id,
        })
    }

    /// The name of the chain.
    pub(crate) fn chain_id(&self) -> Result<String, Failure> {
        let parameters = Parameters::read(&self.state_at(None)?)?;
        Ok(parameters.chain_id.as_str().to_owned())
    }

    /// Runs a query on every engine, in a block, by default in the last one.
    pub(crate) fn query(&self, query: &Query, height: Option<u64>) -> Result<Executed, Failure> {
        let state = self.state_at(height)?;
        let last = Position::read(&state)?;
        let block = BlockContext {
            chain_id: Parameters::read(&state)?.chain_id.as_str().into(),
            height: last.height,
            time: self.time.unwrap_or(last.time),
            ..BlockContext::default()
        };
        let log = DebugLog::new(LOG_BYTES);
        let receipts = self.on_each(&log, |contracts| {
            let (state, query) = (Arc::new(state.clone()), query.clone());
            Ok(contracts.query(state, query, &block, &Interrupt::new())?)
        })?;
        if !engines::agree(&receipts, Observed::eq(Receipt::eq)) {
            return Err(engines::disagreement(
                &receipts,
                Observed::shown(agreement::receipt),
            ));
        }
        let Observed { result, trace } = agreement::first(receipts)?;
        Ok(Executed {
            receipt: result,
            fee: 0,
            committed: None,
            is_withheld: false,
            log: log.lines(),
            trace,
            capsule: None,
            frames: Vec::new(),
        })
    }

    /// Does the same on every engine, with a log, and a trace if the chain traces.
    fn on_each<T>(
        &self,
        log: &DebugLog,
        mut work: impl FnMut(&Contracts) -> Result<T, Failure>,
    ) -> Result<Vec<On<Observed<T>>>, Failure> {
        let mut results = Vec::new();
        for on in &self.contracts {
            let mut contracts = on.it.clone().debug_log(log.clone());
            let inspector = match self.tracing {
                Tracing::Off => None,
                Tracing::On => Some(Inspector::new(TRACE_BYTES)),
                Tracing::ByFunction => Some(Inspector::new(TRACE_BYTES).by_function()),
            };
            if let Some(inspector) = &inspector {
                contracts = contracts.inspector(inspector.clone());
            }
            let result = work(&contracts)?;
            let trace = inspector.map(|inspector| inspector.trace());
            results.push(On {
                engine: on.engine,
                it: Observed { result, trace },
            });
        }
        Ok(results)
    }
}

/// Opens a chain. Waits for so long while another process uses it.
fn when_free<T>(
    wait: Duration,
    mut open: impl FnMut() -> Result<T, ChainError>,
) -> Result<T, Failure> {
    let mut left = wait;
    let waiting = progress::Waiting::new("waiting for another process that uses the folder");
    loop {
        match open() {
            Err(ChainError::Store(ChainStoreError::Locked { .. })) if !left.is_zero() => {
                waiting.show();
                let pause = PAUSE.min(left);
                thread::sleep(pause);
                left = left.saturating_sub(pause);
            }
            opened => return Ok(opened?),
        }
    }
}

/// The receipt of the only operation of a block, with all gas of its transaction, and the fee.
fn receipt_of(block: &Finalized, request: &Request) -> Result<(Receipt, u128), Failure> {
    let outcome = block.transactions.first();
    let outcome = outcome.ok_or_else(|| Failure::usage("the block has no transaction"))?;
    if let Some(invalid) = &outcome.invalid {
        return Err(Failure::invalid(invalid, request));
    }
    let result = outcome.result.clone();
    let fee = result.fee;
    Ok((super::receipt_of(result)?, fee))
}
