//! Transactions for a node: signed here, sent, and waited for.
//!
//! A transaction is checked here first, by the state that the node tells, so that what is invalid
//! is told as on a data folder. An answer that is lost is asked for again, by the same bytes: a
//! node takes them once.

use std::{sync::Arc, time::Duration};

use fusee::chain::{StateReader, Status};
use fusee::ledger::{
    Authorization, Invalid, Ledger, LedgerRules, Parameters, SecretKey, SignedTransaction,
    TransactionBody, TransactionId,
};
use fusee::rpc::{
    ClientError, ErrorKind,
    methods::{GetAccount, SendTransaction, SendTransactionAndWait, SimulateTransaction},
    types::{Bytes, Hex32, Simulation, Transaction},
};
use fusee::sandbox::Gas;

use super::{
    RemoteState,
    remote::{self, Deadline, Remote},
};
use crate::{
    addresses,
    chain::{DEFAULT_GAS, Request, next_contract_rules, rules},
    engines::{self, EngineChoice},
    failure::{Exit, Failure},
    progress,
    signer::Signer,
};

/// For how many blocks a transaction is valid.
const LIFE: u64 = 100;

/// The longest time that one call waits for a block.
const LONGEST_CALL: Duration = Duration::from_secs(20);

/// A request, with what the chain says about its next block.
pub(super) struct Sending<'a> {
    remote: &'a Remote,
    request: &'a Request,
    state: RemoteState,
    parameters: Parameters,
    rules: LedgerRules,
    ledger: Ledger,
}

/// Who signs, with the keys.
pub(super) struct Keys {
    sender: SecretKey,
    fee_payer: Option<SecretKey>,
}

impl Keys {
    pub(super) fn unlock(request: &Request) -> Result<Self, Failure> {
        let fee_payer = request.fee_payer.as_ref().map(Signer::unlock);
        Ok(Self {
            sender: request.sender.unlock()?,
            fee_payer: fee_payer.transpose()?,
        })
    }
}

impl<'a> Sending<'a> {
    pub(super) fn new(
        remote: &'a Remote,
        state: RemoteState,
        request: &'a Request,
    ) -> Result<Self, Failure> {
        let parameters = Parameters::read(&state)?;
        let height = state.height().saturating_add(1);
        let contracts = next_contract_rules(&state)?;
        let contracts = engines::contracts(EngineChoice::Wasmi, None, &contracts)?;
        let book = contracts
            .into_iter()
            .next()
            .map(|on| rules::rulebook(on.it));
        Ok(Self {
            remote,
            request,
            rules: rules::ledger_rules(&parameters, height)?,
            ledger: Ledger::new(book.unwrap_or_default()),
            state,
            parameters,
        })
    }

    fn body(&self, nonce: u64, gas: Gas) -> TransactionBody {
        let request = self.request;
        let minimum = self.parameters.minimum_price();
        TransactionBody {
            chain_id: self.parameters.chain_id.clone(),
            sender: request.sender.address(),
            nonce,
            expiry: self.state.height().saturating_add(LIFE),
            gas_limit: gas,
            gas_price: request.gas_price.unwrap_or(minimum),
            fee_payer: request.fee_payer.as_ref().map(Signer::address),
            operations: vec![request.operation.clone()],
        }
    }

    fn signed(
        &self,
        body: TransactionBody,
        sender: Authorization,
        fee_payer: Option<Authorization>,
    ) -> Result<SignedTransaction, Failure> {
        let signed = SignedTransaction::new(body, sender, fee_payer, &self.rules);
        signed.map_err(|invalid| Failure::invalid(&invalid, self.request))
    }

    /// Simulates the request, unsigned. What is invalid is a failure.
    pub(super) fn simulate(&self, gas: Gas, trace: bool) -> Result<Simulation, Failure> {
        let request = self.request;
        let sender = request.sender.address();
        let nonce = addresses::account(&self.state, sender)?.nonce;
        let unsigned = |signer: &Signer| Authorization::unsigned(&signer.public_key());
        let fee_payer = request.fee_payer.as_ref().map(unsigned);
        let body = self.body(nonce, gas);
        let signed = self.signed(body, unsigned(&request.sender), fee_payer)?;
        let encoding = signed.encode();
        self.check(&self.ledger.clone().simulating(), &encoding, 0)?;
        let simulation = self.remote.call(&SimulateTransaction {
            transaction: Some(Bytes(encoding)),
            height: Some(self.state.height()),
            trace,
            ..SimulateTransaction::new()
        })?;
        match &simulation.invalid {
            None => Ok(simulation),
            Some(invalid) => {
                let error = anyhow::anyhow!("{}", invalid.message);
                let error = error.context("the transaction is invalid");
                Err(Failure::new(Exit::Invalid, error).next("see `fusee call --help`"))
            }
        }
    }

    /// The gas limit of a simulation: the default, or less if the chain or the payer cannot bear
    /// that.
    pub(super) fn most_gas(&self) -> Result<Gas, Failure> {
        let request = self.request;
        if let Some(gas) = request.gas {
            return Ok(gas);
        }
        let most = DEFAULT_GAS.min(self.parameters.limits.gas);
        let payer = request.fee_payer.as_ref().unwrap_or(&request.sender);
        let balance = addresses::account(&self.state, payer.address())?.balance;
        let value = match request.fee_payer {
            Some(_) => 0,
            None => request.operation.value(),
        };
        let minimum = self.parameters.minimum_price();
        let price = request.gas_price.unwrap_or(minimum);
        let affordable = balance.saturating_sub(value).checked_div(price);
        let affordable = affordable.and_then(|gas| u64::try_from(gas).ok());
        Ok(affordable.map_or(most, |gas| most.min(Gas::new(gas))))
    }

