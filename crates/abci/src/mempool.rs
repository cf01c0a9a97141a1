//! The connection of the mempool: whether a transaction may wait for a block.

use std::collections::BTreeMap;
use std::sync::Arc;

use fusee_contract::Address;
use fusee_ledger::{SignedTransaction, TransactionId};
use fusee_state::StateReader;
use tendermint_proto::v0_38::abci::{CheckTxType, RequestCheckTx, ResponseCheckTx};

use crate::App;
use crate::app::lock;
use crate::convert::gas;

/// The codespace of codes of the ledger ([`fusee_ledger::Invalid::code`]).
pub(crate) const CODESPACE: &str = "fusee";

/// The codespace of the one code of the mempool: 1, another transaction has the nonce.
const MEMPOOL: &str = "fusee-mempool";

/// The codespace of the one code of the host: 1, the transaction cannot be checked.
const HOST: &str = "fusee-host";

/// Which transactions wait, since the last commit: one of a sender for each nonce, so that a sender
/// cannot fill the mempool with what only one of can be included.
pub(crate) type Pending = BTreeMap<(Address, u64), TransactionId>;

impl App {
    /// Checks transactions against the state after the last block, each on its own.
    pub(crate) fn check_txs(&self, requests: &[RequestCheckTx]) -> Vec<ResponseCheckTx> {
        let transactions: Vec<_> = requests.iter().map(|it| it.tx.to_vec()).collect();
        let window = self.options.nonce_window;
        let checked = self.with(|chain| {
            let state: Arc<dyn StateReader> = Arc::new(chain.version(None)?);
            Ok(chain.ledger().check(&state, &transactions, window)?)
        });
        let checked = match checked {
            Ok(checked) => checked,
            // Nothing depends on it. Whether the host is well shows with the next block.
            Err(error) => {
                tracing::error!(%error, "transactions cannot be checked");
                let answer = ResponseCheckTx {
                    code: 1,
                    log: error.to_string(),
                    codespace: HOST.to_owned(),
                    ..ResponseCheckTx::default()
                };
                return vec![answer; requests.len()];
            }
        };
        let answers = requests.iter().zip(checked).map(|(request, checked)| {
            let is_recheck = request.r#type == i32::from(CheckTxType::Recheck);
            match checked {
                Ok(transaction) => self.wait(&transaction, is_recheck),
                Err(invalid) => ResponseCheckTx {
                    code: invalid.code(),
                    log: invalid.to_string(),
                    info: invalid.name().to_owned(),
                    codespace: CODESPACE.to_owned(),
                    ..ResponseCheckTx::default()
                },
            }
        });
        answers.collect()
    }

    /// Notes that a transaction waits, unless another one has its nonce.
    fn wait(&self, transaction: &SignedTransaction, is_recheck: bool) -> ResponseCheckTx {
        let body = transaction.body();
        let (sender, nonce, id) = (body.sender, body.nonce, transaction.id());
        let mut pending = lock(&self.pending);
        let other = pending.get(&(sender, nonce)).filter(|other| **other != id);
        if let Some(other) = other.filter(|_| !is_recheck) {
            return ResponseCheckTx {
                code: 1,
                log: format!(
                    "the transaction {other} of {sender} with nonce {nonce} waits already"
                ),
                codespace: MEMPOOL.to_owned(),
                ..ResponseCheckTx::default()
            };
        }
        pending.insert((sender, nonce), id);
        ResponseCheckTx {
            data: id.as_bytes().to_vec().into(),
            gas_wanted: gas(body.gas_limit),
            ..ResponseCheckTx::default()
        }
    }
}
