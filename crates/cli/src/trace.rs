//! Traces as text, as JSON and as stacks of a flame graph.
//!
//! Text has the innermost frame of a failure first, and then a line for each step with the gas that
//! it used itself: they add up to the gas used. JSON has everything that the trace has. Its frames
//! are a list, so that deep calls are not deep JSON.

use std::collections::BTreeMap;

use fusee::chain::{
    Address, FailedFrame, FrameTrace, Resource, Status, StorageAccess, StorageKind, SyscallTrace,
    Trace, TraceStep,
};
use fusee::rpc::types;
use fusee::sandbox::{CodeHash, Gas, profile::Path};
use serde::Serialize;

use crate::{
    decoded::{ErrorValue, EventValue, FrameValues, shown},
    names,
    numbers::grouped,
    profile::{Frame, Kind, Names, Stacks},
    receipt::{self, hexed, hinted, line},
    table::{Align, aligned, table},
};

/// Spaces before a frame, for each frame around it. Its steps have half of one more, so that a call
/// is inside the syscall that made it.
const INDENT: usize = 4;

/// The most frames of a stack. Calls may be 128 deep, and the functions of each as deep again.
const MAX_STACK: usize = 256;

/// A trace as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct TraceJson<'a> {
    intrinsic_gas: u64,
    /// In the order in which they began. Steps refer to them by position.
    frames: Vec<FrameJson<'a>>,
    /// The frames that failed, the innermost first.
    failure: Vec<FailedJson>,
    dropped: DroppedJson,
}

#[derive(Debug, Serialize)]
struct FrameJson<'a> {
    depth: usize,
    kind: &'static str,
    caller: String,
    address: String,
    method: String,
    /// The hash of the code.
    code: Option<String>,
    input: String,
    /// As text: it has up to 128 bits.
    value: String,
    read_only: bool,
    gas_limit: u64,
    gas_used: Option<u64>,
    own_gas: Option<u64>,
    gas_forwarded: u64,
    gas_refunded: u64,
    #[serde(flatten)]
    status: Option<StatusJson>,
    output: Option<String>,
    /// By the interface of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<&'a FrameValues>,
    steps: Vec<StepJson<'a>>,
}

#[derive(Debug, Serialize)]
struct StatusJson {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exhausted: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum StepJson<'a> {
    Call { frame: usize },
    Syscall(SyscallJson<'a>),
}

#[derive(Debug, Serialize)]
struct SyscallJson<'a> {
    syscall: &'static str,
    gas_left: u64,
    gas_used: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    storage: Vec<AccessJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<types::Event>,
    /// The event by the interface of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<&'a EventValue>,
}

#[derive(Debug, Serialize)]
struct AccessJson {
    store: &'static str,
    key: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct FailedJson {
    /// The position of the frame, if the trace has it.
    frame: Option<usize>,
    address: String,
    method: String,
    #[serde(flatten)]
    status: StatusJson,
}

#[derive(Debug, Serialize)]
struct DroppedJson {
    frames: u64,
    syscalls: u64,
    outputs: u64,
}

/// A frame whose steps are being shown.
struct OpenFrame<'a> {
    frame: &'a FrameTrace,
    values: Option<&'a FrameValues>,
    steps: std::iter::Enumerate<std::slice::Iter<'a, TraceStep>>,
}

/// A line of the tree: gas and text.
type Row = [String; 2];

impl<'a> TraceJson<'a> {
    /// A trace, and the values of its frames, if they are known.
    pub(crate) fn new(trace: &Trace, values: &'a [FrameValues]) -> Self {
        let frames = trace.frames.iter().enumerate();
        let frames = frames.map(|(index, frame)| FrameJson::new(frame, values.get(index)));
        Self {
            intrinsic_gas: trace.intrinsic_gas.units(),
            frames: frames.collect(),
            failure: trace
                .failure
                .iter()
                .map(|failed| FailedJson::new(trace, failed))
                .collect(),
            dropped: DroppedJson {
                frames: trace.dropped.frames,
                syscalls: trace.dropped.syscalls,
                outputs: trace.dropped.outputs,
            },
        }
    }
}

