//! The inspector: records the trace of a transaction or query while it runs.
//!
//! No receipt, no change, no read set and no gas depends on whether there is an inspector.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fusee_engine::{CodeHash, Gas, Profiler, profile::Path};
use fusee_executor::FrameLimit;

use crate::{
    Address, Event, FailedFrame, FrameEnd, FrameKind, FrameTrace, Rejection, Resource, Status,
    StorageAccess, SyscallTrace, Trace, TraceStep,
    call_result::CallResult,
    deployment::Opening,
    frame::{Access, Context},
};

/// Records the [`Trace`] of one transaction or query. The trace can be read during and after the
/// transaction. The next one on the same [`Contracts`](crate::Contracts) begins it anew, and so
/// does a restart on the interpreter.
///
/// Clones share the trace.
#[derive(Clone, Debug)]
pub struct Inspector {
    recording: Arc<Mutex<Recording>>,
    max_bytes: usize,
    by_function: bool,
}

#[derive(Debug, Default)]
struct Recording {
    trace: Trace,
    /// What the trace counts so far.
    bytes: usize,
    /// Whether a frame or a syscall had no room. All that follow are dropped.
    is_full: bool,
    /// The frames that have not ended, the outermost first.
    open: Vec<OpenFrame>,
    /// What the current syscall did to storage.
    storage: Vec<StorageAccess>,
    /// What the current syscall emitted.
    event: Option<Event>,
}

#[derive(Debug)]
struct OpenFrame {
    /// Its position in the trace. `None` if it was dropped.
    index: Option<usize>,
    profiler: Option<Profiler>,
    /// The position of its last syscall in its steps, if it was kept.
    syscall: Option<usize>,
    gas_limit: Gas,
    address: Address,
    method: String,
    /// The failure of the last call that it made, the innermost frame first.
    failure: Vec<FailedFrame>,
}

/// What a trace counts for a frame, a syscall and an access of storage besides their bytes.
const FRAME_BYTES: usize = 512;
const SYSCALL_BYTES: usize = 256;
const ACCESS_BYTES: usize = 128;
/// What it counts for a path of a profile, and for each of its spans.
const PATH_BYTES: usize = 64;
const SPAN_BYTES: usize = 8;

