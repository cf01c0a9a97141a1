//! The machine: runs transactions and queries, and the calls among contracts in them.

use std::sync::Arc;

use fusee_abi::{DEPLOY_METHOD, status};
use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_executor::{
    Ended, Executor, FrameStack, Outcome, PrepareError, Prepared, RunRequest, Suspended, Suspension,
};
use fusee_instrument::Refusal;
use fusee_state::{Diff, Journal, StateReader};

use crate::{
    Action, Address, ContractError, ContractRules, Query, Receipt, Rejection, Status, Transaction,
    changes::{Changes, Mark},
    frame::{Access, CallRequest, Context, Frame},
    keys, syscalls,
};

/// Runs transactions and queries by one set of rules on one executor.
#[derive(Debug)]
pub struct Contracts {
    executor: Arc<Executor>,
    rules: ContractRules,
    suspension: Suspension,
}

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

/// How a call ended.
struct Ending {
    status: Status,
    output: Vec<u8>,
    gas_used: Gas,
}

/// A call that is to begin.
struct Start {
    context: Context,
    gas: Gas,
    entry: Entry,
}

/// Which methods a call may enter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Deploy,
    Method,
}

/// A call that has begun, or has ended already.
enum Begun {
    Running(Box<Outcome>),
    Ended(Changes, Ending),
}

/// One transaction or query while it runs.
struct Session<'a> {
    contracts: &'a Contracts,
    interrupt: &'a Interrupt,
    stack: FrameStack,
    /// Who is on the stack or runs, the outermost first.
    active: Vec<(Address, String)>,
}

impl Contracts {
    /// Contracts by these rules on this executor.
    #[must_use]
    pub const fn new(executor: Arc<Executor>, rules: ContractRules) -> Self {
        Self {
            executor,
            rules,
            suspension: Suspension::AsNeeded,
        }
    }

    /// Whether every run may be parked, or only those that need it, which is faster. No receipt
    /// depends on it.
    #[must_use]
    pub const fn suspension(mut self, suspension: Suspension) -> Self {
        self.suspension = suspension;
        self
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &ContractRules {
        &self.rules
    }

    /// Runs a transaction on `state`.
    ///
    /// The sender's nonce counts it, however it ends.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails; nothing is changed then.
    pub fn execute(
        &self,
        state: Arc<dyn StateReader>,
        transaction: Transaction,
        interrupt: &Interrupt,
    ) -> Result<Applied, ContractError> {
        let mut changes = Changes {
            journal: Journal::new(state),
            events: Vec::new(),
        };
        let Transaction {
            from,
            action,
            value,
            gas,
        } = transaction;
        let mut sender = changes.account(from)?;
        let nonce = sender.nonce;
        sender.nonce = nonce.saturating_add(1);
        changes.set_account(from, &sender);

        let upfront = self.upfront_price(&action);
        let Some(rest) = gas.checked_sub(upfront) else {
            let ending = Ending {
                gas_used: gas,
                ..Ending::of(Status::OutOfGas)
            };
            return applied(changes, ending, gas, None, None);
        };
        let mark = changes.mark();
        let (context, entry, refusal) = match action {
            Action::Deploy { code, input } => {
                let address = Address::of_contract(from, nonce, CodeHash::of(&code));
                let refusal = self.install(&mut changes, address, &code)?;
                let method = self.deploy_method(&changes, address, &input)?;
                let context = Context {
                    caller: from,
                    address,
                    method,
                    value,
                    input,
                    access: Access::ReadWrite,
                };
                (context, Entry::Deploy, refusal)
            }
            Action::Call { to, method, input } => {
                let context = Context {
                    caller: from,
                    address: to,
                    method,
                    value,
                    input,
                    access: Access::ReadWrite,
                };
                (context, Entry::Method, None)
            }
        };
        let address = context.address;
        let (mut changes, ending) = match refusal {
            Some(_) => (changes, Ending::rejected(Rejection::RefusedCode)),
            None => self.session(interrupt).run(
                changes,
                Start {
                    context,
                    gas: rest,
                    entry,
                },
            )?,
        };
        let succeeded = ending.status == Status::Success;
        if succeeded {
            changes.keep(mark);
        } else {
            changes.undo(mark);
        }
        let deployed = (succeeded && entry == Entry::Deploy).then_some(address);
        let gas_used = upfront.saturating_add(ending.gas_used);
        applied(
            changes,
            Ending { gas_used, ..ending },
            gas,
            deployed,
            refusal,
        )
    }

    /// Runs a method that may change nothing: a syscall that would traps.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn query(
        &self,
        state: Arc<dyn StateReader>,
        query: Query,
        interrupt: &Interrupt,
    ) -> Result<Receipt, ContractError> {
        let changes = Changes {
            journal: Journal::new(state),
            events: Vec::new(),
        };
        let Query {
            from,
            to,
            method,
            input,
            gas,
        } = query;
        let context = Context {
            caller: from,
            address: to,
            method,
            value: 0,
            input,
            access: Access::ReadOnly,
        };
        let start = Start {
            context,
            gas,
            entry: Entry::Method,
        };
        let (_, ending) = self.session(interrupt).run(changes, start)?;
        Ok(ending.receipt(Vec::new(), gas, None))
    }