impl<'a> FrameJson<'a> {
    fn new(frame: &FrameTrace, values: Option<&'a FrameValues>) -> Self {
        let steps = frame.steps.iter().enumerate();
        let steps = steps.map(|(position, step)| {
            let event = values.and_then(|values| values.event(position));
            StepJson::new(step, event)
        });
        let end = frame.end.as_ref();
        let output = end.and_then(|end| end.output.as_deref());
        Self {
            depth: frame.depth,
            kind: frame.kind.name(),
            caller: frame.caller.to_string(),
            address: frame.address.to_string(),
            method: frame.method.clone(),
            code: frame.code.map(|code| code.to_string()),
            input: hexed(&frame.input),
            value: frame.value.to_string(),
            read_only: frame.is_read_only,
            gas_limit: frame.gas_limit.units(),
            gas_used: end.map(|end| end.gas_used.units()),
            own_gas: frame.own_gas().map(Gas::units),
            gas_forwarded: frame.gas_forwarded.units(),
            gas_refunded: frame.gas_refunded().units(),
            status: end.map(|end| StatusJson::new(end.status, end.exhausted, output)),
            output: output.map(hexed),
            decoded: values.filter(|values| !values.is_empty()),
            steps: steps.collect(),
        }
    }
}

impl StatusJson {
    fn new(status: Status, exhausted: Option<Resource>, output: Option<&[u8]>) -> Self {
        Self {
            status: status.name(),
            reason: receipt::reason_of(status, output.unwrap_or_default()),
            exhausted: exhausted.map(Resource::name),
        }
    }
}

impl FailedJson {
    fn new(trace: &Trace, failed: &FailedFrame) -> Self {
        let FailedFrame {
            frame,
            address,
            method,
            status,
            exhausted,
        } = failed;
        Self {
            frame: *frame,
            address: address.to_string(),
            method: method.clone(),
            status: StatusJson::new(*status, *exhausted, output(trace, failed)),
        }
    }
}

impl<'a> StepJson<'a> {
    fn new(step: &TraceStep, decoded: Option<&'a EventValue>) -> Self {
        match step {
            TraceStep::Call(frame) => Self::Call { frame: *frame },
            TraceStep::Syscall(syscall) => Self::Syscall(SyscallJson {
                syscall: syscall.name(),
                gas_left: syscall.gas_left.units(),
                gas_used: syscall.gas_used.units(),
                result: syscall.result(),
                storage: syscall.storage.iter().map(AccessJson::new).collect(),
                event: syscall.event.as_ref().map(receipt::event_json),
                decoded,
            }),
        }
    }
}

impl AccessJson {
    fn new(access: &StorageAccess) -> Self {
        Self {
            store: match access.store {
                StorageKind::Persistent => "persistent",
                StorageKind::Transient => "transient",
            },
            key: hexed(&access.key),
            before: access.before.as_deref().map(hexed),
            after: access.after.as_deref().map(hexed),
        }
    }
}

