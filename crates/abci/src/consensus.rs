//! The connection of consensus: blocks are proposed, processed, executed and committed.

use std::sync::Arc;

use fusee_chain::{Executed, Sealed};
use fusee_ledger::{Block, Finalized, Genesis, HeaderHash, Invalid, Parameters};
use fusee_store::chain::Retention;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    ExecTxResult, RequestFinalizeBlock, RequestInitChain, RequestPrepareProposal,
    RequestProcessProposal, ResponseCommit, ResponseFinalizeBlock, ResponseInitChain,
    ResponsePrepareProposal, ResponseProcessProposal, response_process_proposal::ProposalStatus,
};

use crate::app::lock;
use crate::convert::{BlockParts, gas, milliseconds, signed, unsigned};
use crate::mempool::CODESPACE;
use crate::validators::{MAX_BLOCK_BYTES, block_bytes, consensus_params, initial, updates};
use crate::{App, AppError, events};

/// The type of the validators' keys.
const KEY_TYPE: &str = "ed25519";

/// What was executed for the next block, in memory.
#[derive(Debug, Default)]
pub(crate) struct Undecided {
    /// The last proposal that was accepted. Earlier ones are dropped: it is the one that most
    /// probably is decided.
    accepted: Option<(Block, Executed)>,
    /// The block that was decided.
    decided: Option<Sealed>,
}

impl App {
    /// Begins the chain. Checks that the engine and this node mean the same one; nothing is
    /// written.
    pub(crate) fn init_chain(
        &self,
        request: &RequestInitChain,
    ) -> Result<ResponseInitChain, AppError> {
        let genesis = self.shared.folder.genesis();
        check_app_state(genesis, &request.app_state_bytes)?;
        check_engine(genesis, request)?;
        self.with(|chain| {
            let version = chain.version(None)?;
            if version.height() >= chain.initial_height() {
                let height = version.height();
                return Err(AppError::Begun { height });
            }
            let parameters = Parameters::read(&version)?;
            Ok(ResponseInitChain {
                consensus_params: Some(consensus_params(&parameters, chain.initial_height())),
                validators: initial(&parameters.validators),
                app_hash: hash(chain.last_hash()),
            })
        })
    }

    /// Makes a proposal of what waits. Writes nothing.
    pub(crate) fn prepare(
        &self,
        request: RequestPrepareProposal,
    ) -> Result<ResponsePrepareProposal, AppError> {
        let mut left = u64::try_from(request.max_tx_bytes).unwrap_or(0);
        let parts = BlockParts {
            height: request.height,
            time: request.time,
            proposer: request.proposer_address,
            transactions: request.txs,
            misbehaviour: request.misbehavior,
        };
        self.with(|chain| {
            let candidates = parts.block(chain)?;
            let state = chain.tip()?.state();
            let proposal = chain.ledger().prepare(state, candidates, left)?;
            // The engine counts what frames a transaction in its block as well. The first
            // transactions of a proposal are one, too.
            let fitting = proposal.transactions.into_iter().map_while(|transaction| {
                left = left.checked_sub(framed(transaction.len()))?;
                Some(Bytes::from(transaction))
            });
            let txs = fitting.collect();
            Ok(ResponsePrepareProposal { txs })
        })
    }

    /// Executes a proposal, unless it is refused. Writes nothing.
    pub(crate) fn process(
        &self,
        request: RequestProcessProposal,
    ) -> Result<ResponseProcessProposal, AppError> {
        let parts = BlockParts {
            height: request.height,
            time: request.time,
            proposer: request.proposer_address,
            transactions: request.txs,
            misbehaviour: request.misbehavior,
        };
        let mut undecided = lock(&self.undecided);
        undecided.accepted = None;
        let status = self.with(|chain| {
            let block = match parts.block(chain) {
                Ok(block) => block,
                // Of a proposer, and no fault of this node.
                Err(
                    error @ (AppError::Number { .. } | AppError::Address { .. } | AppError::NoTime),
                ) => {
                    tracing::warn!(%error, "a proposal is refused");
                    return Ok(ProposalStatus::Reject);
                }
                Err(error) => return Err(error),
            };
            Ok(match chain.process(&chain.tip()?, &block)? {
                Ok(executed) => {
                    undecided.accepted = Some((block, executed));
                    ProposalStatus::Accept
                }
                Err(reason) => {
                    tracing::warn!(height = block.height, %reason, "a proposal is refused");
                    ProposalStatus::Reject
                }
            })
        })?;
        Ok(ResponseProcessProposal {
            status: status.into(),
        })
    }

