//! Transactions: looked up, sent, and waited for.

use std::{sync::Arc, time::Duration};

use fusee_ledger::{SignedTransaction, TransactionId};
use fusee_node::{InBlock, Production, Rejected, Watch};

use super::{blocks::ledger_rules, context::Context, convert, failures::not_found};
use crate::{
    error::{ErrorKind, RpcError},
    methods::{GetTransaction, SendTransaction, SendTransactionAndWait},
    types::{Bytes, Hex32, Sent, Transaction, TransactionState},
};

/// The most bytes of a small transaction: more are hashed and copied for longer than a hand-over
/// to another thread takes.
const SMALL: usize = 16 << 10;

/// How long to wait for a block if the client does not say.
const WAIT: u64 = 20_000;

pub(super) async fn one(
    context: Arc<Context>,
    params: GetTransaction,
) -> Result<Transaction, RpcError> {
    let work = move |context: &Context, _: &_| {
        let id = TransactionId::from_bytes(params.id.0);
        context.transaction(&id)?.ok_or_else(|| {
            not_found(format!(
                "no block that is kept has transaction {id}, and it does not wait"
            ))
        })
    };
    context.work(work).await
}

pub(super) async fn send(context: Arc<Context>, params: SendTransaction) -> Result<Sent, RpcError> {
    let transaction = params.transaction;
    let is_quick = context.sends_quickly(&transaction);
    let work = move |context: &Context| {
        let id = context.send(transaction)?;
        Ok(Sent { id: id.into() })
    };
    match context.options.relay.is_some() {
        true => context.relay(|context, _| work(context)).await,
        false => context.work_here_if(is_quick, work).await,
    }
}

/// What sending came to.
enum Begun {
    Waits(TransactionId, Watch),
    Included(Box<Transaction>),
}

pub(super) async fn send_and_wait(
    context: Arc<Context>,
    params: SendTransactionAndWait,
) -> Result<Transaction, RpcError> {
    let most = context.options.limits.wait_time;
    let time = Duration::from_millis(params.timeout_ms.unwrap_or(WAIT)).min(most);
    let encoding = params.transaction;
    // Before it is sent, so that an error says that it was not.
    let place = context.waiter()?;
    let is_quick = context.sends_quickly(&encoding);
    let begin = |context: &Context| context.begin(encoding);
    let begun = match context.options.relay.is_some() {
        true => context.relay(|context, _| begin(context)).await,
        false => context.work_here_if(is_quick, begin).await,
    };
    let (id, watch) = match begun? {
        Begun::Included(transaction) => return Ok(*transaction),
        Begun::Waits(id, watch) => (id, watch),
    };
    match context.wait((time, place), watch).await {
        Ok(in_block) => {
            let answer = move |context: &Context| context.included(id, &in_block);
            context.work_here_if(is_quick, answer).await
        }
        Err(reason) => Err(RpcError::from(reason).with("id", id.to_string())),
    }
}

impl Context {
    /// Whether sending a transaction takes microseconds: it is small, and no other process is
    /// asked.
    fn sends_quickly(&self, transaction: &Bytes) -> bool {
        self.options.relay.is_none() && transaction.0.len() <= SMALL
    }

    /// Adds a transaction to those that wait.
    fn send(&self, transaction: Bytes) -> Result<TransactionId, RpcError> {
        let is_elsewhere = self.node.production() == Production::Elsewhere;
        match (&self.options.relay, is_elsewhere) {
            (Some(relay), _) => {
                let id = self.node.id(&transaction.0)??;
                relay(&transaction.0).map_err(|error| error.into_rpc(&id))?;
                Ok(id)
            }
            (None, true) => Err(RpcError::new(
                ErrorKind::NotSupported,
                "a consensus engine makes the blocks, and this node does not know its address",
                "send the transaction to the engine's broadcast_tx_sync",
            )),
            (None, false) => Ok(self.node.submit(transaction.0)??),
        }
    }

    /// Sends a transaction that is to be waited for.
    fn begin(&self, transaction: Bytes) -> Result<Begun, RpcError> {
        let id = self.node.id(&transaction.0)??;
        // Before it is sent, so that no block is missed.
        let watch = self.node.watch(id)?;
        let is_relayed = self.options.relay.is_some();
        if is_relayed && let Some(included) = self.node.transaction(&id)? {
            return Ok(Begun::Included(Box::new(self.included(id, &included)?)));
        }
        match self.send(transaction) {
            Ok(_) => Ok(Begun::Waits(id, watch)),
            Err(error) => match error.kind {
                Some(ErrorKind::AlreadyKnown) => Ok(Begun::Waits(id, watch)),
                Some(ErrorKind::AlreadyIncluded) => match self.node.transaction(&id)? {
                    Some(included) => Ok(Begun::Included(Box::new(self.included(id, &included)?))),
                    None => Err(error),
                },
                _ => Err(error),
            },
        }
    }

    fn transaction(&self, id: &TransactionId) -> Result<Option<Transaction>, RpcError> {
        // In this order: it leaves the mempool when its block is committed.
        let waiting = self.node.mempool().transaction(id);
        if let Some(included) = self.node.transaction(id)? {
            return Ok(Some(self.included(*id, &included)?));
        }
        let Some(encoding) = waiting else {
            return Ok(None);
        };
        let decoded = SignedTransaction::decode(&encoding, &self.node.mempool().rules());
        let decoded = decoded.map_err(Rejected::Invalid)?;
        Ok(Some(Transaction {
            state: TransactionState::Waiting,
            id: (*id).into(),
            height: None,
            index: None,
            block_hash: None,
            time: None,
            body: convert::body(decoded.body()),
            transaction: Bytes(encoding),
            result: None,
        }))
    }

    fn included(&self, id: TransactionId, it: &InBlock) -> Result<Transaction, RpcError> {
        let header = &it.block.header;
        let rules = ledger_rules(&self.node, header.height)?;
        let index = usize::try_from(it.index).unwrap_or(usize::MAX);
        let encoding = it.block.transactions.get(index);
        let encoding = encoding.ok_or_else(|| not_found(format!("no transaction {id}")))?;
        let decoded = SignedTransaction::decode(encoding, &rules)?;
        Ok(Transaction {
            state: TransactionState::Included,
            id: id.into(),
            height: Some(header.height),
            index: Some(it.index),
            block_hash: Some(Hex32::from(header.hash())),
            time: Some(header.time),
            body: convert::body(decoded.body()),
            transaction: convert::bytes(encoding),
            result: Some(convert::transaction_result(&it.result)),
        })
    }
}
