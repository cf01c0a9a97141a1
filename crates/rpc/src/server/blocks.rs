//! Blocks and their headers.

use std::sync::Arc;

use fusee_chain::StoredBlock;
use fusee_engine::Interrupt;
use fusee_ledger::{HeaderHash, LedgerRules, Parameters, SignedTransaction};
use fusee_node::{BlockResult, Node};

use super::{
    context::Context,
    convert,
    failures::{invalid_params, not_found, timeout},
};
use crate::{
    error::RpcError,
    methods::{GetBlock, GetBlocks, GetLatestBlock},
    types::{Block, BlockPage, BlockSummary, TransactionDetail},
};

/// The most headers of a page.
const MAX_PAGE: u32 = 100;

/// A page ends with the block that makes its blocks as large as this, in bytes: they are read for
/// their headers.
const PAGE_BYTES: usize = 8 << 20;

pub(super) async fn latest(
    context: Arc<Context>,
    params: GetLatestBlock,
) -> Result<Block, RpcError> {
    let work = move |context: &Context, _: &_| {
        let head = context.node.head().map_or(0, |head| head.height);
        context.block(head, params.transactions)
    };
    context.work(work).await
}

pub(super) async fn one(context: Arc<Context>, params: GetBlock) -> Result<Block, RpcError> {
    let work = move |context: &Context, _: &_| {
        let height = match (params.height, params.hash) {
            (Some(height), None) => height,
            (None, Some(hash)) => context
                .node
                .height_of(&HeaderHash::from_bytes(hash.0))?
                .ok_or_else(|| not_found(format!("no block that is kept has the hash {hash}")))?,
            _ => return Err(invalid_params("give a height, or else a hash")),
        };
        context.block(height, params.transactions)
    };
    context.work(work).await
}

pub(super) async fn page(context: Arc<Context>, params: GetBlocks) -> Result<BlockPage, RpcError> {
    if params.before.is_some() && params.after.is_some() {
        return Err(invalid_params("give `before`, or else `after`"));
    }
    let work = move |context: &Context, interrupt: &Interrupt| {
        let chain = context.node.chain();
        let first = chain.store().first_height().max(chain.initial_height());
        let last = context.node.head().map_or(0, |head| head.height);
        let limit = usize::try_from(params.limit.unwrap_or(20).clamp(1, MAX_PAGE));
        let limit = limit.unwrap_or(usize::MAX);
        let heights: Vec<u64> = match (params.before, params.after) {
            (_, Some(after)) => {
                let from = after.saturating_add(1).max(first);
                (from..=last).take(limit).collect()
            }
            (before, None) => {
                let to = before.map_or(last, |before| last.min(before.saturating_sub(1)));
                (first..=to).rev().take(limit).collect()
            }
        };
        let (mut blocks, mut size) = (Vec::new(), 0_usize);
        for height in &heights {
            if interrupt.is_triggered() {
                return Err(timeout());
            }
            if size >= PAGE_BYTES {
                break;
            }
            let block = context.node.block(*height)?;
            size = size.saturating_add(bytes(&block));
            blocks.push(BlockSummary::from(&block));
        }
        let read = blocks.len().checked_sub(1);
        let last_read = read.and_then(|last| heights.get(last)).copied();
        let next = last_read.filter(|height| match params.after {
            Some(_) => *height < last,
            None => *height > first,
        });
        Ok(BlockPage { blocks, next })
    };
    context.work(work).await
}

/// The size of a block without its header.
fn bytes(block: &StoredBlock) -> usize {
    let parts = block.transactions.iter().chain(&block.results);
    parts.map(Vec::len).fold(0, usize::saturating_add)
}

impl Context {
    fn block(&self, height: u64, detail: TransactionDetail) -> Result<Block, RpcError> {
        answer(&self.node, &self.node.block(height)?, detail)
    }
}

/// A block as it is answered.
pub(super) fn answer(
    node: &Node,
    block: &StoredBlock,
    detail: TransactionDetail,
) -> Result<Block, RpcError> {
    let rules = ledger_rules(node, block.header.height)?;
    let decode = |bytes: &Vec<u8>| SignedTransaction::decode(bytes, &rules).ok();
    let decoded: Vec<_> = block.transactions.iter().map(decode).collect();
    let mut calls = Vec::new();
    for index in block.transactions.len()..block.results.len() {
        if let Some(BlockResult::Call(call)) = BlockResult::of(block, index)? {
            calls.push(convert::call_result(&call));
        }
    }
    let ids = decoded.iter().map(|it| Some(it.as_ref()?.id().into()));
    let mut answer = Block {
        header: block.into(),
        transaction_ids: ids.collect(),
        transactions: None,
        misbehaviour: block.misbehaviour.iter().map(Into::into).collect(),
        calls,
    };
    if detail == TransactionDetail::Full {
        let mut transactions = Vec::with_capacity(decoded.len());
        for (index, transaction) in decoded.iter().enumerate() {
            if let Some(BlockResult::Transaction(result)) = BlockResult::of(block, index)? {
                transactions.push(convert::block_transaction(transaction.as_ref(), &result));
            }
        }
        answer.transactions = Some(transactions);
    }
    Ok(answer)
}

/// The rules of transactions at a height.
pub(super) fn ledger_rules(node: &Node, height: u64) -> Result<Arc<LedgerRules>, RpcError> {
    let parameters = Parameters::read(&node.version(None)?)?;
    let rulebook = node.chain().ledger().rulebook();
    Ok(rulebook.at(&parameters, height)?.ledger)
}
