//! Traces as the types of answers.

use fusee_contract::{self as contract, Status};
use fusee_engine::Gas;

use super::convert::{bytes, count, event, text_or_hex};
use crate::types::{
    Amount, CallStatus, DroppedParts, FailedCall, Frame, Hex32, Step, StorageAccess, Syscall, Trace,
};

pub(super) fn convert(trace: &contract::Trace) -> Trace {
    Trace {
        intrinsic_gas: trace.intrinsic_gas.units(),
        frames: trace.frames.iter().map(frame).collect(),
        failure: trace
            .failure
            .iter()
            .map(|failed| failure(trace, failed))
            .collect(),
        dropped: DroppedParts {
            frames: trace.dropped.frames,
            syscalls: trace.dropped.syscalls,
            outputs: trace.dropped.outputs,
        },
    }
}

fn frame(frame: &contract::FrameTrace) -> Frame {
    let end = frame.end.as_ref();
    let output = end.and_then(|end| end.output.as_deref());
    Frame {
        depth: count(frame.depth),
        kind: frame.kind.name().to_owned(),
        caller: frame.caller.into(),
        address: frame.address.into(),
        method: frame.method.clone(),
        code: frame.code.map(Hex32::from),
        input: bytes(&frame.input),
        value: Amount(frame.value),
        read_only: frame.is_read_only,
        gas_limit: frame.gas_limit.units(),
        gas_used: end.map(|end| end.gas_used.units()),
        own_gas: frame.own_gas().map(Gas::units),
        gas_forwarded: frame.gas_forwarded.units(),
        gas_refunded: frame.gas_refunded().units(),
        status: end.map(|end| status(end.status, end.exhausted, output)),
        output: output.map(bytes),
        steps: frame.steps.iter().map(step).collect(),
    }
}

fn status(
    status: Status,
    exhausted: Option<contract::Resource>,
    output: Option<&[u8]>,
) -> CallStatus {
    let output = output.unwrap_or_default();
    let reason = match status {
        Status::Success | Status::OutOfGas => None,
        Status::Reverted if output.is_empty() => Some("no message".to_owned()),
        Status::Reverted => Some(text_or_hex(output)),
        Status::Trapped(trap) => Some(trap.to_string()),
        Status::Rejected(rejection) => Some(rejection.to_string()),
    };
    CallStatus {
        status: status.name().to_owned(),
        reason,
        exhausted: exhausted.map(|resource| resource.name().to_owned()),
    }
}

fn failure(trace: &contract::Trace, failed: &contract::FailedFrame) -> FailedCall {
    let frame = failed.frame.and_then(|frame| trace.frames.get(frame));
    let end = frame.and_then(|frame| frame.end.as_ref());
    let output = end.and_then(|end| end.output.as_deref());
    FailedCall {
        frame: failed.frame.map(count),
        address: failed.address.into(),
        method: failed.method.clone(),
        status: status(failed.status, failed.exhausted, output),
    }
}

fn step(step: &contract::TraceStep) -> Step {
    match step {
        contract::TraceStep::Call(frame) => Step::Call {
            frame: count(*frame),
        },
        contract::TraceStep::Syscall(syscall) => Step::Syscall(Syscall {
            syscall: syscall.name().to_owned(),
            gas_left: syscall.gas_left.units(),
            gas_used: syscall.gas_used.units(),
            result: syscall.result(),
            storage: syscall.storage.iter().map(access).collect(),
            event: syscall.event.as_ref().map(event),
        }),
    }
}

fn access(access: &contract::StorageAccess) -> StorageAccess {
    let store = match access.store {
        contract::StorageKind::Persistent => "persistent",
        contract::StorageKind::Transient => "transient",
    };
    StorageAccess {
        store: store.to_owned(),
        key: bytes(&access.key),
        before: access.before.as_deref().map(bytes),
        after: access.after.as_deref().map(bytes),
    }
}
