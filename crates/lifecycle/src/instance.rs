//! Instances: one memory that calls come and go in.
//!
//! Calls of an instance come one after the other, which the borrow of it says. A call that does not end well takes the instance with it: a memory
//! that was left half written is seen by nobody.

use std::{any::Any, borrow::Cow, fmt, mem, sync::Arc, time::Duration};

use fusee_engine::{Export, Gas, GuestMemory, Value, ValueType};
use fusee_executor::{LiveInstance, Prepared};

use crate::{
    AsyncHost, Error, ExportFault,
    call::Call,
    memory,
    sandbox::Inner,
    work::{Ended, Enter, Work},
    workers::{Admission, Refused},
};

/// An instance of a module. Dropping it frees its memory at once.
pub struct Instance {
    inner: Arc<Inner>,
    prepared: Arc<Prepared>,
    id: i64,
    made_for: Gas,
    state: State,
}

enum State {
    Resting(LiveInstance, Box<dyn AsyncHost>),
    Gone { because: String },
}

/// One call.
#[derive(Clone, Debug)]
pub struct CallRequest<'a> {
    /// The exported function.
    pub export: &'a str,
    /// Its arguments. Those that it takes as an `i32` have to be within its range.
    pub args: &'a [i64],
    /// The gas that it may use.
    pub gas: Gas,
    /// How long a worker may run the guest for it; `None` for what the sandbox allows.
    pub time: Option<Duration>,
    /// What happens where the queue is full.
    pub when_full: WhenFull,
}

/// What happens to a call that finds no worker, and no room in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused at once as [`Error::Overloaded`], and never runs.
    #[default]
    Refuse,
    /// It waits for its turn, however long that takes, behind those that came before.
    Wait,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The results, an `i32` sign-extended; none if a host function ended the run.
    pub values: Vec<i64>,
    /// The gas that it used.
    pub gas_used: Gas,
}

impl<'a> CallRequest<'a> {
    /// A call with the sandbox's time, refused where the queue is full.
    #[must_use]
    pub const fn new(export: &'a str, args: &'a [i64], gas: Gas) -> Self {
        Self {
            export,
            args,
            gas,
            time: None,
            when_full: WhenFull::Refuse,
        }
    }
}

impl Instance {
    pub(crate) fn new(
        inner: Arc<Inner>,
        prepared: Arc<Prepared>,
        id: i64,
        live: LiveInstance,
        host: Box<dyn AsyncHost>,
        made_for: Gas,
    ) -> Self {
        Self {
            inner,
            prepared,
            id,
            made_for,
            state: State::Resting(live, host),
        }
    }

    /// What the embedder knows it by.
    #[must_use]
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// The gas that making it used.
    #[must_use]
    pub const fn made_for(&self) -> Gas {
        self.made_for
    }

