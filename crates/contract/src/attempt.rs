//! Attempts at a transaction: from what it asks to what it leaves, with a rest wherever a contract asks the host.
//!
//! Where an engine fails for want of what an interpreter does not need, the transaction is run once more from the beginning, on that, with the
//! answers that the host gave. Nothing has changed in between.

use std::{fmt, sync::Arc};

use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_executor::Tier;
use fusee_instrument::Refusal;
use fusee_state::{Diff, StateReader};

use crate::{
    Action, Address, ContractError, Contracts, Receipt, Rejection, Status, Transaction,
    changes::{Changes, Mark},
    ending::Ending,
    frame::{Access, Context},
    session::{self, Entry, Question, Session, Start},
};

/// What a transaction comes to. Nothing is written until somebody commits the changes.
#[derive(Debug)]
pub struct Applied {
    /// What it leaves.
    pub receipt: Receipt,
    /// What it changes.
    pub diff: Diff,
    /// Why the code was refused, if it was: for people, since the receipt only says that it was.
    pub refusal: Option<Refusal>,
}

/// How far a transaction came.
#[derive(Debug)]
pub enum Progress {
    /// It has ended.
    Applied(Box<Applied>),
    /// A contract asks the host.
    Waiting(Box<Waiting>),
}

/// A transaction that waits for the host, with all its contracts and their children. Dropping it drops them, and nothing has changed.
#[derive(Debug)]
pub struct Waiting {
    attempt: Attempt,
    open: Box<Open>,
    question: Question,
}

pub(crate) struct Attempt {
    pub(crate) contracts: Contracts,
    pub(crate) state: Arc<dyn StateReader>,
    pub(crate) transaction: Transaction,
    pub(crate) interrupt: Interrupt,
    pub(crate) tier: Tier,
    /// What the host answered so far.
    pub(crate) answers: Vec<Option<Vec<u8>>>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attempt")
            .field("transaction", &self.transaction)
            .field("tier", &self.tier)
            .field("answers", &self.answers.len())
            .finish_non_exhaustive()
    }
}

/// What is left to do when the call ends.
#[derive(Debug)]
struct Open {
    session: Session,
    mark: Mark,
    address: Address,
    entry: Entry,
    upfront: Gas,
}

enum Reached {
    Applied(Box<Applied>),
    Asks(Box<Open>, Question),
}

impl Waiting {
    /// Who asks.
    #[must_use]
    pub const fn contract(&self) -> Address {
        self.question.contract
    }

    /// What it asks.
    #[must_use]
    pub fn question(&self) -> &[u8] {
        &self.question.bytes
    }

    /// Goes on with the answer, or with none, which the contract is told. Receipt and changes depend on it: whoever has to come to
    /// the same has to answer the same.
    ///
    /// # Errors
    ///
    /// As [`Contracts::execute`].
    pub fn answer(self, answer: Option<Vec<u8>>) -> Result<Progress, ContractError> {
        let Self {
            mut attempt,
            open,
            question,
        } = self;
        attempt.answers.push(answer.clone());
        let reached = attempt.answer(open, question, answer);
        attempt.reach(reached)
    }
}

impl Attempt {
    pub(crate) fn start(self) -> Result<Progress, ContractError> {
        let reached = self.replay();
        self.reach(reached)
    }

    /// Goes on from where it came to; from the beginning, on the interpreter, if only the engine failed.
    fn reach(
        mut self,
        mut reached: Result<Reached, ContractError>,
    ) -> Result<Progress, ContractError> {
        if let Err(error) = &reached
            && self.tier == Tier::Best
            && self.contracts.may_interpret(error)
        {
            self.tier = Tier::Interpreter;
            reached = self.replay();
        }
        Ok(match reached? {
            Reached::Applied(applied) => Progress::Applied(applied),
            Reached::Asks(open, question) => Progress::Waiting(Box::new(Waiting {
                attempt: self,
                open,
                question,
            })),
        })
    }

    /// From the beginning to where no answer is known.
    fn replay(&self) -> Result<Reached, ContractError> {
        let mut reached = self.begin()?;
        for answer in &self.answers {
            reached = match reached {
                Reached::Asks(open, question) => self.answer(open, question, answer.clone())?,
                applied @ Reached::Applied(_) => return Ok(applied),
            };
        }
        Ok(reached)
    }

    fn answer(
        &self,
        mut open: Box<Open>,
        question: Question,
        answer: Option<Vec<u8>>,
    ) -> Result<Reached, ContractError> {
        let progress = open.session.answer(question, answer)?;
        self.end(open, progress)
    }

    fn begin(&self) -> Result<Reached, ContractError> {
        let mut changes = Changes::new(Arc::clone(&self.state));
        let Transaction {
            from,
            ref action,
            value,
            gas,
        } = self.transaction;
        let mut sender = changes.account(from)?;
        let nonce = sender.nonce;
        sender.nonce = nonce.saturating_add(1);
        changes.set_account(from, &sender);

        let upfront = self.contracts.upfront_price(action);
        let Some(rest) = gas.checked_sub(upfront) else {
            let ending = Ending {
                gas_used: gas,
                ..Ending::of(Status::OutOfGas)
            };
            return applied(changes, ending, gas, None, None);
        };
        let mark = changes.mark();
        let (address, entry, method, input) = match action {
            Action::Deploy { code, input } => {
                let address = Address::of_contract(from, nonce, CodeHash::of(code));
                if let Some(refusal) = self.contracts.install(&mut changes, address, code)? {
                    changes.undo(mark);
                    let ending = Ending {
                        gas_used: upfront,
                        ..Ending::rejected(Rejection::RefusedCode)
                    };
                    return applied(changes, ending, gas, None, Some(refusal));
                }
                let method = self.contracts.deploy_method(&changes, address, input)?;
                (address, Entry::Deploy, method, input)
            }
            Action::Call { to, method, input } => (*to, Entry::Method, method.clone(), input),
        };
        let context = Context {
            caller: from,
            address,
            method,
            value,
            input: input.clone(),
            access: Access::ReadWrite,
        };
        let mut session = Session::new(&self.contracts, &self.interrupt, self.tier);
        let start = Start {
            context,
            gas: rest,
            entry,
        };
        let progress = session.run(changes, start)?;
        let open = Box::new(Open {
            session,
            mark,
            address,
            entry,
            upfront,
        });
        self.end(open, progress)
    }

    /// Keeps or undoes what the call changed, if it has ended.
    fn end(&self, open: Box<Open>, progress: session::Progress) -> Result<Reached, ContractError> {
        let (mut changes, ending) = match progress {
            session::Progress::Ended(changes, ending) => (changes, ending),
            session::Progress::Asks(question) => return Ok(Reached::Asks(open, question)),
        };
        let Open {
            mark,
            address,
            entry,
            upfront,
            ..
        } = *open;
        let succeeded = ending.status == Status::Success;
        if succeeded {
            changes.keep(mark);
        } else {
            changes.undo(mark);
        }
        let deployed = (succeeded && entry == Entry::Deploy).then_some(address);
        let gas_used = upfront.saturating_add(ending.gas_used);
        let ending = Ending { gas_used, ..ending };
        applied(changes, ending, self.transaction.gas, deployed, None)
    }
}

fn applied(
    changes: Changes,
    ending: Ending,
    gas_limit: Gas,
    deployed: Option<Address>,
    refusal: Option<Refusal>,
) -> Result<Reached, ContractError> {
    let (diff, events) = changes.into_parts()?;
    Ok(Reached::Applied(Box::new(Applied {
        receipt: ending.receipt(events, gas_limit, deployed),
        diff,
        refusal,
    })))
}
