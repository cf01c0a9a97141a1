//! The chain in a data folder: a block for each transaction, executed on every engine.
//!
//! The first use of a folder makes a development chain, whose accounts have funds. No clock is
//! read, so a repetition comes to the same.

mod agreement;
mod rules;

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use fusee::chain::{
    self as chains, Address, BlockContext, Contracts, DataFolder, DebugLog, Inspector, LogLine,
    Options, Query, Receipt, Trace, store::Version,
};
use fusee::ledger::{
    Authorization, Block, Finalized, Genesis, Ledger, Operation, Parameters, Position, Rulebook,
    SignedTransaction, TransactionBody, TransactionId,
};
use fusee::sandbox::{Gas, Interrupt};

use crate::{
    addresses,
    args::CapsuleArgs,
    decoded::FrameValues,
    engines::{self, EngineChoice, On},
    failure::{Exit, Failure},
    names,
    signer::Signer,
};

use self::agreement::Observed;
pub(crate) use self::rules::{
    all_contract_rules, contract_rules, deposit_rules, is_development, ledger_rules,
    published_rules, rulebook,
};

/// Initial balance of each development account.
pub(crate) const FUNDS: u128 = 1_000_000_000_000;

/// The time from one block to the next in milliseconds, where no time is given.
const BLOCK_TIME: u64 = 1_000;

/// After how many changed keys a checkpoint is due.
const CHECKPOINT_KEYS: u64 = 20_000;

/// The most bytes of one debug log that are kept.
const LOG_BYTES: usize = 1 << 20;

/// The most bytes of one trace that are kept.
const TRACE_BYTES: usize = 16 << 20;

/// The chain in a data folder. It locks the folder while it is open.
#[derive(Debug)]
pub(crate) struct Chain {
    chain: chains::Chain,
    time: Option<u64>,
    tracing: Tracing,
    recording: Option<CapsuleArgs>,
}

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
    pub(crate) gas: Gas,
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

/// The chain in a folder; a development chain, if there is none.
pub(crate) fn folder(path: &Path) -> Result<DataFolder, Failure> {
    match DataFolder::open(path)? {
        Some(folder) => Ok(folder),
        None => Ok(DataFolder::create(path, development())?),
    }
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
    let rules = contract_rules(&genesis.parameters, genesis.initial_height)?;
    let contracts = engines::contracts(EngineChoice::Wasmi, None, &rules)?;
    let book = contracts.into_iter().next().map(|on| rulebook(on.it));
    Ok(Ledger::new(book.unwrap_or_default()))
}

/// The genesis of a development chain.
pub(crate) fn development() -> Genesis {
    let accounts = names::ACCOUNTS.map(|name| (name, FUNDS));
    Genesis::development(chains::ContractRules::latest().id(), &accounts)
}