    /// Whether it can be called: no call has ended otherwise than well.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.state, State::Resting(..))
    }

    /// Its host, if that is a `T`.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`].
    pub fn host<T: AsyncHost>(&mut self) -> Result<Option<&mut T>, Error> {
        match &mut self.state {
            State::Resting(_, host) => {
                let host: &mut dyn Any = host.as_mut();
                Ok(host.downcast_mut())
            }
            State::Gone { because } => Err(gone(because)),
        }
    }

    /// Calls an exported function.
    ///
    /// Nothing happens before the future is polled; then the call is in the queue, or refused. It can be awaited on any runtime or none. Dropping
    /// it cancels the guest: in the queue it never runs, while it runs it is interrupted, within about a
    /// millisecond, and while a host function waits it is destroyed at once.
    ///
    /// # Errors
    ///
    /// [`Error::Export`], [`Error::Overloaded`], [`Error::Unwatched`] and [`Error::Closed`] where it never ran: the instance is as it was. After any
    /// other, and where the future was dropped, it is [`Error::Gone`].
    pub async fn call(&mut self, request: CallRequest<'_>) -> Result<Returned, Error> {
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

    /// As [`call`](Self::call), and the calling thread sleeps until it ends.
    ///
    /// # Errors
    ///
    /// As there; and [`Error::Other`] on a thread that is a worker, which a host function would keep from its guest.
    pub fn call_blocking(&mut self, request: CallRequest<'_>) -> Result<Returned, Error> {
        let inner = Arc::clone(&self.inner);
        inner.block_on(self.call(request))
    }

    /// Has the guest set aside a buffer of so many bytes for input, by the export that
    /// [`SandboxBuilder::buffer_export`](crate::SandboxBuilder::buffer_export) names: its address. A call like any other.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call); [`ExportFault::Unnamed`] if no export was named; [`Error::Memory`] if what the guest returned is not within its
    /// memory, which is still there then.
    pub async fn set_aside(&mut self, bytes: u32, gas: Gas) -> Result<u64, Error> {
        let inner = Arc::clone(&self.inner);
        let name = inner.buffer_export.as_deref();
        let name = name.ok_or_else(|| Error::export("", ExportFault::Unnamed))?;
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
        let returned = self.call(CallRequest::new(name, &[size], gas)).await?;
        let address = returned.values.first().copied().unwrap_or(-1);
        let address = if is_address_i32 {
            address.cast_unsigned() & u64::from(u32::MAX)
        } else {
            address.cast_unsigned()
        };
        memory::check(&self.memory()?, address, u64::from(bytes))?;
        Ok(address)
    }

    /// As [`set_aside`](Self::set_aside), and the calling thread sleeps until it is done.
    ///
    /// # Errors
    ///
    /// As there, and as [`call_blocking`](Self::call_blocking).
    pub fn set_aside_blocking(&mut self, bytes: u32, gas: Gas) -> Result<u64, Error> {
        let inner = Arc::clone(&self.inner);
        inner.block_on(self.set_aside(bytes, gas))
    }

    /// Bytes of its memory.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`].
    pub fn memory_bytes(&mut self) -> Result<u64, Error> {
        self.memory().map(|memory| memory.bytes())
    }

    /// Bytes of its memory.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] if they are not within it, [`Error::Gone`].
    pub fn read(&mut self, offset: u64, length: u64) -> Result<Cow<'_, [u8]>, Error> {
        Ok(memory::read(self.memory()?, offset, length)?)
    }

    /// Writes into its memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        Ok(memory::write(self.memory()?, offset, bytes)?)
    }

    fn memory(&mut self) -> Result<GuestMemory<'_>, Error> {
        match &mut self.state {
            State::Resting(live, _) => Ok(live.memory()),
            State::Gone { because } => Err(gone(because)),
        }
    }

    /// The export of an instance that can be called.
    fn find(&self, name: &str) -> Result<&Export, Error> {
        if let State::Gone { because } = &self.state {
            return Err(gone(because));
        }
        let export = self.prepared.program().export(name);
        export.ok_or_else(|| Error::export(name, ExportFault::Unknown))
    }

    async fn run(&mut self, request: CallRequest<'_>, args: Vec<Value>) -> Result<Returned, Error> {
        // Where this is dropped, that stays.
        let dropped = State::Gone {
            because: "a call on it was dropped".to_owned(),
        };
        let (live, host) = match mem::replace(&mut self.state, dropped) {
            State::Resting(live, host) => (live, host),
            State::Gone { because } => {
                let error = gone(&because);
                self.state = State::Gone { because };
                return Err(error);
            }
        };
        let clock = self.inner.clock(request.time);
        let workers = &self.inner.workers;
        let mut call = Call::new(workers, clock, Admission::New(request.when_full));
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
            Ok(ended) => {
                let Ended {
                    live,
                    host,
                    values,
                    gas_used,
                    ..
                } = *ended;
                self.state = match live {
                    Some(live) => State::Resting(live, host),
                    None => State::Gone {
                        because: "a host function ended its last run".to_owned(),
                    },
                };
                Ok(Returned {
                    values: values.iter().map(integer).collect(),
                    gas_used,
                })
            }
            Err(Refused { error, enter }) => {
                self.state = match enter {
                    Some(enter) => State::Resting(enter.live, enter.host),
                    None => State::Gone {
                        because: error.to_string(),
                    },
                };
                Err(error)
            }
        }
    }
}

/// The arguments of a function as it takes them.
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

impl fmt::Debug for Instance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Instance")
            .field("id", &self.id)
            .field("is_alive", &self.is_alive())
            .finish_non_exhaustive()
    }
}
