//! Answers of a node as values of the ledger: the inverse of what its server does.
//!
//! A name that this program does not know is of another version of the node.

use fusee::chain::{
    Address, Dropped, FailedFrame, FrameEnd, FrameKind, FrameTrace, Receipt, Rejection, Resource,
    Status, StorageAccess, StorageKind, SyscallTrace, Trace, TraceStep,
};
use fusee::ledger::{
    CallResult, Operation, ParameterUpdate, Phase, TransactionBody, TransactionId,
    TransactionResult,
};
use fusee::rpc::types;
use fusee::sandbox::{CodeHash, Gas, Trap};

use crate::{
    chain::{Block, Found, Included},
    failure::{Exit, Failure},
    receipt::event_of,
};

/// What this program does not know.
fn unknown(what: &str, name: &str) -> Failure {
    let error = anyhow::anyhow!("the node answers with {what} `{name}`, which is unknown here");
    Failure::new(Exit::Host, error)
        .next("use the version of fusee that the node has: `fusee status` tells it")
}

pub(super) fn receipt(receipt: types::Receipt) -> Result<Receipt, Failure> {
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    Ok(Receipt {
        status: match receipt.status.as_str() {
            "trapped" => Status::Trapped(trap(&named(&receipt.trap), Trap::name)?),
            "rejected" => {
                let name = named(&receipt.rejection);
                Status::Rejected(rejection(&name, |it| it.name().to_owned())?)
            }
            name => plain(name)?,
        },
        gas_limit: Gas::new(receipt.gas_limit),
        gas_used: Gas::new(receipt.gas_used),
        output: receipt.output.0,
        events: receipt.events.iter().map(event_of).collect(),
        deployed: receipt.deployed.map(Address::from),
    })
}

/// A status that has no reason.
fn plain(name: &str) -> Result<Status, Failure> {
    let known = [Status::Success, Status::Reverted, Status::OutOfGas];
    let found = known.into_iter().find(|status| status.name() == name);
    found.ok_or_else(|| unknown("the status", name))
}

fn trap<N: AsRef<str>>(name: &str, of: impl Fn(Trap) -> N) -> Result<Trap, Failure> {
    let mut known = Trap::ALL.into_iter();
    let found = known.find(|trap| of(*trap).as_ref() == name);
    found.ok_or_else(|| unknown("the trap", name))
}

fn rejection(name: &str, of: impl Fn(Rejection) -> String) -> Result<Rejection, Failure> {
    let mut known = Rejection::ALL.into_iter();
    let found = known.find(|rejection| of(*rejection) == name);
    found.ok_or_else(|| unknown("the rejection", name))
}

pub(super) fn block(block: types::Block) -> Result<Block, Failure> {
    let transactions = block.transactions.unwrap_or_default().into_iter();
    Ok(Block {
        header: block.header,
        misbehaviour: block.misbehaviour,
        transactions: transactions.map(included).collect::<Result<_, _>>()?,
        calls: block
            .calls
            .into_iter()
            .map(call)
            .collect::<Result<_, _>>()?,
    })
}

fn included(transaction: types::BlockTransaction) -> Result<Included, Failure> {
    Ok(Included {
        id: transaction.id.map(|id| TransactionId::from_bytes(id.0)),
        body: transaction.body.map(body),
        result: result(transaction.result)?,
    })
}

/// A transaction that the node knows, with its block if it has one.
pub(super) fn transaction(transaction: types::Transaction) -> Result<Found, Failure> {
    let place = transaction.height.zip(transaction.index);
    Ok(Found {
        id: TransactionId::from_bytes(transaction.id.0),
        body: body(transaction.body),
        included: match place.zip(transaction.result) {
            Some(((height, index), it)) => Some((height, index, result(it)?)),
            None => None,
        },
    })
}

pub(super) fn result(result: types::TransactionResult) -> Result<TransactionResult, Failure> {
    Ok(TransactionResult {
        code: result.code,
        gas_used: Gas::new(result.gas_used),
        gas_limit: Gas::new(result.gas_limit),
        fee: result.fee.0,
        receipts: result
            .receipts
            .into_iter()
            .map(receipt)
            .collect::<Result<_, _>>()?,
    })
}

fn call(call: types::CallResult) -> Result<CallResult, Failure> {
    Ok(CallResult {
        index: call.index,
        phase: match call.phase.as_str() {
            "begin" => Phase::Begin,
            "end" => Phase::End,
            other => return Err(unknown("the phase", other)),
        },
        receipt: receipt(call.receipt)?,
        update: match call.parameter_update.as_str() {
            "none" => ParameterUpdate::None,
            "applied" => ParameterUpdate::Applied,
            "refused" => ParameterUpdate::Refused,
            other => return Err(unknown("the update of parameters", other)),
        },
    })
}

fn body(body: types::Body) -> TransactionBody {
    TransactionBody {
        chain_id: body.chain_id,
        sender: body.sender.into(),
        nonce: body.nonce,
        expiry: body.expiry,
        gas_limit: Gas::new(body.gas_limit),
        gas_price: body.gas_price.0,
        fee_payer: body.fee_payer.map(Address::from),
        operations: body.operations.into_iter().filter_map(operation).collect(),
    }
}

