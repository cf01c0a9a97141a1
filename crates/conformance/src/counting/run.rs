//! Instances, and the runs that enter them.

use std::{collections::VecDeque, fmt, sync::Arc};

use fusee_engine::{Gas, Host, OutOfGasPolicy, SyscallRequest, Value};

use super::{
    Result,
    machine::{Break, Machine},
    program::{Program, State},
};
use crate::{Ending, Verdict};

/// The export that runs before the first entry.
const INITIALIZE: &str = "_initialize";

/// The parameters of a run.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The exported function.
    pub name: &'a str,
    /// Its arguments as slots: 64 bits each, zero-extended.
    pub args: &'a [u64],
    /// The gas limit. The price of a new instance counts towards it.
    pub gas: Gas,
    /// What happens when the gas is used up.
    pub out_of_gas_policy: OutOfGasPolicy,
}

/// An instance that is not running.
#[derive(Debug)]
pub struct Instance {
    program: Arc<Program>,
    state: State,
    /// Whether its price was charged and its initializers have run.
    is_initialized: bool,
}

/// How a run ended or paused.
#[derive(Debug)]
pub enum Outcome<H> {
    /// The run has ended.
    Ended(Ended<H>),
    /// The run is suspended at a syscall.
    Syscall(SyscallRequest, Parked<H>),
    /// The run is suspended because its gas is used up.
    GasEnd(Parked<H>),
}

/// The result of a run.
pub struct Ended<H> {
    /// The ending and the gas used, for comparison with a lane.
    pub verdict: Verdict,
    /// The results of the entry as slots.
    pub values: Vec<u64>,
    /// The host of the run.
    pub host: H,
    /// The instance, if the entry has returned.
    pub instance: Option<Instance>,
}

/// A suspended run.
#[derive(Debug)]
pub struct Parked<H> {
    machine: Box<Machine>,
    host: H,
}

impl Instance {
    /// Creates an instance. Its first run is charged for it.
    #[must_use]
    pub fn new(program: &Arc<Program>) -> Self {
        Self {
            program: Arc::clone(program),
            state: program.initial.clone(),
            is_initialized: false,
        }
    }

    /// The whole memory.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        &self.state.memory
    }

    /// Enters the instance.
    ///
    /// # Errors
    ///
    /// Describes why the program cannot be interpreted.
    pub fn run<H: Host>(self, entry: Entry<'_>, host: H) -> Result<Outcome<H>> {
        let program = &self.program;
        let function = program.entry(entry.name).ok_or("no such entry")?;
        let mut entries = VecDeque::from([(function, entry.args.to_vec())]);
        let mut price = Gas::ZERO;
        if !self.is_initialized {
            price = Gas::new(program.instance);
            if entry.name != INITIALIZE
                && let Some(initialize) = program.entry(INITIALIZE)
                && program.types.signature(initialize)?.0.is_empty()
            {
                entries.push_front((initialize, Vec::new()));
            }
            if let Some(start) = program.start {
                entries.push_front((start, Vec::new()));
            }
        }
        let mut machine = Machine::new(self.program, self.state, entry.out_of_gas_policy);
        machine.add_gas(entry.gas);
        machine.charge(price.units());
        machine.enter(entries);
        let machine = Box::new(machine);
        Parked { machine, host }.drive()
    }
}

impl<H> Outcome<H> {
    /// The ending and the gas used, for comparison with a lane.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Outcome::Ended(ended) => ended.verdict.clone(),
            Outcome::Syscall(..) | Outcome::GasEnd(_) => Verdict {
                ending: Ending::Parked,
                gas_used: 0,
            },
        }
    }
}

impl<H: Host> Parked<H> {
    /// The host.
    pub const fn host(&mut self) -> &mut H {
        &mut self.host
    }

    /// The whole memory.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        self.machine.memory()
    }

    /// Resumes with the reply to the syscall.
    ///
    /// # Errors
    ///
    /// Describes why the program cannot be interpreted.
    pub fn resume(mut self, reply: u64) -> Result<Outcome<H>> {
        self.machine.reply(reply)?;
        self.drive()
    }

    /// Resumes with more gas.
    ///
    /// # Errors
    ///
    /// Describes why the program cannot be interpreted.
    pub fn resume_with(mut self, more: Gas) -> Result<Outcome<H>> {
        self.machine.add_gas(more);
        self.drive()
    }

    fn drive(mut self) -> Result<Outcome<H>> {
        let stopped = match self.machine.advance(&mut self.host) {
            Ok(()) => return self.returned(),
            Err(stopped) => stopped,
        };
        let (ending, gas_used) = match stopped {
            Break::GasEnd => return Ok(Outcome::GasEnd(self)),
            Break::Syscall(request) => return Ok(Outcome::Syscall(request, self)),
            Break::Fail(what) => return Err(what),
            Break::OutOfGas => (Ending::OutOfGas, self.machine.limit()),
            Break::Finish => (Ending::Finished(Vec::new()), self.machine.used()),
            Break::ExactTrap(trap) => (Ending::Trapped(trap), self.machine.used()),
            Break::Trap(trap) => (Ending::Trapped(trap), self.machine.limit()),
        };
        Ok(Outcome::Ended(Ended {
            verdict: Verdict { ending, gas_used },
            values: Vec::new(),
            host: self.host,
            instance: None,
        }))
    }

    /// The last entry has returned.
    fn returned(self) -> Result<Outcome<H>> {
        let verdict = Verdict {
            ending: Ending::Finished(self.machine.results()?),
            gas_used: self.machine.used(),
        };
        let parts = self.machine.into_parts();
        Ok(Outcome::Ended(Ended {
            verdict,
            values: parts.stack,
            host: self.host,
            instance: Some(Instance {
                program: parts.program,
                state: parts.state,
                is_initialized: true,
            }),
        }))
    }
}

/// Converts values to slots.
#[must_use]
pub fn slots(values: &[Value]) -> Vec<u64> {
    let slot = |value: &Value| match value {
        Value::I32(value) => u64::from(value.cast_unsigned()),
        Value::I64(value) => value.cast_unsigned(),
        Value::F32(bits) => u64::from(*bits),
        Value::F64(bits) => *bits,
    };
    values.iter().map(slot).collect()
}

impl<H> fmt::Debug for Ended<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ended")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