/// The trace as text, with the values of its frames, if they are known: the failure, the tree, and
/// what was dropped.
pub(crate) fn text(trace: &Trace, values: &[FrameValues]) -> String {
    let mut failure = Vec::new();
    for (index, failed) in trace.failure.iter().enumerate() {
        let label = if index == 0 { "failed in" } else { "called by" };
        let place = place(failed.address, &failed.method);
        let values = failed.frame.and_then(|frame| values.get(frame));
        let status = status(
            failed.status,
            failed.exhausted,
            output(trace, failed),
            values,
        );
        failure.push(line(label, format!("{place}: {status}")));
    }
    let mut rows = vec![
        ["gas".to_owned(), String::new()],
        [grouped(trace.intrinsic_gas), "transaction".to_owned()],
    ];
    let mut open: Vec<OpenFrame<'_>> = Vec::new();
    let mut next = (!trace.frames.is_empty()).then_some(0);
    loop {
        if let Some(index) = next.take()
            && let Some(frame) = trace.frames.get(index)
        {
            let values = values.get(index);
            rows.push(begin(frame, values, open.len()));
            open.push(OpenFrame {
                frame,
                values,
                steps: frame.steps.iter().enumerate(),
            });
        }
        let depth = open.len();
        let Some(last) = open.last_mut() else {
            break;
        };
        match last.steps.next() {
            Some((position, TraceStep::Syscall(syscall))) => {
                let event = last.values.and_then(|values| values.event(position));
                rows.extend(syscall_rows(syscall, event, depth));
            }
            Some((_, TraceStep::Call(index))) => next = Some(*index),
            None => {
                rows.extend(end(trace, last.frame, last.values, depth));
                open.pop();
            }
        }
    }
    let columns = [Align::Right, Align::Left];
    let mut text = table(0, &failure);
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&aligned(0, columns, &rows));
    let dropped = trace.dropped;
    if !dropped.is_empty() {
        text.push_str(&format!(
            "\nThe trace is too long. Dropped: {} frames, {} syscalls, {} outputs.\n",
            grouped(dropped.frames),
            grouped(dropped.syscalls),
            grouped(dropped.outputs)
        ));
    }
    text
}

/// Own gas by stack of frames: contracts with their methods, their functions, if the trace tells
/// them apart, and their syscalls. It adds up to the gas used.
pub(crate) fn stacks(trace: &Trace, names: &BTreeMap<CodeHash, Names>) -> Stacks {
    let mut stacks = Stacks::new();
    if trace.intrinsic_gas > Gas::ZERO {
        add(
            &mut stacks,
            vec![other("(transaction)")],
            trace.intrinsic_gas,
        );
    }
    let unnamed = Names::default().with_syscalls_of_traces();
    // The frames around the current one: each with its stack, its names and its profile.
    let mut around: Vec<(Vec<Frame>, &Names, bool)> = Vec::new();
    for frame in &trace.frames {
        around.truncate(frame.depth);
        let mut stack = Vec::new();
        if let Some((caller, names, is_profiled)) = around.last() {
            stack.clone_from(caller);
            let path = frame.caller_path.as_ref().filter(|_| *is_profiled);
            stack.extend(path.into_iter().flatten().map(|span| names.frame(*span)));
        }
        stack.push(Frame {
            name: place(frame.address, &frame.method),
            kind: Kind::Function,
        });
        let names = frame.code.and_then(|code| names.get(&code));
        let names = names.unwrap_or(&unnamed);
        match &frame.profile {
            Some(profile) => add_functions(&mut stacks, trace, (frame, profile), &stack, names),
            None => add_syscalls(&mut stacks, trace, frame, &stack),
        }
        stack.truncate(MAX_STACK);
        around.push((stack, names, frame.profile.is_some()));
    }
    stacks
}

/// Adds the gas of a frame by function and syscall. The calls that it made have gas of their own.
fn add_functions(
    stacks: &mut Stacks,
    trace: &Trace,
    (frame, profile): (&FrameTrace, &BTreeMap<Path, Gas>),
    stack: &[Frame],
    names: &Names,
) {
    let mut called: BTreeMap<&Path, Gas> = BTreeMap::new();
    for callee in calls(trace, frame) {
        if let (Some(path), Some(end)) = (&callee.caller_path, &callee.end) {
            let gas = called.entry(path).or_default();
            *gas = gas.saturating_add(end.gas_used);
        }
    }
    for (path, gas) in profile {
        let called = called.get(path).copied().unwrap_or_default();
        let spans = path.iter().map(|span| names.frame(*span));
        let stack = stack.iter().cloned().chain(spans).collect();
        add(stacks, stack, gas.saturating_sub(called));
    }
}