/// An operation. `None`: one that this version does not know.
fn operation(operation: types::Operation) -> Option<Operation> {
    use types::Operation as It;
    Some(match operation {
        It::Transfer { to, value } => Operation::Transfer {
            to: to.into(),
            value: value.0,
        },
        It::Call {
            to,
            method,
            input,
            value,
        } => Operation::Call {
            to: to.into(),
            method,
            input: input.0,
            value: value.0,
        },
        It::Upload { code } => Operation::Upload { code: code.0 },
        It::Deploy { code, input, value } => Operation::Deploy {
            code: code.0,
            input: input.0,
            value: value.0,
        },
        It::Create {
            code_hash,
            salt,
            admin,
            input,
            value,
        } => Operation::Create {
            code: code_hash.0,
            salt: salt.map(|salt| salt.0),
            admin: admin.map(Address::from),
            input: input.0,
            value: value.0,
        },
        It::Upgrade {
            contract,
            code_hash,
            input,
            value,
        } => Operation::Upgrade {
            contract: contract.into(),
            code: code_hash.0,
            input: input.0,
            value: value.0,
        },
        It::SetAdmin { contract, admin } => Operation::SetAdmin {
            contract: contract.into(),
            admin: admin.map(Address::from),
        },
        It::RemoveCode { code_hash } => Operation::RemoveCode { code: code_hash.0 },
        _ => return None,
    })
}

pub(super) fn trace(trace: types::Trace) -> Result<Trace, Failure> {
    let frames = trace.frames.into_iter().map(frame);
    let failure = trace.failure.into_iter().map(|failed| {
        let (status, exhausted) = ending(&failed.status)?;
        Ok(FailedFrame {
            frame: failed.frame.map(position),
            address: failed.address.into(),
            method: failed.method,
            status,
            exhausted,
        })
    });
    Ok(Trace {
        intrinsic_gas: Gas::new(trace.intrinsic_gas),
        frames: frames.collect::<Result<_, Failure>>()?,
        failure: failure.collect::<Result<_, Failure>>()?,
        dropped: Dropped {
            frames: trace.dropped.frames,
            syscalls: trace.dropped.syscalls,
            outputs: trace.dropped.outputs,
            profiles: 0,
        },
    })
}

fn frame(frame: types::Frame) -> Result<FrameTrace, Failure> {
    let known = [FrameKind::Call, FrameKind::Create, FrameKind::Upgrade];
    let kind = known.into_iter().find(|kind| kind.name() == frame.kind);
    let gas_used = Gas::new(frame.gas_used.unwrap_or_default());
    let gas_forwarded = Gas::new(frame.gas_forwarded);
    let end = frame.status.as_ref().map(|status| {
        let (status, exhausted) = ending(status)?;
        Ok::<_, Failure>(FrameEnd {
            status,
            exhausted,
            gas_used,
            output: frame.output.map(|output| output.0),
        })
    });
    Ok(FrameTrace {
        depth: position(frame.depth),
        kind: kind.ok_or_else(|| unknown("the kind of a call", &frame.kind))?,
        caller: frame.caller.into(),
        address: frame.address.into(),
        method: frame.method,
        code: frame.code.map(|code| CodeHash::from_bytes(code.0)),
        input: frame.input.0,
        value: frame.value.0,
        is_read_only: frame.read_only,
        gas_limit: Gas::new(frame.gas_limit),
        gas_forwarded,
        callee_gas: gas_forwarded.saturating_sub(Gas::new(frame.gas_refunded)),
        profile: None,
        caller_path: None,
        end: end.transpose()?,
        steps: frame
            .steps
            .into_iter()
            .map(step)
            .collect::<Result<_, _>>()?,
    })
}

/// How a call ended. The answer has the reason for people.
fn ending(end: &types::CallStatus) -> Result<(Status, Option<Resource>), Failure> {
    let reason = end.reason.clone().unwrap_or_default();
    let status = match end.status.as_str() {
        "trapped" => Status::Trapped(trap(&reason, |trap| trap.to_string())?),
        "rejected" => Status::Rejected(rejection(&reason, |it| it.to_string())?),
        name => plain(name)?,
    };
    let exhausted = end.exhausted.as_deref().map(|name| {
        let known = [
            Resource::Gas,
            Resource::CallDepth,
            Resource::CallMemory,
            Resource::LoadedCode,
            Resource::Balance,
        ];
        let found = known.into_iter().find(|resource| resource.name() == name);
        found.ok_or_else(|| unknown("the resource", name))
    });
    Ok((status, exhausted.transpose()?))
}

fn step(step: types::Step) -> Result<TraceStep, Failure> {
    let syscall = match step {
        types::Step::Call { frame } => return Ok(TraceStep::Call(position(frame))),
        types::Step::Syscall(syscall) => syscall,
    };
    let storage = syscall.storage.into_iter().map(|access| {
        Ok(StorageAccess {
            store: match access.store.as_str() {
                "persistent" => StorageKind::Persistent,
                "transient" => StorageKind::Transient,
                other => return Err(unknown("the storage", other)),
            },
            key: access.key.0,
            before: access.before.map(|value| value.0),
            after: access.after.map(|value| value.0),
        })
    });
    let number = SyscallTrace::number_of(&syscall.syscall);
    let number = number.ok_or_else(|| unknown("the syscall", &syscall.syscall))?;
    let reply = |result| SyscallTrace::reply_of(number, result);
    Ok(TraceStep::Syscall(SyscallTrace {
        number,
        gas_left: Gas::new(syscall.gas_left),
        gas_used: Gas::new(syscall.gas_used),
        reply: syscall.result.and_then(reply),
        storage: storage.collect::<Result<_, Failure>>()?,
        event: syscall.event.as_ref().map(event_of),
    }))
}

fn position(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