    /// The gas limit of the transaction, and what it comes to by a simulation with that: the limit
    /// of the request, or what a simulation used and a quarter more, if it comes to the same with
    /// that.
    pub(super) fn rehearse(&self) -> Result<(Gas, Simulation), Failure> {
        let most = self.most_gas()?;
        let ample = self.simulate(most, false)?;
        let used = ample.result.gas_used;
        let gas = most.min(Gas::new(used.saturating_add(used / 4)));
        if self.request.gas.is_some() || !is_success(&ample) || gas == most {
            return Ok((most, ample));
        }
        let sparing = self.simulate(gas, false)?;
        Ok(match is_success(&sparing) {
            true => (gas, sparing),
            false => (most, ample),
        })
    }

    /// Signs the request with the next nonce of its sender.
    pub(super) fn sign(&self, keys: &Keys, gas: Gas) -> Result<(TransactionId, Vec<u8>), Failure> {
        let address = Hex32::from(self.request.sender.address());
        let nonce = self.remote.call(&GetAccount::new(address))?.next_nonce;
        let body = self.body(nonce, gas);
        let id = body.id();
        let fee_payer = keys.fee_payer.as_ref().map(|key| key.sign(&id));
        let signed = self.signed(body, keys.sender.sign(&id), fee_payer)?;
        let encoding = signed.encode();
        // Those that wait come before it.
        self.check(&self.ledger, &encoding, u64::MAX)?;
        Ok((id, encoding))
    }

    fn check(&self, ledger: &Ledger, encoding: &[u8], nonce_window: u64) -> Result<(), Failure> {
        let state: Arc<dyn StateReader> = Arc::new(self.state.clone());
        let checked = ledger.check(&state, &[encoding.to_vec()], nonce_window)?;
        match checked.into_iter().next() {
            Some(Err(invalid)) => Err(Failure::invalid(&invalid, self.request)),
            _ => Ok(()),
        }
    }
}

/// Whether a simulated transaction succeeds.
pub(super) fn is_success(simulation: &Simulation) -> bool {
    simulation.result.status == Status::Success.name()
}

/// What became of a transaction that was sent.
pub(super) enum Sent {
    Included(Box<Transaction>),
    /// Another transaction has its nonce. No block can have this one; or it is the same that
    /// another command has sent, which counts for that one.
    NonceTaken(Failure),
}

/// Sends a transaction until a block has it, or the time is over.
pub(super) fn send(
    remote: &Remote,
    (id, encoding): (TransactionId, Vec<u8>),
    deadline: &Deadline,
) -> Result<Sent, Failure> {
    let waiting = progress::Waiting::new("waiting for a block");
    let encoding = Bytes(encoding);
    // Whether the node may have taken it, and whether it has.
    let (mut is_tried, mut is_taken) = (false, false);
    loop {
        let answered = match is_taken {
            true => wait(remote, &encoding, deadline).map(Some),
            false => remote
                .try_call(&SendTransaction::new(encoding.clone()))
                .map(|_| None),
        };
        let error = match answered {
            Ok(Some(transaction)) => return Ok(Sent::Included(Box::new(transaction))),
            Ok(None) => {
                is_taken = true;
                waiting.show();
                continue;
            }
            Err(error) => error,
        };
        match fate(&error) {
            Fate::Known if is_tried => is_taken = true,
            Fate::Known | Fate::NonceTaken => return Ok(Sent::NonceTaken(error.into())),
            Fate::Refused => return Err(error.into()),
            fate => {
                is_tried |= fate == Fate::Unknown;
                if !deadline.pause() {
                    return Err(Failure::from(error).next(format!(
                        "a block may have the transaction still: `fusee transaction {id}` looks \
                         it up; give it longer with --wait"
                    )));
                }
            }
        }
    }
}

fn wait(
    remote: &Remote,
    encoding: &Bytes,
    deadline: &Deadline,
) -> Result<Transaction, ClientError> {
    let time = deadline.left().min(LONGEST_CALL).as_millis();
    remote.try_call(&SendTransactionAndWait {
        timeout_ms: Some(u64::try_from(time).unwrap_or(u64::MAX)),
        ..SendTransactionAndWait::new(encoding.clone())
    })
}

/// What an error says about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The node has the transaction already.
    Known,
    /// Another transaction has its nonce.
    NonceTaken,
    /// It can be taken later.
    Later,
    /// The node may have taken it.
    Unknown,
    /// It is not taken.
    Refused,
}

fn fate(error: &ClientError) -> Fate {
    match (error, remote::kind(error)) {
        (ClientError::Unreachable { .. } | ClientError::Timeout { .. }, _)
        | (_, Some(ErrorKind::Timeout | ErrorKind::NotIncludedInTime)) => Fate::Unknown,
        (_, Some(ErrorKind::AlreadyKnown | ErrorKind::AlreadyIncluded)) => Fate::Known,
        (_, Some(ErrorKind::ReplacementTooCheap)) => Fate::NonceTaken,
        (ClientError::Rpc(error), Some(ErrorKind::InvalidTransaction)) => {
            let past = Invalid::PastNonce { nonce: 0, next: 0 };
            let reason = error.fields.get("reason").and_then(|name| name.as_str());
            match reason == Some(past.name()) {
                true => Fate::NonceTaken,
                false => Fate::Refused,
            }
        }
        (
            _,
            Some(
                ErrorKind::SenderFull
                | ErrorKind::MempoolFull
                | ErrorKind::TooManyRequests
                | ErrorKind::Busy
                | ErrorKind::ShuttingDown,
            ),
        ) => Fate::Later,
        _ => Fate::Refused,
    }
}
