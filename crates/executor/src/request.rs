//! What to run, and how.

use fusee_engine::{Gas, Interrupt, OutOfGasPolicy, Profiler, Value};

/// One run: the entry, what it may spend, and what may happen on the way.
#[derive(Clone, Debug)]
pub struct RunRequest<'a> {
    /// The exported function to enter.
    pub entry: &'a str,
    /// Its arguments.
    pub args: &'a [Value],
    /// The gas that it may use, making the instance included.
    pub gas: Gas,
    /// Whether it may be parked.
    pub suspension: Suspension,
    /// What happens where its gas ends.
    pub out_of_gas_policy: OutOfGasPolicy,
    /// By which it can be stopped from outside, if it can.
    pub interrupt: Option<Interrupt>,
    /// What it may run on.
    pub tier: Tier,
    /// Who notes where the gas goes, if anybody does. Functions are told apart if the program was prepared by rules
    /// that are `profiled`.
    pub profiler: Option<Profiler>,
}

/// Whether a run may be parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// Only if the program imports a syscall that may suspend, or the request asks to be parked where
    /// its gas ends. A run that cannot be parked does not pay for it.
    AsNeeded,
    /// In any case.
    Always,
}

/// What a run may run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Whatever is best: compiled, if it is compiled.
    Best,
    /// The interpreter, if the executor has one: it has no limits of its own, so that its answer is the answer.
    Interpreter,
}

impl<'a> RunRequest<'a> {
    /// A run that is parked as needed and stops where its gas ends, and that nobody interrupts or profiles.
    #[must_use]
    pub fn new(entry: &'a str, args: &'a [Value], gas: Gas) -> Self {
        Self {
            entry,
            args,
            gas,
            suspension: Suspension::AsNeeded,
            out_of_gas_policy: OutOfGasPolicy::Stop,
            interrupt: None,
            tier: Tier::Best,
            profiler: None,
        }
    }
}