    /// The methods of the contract at an address; `None` if there is no contract.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn methods(
        &self,
        state: Arc<dyn StateReader>,
        address: Address,
    ) -> Result<Option<Vec<String>>, ContractError> {
        let changes = Changes {
            journal: Journal::new(state),
            events: Vec::new(),
        };
        let Ok(prepared) = self.load(&changes, address)? else {
            return Ok(None);
        };
        let exports = prepared
            .program()
            .exports
            .iter()
            .map(|export| export.name.as_str());
        Ok(Some(
            exports
                .filter(|name| is_method(&prepared, name, Entry::Method))
                .map(str::to_owned)
                .collect(),
        ))
    }

    fn upfront_price(&self, action: &Action) -> Gas {
        let prices = self.rules.prices;
        let (code, input) = match action {
            Action::Deploy { code, input } => (code.len(), input.len()),
            Action::Call { input, .. } => (0, input.len()),
        };
        let count = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        prices
            .transaction
            .saturating_add(prices.code_byte.saturating_mul(count(code)))
            .saturating_add(prices.input_byte.saturating_mul(count(input)))
    }

    /// Puts the code into the state, and into the account that has it; or says why the rules refuse it.
    fn install(
        &self,
        changes: &mut Changes,
        address: Address,
        code: &[u8],
    ) -> Result<Option<Refusal>, ContractError> {
        let hash = match self.executor.prepare(code, &self.rules.program) {
            Ok(prepared) => prepared.program().code_hash,
            Err(PrepareError::Refused(refusal)) => return Ok(Some(refusal)),
            Err(error) => return Err(error.into()),
        };
        let mut account = changes.account(address)?;
        account.set_code(hash);
        changes.set_account(address, &account);
        changes.journal.write(keys::code(hash), code.to_vec());
        Ok(None)
    }

    /// What a deployment enters. A contract without `deploy` is entered nowhere, unless there is
    /// input for it.
    fn deploy_method(
        &self,
        changes: &Changes,
        address: Address,
        input: &[u8],
    ) -> Result<String, ContractError> {
        let loaded = self.load(changes, address)?;
        let has_deploy =
            loaded.is_ok_and(|prepared| is_method(&prepared, DEPLOY_METHOD, Entry::Deploy));
        Ok(if has_deploy || !input.is_empty() {
            DEPLOY_METHOD.to_owned()
        } else {
            String::new()
        })
    }

    /// The contract at an address, ready to run.
    fn load(
        &self,
        changes: &Changes,
        address: Address,
    ) -> Result<Result<Arc<Prepared>, Rejection>, ContractError> {
        let Some(hash) = changes.account(address)?.code() else {
            return Ok(Err(Rejection::UnknownAddress));
        };
        let code = changes
            .journal
            .read(&keys::code(hash))?
            .ok_or(ContractError::MissingCode { address })?;
        match self.executor.prepare(&code, &self.rules.program) {
            Ok(prepared) => Ok(Ok(prepared)),
            // The rules may have changed since it was deployed.
            Err(PrepareError::Refused(_)) => Ok(Err(Rejection::RefusedCode)),
            Err(error) => Err(error.into()),
        }
    }

    fn session<'a>(&'a self, interrupt: &'a Interrupt) -> Session<'a> {
        Session {
            contracts: self,
            interrupt,
            stack: FrameStack::new(self.rules.frames),
            active: Vec::new(),
        }
    }
}

