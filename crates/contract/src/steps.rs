//! The steps of a batch or call in brief: its calls and syscalls with their gas, and digests of all
//! that passes between contracts and host.
//!
//! Two runs are compared by them. Memory is bounded: of each chunk of steps there
//! is one digest, and the steps of one chunk are kept.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_engine::Gas;
use sha2::{Digest, Sha256};

use crate::{
    Address, Status,
    call_result::CallResult,
    deployment::Opening,
    frame::{Access, Context},
    trace::syscall_name,
};

/// The number of steps of a chunk. A capsule has the steps of the first chunk.
pub(crate) const CHUNK_STEPS: usize = 16_384;

/// The size of a step's encoding in bytes.
pub(crate) const STEP_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 8 + 8 + 8 + 8;

/// A step of a batch or of a call that the chain makes by itself.
///
/// Two runs that agree have equal steps. The digests are the first 8 bytes of SHA-256: they find
/// faults, and prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStep {
    /// What the step is.
    pub kind: StepKind,
    /// The index of the operation. A call of the chain itself has the one operation 0.
    pub operation: u32,
    /// The number of frames around the frame of the step.
    pub depth: u32,
    /// Of a syscall, the gas that was left before it. Of a begin, the gas limit of the call. Of an
    /// end, 0.
    pub gas_left: Gas,
    /// Of a syscall, the gas that it used itself. Of a begin, 0. Of an end, the gas that the call
    /// used, with that of its callees.
    pub gas_used: Gas,
    /// What the contract passed: the arguments, and the memory that the host read. Of a begin,
    /// everything that the call is given.
    pub arguments: [u8; 8],
    /// What the contract received: the memory that the host wrote. Of an end, the output.
    pub result: [u8; 8],
    /// Of a syscall, its result as it is on the wire; 0 if it ended or suspended the frame, see
    /// [`StepKind::Syscall`]. Of an end, the number of the status in receipts.
    pub reply: u64,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepKind {
    /// A call of a contract or account begins.
    Begin,
    /// The current call ends.
    End,
    /// A syscall.
    Syscall {
        /// The number of the syscall.
        number: u32,
        /// Whether the syscall replied. Otherwise the frame ended in it, or was suspended.
        has_replied: bool,
    },
}

/// The frame of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFrame {
    /// The contract.
    pub address: Address,
    /// The method that the caller named.
    pub method: String,
}

/// The steps of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    /// The number of all steps.
    pub(crate) count: u64,
    /// The digests of the chunks, in order.
    pub(crate) chunks: Vec<[u8; 32]>,
    /// The steps of the chunk that is kept.
    pub(crate) kept: Vec<RunStep>,
    /// Their frames. Empty for steps of a capsule, which does not have them.
    pub(crate) frames: Vec<Arc<StepFrame>>,
}

/// Records [`Steps`]. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct StepRecorder {
    recording: Arc<Mutex<Recording>>,
    /// The position of the chunk whose steps are kept.
    kept_chunk: usize,
}

#[derive(Debug, Default)]
struct Recording {
    steps: Steps,
    /// The digest of the chunk so far, and its number of steps.
    chunk: Sha256,
    chunk_steps: usize,
    /// The index of the current operation.
    operation: u32,
    /// The frames that have not ended, the outermost first.
    open: Vec<Arc<StepFrame>>,
}

/// What passes between a contract and the host in one syscall.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    arguments: Sha256,
    result: Sha256,
}

impl Exchange {
    pub(crate) fn argument(&mut self, argument: u64) {
        self.arguments.update(argument.to_le_bytes());
    }

    /// The host has read guest memory.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        update(&mut self.arguments, bytes);
    }

    /// The host writes guest memory.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        update(&mut self.result, bytes);
    }
}

/// Adds bytes to a digest, with their length, so that lists of bytes are told apart.
fn update(digest: &mut Sha256, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    digest.update(length.to_le_bytes());
    digest.update(bytes);
}

