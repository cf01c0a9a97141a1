//! Traces: the frames and syscalls of one transaction or query, as an
//! [`Inspector`](crate::Inspector) recorded them.
//!
//! A trace depends only on what the receipt depends on: it is equal on every engine. The gas of a
//! frame is its own gas and that of its callees, so the own gas of all frames and the intrinsic gas
//! add up to the gas that the receipt states.

use std::collections::BTreeMap;

use fusee_abi as abi;
use fusee_engine::{CodeHash, Gas, profile::Path};

use crate::{Address, Event, Status};

/// The trace of one transaction or query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The gas that the transaction paid before its outermost frame began; that a batch paid beside
    /// its outermost frames. 0 for a query.
    pub intrinsic_gas: Gas,
    /// The frames in the order in which they began. The first one is the outermost; it is missing
    /// if the transaction calls no contract, and if the trace has no room for it. A batch has an
    /// outermost frame for each operation that calls.
    pub frames: Vec<FrameTrace>,
    /// The frames that failed together, the innermost first: the outermost frame, the last call
    /// that it made if that failed, and so on. Empty unless the outermost frame failed.
    ///
    /// A frame whose last callee failed may have failed for a reason of its own: each entry has its
    /// own status.
    pub failure: Vec<FailedFrame>,
    /// What the trace had no room for.
    pub dropped: Dropped,
}

/// One call of one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameTrace {
    /// The number of frames around it.
    pub depth: usize,
    /// How it was opened.
    pub kind: FrameKind,
    /// The caller.
    pub caller: Address,
    /// The contract or account that was called.
    pub address: Address,
    /// The method that it entered. Empty if it only transferred a value, or its code has no method
    /// that begins it.
    pub method: String,
    /// The code that it ran, or was to run: the one that the contract had then. `None` without
    /// code, and if the call was refused before any was loaded.
    pub code: Option<CodeHash>,
    /// The input.
    pub input: Vec<u8>,
    /// The value that it was sent.
    pub value: u128,
    /// Whether syscalls that change the state trapped.
    pub is_read_only: bool,
    /// The gas limit of the call.
    pub gas_limit: Gas,
    /// The sum of the gas limits of the calls that it made.
    pub gas_forwarded: Gas,
    /// The gas that the calls that it made used.
    pub callee_gas: Gas,
    /// The gas that it used, by function and syscall, if the inspector [tells functions
    /// apart](crate::Inspector::by_function) and the code ran. The gas of a syscall has that of the
    /// calls that it made. The parts add up to the gas that the frame used.
    pub profile: Option<BTreeMap<Path, Gas>>,
    /// The path in the caller's profile to which the gas of this call was added.
    pub caller_path: Option<Path>,
    /// Its end. `None` while it runs or waits, and if the host failed.
    pub end: Option<FrameEnd>,
    /// Its syscalls and calls, in order.
    pub steps: Vec<TraceStep>,
}

/// How a frame was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameKind {
    /// A call of a method, or a transfer.
    Call,
    /// The contract was made.
    Create,
    /// The code of the contract was replaced.
    Upgrade,
}

/// The end of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameEnd {
    /// How it ended.
    pub status: Status,
    /// The resource that ran out, if it ended for that.
    pub exhausted: Option<Resource>,
    /// The gas that it used, with that of its callees and that of loading its code.
    pub gas_used: Gas,
    /// The output, or the message of a revert or rejection. `None` if the trace had no room for it.
    pub output: Option<Vec<u8>>,
}

/// A step of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceStep {
    /// A syscall. Those that call a contract are followed by the call.
    Syscall(SyscallTrace),
    /// A call of a contract: its position in [`Trace::frames`].
    Call(usize),
}

/// One syscall. The functions of nested VMs are not among them: their gas is the frame's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyscallTrace {
    /// The number of the syscall.
    pub number: u32,
    /// The gas that was left before it.
    pub gas_left: Gas,
    /// The gas that it used itself. The gas of a call that it made is in the frame of the call.
    pub gas_used: Gas,
    /// The result as it is on the wire, 0 for syscalls without one. `None` if the frame ended in
    /// the syscall, or waits for the result.
    pub reply: Option<u64>,
    /// The entries of storage that it read or changed, in order.
    pub storage: Vec<StorageAccess>,
    /// The event that it emitted.
    pub event: Option<Event>,
}

/// A read or change of one entry of storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageAccess {
    /// The storage.
    pub store: StorageKind,
    /// The contract's own key.
    pub key: Vec<u8>,
    /// The value before the syscall, if there was one.
    pub before: Option<Vec<u8>>,
    /// The value after the syscall, if there is one. A failure of the frame reverts it.
    pub after: Option<Vec<u8>>,
}