impl Session<'_> {
    /// Runs a call and every call that comes of it. Frames wait on the stack, so that this is a
    /// loop, however deep the calls are.
    fn run(mut self, changes: Changes, start: Start) -> Result<(Changes, Ending), ContractError> {
        let mut begun = self.begin(changes, start)?;
        loop {
            let (changes, ending) = match begun {
                Begun::Running(outcome) => match *outcome {
                    Outcome::Syscall(suspended) => {
                        begun = self.call(suspended)?;
                        continue;
                    }
                    outcome => self.end(outcome)?,
                },
                Begun::Ended(changes, ending) => (changes, ending),
            };
            begun = match self.stack.pop() {
                Some(caller) => resume(caller, changes, ending)?,
                None => return Ok((changes, ending)),
            };
        }
    }

    /// Begins a call: moves its value and enters its method.
    fn begin(&mut self, mut changes: Changes, start: Start) -> Result<Begun, ContractError> {
        let Start {
            context,
            gas,
            entry,
        } = start;
        let mark = changes.mark();
        let rejected = |mut changes: Changes, mark: Mark, rejection| {
            changes.undo(mark);
            Ok(Begun::Ended(changes, Ending::rejected(rejection)))
        };
        if !changes.transfer(context.caller, context.address, context.value)? {
            return rejected(changes, mark, Rejection::InsufficientBalance);
        }
        if context.method.is_empty() {
            changes.keep(mark);
            return Ok(Begun::Ended(changes, Ending::of(Status::Success)));
        }
        let prepared = match self.contracts.load(&changes, context.address)? {
            Ok(prepared) => prepared,
            Err(rejection) => return rejected(changes, mark, rejection),
        };
        if !is_method(&prepared, &context.method, entry) {
            return rejected(changes, mark, Rejection::UnknownMethod);
        }
        if let Some((depth, (address, method))) = self
            .active
            .iter()
            .enumerate()
            .find(|(_, (address, _))| *address == context.address)
        {
            let message = format!(
                "frame {} ({}.{}) calls into frame {depth} ({address}.{method}), which has not ended",
                self.active.len(),
                context.address,
                context.method,
            );
            changes.undo(mark);
            let ending = Ending {
                output: message.into_bytes(),
                ..Ending::rejected(Rejection::Reentrant)
            };
            return Ok(Begun::Ended(changes, ending));
        }
        self.active.push((context.address, context.method.clone()));
        let method = context.method.clone();
        let frame = Frame::new(context, self.contracts.rules.limits, changes, mark);
        let request = RunRequest {
            suspension: self.contracts.suspension,
            interrupt: self.interrupt.clone(),
            ..RunRequest::new(&method, &[], gas)
        };
        let outcome = self
            .contracts
            .executor
            .run(&prepared, request, Box::new(frame))?;
        Ok(Begun::Running(Box::new(outcome)))
    }

    /// Begins the call that a parked frame asks for, or answers why it cannot begin.
    fn call(&mut self, mut suspended: Suspended) -> Result<Begun, ContractError> {
        let gas_left = suspended.gas_left();
        let limit = self.stack.check(&mut suspended);
        let frame = suspended.host::<Frame>().ok_or(ContractError::LostFrame)?;
        let CallRequest {
            to,
            method,
            value,
            input,
            gas,
        } = frame.call.take().ok_or(ContractError::LostFrame)?;
        let changes = frame.changes.take().ok_or(ContractError::LostFrame)?;
        if limit.is_err() {
            return resume(suspended, changes, Ending::rejected(Rejection::CallLimit));
        }
        let Context {
            address: caller,
            access,
            ..
        } = frame.context;
        let context = Context {
            caller,
            address: to,
            method,
            value,
            input,
            access,
        };
        // A 64th stays with the caller, so that it can act on a callee that used up everything.
        let gas = gas.min(gas_left.saturating_sub(Gas::new(gas_left.units().div_ceil(64))));
        self.stack.push(suspended);
        self.begin(
            changes,
            Start {
                context,
                gas,
                entry: Entry::Method,
            },
        )
    }

    /// Takes apart what a frame that ended leaves, and keeps or undoes what it changed.
    fn end(&mut self, outcome: Outcome) -> Result<(Changes, Ending), ContractError> {
        self.active.pop();
        let (status, ended) = match outcome {
            Outcome::Finished(finished) => {
                let gas_used = finished.gas_used();
                let frame =
                    Frame::from_host(finished.into_host()).ok_or(ContractError::LostFrame)?;
                let status = if frame.has_reverted {
                    Status::Reverted
                } else {
                    Status::Success
                };
                return close(frame, status, gas_used);
            }
            Outcome::Trapped(trap, ended) => (Status::Trapped(trap), ended),
            Outcome::OutOfGas(ended) => (Status::OutOfGas, ended),
            Outcome::GasEnd(parked) => match parked.out_of_gas() {
                Outcome::OutOfGas(ended) => (Status::OutOfGas, ended),
                _ => return Err(ContractError::LostFrame),
            },
            Outcome::Syscall(_) => return Err(ContractError::LostFrame),
        };
        let gas_used = Ended::gas_used(&ended);
        let frame = Frame::from_host(ended.into_host()).ok_or(ContractError::LostFrame)?;
        close(frame, status, gas_used)
    }
}

