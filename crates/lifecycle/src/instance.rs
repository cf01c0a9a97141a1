//! Instances: one memory, in which calls run one after the other.
//!
//! The borrow of the instance says that. A call that does not end well destroys the instance: no
//! call sees a memory that another left half written.

use std::{borrow::Cow, fmt, mem, sync::Arc, time::Duration};

use fusee_engine::{Export, Gas, GuestMemory, Value, ValueType};
use fusee_executor::{End, LiveInstance, PreparedProgram};

use crate::{
    AsyncHost, CallOutcome, Error, ExportFault, GuestFault,
    call::Call,
    host::InstanceHost,
    inner::{AllocExport, Inner},
    memory, outcome,
    work::{Enter, Work},
    workers::{Refused, RunOn, WhenFull},
};

/// An instance of a module, and its host. Dropping it frees its memory at once.
pub struct Instance<H> {
    inner: Arc<Inner>,
    prepared: Arc<PreparedProgram>,
    id: i64,
    instantiation_gas: Gas,
    state: State<H>,
}

enum State<H> {
    AtRest(LiveInstance, InstanceHost<H>),
    Gone { because: String },
}

/// One call.
#[derive(Clone, Debug)]
pub struct CallRequest<'a> {
    /// The exported function.
    pub export: &'a str,
    /// Its arguments. An argument for an `i32` has to be in the range of one.
    pub args: &'a [i64],
    /// The gas that it may use.
    pub gas: Gas,
    /// How long a worker may run the guest for it. Default, with `None`: the sandbox's limit.
    pub time: Option<Duration>,
    /// What happens if the queue is full.
    pub when_full: WhenFull,
    /// The thread that runs the guest. Default: a worker.
    pub run_on: RunOn,
}

/// A buffer that the guest is to allocate.
#[derive(Clone, Copy, Debug)]
pub struct AllocRequest {
    /// Its size in bytes.
    pub bytes: u32,
    /// The gas that the guest may use for it.
    pub gas: Gas,
    /// As [`CallRequest::time`].
    pub time: Option<Duration>,
    /// As [`CallRequest::when_full`].
    pub when_full: WhenFull,
    /// As [`CallRequest::run_on`].
    pub run_on: RunOn,
}

impl AllocRequest {
    /// A buffer, with the defaults of [`CallRequest::new`].
    #[must_use]
    pub const fn new(bytes: u32, gas: Gas) -> Self {
        Self {
            bytes,
            gas,
            time: None,
            when_full: WhenFull::Refuse,
            run_on: RunOn::Worker,
        }
    }
}

impl<'a> CallRequest<'a> {
    /// A call with the sandbox's time limit on a worker, refused if the queue is full.
    #[must_use]
    pub const fn new(export: &'a str, args: &'a [i64], gas: Gas) -> Self {
        Self {
            export,
            args,
            gas,
            time: None,
            when_full: WhenFull::Refuse,
            run_on: RunOn::Worker,
        }
    }
}

impl<H: AsyncHost> Instance<H> {
    pub(crate) const fn new(
        inner: Arc<Inner>,
        prepared: Arc<PreparedProgram>,
        id: i64,
        live: LiveInstance,
        host: InstanceHost<H>,
        instantiation_gas: Gas,
    ) -> Self {
        Self {
            inner,
            prepared,
            id,
            instantiation_gas,
            state: State::AtRest(live, host),
        }
    }

    /// The id that the embedder chose.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// The gas that instantiation used.
    #[must_use]
    pub const fn instantiation_gas(&self) -> Gas {
        self.instantiation_gas
    }