/// A storage of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// The contract's key-value space in the state.
    Persistent,
    /// The transient storage, which the transaction ends.
    Transient,
}

/// A frame of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedFrame {
    /// Its position in [`Trace::frames`]. `None` if the trace had no room for it.
    pub frame: Option<usize>,
    /// The contract.
    pub address: Address,
    /// The method.
    pub method: String,
    /// How it ended.
    pub status: Status,
    /// The resource that ran out, if it ended for that.
    pub exhausted: Option<Resource>,
}

/// What a call can run out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// The gas limit of the call.
    Gas,
    /// The frames that may wait.
    CallDepth,
    /// The memory of all frames that wait.
    CallMemory,
    /// The code that a transaction may load.
    LoadedCode,
    /// The balance of the sender.
    Balance,
}

/// What a trace had no room for. A trace is a beginning: after the first frame or syscall that has
/// no room, all are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Frames.
    pub frames: u64,
    /// Syscalls, those of dropped frames included.
    pub syscalls: u64,
    /// Outputs of frames that are in the trace.
    pub outputs: u64,
    /// Profiles of frames that are in the trace.
    pub profiles: u64,
}

impl FrameTrace {
    /// The gas that the frame used itself: to load its code, in its instructions and in its
    /// syscalls. `None` unless it has ended.
    #[must_use]
    pub fn own_gas(&self) -> Option<Gas> {
        let end = self.end.as_ref()?;
        Some(end.gas_used.saturating_sub(self.callee_gas))
    }

    /// The gas that the frame forwarded to its callees and they did not use.
    #[must_use]
    pub fn gas_refunded(&self) -> Gas {
        self.gas_forwarded.saturating_sub(self.callee_gas)
    }

    /// The syscalls, in order.
    pub fn syscalls(&self) -> impl Iterator<Item = &SyscallTrace> {
        self.steps.iter().filter_map(|step| match step {
            TraceStep::Syscall(syscall) => Some(syscall),
            TraceStep::Call(_) => None,
        })
    }
}

impl SyscallTrace {
    /// The name by which contracts import the syscall.
    #[must_use]
    pub fn name(&self) -> &'static str {
        syscall_name(self.number)
    }

    /// The reply as the signed number that the contract receives. `None` without a reply, and for
    /// syscalls that have no result.
    #[must_use]
    pub fn result(&self) -> Option<i64> {
        let reply = self.reply?;
        Some(match self.row()?.result? {
            abi::Wire::I32 => u32::try_from(reply).ok()?.cast_signed().into(),
            abi::Wire::I64 => reply.cast_signed(),
        })
    }

    /// The number of the syscall that contracts import by a name. `None` if there is none.
    #[must_use]
    pub fn number_of(name: &str) -> Option<u32> {
        let mut rows = rows();
        rows.find(|row| row.name == name).map(|row| row.number)
    }

    /// The reply whose [`result`](Self::result) is a number: the inverse of that. `None` for
    /// syscalls that have no result, and for numbers that are no result of this one.
    #[must_use]
    pub fn reply_of(number: u32, result: i64) -> Option<u64> {
        Some(match row(number)?.result? {
            abi::Wire::I32 => i32::try_from(result).ok()?.cast_unsigned().into(),
            abi::Wire::I64 => result.cast_unsigned(),
        })
    }

    fn row(&self) -> Option<&'static abi::Syscall> {
        row(self.number)
    }
}

/// The name by which contracts import a syscall.
pub(crate) fn syscall_name(number: u32) -> &'static str {
    row(number).map_or("unknown", |row| row.name)
}

fn row(number: u32) -> Option<&'static abi::Syscall> {
    rows().find(|row| row.number == number)
}

fn rows() -> impl Iterator<Item = &'static abi::Syscall> {
    abi::SYSCALLS.iter().chain(abi::wasi::FUNCTIONS)
}

impl FrameKind {
    /// The name in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FrameKind::Call => "call",
            FrameKind::Create => "create",
            FrameKind::Upgrade => "upgrade",
        }
    }
}

impl Resource {
    /// The name in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Resource::Gas => "gas",
            Resource::CallDepth => "call_depth",
            Resource::CallMemory => "call_memory",
            Resource::LoadedCode => "loaded_code",
            Resource::Balance => "balance",
        }
    }
}

impl Dropped {
    /// Whether the trace is complete.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.frames == 0 && self.syscalls == 0 && self.outputs == 0 && self.profiles == 0
    }
}