fn close(
    frame: Box<Frame>,
    status: Status,
    gas_used: Gas,
) -> Result<(Changes, Ending), ContractError> {
    let Frame {
        changes,
        mark,
        output,
        ..
    } = *frame;
    let (Some(mut changes), Some(mark)) = (changes, mark) else {
        return Err(ContractError::LostFrame);
    };
    let output = match status {
        Status::Success | Status::Reverted => output,
        Status::Trapped(_) | Status::OutOfGas | Status::Rejected(_) => Vec::new(),
    };
    if status == Status::Success {
        changes.keep(mark);
    } else {
        changes.undo(mark);
    }
    Ok((
        changes,
        Ending {
            status,
            output,
            gas_used,
        },
    ))
}

/// Lets a frame go on whose call has ended: it pays for the call, and learns how it ended.
fn resume(mut caller: Suspended, changes: Changes, ending: Ending) -> Result<Begun, ContractError> {
    let frame = caller.host::<Frame>().ok_or(ContractError::LostFrame)?;
    let reply = ending.reply();
    frame.return_data = ending.output;
    frame.changes = Some(changes);
    let outcome = match caller.charge(ending.gas_used) {
        Ok(()) => caller.resume(reply)?,
        Err(_) => caller.out_of_gas(),
    };
    Ok(Begun::Running(Box::new(outcome)))
}

fn applied(
    changes: Changes,
    ending: Ending,
    gas_limit: Gas,
    deployed: Option<Address>,
    refusal: Option<Refusal>,
) -> Result<Applied, ContractError> {
    let Changes { journal, events } = changes;
    Ok(Applied {
        receipt: ending.receipt(events, gas_limit, deployed),
        diff: journal.into_diff()?,
        refusal,
    })
}

/// A method is an exported function without parameters and results. `deploy` is entered once, at
/// deployment, and names that toolchains give a meaning are not entered at all.
fn is_method(prepared: &Prepared, name: &str, entry: Entry) -> bool {
    let fits = prepared
        .program()
        .export(name)
        .is_some_and(|export| export.params.is_empty() && export.results.is_empty());
    let is_deploy = name == DEPLOY_METHOD;
    fits && !name.starts_with('_') && is_deploy == (entry == Entry::Deploy)
}

impl Ending {
    const fn of(status: Status) -> Self {
        Self {
            status,
            output: Vec::new(),
            gas_used: Gas::ZERO,
        }
    }

    const fn rejected(rejection: Rejection) -> Self {
        Self::of(Status::Rejected(rejection))
    }

    fn receipt(
        self,
        events: Vec<crate::Event>,
        gas_limit: Gas,
        deployed: Option<Address>,
    ) -> Receipt {
        let Self {
            status,
            output,
            gas_used,
        } = self;
        Receipt {
            status,
            gas_limit,
            gas_used,
            output,
            events,
            deployed,
        }
    }

    /// What the caller gets as the result of the syscall.
    fn reply(&self) -> u64 {
        let code = match self.status {
            Status::Success => return u64::try_from(self.output.len()).unwrap_or(u64::MAX),
            Status::Reverted => status::REVERTED,
            Status::Trapped(_) => status::TRAPPED,
            Status::OutOfGas => status::OUT_OF_GAS,
            Status::Rejected(rejection) => match rejection {
                Rejection::UnknownAddress | Rejection::UnknownMethod => status::UNKNOWN_CALLEE,
                Rejection::InsufficientBalance => status::INSUFFICIENT_BALANCE,
                Rejection::Reentrant => status::REENTRANT,
                Rejection::CallLimit => status::CALL_LIMIT,
                Rejection::RefusedCode => status::REFUSED,
            },
        };
        syscalls::status(code)
    }
}
