//! Sessions: one transaction or query while it runs, and the calls among contracts in it.
//!
//! A call parks its caller on the frame stack, so that all of it is one loop, however deep the
//! calls are. The changes travel with whoever runs.

use std::sync::Arc;

use fusee_abi::{DEPLOY_METHOD, status};
use fusee_engine::{Gas, Interrupt};
use fusee_executor::{Ended, FrameStack, Outcome, Prepared, RunRequest, Suspended, Tier};
use fusee_virtualization::{ChildLimits, ChildSettings, Children, Next, Parent, Tree, functions};

use crate::{
    Address, ContractError, Contracts, Rejection, Status,
    changes::{Changes, Mark},
    ending::Ending,
    frame::{Asked, CallRequest, Context, Frame},
    syscalls,
};

/// A call that is to begin.
pub(crate) struct Start {
    pub(crate) context: Context,
    pub(crate) gas: Gas,
    pub(crate) entry: Entry,
}

/// Which methods a call may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Deploy,
    Method,
}

/// How far somebody came: a contract or a child, who runs, or a contract's call that has ended.
enum Turn {
    Running(Box<Outcome>),
    Ended(Changes, Ending),
    Asks(Question),
}

/// How far a session came.
pub(crate) enum Progress {
    Ended(Changes, Ending),
    Asks(Question),
}

/// A frame that waits for an answer of the host.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) contract: Address,
    pub(crate) bytes: Vec<u8>,
    frame: Suspended,
}

/// One transaction or query while it runs.
#[derive(Debug)]
pub(crate) struct Session {
    contracts: Contracts,
    interrupt: Interrupt,
    tier: Tier,
    stack: FrameStack,
    /// Who is on the stack or runs, the outermost first.
    active: Vec<(Address, String)>,
    /// What the children of all contracts share, if any contract may have children.
    tree: Option<Arc<Tree>>,
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

impl Session {
    pub(crate) fn new(contracts: &Contracts, interrupt: &Interrupt, tier: Tier) -> Self {
        Self {
            contracts: contracts.clone(),
            interrupt: interrupt.clone(),
            tier,
            stack: FrameStack::new(contracts.rules.frames),
            active: Vec::new(),
            tree: None,
        }
    }

    /// Runs a call and every call that comes of it.
    pub(crate) fn run(
        &mut self,
        changes: Changes,
        start: Start,
    ) -> Result<Progress, ContractError> {
        let turn = self.begin(changes, start)?;
        self.go_on(turn)
    }

