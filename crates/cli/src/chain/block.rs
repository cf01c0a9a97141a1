//! Blocks with what was done in them, as verbs show them.

use fusee::chain::StoredBlock;
use fusee::ledger::{
    CallResult, DecodeError, LedgerRules, SignedTransaction, TransactionBody, TransactionId,
    TransactionResult,
};
use fusee::rpc::types::{BlockSummary, Misbehaviour};

use crate::failure::{Exit, Failure};

/// A block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) header: BlockSummary,
    pub(crate) misbehaviour: Vec<Misbehaviour>,
    pub(crate) transactions: Vec<Included>,
    pub(crate) calls: Vec<CallResult>,
}

/// A transaction in a block.
#[derive(Debug)]
pub(crate) struct Included {
    /// Absent if the bytes are no transaction.
    pub(crate) id: Option<TransactionId>,
    pub(crate) body: Option<TransactionBody>,
    pub(crate) result: TransactionResult,
}

/// A transaction that was looked up.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: TransactionId,
    pub(crate) body: TransactionBody,
    /// Height, index and result, if a block has it. Otherwise it waits.
    pub(crate) included: Option<(u64, u32, TransactionResult)>,
}

impl Block {
    /// A block of a data folder, by the rules of its height.
    pub(super) fn of(stored: &StoredBlock, rules: &LedgerRules) -> Result<Self, Failure> {
        let (results, calls) = stored
            .results
            .split_at_checked(stored.transactions.len())
            .unwrap_or_default();
        let transactions = stored.transactions.iter().zip(results);
        let transactions = transactions.map(|(bytes, result)| {
            let decoded = SignedTransaction::decode(bytes, rules).ok();
            Ok::<_, Failure>(Included {
                id: decoded.as_ref().map(SignedTransaction::id),
                body: decoded.map(|decoded| decoded.body().clone()),
                result: TransactionResult::decode(result).map_err(damaged)?,
            })
        });
        let calls = calls.iter();
        let calls = calls.map(|call| CallResult::decode(call).map_err(damaged));
        Ok(Self {
            header: stored.into(),
            misbehaviour: stored.misbehaviour.iter().map(Into::into).collect(),
            transactions: transactions.collect::<Result<_, _>>()?,
            calls: calls.collect::<Result<_, _>>()?,
        })
    }
}

fn damaged(error: DecodeError) -> Failure {
    Failure::new(Exit::Host, error).next("see `fusee doctor`")
}