fn short(digest: Sha256) -> [u8; 8] {
    let digest: [u8; 32] = digest.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

impl StepRecorder {
    /// Creates a recorder that keeps the steps of one chunk.
    pub(crate) fn keeping(kept_chunk: usize) -> Self {
        Self {
            recording: Arc::default(),
            kept_chunk,
        }
    }

    /// Takes the steps of a run that has ended.
    pub(crate) fn take(&self) -> Steps {
        let mut recording = mem::take(&mut *self.lock());
        recording.close_chunk();
        recording.steps
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Recording::default();
    }

    /// The operation with this index begins.
    pub(crate) fn begin_operation(&self, index: usize) {
        self.lock().operation = u32::try_from(index).unwrap_or(u32::MAX);
    }

    /// A call begins.
    pub(crate) fn begin(&self, context: &Context, opening: &Opening, gas_limit: Gas) {
        let Context {
            caller,
            address,
            method,
            value,
            input,
            access,
        } = context;
        let mut arguments = Sha256::new();
        arguments.update(caller.as_bytes());
        arguments.update(address.as_bytes());
        update(&mut arguments, method.as_bytes());
        arguments.update(value.to_le_bytes());
        update(&mut arguments, input);
        arguments.update([u8::from(*access == Access::ReadOnly)]);
        match opening {
            Opening::Method => arguments.update([0]),
            Opening::Deployed(_) => arguments.update([1]),
            Opening::Create { code, admin } => {
                arguments.update([2]);
                arguments.update(code.as_bytes());
                for admin in admin.iter() {
                    arguments.update(admin.as_bytes());
                }
            }
            Opening::Upgrade { code } => {
                arguments.update([3]);
                arguments.update(code.as_bytes());
            }
        }
        let recording = &mut *self.lock();
        recording.open.push(Arc::new(StepFrame {
            address: *address,
            method: method.clone(),
        }));
        let step = RunStep {
            kind: StepKind::Begin,
            operation: 0,
            depth: 0,
            gas_left: gas_limit,
            gas_used: Gas::ZERO,
            arguments: short(arguments),
            result: [0; 8],
            reply: 0,
        };
        recording.push(step, self.kept_chunk);
    }

    /// The current call ends.
    pub(crate) fn end(&self, result: &CallResult) {
        let mut output = Sha256::new();
        output.update(&result.output);
        let recording = &mut *self.lock();
        let step = RunStep {
            kind: StepKind::End,
            operation: 0,
            depth: 0,
            gas_left: Gas::ZERO,
            gas_used: result.gas_used,
            arguments: [0; 8],
            result: short(output),
            reply: result.status.code().into(),
        };
        recording.push(step, self.kept_chunk);
        recording.open.pop();
    }

    /// The current frame made a syscall.
    pub(crate) fn syscall(
        &self,
        number: u32,
        gas: (Gas, Gas),
        exchange: Exchange,
        reply: Option<u64>,
    ) {
        let (gas_left, gas_used) = gas;
        let step = RunStep {
            kind: StepKind::Syscall {
                number,
                has_replied: reply.is_some(),
            },
            operation: 0,
            depth: 0,
            gas_left,
            gas_used,
            arguments: short(exchange.arguments),
            result: short(exchange.result),
            reply: reply.unwrap_or(0),
        };
        self.lock().push(step, self.kept_chunk);
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    /// Adds a step of the current frame.
    fn push(&mut self, step: RunStep, kept_chunk: usize) {
        let Some(frame) = self.open.last() else {
            return;
        };
        let around = self.open.len().saturating_sub(1);
        let step = RunStep {
            operation: self.operation,
            depth: u32::try_from(around).unwrap_or(u32::MAX),
            ..step
        };
        if self.steps.chunks.len() == kept_chunk {
            self.steps.kept.push(step);
            self.steps.frames.push(Arc::clone(frame));
        }
        self.steps.count = self.steps.count.saturating_add(1);
        self.chunk.update(step.encode());
        self.chunk_steps = self.chunk_steps.saturating_add(1);
        if self.chunk_steps == CHUNK_STEPS {
            self.close_chunk();
        }
    }

    fn close_chunk(&mut self) {
        if self.chunk_steps > 0 {
            let chunk = mem::take(&mut self.chunk);
            self.steps.chunks.push(chunk.finalize().into());
            self.chunk_steps = 0;
        }
    }
}

/// The number of a step that is no syscall, in its encoding: that of a syscall that does not exist.
const BEGIN: u32 = u32::MAX;
const END: u32 = u32::MAX - 1;

impl RunStep {
    /// The name of the syscall; `begin` or `end` for those of a call.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind {
            StepKind::Begin => "begin",
            StepKind::End => "end",
            StepKind::Syscall { number, .. } => syscall_name(number),
        }
    }

    /// Of an end, how the call ended.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self.kind {
            StepKind::End => Status::from_code(u16::try_from(self.reply).ok()?),
            _ => None,
        }
    }

    pub(crate) fn encode(&self) -> [u8; STEP_BYTES] {
        let (number, has_replied) = match self.kind {
            StepKind::Begin => (BEGIN, false),
            StepKind::End => (END, false),
            StepKind::Syscall {
                number,
                has_replied,
            } => (number, has_replied),
        };
        let fields = (
            (number, u32::from(has_replied)),
            (self.operation, self.depth),
            (self.gas_left.units(), self.gas_used.units()),
            (self.arguments, self.result, self.reply),
        );
        let mut bytes = [0; STEP_BYTES];
        fields
            .serialize(&mut bytes.as_mut_slice())
            .expect("the fields have this many bytes");
        bytes
    }

    /// Decodes a step. Returns `None` if no step has these bytes.
    pub(crate) fn decode(bytes: &[u8; STEP_BYTES]) -> Option<Self> {
        type Fields = ((u32, u32), (u32, u32), (u64, u64), ([u8; 8], [u8; 8], u64));
        let fields: Fields = BorshDeserialize::try_from_slice(bytes).ok()?;
        let ((number, has_replied), (operation, depth), (left, used), digests) = fields;
        let (arguments, result, reply) = digests;
        let step = Self {
            kind: match number {
                BEGIN => StepKind::Begin,
                END => StepKind::End,
                number => StepKind::Syscall {
                    number,
                    has_replied: has_replied == 1,
                },
            },
            operation,
            depth,
            gas_left: Gas::new(left),
            gas_used: Gas::new(used),
            arguments,
            result,
            reply,
        };
        // Other bytes would decode to the same step.
        (step.encode() == *bytes).then_some(step)
    }
}

impl Steps {
    /// The digest of the steps that are kept, as of a chunk.
    pub(crate) fn digest(steps: &[RunStep]) -> [u8; 32] {
        let mut digest = Sha256::new();
        for step in steps {
            digest.update(step.encode());
        }
        digest.finalize().into()
    }
}