    /// Goes on with the frame that asked.
    pub(crate) fn answer(
        &mut self,
        question: Question,
        answer: Option<Vec<u8>>,
    ) -> Result<Progress, ContractError> {
        let mut suspended = question.frame;
        let frame = suspended.host::<Frame>().ok_or(ContractError::LostFrame)?;
        let reply = match &answer {
            Some(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            None => syscalls::status(status::UNANSWERED),
        };
        frame.return_data = answer.unwrap_or_default();
        let outcome = suspended.resume(reply)?;
        self.go_on(Turn::Running(Box::new(outcome)))
    }

    fn go_on(&mut self, mut turn: Turn) -> Result<Progress, ContractError> {
        loop {
            turn = match turn {
                Turn::Running(outcome) => self.advance(*outcome)?,
                Turn::Ended(changes, ending) => match self.stack.pop() {
                    Some(caller) => resume(caller, changes, ending)?,
                    None => return Ok(Progress::Ended(changes, ending)),
                },
                Turn::Asks(question) => return Ok(Progress::Asks(question)),
            };
        }
    }

    /// Takes the next step from where a contract or a child came to.
    fn advance(&mut self, outcome: Outcome) -> Result<Turn, ContractError> {
        let mut suspended = match outcome {
            Outcome::Syscall(suspended) => suspended,
            ended
                if self
                    .stack
                    .top()
                    .and_then(children)
                    .is_some_and(|children| children.is_waiting()) =>
            {
                return self.end_child(ended);
            }
            ended => {
                let (changes, ending) = self.end(ended)?;
                return Ok(Turn::Ended(changes, ending));
            }
        };
        let gas_left = suspended.gas_left();
        let next = match suspended.host::<Frame>() {
            Some(frame) => frame.go_on(gas_left)?,
            None => Parent::go_on(&mut suspended)?,
        };
        match next {
            Some(Next::Answer(answer)) => return running(answer.give(suspended)?),
            Some(Next::Child(child)) => {
                self.stack.push_parent(suspended);
                return Ok(Turn::Running(child));
            }
            None => {}
        }
        let Some(frame) = suspended.host::<Frame>() else {
            // A child asks whoever runs it.
            return self.end_child(Outcome::Syscall(suspended));
        };
        match frame.asked.take().ok_or(ContractError::LostFrame)? {
            Asked::Call(request) => self.call(suspended, request),
            Asked::Host(bytes) => Ok(Turn::Asks(Question {
                contract: frame.context.address,
                bytes,
                frame: suspended,
            })),
        }
    }

    /// Goes on with who waits for a child, which came as far as it does without.
    fn end_child(&mut self, outcome: Outcome) -> Result<Turn, ContractError> {
        let mut parent = self.stack.pop().ok_or(ContractError::LostFrame)?;
        let children = children(&mut parent).ok_or(ContractError::LostFrame)?;
        running(children.answer(outcome)?.give(parent)?)
    }

    /// Begins a call: moves its value and enters its method.
    fn begin(&mut self, mut changes: Changes, start: Start) -> Result<Turn, ContractError> {
        let Start {
            context,
            gas,
            entry,
        } = start;
        let mark = changes.mark();
        let rejected = |mut changes: Changes, mark: Mark, rejection| {
            changes.undo(mark);
            Ok(Turn::Ended(changes, Ending::rejected(rejection)))
        };
        if !changes.transfer(context.caller, context.address, context.value)? {
            return rejected(changes, mark, Rejection::InsufficientBalance);
        }
        if context.method.is_empty() {
            changes.keep(mark);
            return Ok(Turn::Ended(changes, Ending::of(Status::Success)));
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
            return Ok(Turn::Ended(changes, ending));
        }
        self.active.push((context.address, context.method.clone()));
        let method = context.method.clone();
        let children = match functions::are_imported(prepared.program()) {
            true => self.children(&mut changes, context.address),
            false => None,
        };
        let frame = Frame::new(context, &self.contracts.rules, changes, mark, children);
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
        running(outcome)
    }

    /// What a contract's children are to be, with the names that it has.
    fn children(&mut self, changes: &mut Changes, contract: Address) -> Option<Box<Children>> {
        let rules = self.contracts.rules.children.as_ref()?;
        let tree = self.tree.get_or_insert_with(|| {
            let settings = ChildSettings {
                limits: ChildLimits {
                    modules: rules.modules,
                    instances: rules.instances,
                    generations: rules.generations,
                    ..ChildLimits::default()
                },
                tier: self.tier,
                interrupt: self.interrupt.clone(),
            };
            Tree::within(
                Arc::clone(&self.contracts.executor),
                Arc::new(rules.rules.clone()),
                settings,
                self.stack.budget().clone(),
            )
        });
        let names = changes.take_names(contract);
        let prices = Arc::clone(self.contracts.rules.program.prices());
        Some(Box::new(Children::billed(Arc::clone(tree), names, prices)))
    }

    /// Begins the call that a parked frame asks for, or answers why it cannot begin.
    fn call(
        &mut self,
        mut suspended: Suspended,
        request: CallRequest,
    ) -> Result<Turn, ContractError> {
        let gas_left = suspended.gas_left();
        let CallRequest {
            to,
            method,
            value,
            input,
            gas,
        } = request;
        let frame = suspended.host::<Frame>().ok_or(ContractError::LostFrame)?;
        let changes = frame.changes.take().ok_or(ContractError::LostFrame)?;
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
        if let Err((_, suspended)) = self.stack.push(suspended) {
            return resume(suspended, changes, Ending::rejected(Rejection::CallLimit));
        }
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
        context,
        changes,
        mark,
        output,
        children,
        ..
    } = *frame;
    let (Some(mut changes), Some(mark)) = (changes, mark) else {
        return Err(ContractError::LostFrame);
    };
    let output = match status {
        Status::Success | Status::Reverted => output,
        Status::Trapped(_) | Status::OutOfGas | Status::Rejected(_) => Vec::new(),
    };
    // With the children go their instances.
    if let Some(children) = children {
        let (names, before) = children.into_names();
        changes.put_names(context.address, names, before);
    }
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

fn running(outcome: Outcome) -> Result<Turn, ContractError> {
    Ok(Turn::Running(Box::new(outcome)))
}

/// The children of a contract or a child that waits.
fn children(suspended: &mut Suspended) -> Option<&mut Children> {
    if suspended.host::<Frame>().is_some() {
        return suspended.host::<Frame>()?.children.as_deref_mut();
    }
    suspended.host::<Parent>().map(Parent::children)
}

/// Lets a frame go on whose call has ended: it pays for the call, and learns how it ended.
fn resume(mut caller: Suspended, changes: Changes, ending: Ending) -> Result<Turn, ContractError> {
    let frame = caller.host::<Frame>().ok_or(ContractError::LostFrame)?;
    let reply = ending.reply();
    frame.return_data = ending.output;
    frame.changes = Some(changes);
    let outcome = match caller.charge(ending.gas_used) {
        Ok(()) => caller.resume(reply)?,
        Err(_) => caller.out_of_gas(),
    };
    running(outcome)
}