impl Inspector {
    /// Creates an inspector whose trace keeps at most `max_bytes`: 512 for each frame, 256 for each
    /// syscall and 128 for each access of storage, and methods, inputs, outputs, keys, values and
    /// events. What has no room is counted ([`Trace::dropped`]): gas bounds what contracts do, but
    /// not to what an embedder may want to hold.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            recording: Arc::default(),
            max_bytes,
            by_function: false,
        }
    }

    /// Tells the functions of each frame apart ([`FrameTrace::profile`]), each path of which counts
    /// 64 bytes and 8 for each span. The programs are prepared once more, with marks at their
    /// functions that cost no gas, and run slower.
    #[must_use]
    pub const fn by_function(mut self) -> Self {
        self.by_function = true;
        self
    }

    /// Whether it tells functions apart.
    pub(crate) const fn is_by_function(&self) -> bool {
        self.by_function
    }

    /// The program of the current call runs, with this profiler.
    pub(crate) fn profile(&self, profiler: Profiler) {
        if let Some(open) = self.lock().open.last_mut().filter(|_| self.by_function) {
            open.profiler = Some(profiler);
        }
    }

    /// The trace so far.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.lock().trace.clone()
    }

    /// Begins the trace of another attempt or transaction.
    pub(crate) fn clear(&self) {
        *self.lock() = Recording::default();
    }

    pub(crate) fn charge_intrinsic(&self, gas: Gas) {
        let intrinsic = &mut self.lock().trace.intrinsic_gas;
        *intrinsic = intrinsic.saturating_add(gas);
    }

    /// A call begins.
    pub(crate) fn begin(&self, context: &Context, opening: &Opening, gas_limit: Gas) {
        let recording = &mut *self.lock();
        let bytes = context.input.len().saturating_add(context.method.len());
        let bytes = bytes.saturating_add(FRAME_BYTES);
        let is_kept = recording
            .open
            .last()
            .is_none_or(|open| open.index.is_some())
            && recording.reserve(bytes, self.max_bytes);
        if !is_kept {
            let dropped = &mut recording.trace.dropped.frames;
            *dropped = dropped.saturating_add(1);
        }
        let index = is_kept.then_some(recording.trace.frames.len());
        if let Some(index) = index {
            let depth = recording.open.len();
            let caller = recording.open.last();
            let caller_path = caller.and_then(|caller| Some(caller.profiler.as_ref()?.current()));
            recording.trace.frames.push(FrameTrace {
                caller_path,
                ..FrameTrace::new(context, opening, gas_limit, depth)
            });
            if let Some(caller) = recording.current() {
                caller.steps.push(TraceStep::Call(index));
            }
        }
        recording.open.push(OpenFrame {
            index,
            profiler: None,
            syscall: None,
            gas_limit,
            address: context.address,
            method: context.method.clone(),
            failure: Vec::new(),
        });
    }

    /// The call that began last enters this method of the contract, and not the one that its caller
    /// named: a transfer, a creation and an upgrade name none. `code` is `None` if the rules refuse
    /// it.
    pub(crate) fn enter(&self, method: &str, code: Option<CodeHash>) {
        let recording = &mut *self.lock();
        if let Some(open) = recording.open.last_mut() {
            method.clone_into(&mut open.method);
        }
        if let Some(frame) = recording.current() {
            method.clone_into(&mut frame.method);
            frame.code = code;
        }
    }

    /// The current call ends. `limit` is the limit of the call stack that refused it, if any.
    pub(crate) fn end(&self, result: &CallResult, limit: Option<FrameLimit>) {
        let recording = &mut *self.lock();
        let Some(open) = recording.open.pop() else {
            return;
        };
        let exhausted = exhausted(result.status, limit);
        let is_kept = open.index.is_some() && recording.reserve_end(&result.output, self.max_bytes);
        let output = is_kept.then(|| result.output.clone());
        let profiler = open.profiler.filter(|_| open.index.is_some());
        let profile = profiler.and_then(|profiler| recording.profile(&profiler, self.max_bytes));
        if let Some(frame) = recording.frame(open.index) {
            frame.profile = profile;
            frame.end = Some(FrameEnd {
                status: result.status,
                exhausted,
                gas_used: result.gas_used,
                output,
            });
        }
        let mut failure = open.failure;
        match result.status {
            Status::Success => failure.clear(),
            status => failure.push(FailedFrame {
                frame: open.index,
                address: open.address,
                method: open.method,
                status,
                exhausted,
            }),
        }
        if let Some(caller) = recording.current() {
            caller.gas_forwarded = caller.gas_forwarded.saturating_add(open.gas_limit);
            caller.callee_gas = caller.callee_gas.saturating_add(result.gas_used);
        }
        match recording.open.last_mut() {
            Some(caller) => caller.failure = failure,
            None => recording.trace.failure = failure,
        }
    }

    /// The current syscall read or changed an entry of storage.
    pub(crate) fn access(&self, access: StorageAccess) {
        let recording = &mut *self.lock();
        let values = [&access.before, &access.after].into_iter().flatten();
        let bytes = values
            .map(Vec::len)
            .fold(ACCESS_BYTES, usize::saturating_add);
        if recording.reserve(bytes.saturating_add(access.key.len()), self.max_bytes) {
            recording.storage.push(access);
        }
    }

    /// The current syscall emitted an event.
    pub(crate) fn emit(&self, event: Event) {
        let recording = &mut *self.lock();
        let topics = event.topics.iter().map(Vec::len);
        let bytes = topics.fold(event.data.len(), usize::saturating_add);
        if recording.reserve(bytes, self.max_bytes) {
            recording.event = Some(event);
        }
    }

    /// The current frame made a syscall, which found the gas `left` and used `gas_used`.
    pub(crate) fn syscall(&self, number: u32, left: Gas, gas_used: Gas, reply: Option<u64>) {
        let recording = &mut *self.lock();
        let syscall = SyscallTrace {
            number,
            gas_left: left,
            gas_used,
            reply,
            storage: mem::take(&mut recording.storage),
            event: recording.event.take(),
        };
        let is_kept =
            recording.current().is_some() && recording.reserve(SYSCALL_BYTES, self.max_bytes);
        let position = match recording.current().filter(|_| is_kept) {
            Some(frame) => {
                frame.steps.push(TraceStep::Syscall(syscall));
                frame.steps.len().checked_sub(1)
            }
            None => {
                let dropped = &mut recording.trace.dropped.syscalls;
                *dropped = dropped.saturating_add(1);
                None
            }
        };
        if let Some(open) = recording.open.last_mut() {
            open.syscall = position;
        }
    }

    /// The current frame is resumed with the result of its last syscall.
    pub(crate) fn resume(&self, reply: u64) {
        let recording = &mut *self.lock();
        let Some(position) = recording.open.last().and_then(|open| open.syscall) else {
            return;
        };
        let step = recording
            .current()
            .and_then(|frame| frame.steps.get_mut(position));
        if let Some(TraceStep::Syscall(syscall)) = step {
            syscall.reply = Some(reply);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    /// The current frame, if it is kept.
    fn current(&mut self) -> Option<&mut FrameTrace> {
        let index = self.open.last()?.index;
        self.frame(index)
    }

    fn frame(&mut self, index: Option<usize>) -> Option<&mut FrameTrace> {
        self.trace.frames.get_mut(index?)
    }

    /// Counts bytes of a frame or syscall. Returns false if there is no room for them, or there was
    /// none before.
    fn reserve(&mut self, bytes: usize, max_bytes: usize) -> bool {
        self.is_full = self.is_full || !self.count(bytes, max_bytes);
        !self.is_full
    }

    /// Counts the bytes of an output.
    fn reserve_end(&mut self, output: &[u8], max_bytes: usize) -> bool {
        let is_kept = output.is_empty() || self.count(output.len(), max_bytes);
        if !is_kept {
            let dropped = &mut self.trace.dropped.outputs;
            *dropped = dropped.saturating_add(1);
        }
        is_kept
    }

    /// The profile of a frame that ended, if there is room for it.
    fn profile(&mut self, profiler: &Profiler, max_bytes: usize) -> Option<BTreeMap<Path, Gas>> {
        let paths = profiler.paths();
        let bytes = paths.keys().map(|path| {
            let spans = path.len().saturating_mul(SPAN_BYTES);
            spans.saturating_add(PATH_BYTES)
        });
        if self.count(bytes.fold(0, usize::saturating_add), max_bytes) {
            return Some(paths);
        }
        let dropped = &mut self.trace.dropped.profiles;
        *dropped = dropped.saturating_add(1);
        None
    }

    fn count(&mut self, bytes: usize, max_bytes: usize) -> bool {
        let bytes = self.bytes.saturating_add(bytes);
        let is_within = bytes <= max_bytes;
        if is_within {
            self.bytes = bytes;
        }
        is_within
    }
}

impl FrameTrace {
    fn new(context: &Context, opening: &Opening, gas_limit: Gas, depth: usize) -> Self {
        Self {
            depth,
            kind: match opening {
                Opening::Method => FrameKind::Call,
                Opening::Deployed(_) | Opening::Create { .. } => FrameKind::Create,
                Opening::Upgrade { .. } => FrameKind::Upgrade,
            },
            caller: context.caller,
            address: context.address,
            method: context.method.clone(),
            code: None,
            input: context.input.clone(),
            value: context.value,
            is_read_only: context.access == Access::ReadOnly,
            gas_limit,
            gas_forwarded: Gas::ZERO,
            callee_gas: Gas::ZERO,
            profile: None,
            caller_path: None,
            end: None,
            steps: Vec::new(),
        }
    }
}

/// The resource for the lack of which a call ended.
const fn exhausted(status: Status, limit: Option<FrameLimit>) -> Option<Resource> {
    match (status, limit) {
        (Status::OutOfGas, _) => Some(Resource::Gas),
        (Status::Rejected(Rejection::InsufficientBalance), _) => Some(Resource::Balance),
        (Status::Rejected(Rejection::CodeLimit), _) => Some(Resource::LoadedCode),
        (_, Some(FrameLimit::Depth)) => Some(Resource::CallDepth),
        (_, Some(FrameLimit::Memory)) => Some(Resource::CallMemory),
        (_, None) => None,
    }
}