    /// Executes a block that was decided, whatever transactions it has. Writes nothing, and can be
    /// repeated.
    pub(crate) fn finalize(
        &self,
        request: RequestFinalizeBlock,
    ) -> Result<ResponseFinalizeBlock, AppError> {
        let parts = BlockParts {
            height: request.height,
            time: request.time,
            proposer: request.proposer_address,
            transactions: request.txs,
            misbehaviour: request.misbehavior,
        };
        let mut undecided = lock(&self.undecided);
        undecided.decided = None;
        let accepted = undecided.accepted.take();
        self.with(|chain| {
            let block = parts.block(chain)?;
            let height = block.height;
            let before = Parameters::read(&chain.version(None)?)?;
            let executed = match accepted {
                Some((accepted, executed)) if accepted == block => executed,
                _ => chain.execute(&chain.tip()?, chain.verify(block)?)?,
            };
            let after = Parameters::read(&*executed.tip(chain.tip()?).state())?;
            let sealed = chain.seal(executed)?;
            let params = consensus_params(&after, height.saturating_add(1));
            let is_changed = params != consensus_params(&before, height);
            let response = ResponseFinalizeBlock {
                events: block_events(sealed.finalized()),
                tx_results: results(sealed.finalized()),
                validator_updates: updates(&before.validators, &after.validators),
                consensus_param_updates: is_changed.then_some(params),
                app_hash: hash(sealed.header().hash()),
            };
            undecided.decided = Some(sealed);
            Ok(response)
        })
    }

    /// Commits the block that was executed: the one durable write.
    pub(crate) fn commit(&self) -> Result<ResponseCommit, AppError> {
        let decided = lock(&self.undecided).decided.take();
        let decided = decided.ok_or(AppError::NothingToCommit {
            protocol: "`Commit` follows `FinalizeBlock`",
        })?;
        let height = self.shared.with_shared(|chain| {
            let height = chain.commit(decided)?.0.height;
            if let Some(on_commit) = &self.on_commit {
                on_commit.call(chain, &Arc::new(chain.block(height)?));
            }
            Ok(height)
        })?;
        // The engine locks its mempool meanwhile, and checks all that is left again.
        lock(&self.pending).clear();
        if let Some(taker) = &self.taker {
            taker.committed(height);
        }
        let retain_height = self.retain_height(height)?;
        Ok(ResponseCommit { retain_height })
    }

    /// The first height whose block the engine keeps. 0: it keeps all. Nodes that restore a
    /// snapshot need the blocks after it.
    fn retain_height(&self, height: u64) -> Result<i64, AppError> {
        let Retention::Last(blocks) = self.options.store.retention else {
            return Ok(0);
        };
        let first = height.saturating_add(1).saturating_sub(blocks);
        let snapshots = self.shared.snapshot_heights()?;
        let oldest = snapshots.first().copied().unwrap_or(first);
        Ok(signed(first.min(oldest)))
    }
}

/// Checks that the engine's genesis has the genesis of the chain.
fn check_app_state(genesis: &Genesis, app_state: &[u8]) -> Result<(), AppError> {
    let identity = |genesis: &Genesis| HeaderHash::from_bytes(genesis.identity());
    let found = Genesis::parse(&String::from_utf8_lossy(app_state))?;
    let (found, expected) = (identity(&found), identity(genesis));
    match found == expected {
        true => Ok(()),
        false => Err(AppError::OtherGenesis { found, expected }),
    }
}

