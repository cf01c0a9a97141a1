//! Instances: the memory through which a native method and its host exchange bytes.

use std::{mem, sync::Arc};

use fusee::backend::{
    EngineError, Entry, GuestMemory, Host, Instance, MAX_REGISTER_ARGS, Mode, Pause, Program, Run,
    Step, Stop, SyscallRequest, Value,
};

use super::{
    engine::{Methods, NAME},
    thread::{Method, Passed, Question, Region},
};

/// The first address of regions. A host may take address 0 for none.
const FIRST: usize = 16;

/// A contract at rest, or a method of it that waits.
#[derive(Debug)]
pub(super) struct NativeInstance {
    program: Arc<Program>,
    methods: Methods,
    mode: Mode,
    /// The regions of the current syscall, one behind the other.
    memory: Vec<u8>,
    /// The addresses and lengths of those that the host writes.
    written: Vec<(usize, usize)>,
    method: Option<Method>,
}

impl NativeInstance {
    pub(super) fn new(program: &Arc<Program>, methods: Methods, mode: Mode) -> Self {
        Self {
            program: Arc::clone(program),
            methods,
            mode,
            memory: Vec::new(),
            written: Vec::new(),
            method: None,
        }
    }

    /// Answers what the method asks for, until it ends or waits.
    fn go(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        method: Method,
    ) -> Result<Step, EngineError> {
        loop {
            match method.question() {
                Some(Question::Syscall(number, regions)) => {
                    let request = SyscallRequest {
                        number,
                        args: self.place(&regions),
                    };
                    let memory = GuestMemory::slice(&mut self.memory);
                    let counter = run.meter.counter();
                    match run.syscall(host, counter, &request, memory) {
                        Ok(result) => method.reply((result, self.take())),
                        Err(Stop::Suspend) => {
                            self.method = Some(method);
                            return Ok(Step::Suspended(Pause::Syscall));
                        }
                        Err(stop) => return Ok(Step::Stopped(stop)),
                    }
                }
                Some(Question::Returned) => return Ok(Step::Returned),
                None => return Err(failed("the thread of the method has ended")),
            }
        }
    }

    /// Puts the regions of a syscall into memory, and returns its arguments.
    fn place(&mut self, regions: &[Region]) -> [u64; MAX_REGISTER_ARGS] {
        self.memory.clear();
        self.memory.resize(FIRST, 0);
        self.written.clear();
        let mut args = Vec::new();
        for region in regions {
            let address = self.memory.len();
            let (length, passed) = match region {
                Region::Read(bytes, passed) => {
                    self.memory.extend_from_slice(bytes);
                    (bytes.len(), *passed)
                }
                Region::Write(length, passed) => {
                    self.memory.resize(address.saturating_add(*length), 0);
                    self.written.push((address, *length));
                    (*length, *passed)
                }
                Region::Number(number) => {
                    args.push(*number);
                    continue;
                }
            };
            let [address, length] =
                [address, length].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
            match passed {
                Passed::Address => args.push(address),
                Passed::AddressAndLength => args.extend([address, length]),
                Passed::Range if length == 0 => args.push(0),
                Passed::Range => args.push(length << 32 | address),
            }
        }
        let mut all = [0; MAX_REGISTER_ARGS];
        for (to, from) in all.iter_mut().zip(args) {
            *to = from;
        }
        all
    }

    /// What the host wrote, region by region.
    fn take(&self) -> Vec<Vec<u8>> {
        let written = self.written.iter();
        let region = |(address, length): &(usize, usize)| {
            let end = address.saturating_add(*length);
            self.memory.get(*address..end).unwrap_or_default().to_vec()
        };
        written.map(region).collect()
    }
}

impl Instance for NativeInstance {
    fn call(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        entry: Entry,
        _: &[Value],
    ) -> Result<Step, EngineError> {
        let Entry::Export(position) = entry else {
            return Err(failed("what stands for a contract has no start function"));
        };
        let export = self.program.exports.get(position);
        let name = export.map(|export| export.name.clone()).unwrap_or_default();
        let method = self.methods.iter().find(|(known, _)| *known == name);
        let (_, function) = method.ok_or_else(|| failed("the contract has no such method"))?;
        let method = Method::begin(&name, *function).map_err(|error| EngineError::Engine {
            engine: NAME,
            source: error.into(),
        })?;
        run.values.clear();
        run.meter.hand_out();
        self.go(run, host, method)
    }

    fn resume(
        &mut self,
        run: &mut Run,
        host: &mut (dyn Host + 'static),
        reply: u64,
    ) -> Result<Step, EngineError> {
        let Some(method) = mem::take(&mut self.method) else {
            return Err(failed("the instance is not suspended"));
        };
        run.meter.hand_out();
        method.reply((reply, self.take()));
        self.go(run, host, method)
    }

    fn memory(&mut self) -> GuestMemory<'_> {
        GuestMemory::slice(&mut self.memory)
    }

    fn grow_memory(&mut self, _: u32) -> Result<Option<u32>, EngineError> {
        Ok(None)
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

fn failed(reason: &'static str) -> EngineError {
    EngineError::Engine {
        engine: NAME,
        source: reason.into(),
    }
}
