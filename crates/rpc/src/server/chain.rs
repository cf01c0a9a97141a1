//! Health, the chain, what gas costs, and what waits.

use std::sync::Arc;

use fusee_engine::Interrupt;
use fusee_ledger::{self as ledger, FeeDestination, Scheme, SignedTransaction, chain_digest};
use fusee_node::Production;
use serde_json::value::RawValue;

use super::{
    context::Context,
    convert::{bytes, count, phase},
    failures::timeout,
};
use crate::{
    error::RpcError,
    methods::{Discover, GetChain, GetFeeStatistics, GetHealth, GetMempool},
    types::{
        Activation, Amount, BlockGas, BlockLimits, ChainFacts, FeeStatistics, Health, HealthStatus,
        Hex32, Mempool, Parameters, Payment, Percentiles, ScheduledCall,
    },
};

/// The most blocks of fee statistics.
const MAX_BLOCKS: u32 = 100;

/// The most ids of the mempool.
const MAX_IDS: u32 = 1_000;

pub(super) async fn health(context: Arc<Context>, _: GetHealth) -> Result<Health, RpcError> {
    context.read_health().await
}

pub(super) async fn facts(context: Arc<Context>, _: GetChain) -> Result<ChainFacts, RpcError> {
    context.work(|context, _| context.facts()).await
}

pub(super) async fn discover(
    context: Arc<Context>,
    _: Discover,
) -> Result<Box<RawValue>, RpcError> {
    Ok(context.document.clone())
}

pub(super) async fn fee_statistics(
    context: Arc<Context>,
    params: GetFeeStatistics,
) -> Result<FeeStatistics, RpcError> {
    let blocks = params.blocks.unwrap_or(20).clamp(1, MAX_BLOCKS);
    let work = move |context: &Context, interrupt: &_| context.fee_statistics(blocks, interrupt);
    context.work(work).await
}

pub(super) async fn mempool(
    context: Arc<Context>,
    params: GetMempool,
) -> Result<Mempool, RpcError> {
    let limit = params.limit.unwrap_or(100).min(MAX_IDS);
    context
        .work(move |context, _| Ok(context.mempool(limit)))
        .await
}

impl Context {
    /// How the node is. It waits for no other call.
    pub(super) async fn read_health(self: &Arc<Self>) -> Result<Health, RpcError> {
        self.look(|context, _| context.health()).await
    }

    fn health(&self) -> Result<Health, RpcError> {
        let metrics = self.node.metrics();
        let head = self.node.head();
        let failure = self.node.failure();
        let initial = self.node.chain().initial_height();
        let head = head.filter(|head| head.height >= initial);
        let header = head.map(|head| self.node.chain().header(head.height));
        let header = header.transpose()?;
        // Where a transaction makes the first block, it would wait for a node that is ready.
        let awaits_block = self.node.production() != Production::Each;
        let (status, reason) = match (&failure, &header) {
            (Some(failure), _) => (HealthStatus::Failed, Some(failure.to_string())),
            (None, None) if awaits_block => (
                HealthStatus::NoBlock,
                Some("the chain has no block yet".to_owned()),
            ),
            (None, _) => (HealthStatus::Ok, None),
        };
        Ok(Health {
            status,
            reason,
            height: header.as_ref().map(|header| header.height),
            time: header.as_ref().map(|header| header.time),
            indexed_height: metrics.indexed_height,
            catching_up: metrics.indexed_height < metrics.height,
            mempool: count(metrics.mempool.transactions),
            version: self.options.version.clone(),
        })
    }

    fn facts(&self) -> Result<ChainFacts, RpcError> {
        let chain = self.node.chain();
        let state = self.node.version(None)?;
        let parameters = ledger::Parameters::read(&state)?;
        let height = state.height();
        let rules = chain
            .ledger()
            .rulebook()
            .at(&parameters, height.saturating_add(1))?;
        let production = match self.node.production() {
            Production::Each => "each",
            Production::Every(_) => "every",
            Production::ByHand => "by_hand",
            _ => "consensus",
        };
        Ok(ChainFacts {
            chain: Hex32(chain_digest(&parameters.chain_id)),
            genesis: Hex32(self.options.genesis),
            initial_height: chain.initial_height(),
            first_height: chain.store().first_height().max(chain.initial_height()),
            height,
            ledger_rules: rules.ledger_id.into(),
            contract_rules: rules.contracts_id.into(),
            is_development: rules.ledger.signature_price(Scheme::Development).is_some(),
            version: self.options.version.clone(),
            engine: self.options.engine.clone(),
            production: production.to_owned(),
            query_gas: self.node.query_gas().units(),
            chain_id: parameters.chain_id.clone(),
            parameters: convert(&parameters),
        })
    }

