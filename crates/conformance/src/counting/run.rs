//! Instances, and the runs that enter them.

use std::{any::Any, collections::VecDeque, fmt, sync::Arc};

use fusee_engine::{AtGasEnd, Gas, Host, SyscallRequest, Value};

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
    pub at_gas_end: AtGasEnd,
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
pub enum Outcome {
    /// The run has ended.
    Ended(Ended),
    /// The run is suspended at a syscall.
    Syscall(SyscallRequest, Parked),
    /// The run is suspended because its gas is used up.
    GasEnd(Parked),
}

/// The result of a run.
pub struct Ended {
    /// The ending and the gas used, for comparison with a lane.
    pub verdict: Verdict,
    /// The results of the entry as slots.
    pub values: Vec<u64>,
    /// The host of the run.
    pub host: Box<dyn Host>,
    /// The instance, if the entry has returned.
    pub instance: Option<Instance>,
}

/// A suspended run.
#[derive(Debug)]
pub struct Parked(Box<Machine>);

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
    pub fn run(self, entry: Entry<'_>, host: Box<dyn Host>) -> Result<Outcome> {
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
        let mut machine = Machine::new(self.program, self.state, host, entry.at_gas_end);
        machine.add_gas(entry.gas);
        machine.charge(price.units());
        machine.enter(entries);
        Parked(Box::new(machine)).drive()
    }
}

impl Outcome {
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

impl Parked {
    /// The host, if it is a `T`.
    pub fn host<T: Host>(&mut self) -> Option<&mut T> {
        let host: &mut dyn Any = self.0.host();
        host.downcast_mut()
    }

    /// The whole memory.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        self.0.memory()
    }

    /// Resumes with the reply to the syscall.
    ///
    /// # Errors
    ///
    /// Describes why the program cannot be interpreted.
    pub fn resume(mut self, reply: u64) -> Result<Outcome> {
        self.0.reply(reply)?;
        self.drive()
    }

    /// Resumes with more gas.
    ///
    /// # Errors
    ///
    /// Describes why the program cannot be interpreted.
    pub fn resume_with(mut self, more: Gas) -> Result<Outcome> {
        self.0.add_gas(more);
        self.drive()
    }

    fn drive(mut self) -> Result<Outcome> {
        let stopped = match self.0.advance() {
            Ok(()) => return self.returned(),
            Err(stopped) => stopped,
        };
        let (ending, gas_used) = match stopped {
            Break::GasEnd => return Ok(Outcome::GasEnd(self)),
            Break::Syscall(request) => return Ok(Outcome::Syscall(request, self)),
            Break::Fail(what) => return Err(what),
            Break::OutOfGas => (Ending::OutOfGas, self.0.limit()),
            Break::Finish => (Ending::Finished(Vec::new()), self.0.used()),
            Break::ExactTrap(trap) => (Ending::Trapped(trap), self.0.used()),
            Break::Trap(trap) => (Ending::Trapped(trap), self.0.limit()),
        };
        Ok(Outcome::Ended(Ended {
            verdict: Verdict { ending, gas_used },
            values: Vec::new(),
            host: self.0.into_parts().host,
            instance: None,
        }))
    }

    /// The last entry has returned.
    fn returned(self) -> Result<Outcome> {
        let verdict = Verdict {
            ending: Ending::Finished(self.0.results()?),
            gas_used: self.0.used(),
        };
        let parts = self.0.into_parts();
        Ok(Outcome::Ended(Ended {
            verdict,
            values: parts.stack,
            host: parts.host,
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

impl fmt::Debug for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ended")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