impl Chain {
    /// Opens the folder, and creates it if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let folder = folder(path)?;
        let ledger = genesis_ledger(folder.genesis())?;
        Ok(Self {
            chain: folder.chain(ledger, options(&folder))?,
            time: None,
            tracing: Tracing::Off,
            recording: None,
        })
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
        let state = self.state()?;
        rules::contract_rules(&Parameters::read(&state)?, state.height().saturating_add(1))
    }

    /// Runs a transaction on every engine, and commits its block once if the engines agree. An
    /// invalid transaction is a failure, and changes nothing.
    pub(crate) fn execute(
        &self,
        contracts: &[On<Contracts>],
        request: &Request,
        keep: Keep,
    ) -> Result<Executed, Failure> {
        let state = self.state()?;
        let (block, id) = self.block(&state, request, keep)?;
        let log = DebugLog::new(LOG_BYTES);
        let mut capsules = Vec::new();
        let results = self.on_each(contracts, &log, |contracts| {
            let ledger = Ledger::new(rules::rulebook(contracts.clone()));
            let state: Arc<dyn chains::StateReader> = Arc::new(state.clone());
            let ledger = match keep {
                Keep::Commit => ledger,
                Keep::Nothing => ledger.simulating(),
            };
            if self.recording.is_some() {
                // There is none of an invalid transaction.
                capsules.extend(ledger.capsule(Arc::clone(&state), &block, 0)?);
            }
            Ok(ledger.finalize(state, &block)?)
        })?;
        // Written before anything is compared: it is what a bug is reported with.
        let (capsule, is_same) = self.keep_capsule(capsules)?;
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
        let committed = match keep {
            Keep::Commit => Some(self.commit(block, result, id)?),
            Keep::Nothing => None,
        };
        Ok(Executed {
            receipt,
            fee,
            committed,
            log: log.lines(),
            trace,
            capsule,
            frames: Vec::new(),
        })
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
            gas_limit: request.gas,
            gas_price: request.gas_price.unwrap_or(parameters.minimum_price()),
            fee_payer: request.fee_payer.as_ref().map(Signer::address),
            operations: vec![request.operation.clone()],
        };
        let id = body.id();
        let sign = |signer: &Signer| match keep {
            Keep::Commit => Ok::<_, Failure>(signer.unlock()?.sign(&id)),
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

    /// Runs a query on every engine, in a block, by default in the last one.
    pub(crate) fn query(
        &self,
        contracts: &[On<Contracts>],
        query: &Query,
        height: Option<u64>,
    ) -> Result<Executed, Failure> {
        let state = self.state_at(height)?;
        let last = Position::read(&state)?;
        let block = BlockContext {
            chain_id: Parameters::read(&state)?.chain_id.as_str().into(),
            height: last.height,
            time: self.time.unwrap_or(last.time),
            ..BlockContext::default()
        };
        let log = DebugLog::new(LOG_BYTES);
        let receipts = self.on_each(contracts, &log, |contracts| {
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
            log: log.lines(),
            trace,
            capsule: None,
            frames: Vec::new(),
        })
    }

    /// Does the same on every engine, with a log, and a trace if the chain traces.
    fn on_each<T>(
        &self,
        contracts: &[On<Contracts>],
        log: &DebugLog,
        mut work: impl FnMut(&Contracts) -> Result<T, Failure>,
    ) -> Result<Vec<On<Observed<T>>>, Failure> {
        let mut results = Vec::new();
        for on in contracts {
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

    /// Writes the first capsule, and compares all. Returns the name of the file.
    fn keep_capsule(
        &self,
        capsules: Vec<chains::Capsule>,
    ) -> Result<(Option<String>, bool), Failure> {
        let Some(CapsuleArgs {
            capsule: Some(path),
            capsule_without_code,
        }) = &self.recording
        else {
            return Ok((None, true));
        };
        let mut encoded = Vec::new();
        for capsule in capsules {
            let capsule = match capsule_without_code {
                true => capsule.without_code(),
                false => capsule,
            };
            encoded.push(capsule.encode()?);
        }
        let Some(first) = encoded.first() else {
            return Ok((None, true));
        };
        write_capsule(path, first)?;
        let is_same = encoded.iter().all(|other| other == first);
        Ok((Some(path.display().to_string()), is_same))
    }
}

/// Writes a capsule, also in the place of another capsule, and of nothing else.
fn write_capsule(path: &Path, capsule: &[u8]) -> Result<(), Failure> {
    let shown = path.display();
    let failed = |error: io::Error| {
        let error = anyhow::Error::new(error).context(format!("cannot write `{shown}`"));
        Failure::new(Exit::Usage, error)
            .next("nothing was committed; choose a file in an existing folder")
    };
    if let Ok(old) = fs::read(path)
        && chains::Capsule::decode(&old).is_err()
    {
        return Err(
            Failure::usage(format!("`{shown}` exists, and is no capsule"))
                .next("nothing was committed; choose another file"),
        );
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(capsule).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// The receipt of the only operation of a block, with all gas of its transaction, and the fee.
fn receipt_of(block: &Finalized, request: &Request) -> Result<(Receipt, u128), Failure> {
    let outcome = block.transactions.first();
    let outcome = outcome.ok_or_else(|| Failure::usage("the block has no transaction"))?;
    if let Some(invalid) = &outcome.invalid {
        return Err(Failure::invalid(invalid, request));
    }
    let result = &outcome.result;
    let receipt = result.receipts.first().cloned();
    let receipt = receipt.ok_or_else(|| Failure::usage("the transaction has no operation"))?;
    let receipt = Receipt {
        gas_used: result.gas_used,
        gas_limit: result.gas_limit,
        ..receipt
    };
    Ok((receipt, result.fee))
}

/// The methods of the contract at an address; `None` if the current rules refuse its code.
pub(crate) fn methods(
    state: &Version,
    contracts: &[On<Contracts>],
    address: Address,
) -> Result<Option<Vec<String>>, Failure> {
    match contracts.first() {
        Some(first) => Ok(first.it.methods(Arc::new(state.clone()), address)?),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