    fn fee_statistics(
        &self,
        blocks: u32,
        interrupt: &Interrupt,
    ) -> Result<FeeStatistics, RpcError> {
        let chain = self.node.chain();
        let state = self.node.version(None)?;
        let parameters = ledger::Parameters::read(&state)?;
        let height = state.height();
        let first = chain.store().first_height().max(chain.initial_height());
        let from = height.saturating_add(1).saturating_sub(blocks.into());
        let mut prices = Vec::new();
        let mut gas = Vec::new();
        for height in (from.max(first)..=height).rev() {
            if interrupt.is_triggered() {
                return Err(timeout());
            }
            let block = self.node.block(height)?;
            let rules = chain.ledger().rulebook().at(&parameters, height)?.ledger;
            prices.extend(prices_of(&block.transactions, &rules));
            gas.push(BlockGas {
                height,
                gas_used: block.header.gas_used.units(),
                gas_declared: block.header.gas_declared.units(),
                transactions: count(block.transactions.len()),
            });
        }
        let rules = self.node.mempool().rules();
        let encodings = self.node.mempool().transactions();
        let mut waiting = prices_of(&encodings, &rules);
        waiting.sort_unstable();
        let minimum = match parameters.payment {
            ledger::Payment::Fees { minimum_price, .. } => minimum_price,
            ledger::Payment::Quotas { .. } => 0,
        };
        // A block takes the best: what is beyond a block's worth of them sets the price.
        let room = usize::try_from(parameters.limits.transactions).unwrap_or(usize::MAX);
        let beyond = waiting.len().checked_sub(room.saturating_add(1));
        let marginal = beyond.and_then(|index| waiting.get(index).copied());
        // Who is to displace another one in a full mempool has to pay more.
        let marginal = marginal.or_else(|| waiting.first().copied().filter(|_| self.is_full()));
        let suggested = marginal.map_or(minimum, |price| {
            let tenth = price.checked_div(10).unwrap_or_default().max(1);
            price.saturating_add(tenth).max(minimum)
        });
        Ok(FeeStatistics {
            height,
            minimum_price: Amount(minimum),
            suggested_price: Amount(suggested),
            included: percentiles(prices),
            waiting: percentiles(waiting),
            blocks: gas,
        })
    }

    /// Whether the mempool has no room, or next to none.
    fn is_full(&self) -> bool {
        let mempool = self.node.mempool();
        let (size, limits) = (mempool.size(), mempool.limits());
        let nearly_all = limits.bytes.saturating_sub(limits.bytes.div_euclid(64));
        size.transactions >= limits.transactions || size.bytes > nearly_all
    }

    fn mempool(&self, limit: u32) -> Mempool {
        let mempool = self.node.mempool();
        let (size, limits) = (mempool.size(), mempool.limits());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Mempool {
            transactions: count(size.transactions),
            bytes: size.bytes,
            max_transactions: count(limits.transactions),
            max_bytes: limits.bytes,
            ids: mempool.ids(limit).into_iter().map(Hex32::from).collect(),
        }
    }
}

/// The prices of the transactions among these bytes.
fn prices_of(transactions: &[Vec<u8>], rules: &ledger::LedgerRules) -> Vec<u128> {
    let decoded = transactions.iter().filter_map(|bytes| {
        let transaction = SignedTransaction::decode(bytes, rules).ok()?;
        Some(transaction.body().gas_price)
    });
    decoded.collect()
}

fn percentiles(mut prices: Vec<u128>) -> Option<Percentiles> {
    prices.sort_unstable();
    let at = |percent: usize| {
        let last = prices.len().saturating_sub(1);
        let index = last.saturating_mul(percent).div_ceil(100);
        prices.get(index).copied().map(Amount)
    };
    Some(Percentiles {
        count: count(prices.len()),
        lowest: at(0)?,
        p10: at(10)?,
        p50: at(50)?,
        p90: at(90)?,
        p99: at(99)?,
        highest: at(100)?,
    })
}

fn convert(parameters: &ledger::Parameters) -> Parameters {
    let activations = parameters.activations.iter().map(|it| Activation {
        height: it.height,
        ledger_rules: it.ledger_rules.into(),
        contract_rules: it.contract_rules.into(),
        migration: it.migration.clone(),
    });
    let calls = parameters.calls.iter().map(|call| ScheduledCall {
        phase: phase(call.phase).to_owned(),
        every: call.every.get(),
        to: call.to.into(),
        method: call.method.clone(),
        input: bytes(&call.input),
        gas: call.gas.units(),
        updates_parameters: call.updates_parameters,
    });
    Parameters {
        activations: activations.collect(),
        limits: BlockLimits {
            gas: parameters.limits.gas.units(),
            bytes: parameters.limits.bytes,
            transactions: parameters.limits.transactions,
        },
        payment: match parameters.payment {
            ledger::Payment::Fees {
                minimum_price,
                destination,
            } => Payment::Fees {
                minimum_price: Amount(minimum_price),
                destination: match destination {
                    FeeDestination::Proposer => "proposer".to_owned(),
                    FeeDestination::Burned => "burned".to_owned(),
                    FeeDestination::Treasury(address) => address.to_string(),
                },
            },
            ledger::Payment::Quotas { gas, window } => Payment::Quotas {
                gas: gas.units(),
                window: window.get(),
            },
        },
        calls: calls.collect(),
        validators: count(parameters.validators.len()),
    }
}