/// Adds the gas of a frame by syscall.
fn add_syscalls(stacks: &mut Stacks, trace: &Trace, frame: &FrameTrace, stack: &[Frame]) {
    let with = |last: Frame| [stack, &[last]].concat();
    let mut own = frame.own_gas().unwrap_or_default();
    for syscall in frame.syscalls() {
        own = own.saturating_sub(syscall.gas_used);
        let last = Frame {
            name: syscall.name().to_owned(),
            kind: Kind::Syscall,
        };
        add(stacks, with(last), syscall.gas_used);
    }
    add(stacks, stack.to_vec(), own);
    let lost = dropped_gas(trace, frame);
    if lost > Gas::ZERO {
        add(stacks, with(other("(dropped)")), lost);
    }
}

/// Adds gas to a stack. In a longer stack than a flame graph has room for, the last frame replaces
/// the one at that depth.
fn add(stacks: &mut Stacks, mut stack: Vec<Frame>, gas: Gas) {
    if stack.len() > MAX_STACK {
        let last = stack.pop();
        stack.truncate(MAX_STACK.saturating_sub(1));
        stack.extend(last);
    }
    let sum = stacks.entry(stack).or_insert(0_u64);
    *sum = sum.saturating_add(gas.units());
}

fn other(name: &str) -> Frame {
    Frame {
        name: name.to_owned(),
        kind: Kind::Other,
    }
}

/// The calls of a frame that the trace has.
fn calls<'a>(trace: &'a Trace, frame: &'a FrameTrace) -> impl Iterator<Item = &'a FrameTrace> {
    frame.steps.iter().filter_map(|step| match step {
        TraceStep::Call(index) => trace.frames.get(*index),
        TraceStep::Syscall(_) => None,
    })
}

/// The gas of the calls of a frame that the trace does not have.
fn dropped_gas(trace: &Trace, frame: &FrameTrace) -> Gas {
    let kept = calls(trace, frame).filter_map(|callee| callee.end.as_ref());
    kept.fold(frame.callee_gas, |gas, end| {
        gas.saturating_sub(end.gas_used)
    })
}

/// The line with which a frame begins. Its gas is that of its code, which is in no other line.
fn begin(frame: &FrameTrace, values: Option<&FrameValues>, depth: usize) -> Row {
    let arguments = values.and_then(|values| values.arguments.as_ref());
    let in_parentheses = arguments.map(|arguments| format!("({})", arguments.text()));
    let in_syscalls = frame.syscalls();
    let in_syscalls = in_syscalls.fold(Gas::ZERO, |sum, one| sum.saturating_add(one.gas_used));
    let own = frame.own_gas().unwrap_or_default();
    let used = frame.end.as_ref().map(|end| end.gas_used);
    let mut text = format!(
        "{}{} {}{} from {}: {} of {} gas",
        " ".repeat(depth * INDENT),
        frame.kind.name(),
        place(frame.address, &frame.method),
        in_parentheses.unwrap_or_default(),
        names::short(frame.caller),
        grouped(used.unwrap_or_default()),
        grouped(frame.gas_limit),
    );
    if frame.is_read_only {
        text.push_str(", read-only");
    }
    if frame.value > 0 {
        text.push_str(&format!(", value {}", grouped(frame.value)));
    }
    if frame.gas_forwarded > Gas::ZERO {
        text.push_str(&format!(
            ", forwarded {} and got {} back",
            grouped(frame.gas_forwarded),
            grouped(frame.gas_refunded())
        ));
    }
    if arguments.is_none() && !frame.input.is_empty() {
        text.push_str(&format!(", input {}", hinted(&frame.input)));
    }
    [grouped(own.saturating_sub(in_syscalls)), text]
}

