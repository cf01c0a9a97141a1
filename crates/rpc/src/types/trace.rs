//! Traces: the calls of a simulation. Frames are a list, so that deep calls are not deep JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, Bytes, Event, Hex32};

/// The calls of a transaction, with their gas, syscalls and accesses to storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The gas that was paid beside the frames.
    pub intrinsic_gas: u64,
    /// In the order in which they began. Steps refer to them by position.
    pub frames: Vec<Frame>,
    /// The frames that failed together, the innermost first.
    pub failure: Vec<FailedCall>,
    /// What the trace had no room for.
    pub dropped: DroppedParts,
}

/// One call of one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    /// The number of frames around it.
    pub depth: u64,
    /// `call`, `create` or `upgrade`.
    pub kind: String,
    /// The caller.
    pub caller: Hex32,
    /// The contract or account that was called.
    pub address: Hex32,
    /// The method. Empty: it only received a value.
    pub method: String,
    /// The hash of the code that ran.
    pub code: Option<Hex32>,
    /// The input.
    pub input: Bytes,
    /// The value that it was sent.
    pub value: Amount,
    /// Whether syscalls that change the state trapped.
    pub read_only: bool,
    /// The gas limit of the call.
    pub gas_limit: u64,
    /// The gas that it used, with that of its callees. `null` if it did not end.
    pub gas_used: Option<u64>,
    /// The gas that it used itself.
    pub own_gas: Option<u64>,
    /// The gas limits of the calls that it made, together.
    pub gas_forwarded: u64,
    /// What these calls did not use.
    pub gas_refunded: u64,
    /// How it ended.
    #[serde(flatten)]
    pub status: Option<CallStatus>,
    /// The output.
    pub output: Option<Bytes>,
    /// Its syscalls and calls, in order.
    pub steps: Vec<Step>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallStatus {
    /// `success`, `reverted`, `trapped`, `out_of_gas` or `rejected`.
    pub status: String,
    /// Why; for a revert, the message of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What ran out, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<String>,
}

/// A step of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Step {
    /// A call of a contract.
    Call {
        /// Its position among the frames.
        frame: u64,
    },
    /// A syscall.
    Syscall(Syscall),
}

/// A syscall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Syscall {
    /// The name by which contracts import it.
    pub syscall: String,
    /// The gas that was left before it.
    pub gas_left: u64,
    /// The gas that it used itself.
    pub gas_used: u64,
    /// The result, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<i64>,
    /// The entries of storage that it read or changed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageAccess>,
    /// The event that it emitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

/// A read or change of one entry of storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorageAccess {
    /// `persistent` or `transient`.
    pub store: String,
    /// The contract's own key.
    pub key: Bytes,
    /// The value before, if there was one.
    pub before: Option<Bytes>,
    /// The value after, if there is one.
    pub after: Option<Bytes>,
}

/// A frame of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedCall {
    /// Its position among the frames, if the trace has it.
    pub frame: Option<u64>,
    /// The contract.
    pub address: Hex32,
    /// The method.
    pub method: String,
    /// How it ended.
    #[serde(flatten)]
    pub status: CallStatus,
}

/// What a trace had no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedParts {
    /// Frames.
    pub frames: u64,
    /// Syscalls.
    pub syscalls: u64,
    /// Outputs.
    pub outputs: u64,
}
