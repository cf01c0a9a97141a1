//! Sessions: one transaction or query while it runs, and the calls among contracts in it.
//!
//! A call parks its caller on the frame stack, so that all of it is one loop, however deep the
//! calls are. The changes travel with whoever runs.

use fusee_abi::DEPLOY_METHOD;
use fusee_engine::{Gas, Interrupt};
use fusee_executor::{Ended, FrameStack, Outcome, Prepared, RunRequest, Suspended, Tier};

use crate::{
    Address, ContractError, Contracts, Rejection, Status,
    changes::{Changes, Mark},
    ending::Ending,
    frame::{CallRequest, Context, Frame},
};

/// A call that is to begin.
pub(crate) struct Start {
    pub(crate) context: Context,
    pub(crate) gas: Gas,
    pub(crate) entry: Entry,
}

/// Which methods a call may enter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Deploy,
    Method,
}

/// A call that has begun, or has ended already.
enum Begun {
    Running(Box<Outcome>),
    Ended(Changes, Ending),
}

/// One transaction or query while it runs.
pub(crate) struct Session<'a> {
    contracts: &'a Contracts,
    interrupt: &'a Interrupt,
    tier: Tier,
    stack: FrameStack,
    /// Who is on the stack or runs, the outermost first.
    active: Vec<(Address, String)>,
}

impl Entry {
    /// Whether a method is entered so: it is an exported function without parameters and results.
    /// `deploy` is entered once, at deployment, and names that toolchains give a meaning are not
    /// entered at all.
    pub(crate) fn admits(self, prepared: &Prepared, name: &str) -> bool {
        let fits = prepared
            .program()
            .export(name)
            .is_some_and(|export| export.params.is_empty() && export.results.is_empty());
        let is_deploy = name == DEPLOY_METHOD;
        fits && !name.starts_with('_') && is_deploy == (self == Entry::Deploy)
    }
}

impl<'a> Session<'a> {
    pub(crate) const fn new(
        contracts: &'a Contracts,
        interrupt: &'a Interrupt,
        tier: Tier,
    ) -> Self {
        Self {
            contracts,
            interrupt,
            tier,
            stack: FrameStack::new(contracts.rules.frames),
            active: Vec::new(),
        }
    }

    /// Runs a call and every call that comes of it.
    pub(crate) fn run(
        mut self,
        changes: Changes,
        start: Start,
    ) -> Result<(Changes, Ending), ContractError> {
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
        if !entry.admits(&prepared, &context.method) {
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
        let frame = Frame::new(context, &self.contracts.rules, changes, mark);
        let is_outermost = self.active.len() == 1;
        let request = RunRequest {
            suspension: self.contracts.suspension,
            interrupt: Some(self.interrupt.clone()),
            tier: self.tier,
            profiler: self.contracts.profiler.clone().filter(|_| is_outermost),
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