/// The spaces before the steps of a frame, with which `depth` frames are open.
fn inside(depth: usize) -> String {
    " ".repeat((depth * INDENT).saturating_sub(INDENT / 2))
}

fn syscall_rows(syscall: &SyscallTrace, decoded: Option<&EventValue>, depth: usize) -> Vec<Row> {
    let indent = inside(depth);
    let mut text = format!("{indent}{}", syscall.name());
    if let [access] = &syscall.storage[..] {
        text.push_str(&format!(" {}", accessed(access)));
    }
    if let Some(event) = &syscall.event {
        let event = match decoded {
            Some(decoded) => decoded.text(),
            None => receipt::event(event),
        };
        text.push_str(&format!(" {event}"));
    }
    if let Some(result) = syscall.result() {
        text.push_str(&format!(" = {result}"));
    }
    let mut rows = vec![[grouped(syscall.gas_used), text]];
    if syscall.storage.len() > 1 {
        let accesses = syscall.storage.iter();
        rows.extend(
            accesses.map(|access| [String::new(), format!("{indent}  {}", accessed(access))]),
        );
    }
    rows
}

/// An access of storage: the key, and the value, or the values before and after.
fn accessed(access: &StorageAccess) -> String {
    let value = |value: &Option<Vec<u8>>| match value.as_deref() {
        None => "nothing".to_owned(),
        Some([]) => "empty".to_owned(),
        Some(bytes) => hinted(bytes),
    };
    let (key, before) = (hinted(&access.key), value(&access.before));
    match access.before == access.after {
        true => format!("{key}: {before}"),
        false => format!("{key}: {before} -> {}", value(&access.after)),
    }
}

/// The line with which a frame ends, unless it succeeded without an output.
fn end(trace: &Trace, frame: &FrameTrace, values: Option<&FrameValues>, depth: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut push = |gas: Option<Gas>, text: String| {
        let gas = gas.map(grouped).unwrap_or_default();
        rows.push([gas, format!("{}{text}", inside(depth))]);
    };
    let lost = dropped_gas(trace, frame);
    if lost > Gas::ZERO {
        push(Some(lost), "(calls that are dropped)".to_owned());
    }
    let Some(end) = &frame.end else {
        push(None, "did not end".to_owned());
        return rows;
    };
    match (end.status, end.output.as_deref()) {
        (Status::Success, Some([])) => {}
        (Status::Success, Some(output)) => {
            let decoded = values.and_then(|values| values.output.as_ref());
            let output = decoded.map_or_else(|| hinted(output), shown);
            push(None, format!("output {output}"));
        }
        (Status::Success, None) => push(None, "output (dropped)".to_owned()),
        (failed, output) => push(None, status(failed, end.exhausted, output, values)),
    }
    rows
}

/// A contract and a method, or an address alone.
fn place(address: Address, method: &str) -> String {
    let address = names::short(address);
    match method {
        "" => address,
        method => format!("{address}.{method}"),
    }
}

/// A status with its reason; for a revert, with what the interface tells of the message.
fn status(
    status: Status,
    exhausted: Option<Resource>,
    output: Option<&[u8]>,
    values: Option<&FrameValues>,
) -> String {
    let mut text = receipt::status_of(status, output.unwrap_or_default());
    let error = values.and_then(|values| values.error.as_ref());
    if let Some(meaning) = error.and_then(ErrorValue::meaning) {
        text.push_str(&format!(" ({meaning})"));
    }
    if let Some(resource) = exhausted.filter(|resource| *resource != Resource::Gas) {
        text.push_str(&format!(" (no more {})", resource.name().replace('_', " ")));
    }
    text
}

/// The output of a failed frame, which is its message.
fn output<'a>(trace: &'a Trace, failed: &FailedFrame) -> Option<&'a [u8]> {
    let frame = trace.frames.get(failed.frame?)?;
    frame.end.as_ref()?.output.as_deref()
}