    /// Whether it can be called: every call so far has ended well.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.state, State::AtRest(..))
    }

    /// Its host.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`].
    pub fn host(&mut self) -> Result<&mut H, Error> {
        match &mut self.state {
            State::AtRest(_, host) => Ok(&mut host.host),
            State::Gone { because } => Err(gone(because)),
        }
    }

    /// Calls an exported function. Its value is the results of the export, an `i32` sign-extended;
    /// there are none if a host function finished the run.
    ///
    /// Nothing happens before the future is polled; then the call is in the queue, or refused. It
    /// can be awaited on any runtime or none. Dropping it cancels the guest: in the queue it never
    /// runs; while a worker runs it, it is interrupted within about a millisecond; while a host
    /// function waits, it is destroyed at once.
    ///
    /// The instance is [`Error::Gone`] after a call in which the guest failed.
    ///
    /// # Errors
    ///
    /// What fails on this host, or a request that does not fit. After [`Error::Export`],
    /// [`Error::Overloaded`], [`Error::Unwatched`] and [`Error::Closed`] from a call that never ran
    /// the instance is unchanged. After any other error, and if the future was dropped, it is
    /// [`Error::Gone`].
    pub async fn call(&mut self, request: CallRequest<'_>) -> Result<CallOutcome<Vec<i64>>, Error> {
        let export = self.find(request.export)?;
        let args = arguments(export, request.args)?;
        if let Some(found) = export.results.iter().find(|result| !is_integer(**result)) {
            return Err(Error::export(
                request.export,
                ExportFault::Float { found: *found },
            ));
        }
        self.run(request, args).await
    }

    /// As [`call`](Self::call), and blocks the calling thread until the call ends.
    ///
    /// # Errors
    ///
    /// As there; and [`Error::Other`] on a worker thread, where the call would wait for itself.
    pub fn call_blocking(
        &mut self,
        request: CallRequest<'_>,
    ) -> Result<CallOutcome<Vec<i64>>, Error> {
        let inner = Arc::clone(&self.inner);
        inner.block_on(self.call(request))
    }

    /// Lets the guest allocate a buffer of so many bytes for input, by the export that
    /// [`SandboxBuilder::alloc_export`](crate::SandboxBuilder::alloc_export) names. Its value is
    /// the address, or what a raw export returned, an `i32` zero-extended. It is a call like any
    /// other.
    ///
    /// A guest whose buffer is not within its memory has failed ([`GuestFault::Buffer`]), but its
    /// instance is alive.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call); [`ExportFault::Unnamed`] if no export was named.
    pub async fn alloc(&mut self, request: AllocRequest) -> Result<CallOutcome<u64>, Error> {
        let AllocRequest {
            bytes,
            gas,
            time,
            when_full,
            run_on,
        } = request;
        let inner = Arc::clone(&self.inner);
        let AllocExport {
            name,
            returns_address,
        } = inner
            .alloc_export
            .as_ref()
            .ok_or_else(|| Error::export("", ExportFault::Unnamed))?;
        let export = self.find(name)?;
        let is_address_i32 = match export.results.as_slice() {
            [ValueType::I32] => true,
            [ValueType::I64] => false,
            [found] => return Err(Error::export(name, ExportFault::Float { found: *found })),
            results => {
                let results = results.len();
                return Err(Error::export(name, ExportFault::Results { results }));
            }
        };
        let size = match export.params.as_slice() {
            [ValueType::I32] => i64::from(bytes.cast_signed()),
            _ => i64::from(bytes),
        };
        let args = [size];
        let request = CallRequest {
            time,
            when_full,
            run_on,
            ..CallRequest::new(name, &args, gas)
        };
        let outcome = self.call(request).await?;
        Ok(outcome.and_then(|values| {
            let (Some(address), State::AtRest(live, _)) = (values.first(), &mut self.state) else {
                return Err(GuestFault::Finished);
            };
            let address = address.cast_unsigned();
            let address = match is_address_i32 {
                true => address & u64::from(u32::MAX),
                false => address,
            };
            if *returns_address {
                memory::check(&live.memory(), address, u64::from(bytes))
                    .map_err(GuestFault::Buffer)?;
            }
            Ok(address)
        }))
    }

    /// As [`alloc`](Self::alloc), and blocks the calling thread until the call ends.
    ///
    /// # Errors
    ///
    /// As there, and as [`call_blocking`](Self::call_blocking).
    pub fn alloc_blocking(&mut self, request: AllocRequest) -> Result<CallOutcome<u64>, Error> {
        let inner = Arc::clone(&self.inner);
        inner.block_on(self.alloc(request))
    }

    /// The size of its memory, in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`].
    pub fn memory_bytes(&mut self) -> Result<u64, Error> {
        self.memory().map(|memory| memory.bytes())
    }

    /// Reads bytes of its memory.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if the range is not within the memory; [`Error::Gone`].
    pub fn read(&mut self, offset: u64, length: u64) -> Result<Cow<'_, [u8]>, Error> {
        Ok(memory::read(self.memory()?, offset, length)?)
    }

    /// Writes bytes into its memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        Ok(memory::write(self.memory()?, offset, bytes)?)
    }

    fn memory(&mut self) -> Result<GuestMemory<'_>, Error> {
        match &mut self.state {
            State::AtRest(live, _) => Ok(live.memory()),
            State::Gone { because } => Err(gone(because)),
        }
    }

    /// The export with this name, if the instance can be called.
    fn find(&self, name: &str) -> Result<&Export, Error> {
        if let State::Gone { because } = &self.state {
            return Err(gone(because));
        }
        let export = self.prepared.program().export(name);
        export.ok_or_else(|| Error::export(name, ExportFault::Unknown))
    }

    async fn run(
        &mut self,
        request: CallRequest<'_>,
        args: Vec<Value>,
    ) -> Result<CallOutcome<Vec<i64>>, Error> {
        // If this future is dropped, the instance stays so.
        let dropped = State::Gone {
            because: "a call on it was dropped".to_owned(),
        };
        let (live, host) = match mem::replace(&mut self.state, dropped) {
            State::AtRest(live, host) => (live, host),
            State::Gone { because } => {
                let error = gone(&because);
                self.state = State::Gone { because };
                return Err(error);
            }
        };
        let time = self.inner.time_budget(request.time);
        let workers = &self.inner.workers;
        let mut call = Call::new(workers, time, request.run_on, request.when_full);
        let work = Work::Enter(Box::new(Enter {
            live,
            host,
            entry: request.export.to_owned(),
            args,
            gas: request.gas,
        }));
        let ran = call.run(work).await;
        call.end();
        drop(call);
        match ran {
            Ok(end) => Ok(self.ended(end)),
            Err(Refused { error, work }) => {
                self.state = match work {
                    Some(Work::Enter(enter)) => State::AtRest(enter.live, enter.host),
                    _ => State::Gone {
                        because: error.to_string(),
                    },
                };
                Err(error)
            }
        }
    }

    /// The outcome of a call. The instance is at rest again, if the guest left it whole.
    fn ended(&mut self, end: End<InstanceHost<H>>) -> CallOutcome<Vec<i64>> {
        let values: Vec<i64> = end.values().iter().map(integer).collect();
        let (fault, gas_used) = (outcome::fault(&end), end.gas_used);
        self.state = match (&fault, end.instance) {
            (None, Some(live)) => State::AtRest(live, end.host),
            (None, None) => State::Gone {
                because: "a host function finished its last run".to_owned(),
            },
            (Some(fault), _) => State::Gone {
                because: fault.to_string(),
            },
        };
        CallOutcome::new(fault.map_or(Ok(values), Err), gas_used)
    }
}

