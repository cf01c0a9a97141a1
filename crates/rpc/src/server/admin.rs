//! The methods for operators.

use std::{path::PathBuf, sync::Arc};

use super::{blocks, context::Context, failures};
use crate::{
    error::{ErrorKind, RpcError},
    methods::{BackUp, GetMetrics, ProduceBlock, ShutDown},
    types::{BackedUp, Block, TransactionDetail},
};

pub(super) async fn produce_block(
    context: Arc<Context>,
    _: ProduceBlock,
) -> Result<Block, RpcError> {
    let work = |context: &Context, _: &_| {
        let block = context.node.produce()?;
        blocks::answer(&context.node, &block, TransactionDetail::Ids)
    };
    context.work(work).await
}

pub(super) async fn metrics(
    context: Arc<Context>,
    _: GetMetrics,
) -> Result<serde_json::Value, RpcError> {
    let metrics = context.node.metrics();
    Ok(serde_json::json!({
        "node": {
            "height": metrics.height,
            "indexed_height": metrics.indexed_height,
            "blocks": metrics.blocks,
            "transactions": metrics.transactions,
            "gas_used": metrics.gas_used,
            "execution_seconds": metrics.execution.as_secs_f64(),
            "commit_seconds": metrics.commit.as_secs_f64(),
            "mempool_transactions": metrics.mempool.transactions,
            "mempool_bytes": metrics.mempool.bytes,
            "submitted": metrics.submitted,
            "rejected": metrics.rejected,
            "dropped": metrics.dropped,
            "watches": metrics.watches,
            "subscriptions": metrics.subscriptions,
            "index_failures": metrics.index_failures,
            "simulations": metrics.simulations,
            "queries": metrics.queries,
        },
        "rpc": context.counters.read(),
    }))
}

/// Goes on if the client leaves: what it asked for is wanted.
pub(super) async fn back_up(
    context: Arc<Context>,
    BackUp { folder }: BackUp,
) -> Result<BackedUp, RpcError> {
    let admin = context.options.admin.as_ref();
    let Some(back_up) = admin.and_then(|admin| admin.back_up.clone()) else {
        return Err(RpcError::new(
            ErrorKind::NotSupported,
            "this node cannot be backed up by a call",
            "end it, and copy its data folder",
        ));
    };
    let folder = PathBuf::from(folder);
    if !folder.is_absolute() {
        return Err(failures::invalid_params(
            "the folder of a backup is an absolute path on the machine of the node",
        ));
    }
    context.back_up(move || back_up(&folder)).await
}

pub(super) async fn shut_down(context: Arc<Context>, _: ShutDown) -> Result<bool, RpcError> {
    let admin = context.options.admin.as_ref();
    match admin.and_then(|admin| admin.shut_down.as_ref()) {
        Some(shut_down) => {
            shut_down();
            Ok(true)
        }
        None => Err(RpcError::new(
            ErrorKind::NotSupported,
            "this node cannot be shut down by a call",
            "send SIGTERM to its process",
        )),
    }
}