/// Checks what else the engine's genesis has.
fn check_engine(genesis: &Genesis, request: &RequestInitChain) -> Result<(), AppError> {
    let wrong = |field, found: String, expected: String| {
        Err(AppError::EngineGenesis {
            field,
            found,
            expected,
        })
    };
    let parameters = &genesis.parameters;
    if request.chain_id != parameters.chain_id {
        let (found, expected) = (request.chain_id.clone(), parameters.chain_id.clone());
        return wrong("chain_id", found, expected);
    }
    let initial_height = unsigned("initial_height", request.initial_height)?;
    if initial_height != genesis.initial_height {
        let expected = genesis.initial_height.to_string();
        return wrong("initial_height", initial_height.to_string(), expected);
    }
    let time = milliseconds(request.time)?;
    if time < genesis.time {
        let expected = format!("{} ms since 1970 or later", genesis.time);
        return wrong("genesis_time", format!("{time} ms"), expected);
    }
    let bytes = block_bytes(parameters);
    if bytes >= MAX_BLOCK_BYTES {
        let expected =
            format!("below {MAX_BLOCK_BYTES} with what a block has besides transactions");
        return wrong(
            "app_state.parameters.limits.bytes",
            bytes.to_string(),
            expected,
        );
    }
    let params = request.consensus_params.as_ref();
    let evidence = params.and_then(|params| params.evidence.as_ref());
    let evidence = evidence.map_or(0, |evidence| evidence.max_bytes);
    if evidence > signed(bytes) {
        let expected = format!("at most {bytes}, as the blocks of this chain");
        return wrong(
            "consensus_params.evidence.max_bytes",
            evidence.to_string(),
            expected,
        );
    }
    let types = params.and_then(|params| params.validator.as_ref());
    let types = types.map_or(&[][..], |validator| &validator.pub_key_types);
    if !parameters.validators.is_empty() && !types.iter().any(|name| name == KEY_TYPE) {
        let expected = format!("a list with {KEY_TYPE}");
        let field = "consensus_params.validator.pub_key_types";
        return wrong(field, types.join(", "), expected);
    }
    Ok(())
}

/// The results of a block's transactions. Consensus covers code, data and gas: data is the result
/// whose root is in our header, so both agree.
fn results(finalized: &Finalized) -> Vec<ExecTxResult> {
    let outcomes = finalized.transactions.iter().zip(&finalized.results);
    let result = |(outcome, encoded): (&fusee_ledger::TransactionOutcome, &Vec<u8>)| {
        let status = outcome.result.status().map(|status| status.name());
        let invalid = outcome.invalid.as_ref();
        ExecTxResult {
            code: outcome.result.code,
            data: encoded.clone().into(),
            log: invalid.map(ToString::to_string).unwrap_or_default(),
            info: status
                .or(invalid.map(Invalid::name))
                .unwrap_or_default()
                .to_owned(),
            gas_wanted: gas(outcome.result.gas_limit),
            gas_used: gas(outcome.result.gas_used),
            events: events::of_transaction(outcome),
            codespace: invalid.map(|_| CODESPACE.to_owned()).unwrap_or_default(),
        }
    };
    outcomes.map(result).collect()
}

fn block_events(finalized: &Finalized) -> Vec<tendermint_proto::v0_38::abci::Event> {
    finalized.calls.iter().flat_map(events::of_call).collect()
}

fn hash(hash: HeaderHash) -> Bytes {
    hash.as_bytes().to_vec().into()
}

/// The bytes of a transaction in the engine's block: a tag, its length as a varint, and itself.
fn framed(bytes: usize) -> u64 {
    let length = prost::length_delimiter_len(bytes);
    let framed = bytes.saturating_add(length).saturating_add(1);
    u64::try_from(framed).unwrap_or(u64::MAX)
}