/// The arguments of a function, as it takes them.
pub(crate) fn arguments(export: &Export, given: &[i64]) -> Result<Vec<Value>, Error> {
    let refuse = |fault| Error::export(&export.name, fault);
    if export.params.len() != given.len() {
        return Err(refuse(ExportFault::Count {
            expected: export.params.len(),
            given: given.len(),
        }));
    }
    let typed = export.params.iter().zip(given).enumerate();
    typed
        .map(|(position, (param, given))| match param {
            ValueType::I64 => Ok(Value::I64(*given)),
            ValueType::I32 => i32::try_from(*given).map(Value::I32).map_err(|_| {
                refuse(ExportFault::Range {
                    position,
                    given: *given,
                })
            }),
            ValueType::F32 | ValueType::F64 => Err(refuse(ExportFault::Float { found: *param })),
        })
        .collect()
}

const fn is_integer(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::I32 | ValueType::I64)
}

/// A result. Floats were refused before the call.
fn integer(value: &Value) -> i64 {
    match *value {
        Value::I32(value) => i64::from(value),
        Value::I64(value) => value,
        Value::F32(bits) => i64::from(bits),
        Value::F64(bits) => bits.cast_signed(),
    }
}

fn gone(because: &str) -> Error {
    Error::Gone {
        because: because.to_owned(),
    }
}

impl<H> fmt::Debug for Instance<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Instance")
            .field("id", &self.id)
            .field("is_alive", &matches!(self.state, State::AtRest(..)))
            .finish_non_exhaustive()
    }
}
